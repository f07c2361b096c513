"""The command line for folders of versions: `suitably models list`, `promote`, `off` and so on."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from suitably.errors import SuitablyError
from suitably.utils.arguments import add_trust, positive_int

__all__ = ["add_models_commands", "run_models_command"]

_KINDS = ("user", "product", "policy", "everything")


def add_models_commands(actions: Any) -> None:
    """Add the parsers of the commands."""
    _parser(actions, "list", "show the versions, which of them is the current one, and what is off")
    _parser(actions, "history", "show how versions became the current one")
    promote = _parser(
        actions,
        "promote",
        "try a version on a few customers, and make it the current one",
        "Loads the version beside the current one and asks both for the lists of a few customers, "
        "which are recorded nowhere. Where a listed product breaks a rule, or too many get "
        "nothing, it is refused, the current one goes on, and the exit status is 1.",
    )
    promote.add_argument("version", metavar="VERSION", help="a folder in MODELS")
    _add_name(promote)
    promote.add_argument(
        "--users",
        type=positive_int,
        metavar="N",
        default=200,
        help="customers tried (default: 200)",
    )
    promote.add_argument(
        "--k", type=positive_int, metavar="N", default=10, help="products asked for (default: 10)"
    )
    promote.add_argument(
        "--max-abstention",
        type=_share,
        metavar="SHARE",
        default=0.5,
        help="of the customers tried, how many may get no product (default: 0.5)",
    )
    promote.add_argument(
        "--max-new-abstention",
        type=_share,
        metavar="SHARE",
        default=0.1,
        help="of all places in their lists, how many more may be empty than under the current "
        "version (default: 0.1)",
    )
    promote.add_argument(
        "--consent", type=Path, metavar="FILE", help="a .csv or .parquet file, as for recommend"
    )
    _add_checks(promote)
    rollback = _parser(
        actions, "rollback", "go back to the version promoted before the current one"
    )
    _add_name(rollback)
    _add_checks(rollback)
    for action, told in (
        ("off", "stop offering to a customer, or a product, what a policy governs, or everything"),
        ("on", "offer it again"),
    ):
        switch = _parser(
            actions,
            action,
            told,
            "Takes effect on the next call of every process that serves MODELS.",
        )
        switch.add_argument("kind", choices=_KINDS, help="what kind of thing")
        switch.add_argument("id", nargs="?", metavar="ID", help="which; none for everything")
        switch.add_argument("--reason", metavar="TEXT", required=True, help="why")
        _add_name(switch)
        switch.add_argument(
            "--audit", metavar="FILE", help="record it in a trail: a file, or a database's address"
        )
        switch.add_argument(
            "--key",
            type=Path,
            metavar="FILE",
            help="keys of the trail, one a line in hexadecimal digits (default: beside it)",
        )


def run_models_command(asked: argparse.Namespace) -> int:
    """Run one of them; return the exit status."""
    if asked.action == "list":
        return _list(asked.models)
    if asked.action == "history":
        return _history(asked.models)
    if asked.action == "promote":
        return _promote(asked)
    if asked.action == "rollback":
        name = _folder(asked).rollback(by=_who(asked))
        print(f"{name} is the current version")
        return 0
    return _switch(asked)


def _parser(actions: Any, name: str, told: str, more: str | None = None) -> Any:
    parser = actions.add_parser(name, help=told, description=more)
    parser.add_argument("models", type=Path, metavar="MODELS", help="a folder of versions")
    return parser


def _add_name(parser: Any) -> None:
    parser.add_argument(
        "--by", metavar="NAME", help="who asks for it, on record (default: the user's account)"
    )


def _add_checks(parser: Any) -> None:
    parser.add_argument(
        "--verify",
        choices=("full", "manifest"),
        default="full",
        help="the digests checked before a version is used (default: full)",
    )
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="the Ed25519 public key, as PEM, by whose owner versions must be signed",
    )
    add_trust(parser)


def _list(models: Path) -> int:
    from suitably.serving import ModelFolder, Switches

    folder = ModelFolder(models)
    versions = folder.versions()
    width = max((len(one.name) for one in versions), default=0)
    for one in versions:
        mark, told = "*" if one.current else " ", one.problem or str(one.digest)[:16]
        print(f"{mark} {one.name:<{width}}  {one.saved_at:%Y-%m-%d %H:%M:%S} UTC  {told}")
    if not versions:
        print(f"{models}: no version is there")
    elif (current := folder.current) is None:
        print("no version is the current one")
    elif current not in [one.name for one in versions]:
        print(f"* {current}: has vanished")
    switches = Switches(models)
    users = 0
    for entry in switches.entries():
        if entry.kind == "user":  # whoever reads this over a shoulder need not know who
            users += 1
        else:
            which = "" if entry.id is None else f" {entry.id}"
            print(f"off: {entry.kind}{which} ({entry.reason}; {entry.by}, {entry.at:%Y-%m-%d})")
    if users:
        print(f"off: {users:,} user{'s' * (users != 1)}")
    if switches.problem:
        print(f"off: everything, since {switches.problem}")
    return 0


def _history(models: Path) -> int:
    from suitably.serving import ModelFolder

    for one in ModelFolder(models).history():
        before = f" after {one.previous}" if one.previous else ""
        by = f" by {one.by}" if one.by else ""
        print(f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {one.action:<8}  {one.version}{before}{by}")
    return 0


def _promote(asked: argparse.Namespace) -> int:
    from suitably.governance import Consent
    from suitably.serving import Canary
    from suitably.utils.data_file import read_data_file

    register = None if asked.consent is None else Consent(read_data_file(asked.consent))
    canary = Canary(asked.users, asked.k, asked.max_abstention, asked.max_new_abstention)
    report = _folder(asked).promote(asked.version, canary, by=_who(asked), consent=register)
    print(f"{asked.version} is the current version: {report}")
    return 0


def _switch(asked: argparse.Namespace) -> int:
    from suitably.serving import Switches

    if not asked.models.is_dir():
        raise SuitablyError(f"{asked.models}: no such folder")
    switches = Switches(asked.models)
    change = switches.off if asked.action == "off" else switches.on
    which = _id(asked.models, asked.kind, asked.id)
    audit = None if asked.audit is None else _trail(asked.audit, asked.key)
    change(asked.kind, which, reason=asked.reason, by=_who(asked), audit=audit)
    record = "recorded nowhere, since no --audit is given" if audit is None else "on record"
    print(f"{asked.kind}: {asked.action} from the next call on, {record}")
    return 0


def _folder(asked: argparse.Namespace) -> Any:
    from suitably.persistence.named import named_parts
    from suitably.serving import ModelFolder

    return ModelFolder(asked.models, named_parts(asked.trust), asked.verify, asked.public_key)


def _id(models: Path, kind: str, text: str | None) -> str | int | None:
    """Return an id in the type that the current version has it in: a pseudonym tells them apart."""
    from suitably.persistence.description import describe_model
    from suitably.serving import ModelFolder

    if text is None or kind not in ("user", "product"):
        return text
    try:
        current = ModelFolder(models).current
        kind_of = "string" if current is None else describe_model(models / current).id_types[kind]
    except SuitablyError:  # nothing is to keep an off-switch from working
        return text
    is_number = kind_of != "string" and re.fullmatch("-?[0-9]{1,38}", text)
    return int(text) if is_number else text


def _trail(trail: str, keys: Path | None) -> Any:
    from suitably.governance import AuditTrail

    if "://" not in trail and not Path(trail).is_file():
        raise FileNotFoundError(f"{trail}: no such file")
    if keys is None:
        return AuditTrail(trail)
    try:
        return AuditTrail(trail, [bytes.fromhex(line) for line in keys.read_text("ascii").split()])
    except ValueError as error:
        raise SuitablyError(f"{keys}: holds no keys of an audit trail: {error}") from None


def _who(asked: argparse.Namespace) -> str:
    """Return who asks: as said, or the account that the process runs under."""
    import getpass

    if asked.by is not None:
        return str(asked.by)
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return f"account {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: must be from 0 to 1")
    return share
