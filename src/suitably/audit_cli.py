"""The command line for audit trails: `suitably audit verify` and `check-receipt`."""

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
    receipt = actions.add_parser(
        "check-receipt", help="check a customer's receipt against a head, without the trail"
    )
    receipt.add_argument("receipt", type=Path, metavar="FILE", help="JSON, as a trail gave it")
    receipt.add_argument("--anchor", metavar="HEAD", required=True, help="the root of the head")


def run_audit_command(asked: argparse.Namespace) -> int:
    """Run one of them; return the exit status."""
    if asked.action == "verify":
        return _verify(asked.trail, asked.anchor)
    return _check_receipt(asked.receipt, asked.anchor)


def _verify(trail: str, anchor: str | None) -> int:
    from suitably.governance.audit_trail import open_store
    from suitably.governance.head_file import head_path, read_head
    from suitably.governance.verification import verify_records

    beside = None
    if "://" not in trail:
        if not Path(trail).is_file():
            raise FileNotFoundError(f"{trail}: no such file")
        beside = read_head(head_path(Path(trail)))
    found = verify_records(open_store(trail, read_only=True), beside, anchor)
    print(found)
    return 0 if found.ok else 1


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
