"""The command line for policies: `suitably policy new`, `check` and `test`."""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from suitably.errors import SuitablyError

__all__ = ["add_policy_commands", "run_policy_command"]


def add_policy_commands(actions: Any) -> None:
    """Add the parsers of the commands."""
    new = actions.add_parser(
        "new",
        help="write a commented policy and its table of cases to begin with",
        description="Asks for the regime and the types of product, where they are not given.",
    )
    new.add_argument("--regime", metavar="NAME", help="cn, eu, uk, us, in, hk or generic")
    new.add_argument("--products", metavar="TYPES", help="such as funds,private")
    new.add_argument("--id", metavar="NAME", help="of the policy (default: my-policy)")
    new.add_argument(
        "--output", type=Path, metavar="FILE", help="a .toml file (default: the id in this folder)"
    )
    check = actions.add_parser(
        "check", help="print policies as tables, with what is wrong with them"
    )
    check.add_argument(
        "files", nargs="+", metavar="FILE", help="a policy in TOML, or a built-in one by its name"
    )
    check.add_argument(
        "--languages",
        type=_languages,
        metavar="CODES",
        default=(),
        help="languages that every text must have, such as en,zh",
    )
    check.add_argument(
        "--findings-in",
        metavar="CODE",
        default="en",
        help="language of what is wrong (default: en)",
    )
    test = actions.add_parser(
        "test",
        help="try a policy on a table of cases",
        description="Prints what is not as expected, the digests of both files, and boundaries "
        "with cases on one side only. Ends with 1 where a verdict is another one.",
    )
    test.add_argument("file", metavar="FILE", help="a policy in TOML, or a built-in one")
    test.add_argument(
        "cases", nargs="?", metavar="CASES", help="a .csv file (default: the built-in policy's own)"
    )
    test.add_argument(
        "--sheet", type=Path, metavar="PATH", help="write a sheet to be signed, in Markdown"
    )


def run_policy_command(asked: argparse.Namespace) -> int:
    """Run a command: 0, or 1 where something is not as it should be.

    Raises:
        SuitablyError: A file that cannot be used.
    """
    if asked.action == "new":
        return _new(asked, input)
    if asked.action == "test":
        return _test(asked.file, asked.cases, asked.sheet)
    return _check(asked.files, asked.languages, asked.findings_in)


def _new(asked: argparse.Namespace, ask: Callable[[str], str]) -> int:
    from suitably.suitability.workbench import PRODUCT_TYPES, REGIMES, draft_policy

    try:
        regime = asked.regime or ask(f"Regime ({', '.join(REGIMES)}): ").strip()
        products = asked.products or ask(f"Products, some of {', '.join(PRODUCT_TYPES)}: ")
        name = asked.id or ("my-policy" if asked.regime and asked.products else None)
        name = name or ask("Name of the policy [my-policy]: ").strip() or "my-policy"
    except EOFError:
        print("suitably: policy new: give --regime and --products", file=sys.stderr)
        return 1
    draft = draft_policy(regime, [one.strip() for one in products.split(",") if one.strip()], name)
    path: Path = asked.output or Path(f"{name}.toml")
    cases = path.with_suffix(".csv")
    for file in (path, cases):
        if file.exists():
            print(f"suitably: {file}: is there already; nothing was written", file=sys.stderr)
            return 1
    path.write_text(draft.toml, encoding="utf-8")
    cases.write_text(draft.cases, encoding="utf-8")
    print(f"{path}: a draft to read and change; {cases}: its cases")
    print(f"next: suitably policy check {path}; suitably policy test {path} {cases}")
    return 0


def _test(file: str, cases: str | None, sheet: Path | None) -> int:
    from suitably.suitability.policy import Policy
    from suitably.suitability.workbench import run_cases
    from suitably.suitability.workbench.sheet import list_run, signing_sheet

    run = run_cases(Policy.load(file), cases)
    print(list_run(run, shutil.get_terminal_size((100, 24)).columns))
    if sheet is not None:
        sheet.write_text(signing_sheet(run), encoding="utf-8")
        print(f"{sheet}: to be signed")
    return int(not run.passed)


def _check(files: Sequence[str], languages: Sequence[str], language: str) -> int:
    from suitably.suitability.lint.lint import check_policy, check_versions
    from suitably.suitability.lint.render import list_findings, list_policy
    from suitably.suitability.lint.text_checks import check_languages
    from suitably.suitability.messages import LANGUAGES
    from suitably.suitability.policy import Policy

    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        print(f"suitably: policy check: --findings-in is one of {known}", file=sys.stderr)
        return 1
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
        findings = [*check_languages(policy, languages), *check_policy(policy)]
        failed |= any(finding.severity == "error" for finding in findings)
        print(
            f"{list_policy(policy, width)}\n\n{list_findings(findings, width, language)}\n",
            flush=True,
        )
    between = check_versions(policies)
    if between:
        failed |= any(finding.severity == "error" for finding in between)
        print(f"side by side\n\n{list_findings(between, width, language)}\n")
    return int(failed)


def _languages(text: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in text.split(","))
    if not all(code.isascii() and code.isalpha() for code in codes):
        raise argparse.ArgumentTypeError(f"{text}: must be codes of languages, such as en,zh")
    return codes
