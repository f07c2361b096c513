"""The command line: `demo`, `recommend`, `models`, `serve`, `policy`, `audit` and `watch`."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from suitably.audit_cli import add_audit_commands, run_audit_command
from suitably.errors import SuitablyError
from suitably.models_cli import add_models_commands, run_models_command
from suitably.policy_cli import add_policy_commands, run_policy_command
from suitably.serve_cli import add_serve_command, run_serve_command
from suitably.utils.arguments import positive_int
from suitably.watch_cli import add_watch_command, run_watch_command

__all__ = ["main"]

_DATA_FILES = (".csv", ".parquet")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0, or 1 where something was wrong that a message explains. Arguments that cannot be used
        end the process with 2 and the usage, as `argparse` has it.
    """
    asked = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal without Chinese shows what it can
        sys.stdout.reconfigure(errors="replace")
    try:
        if asked.command == "demo":
            return _demo(asked.far_trans, asked.report)
        if asked.command == "recommend":
            return _recommend(asked)
        if asked.command == "audit":
            return run_audit_command(asked)
        if asked.command == "models":
            return run_models_command(asked)
        if asked.command == "serve":
            return run_serve_command(asked)
        if asked.command == "watch":
            return run_watch_command(asked)
        return run_policy_command(asked)
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SuitablyError, OSError) as error:
        print(f"suitably: {_told(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="suitably", description="Personalised financial products, suitable by construction."
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="show the whole idea on a simulated or a real bank")
    demo.add_argument(
        "--far-trans",
        type=Path,
        metavar="PATH",
        help="the folder of the FAR-Trans data; without it, a simulated bank",
    )
    demo.add_argument(
        "--report",
        type=Path,
        metavar="PATH",
        default=Path("suitably-report.html"),
        help="where the report goes (default: suitably-report.html)",
    )
    recommend = commands.add_parser(
        "recommend",
        help="write lists for a file of users, by a saved model",
        description="Read users from a CSV or Parquet file and write user_id, rank, product_id "
        "and score to another, in batches. Users that the model does not know get no list.",
    )
    recommend.add_argument("model", type=Path, metavar="MODEL", help="a folder of Pipeline.save")
    recommend.add_argument(
        "--users", type=_data_file, metavar="FILE", required=True, help="a .csv or .parquet file"
    )
    recommend.add_argument(
        "--out", type=_data_file, metavar="FILE", required=True, help="a .csv or .parquet file"
    )
    recommend.add_argument(
        "--user-column", metavar="NAME", default="user_id", help="of ids (default: user_id)"
    )
    recommend.add_argument(
        "--k", type=positive_int, metavar="N", default=10, help="the most products (default: 10)"
    )
    recommend.add_argument(
        "--as-of", metavar="TIME", help="ISO 8601; default: the moment the model is fitted as of"
    )
    recommend.add_argument(
        "--verify",
        choices=("full", "manifest"),
        default="full",
        help="the digests checked before the model is used (default: full)",
    )
    recommend.add_argument(
        "--consent",
        type=_data_file,
        metavar="FILE",
        help="user_id, purpose, granted_at and withdrawn_at in a .parquet file, or a .csv file "
        "where no text id looks like a number",
    )
    audit = commands.add_parser("audit", help="verify audit trails and check receipts")
    add_audit_commands(audit.add_subparsers(dest="action", required=True))
    models = commands.add_parser("models", help="promote versions, and switch what they offer off")
    add_models_commands(models.add_subparsers(dest="action", required=True))
    add_serve_command(commands)
    add_watch_command(commands)
    policy = commands.add_parser("policy", help="write, check and test policies")
    add_policy_commands(policy.add_subparsers(dest="action", required=True))
    return parser


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        import suitably

        print(f"suitably {suitably.__version__}")
        parser.exit()


def _data_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _DATA_FILES:
        raise argparse.ArgumentTypeError(f"{text}: must end in {' or '.join(_DATA_FILES)}")
    return path


def _told(error: Exception) -> str:
    """Return an error in a line: that of a file without Python's number."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def _recommend(asked: argparse.Namespace) -> int:
    from suitably.engines.files import recommend
    from suitably.governance import Consent
    from suitably.utils.data_file import read_data_file

    register = None if asked.consent is None else Consent(read_data_file(asked.consent))
    done = recommend(
        asked.model,
        asked.users,
        asked.out,
        k=asked.k,
        as_of=asked.as_of,
        user_column=asked.user_column,
        verify=asked.verify,
        consent=register,
    )
    unknown = f", {done.unknown:,} unknown to the model" if done.unknown else ""
    print(
        f"{asked.out}: {done.listed:,} products for {done.served:,} of {done.users:,} users"
        f"{unknown}"
    )
    return 0


def _demo(far_trans: Path | None, report: Path) -> int:
    from suitably.demo.scenarios import real_bank, simulated_bank
    from suitably.demo.story import tell

    scenario = simulated_bank if far_trans is None else partial(real_bank, far_trans)
    tell(scenario, report, partial(print, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
