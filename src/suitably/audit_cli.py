"""The command line for audit trails: `suitably audit verify`, `replay` and `check-receipt`."""

import argparse
from pathlib import Path
from typing import Any

from suitably.errors import ArtifactError

__all__ = ["add_audit_commands", "run_audit_command"]


def add_audit_commands(actions: Any) -> None:
    """Add the parsers of the commands."""
    verify = actions.add_parser(
        "verify",
        help="look for records that were changed, added, moved or taken away",
        description="Exits with 0 where all records are whole, and with 1 where they are not. "
        "Whether records are missing at the end is told by the head beside the file, or by an "
        "anchor; without either it is not checked.",
    )
    verify.add_argument("trail", metavar="FILE", help="a file, or the address of a database")
    verify.add_argument("--anchor", metavar="HASH", help="the root of an earlier head")
    replay = actions.add_parser(
        "replay",
        help="make a decision once more, and hold it against the record bit for bit",
        description="Finds whose decision it is by the trail's keys, asks the saved model once "
        "more, and records nothing. Exits with 1 where anything is not the same.",
    )
    replay.add_argument("decision", metavar="ID", help="record:row, as a receipt has it")
    replay.add_argument(
        "--model", type=Path, metavar="PATH", required=True, help="a folder of Pipeline.save"
    )
    replay.add_argument(
        "--audit",
        metavar="FILE",
        default="decisions.sqlite",
        help="a file, or the address of a database (default: decisions.sqlite)",
    )
    replay.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="keys, one a line in hexadecimal digits (default: the file beside the trail)",
    )
    replay.add_argument(
        "--consent",
        type=Path,
        metavar="FILE",
        help="a .csv or .parquet file, as for recommend, where the customer had opted out",
    )
    receipt = actions.add_parser(
        "check-receipt", help="check a customer's receipt against a head, without the trail"
    )
    receipt.add_argument("receipt", type=Path, metavar="FILE", help="JSON, as a trail gave it")
    receipt.add_argument("--anchor", metavar="HEAD", required=True, help="the root of the head")


def run_audit_command(asked: argparse.Namespace) -> int:
    """Run one of them; return the exit status."""
    if asked.action == "verify":
        return _verify(asked.trail, asked.anchor)
    if asked.action == "replay":
        return _replay(asked)
    return _check_receipt(asked.receipt, asked.anchor)


def _verify(trail: str, anchor: str | None) -> int:
    from suitably.governance.audit_trail import open_store
    from suitably.governance.head_file import head_path, read_head
    from suitably.governance.verification import verify_records

    beside = None if _is_address(trail) else read_head(head_path(Path(trail)))
    found = verify_records(open_store(trail, read_only=True), beside, anchor)
    print(found)
    return 0 if found.ok else 1


def _replay(asked: argparse.Namespace) -> int:
    import suitably
    from suitably.governance.audit_key import KeyRing, key_path
    from suitably.governance.audit_trail import open_store
    from suitably.governance.replay import replay
    from suitably.utils.data_file import read_data_file

    if _is_address(asked.audit) and asked.key is None:
        raise ArtifactError("replay: a database has no key beside it: give --key")
    file = key_path(Path(asked.audit)) if asked.key is None else asked.key
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file, which has the keys of pseudonyms")
    pipeline = suitably.load(asked.model)
    if asked.consent is not None:
        pipeline = pipeline.with_consent(suitably.governance.Consent(read_data_file(asked.consent)))
    store = open_store(asked.audit, read_only=True)
    found = replay(store, KeyRing(None, file), asked.decision, pipeline)
    print(found)
    return 0 if found.same else 1


def _is_address(trail: str) -> bool:
    """Return whether it is a database server's; else it must be a file."""
    if "://" in trail:
        return True
    if not Path(trail).is_file():
        raise FileNotFoundError(f"{trail}: no such file")
    return False


def _check_receipt(path: Path, anchor: str) -> int:
    from suitably.governance.receipt import MOST_BYTES, check_receipt

    with path.open("rb") as file:
        text = file.read(4 * MOST_BYTES + 1)
    if len(text) > 4 * MOST_BYTES:
        raise ArtifactError(f"{path}: is too long to be a receipt")
    receipt = check_receipt(text, anchor)
    print(receipt["words"]["en"])
    print(receipt["words"]["zh"])
    return 0
