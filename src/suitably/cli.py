"""The command line: `suitably demo`."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from suitably.errors import SuitablyError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0, or 1 where something was wrong that a message explains.
    """
    parser = argparse.ArgumentParser(
        prog="suitably", description="Personalised financial products, suitable by construction."
    )
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
    asked = parser.parse_args(arguments)
    try:
        _demo(asked.far_trans, asked.report)
    except SuitablyError as error:
        print(f"suitably: {error}", file=sys.stderr)
        return 1
    return 0


def _demo(far_trans: Path | None, report: Path) -> None:
    from suitably.demo.scenarios import real_bank, simulated_bank
    from suitably.demo.story import tell

    scenario = simulated_bank if far_trans is None else partial(real_bank, far_trans)
    tell(scenario, report, partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
