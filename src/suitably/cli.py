"""The command line: `suitably demo`, `suitably policy check`."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from suitably.errors import SuitablyError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0, or 1 where something was wrong that a message explains.
    """
    asked = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal without Chinese shows what it can
        sys.stdout.reconfigure(errors="replace")
    try:
        if asked.command == "demo":
            _demo(asked.far_trans, asked.report)
            return 0
        return _check(asked.files)
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SuitablyError as error:
        print(f"suitably: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
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
    policy = commands.add_parser("policy", help="look at policies")
    check = policy.add_subparsers(dest="action", required=True).add_parser(
        "check", help="print policies as tables, with what is wrong with them"
    )
    check.add_argument(
        "files", nargs="+", metavar="FILE", help="a policy in TOML, or a built-in one by its name"
    )
    return parser


def _demo(far_trans: Path | None, report: Path) -> None:
    from suitably.demo.scenarios import real_bank, simulated_bank
    from suitably.demo.story import tell

    scenario = simulated_bank if far_trans is None else partial(real_bank, far_trans)
    tell(scenario, report, partial(print, flush=True))


def _check(files: Sequence[str]) -> int:
    from suitably.suitability.lint.lint import check_policy, check_versions
    from suitably.suitability.lint.render import list_findings, list_policy
    from suitably.suitability.policy import Policy

    width = shutil.get_terminal_size((100, 24)).columns
    policies, failed = [], False
    for file in files:
        try:
            policy = Policy.load(file)
        except (SuitablyError, OSError) as error:
            named = str(error) if file in str(error) else f"{file}: {error}"
            print(f"suitably: {named}", file=sys.stderr)
            failed = True
            continue
        policies.append(policy)
        findings = check_policy(policy)
        failed |= any(finding.severity == "error" for finding in findings)
        print(f"{list_policy(policy, width)}\n\n{list_findings(findings, width)}\n", flush=True)
    between = check_versions(policies)
    if between:
        failed |= any(finding.severity == "error" for finding in between)
        print(f"side by side\n\n{list_findings(between, width)}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
