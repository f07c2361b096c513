"""Sheets of case runs: what a terminal shows, and what somebody signs."""

from suitably.suitability.workbench.run import CaseRun

__all__ = ["list_run", "signing_sheet"]


def list_run(run: CaseRun, width: int = 100) -> str:
    """Return a run as lines: what is not as expected, what lacks a side, and the sum of it."""
    lines = [f"{run.policy} {run.version}".strip(), f"policy  {run.fingerprint}",
             f"cases   {run.digest}  {run.table}"]  # fmt: skip
    for check in run.failures:
        lines += [
            "",
            f"line {check.line}: {check.case}",
            f"  - {check.rule}: {check.expected}",
            f"  + {check.rule}: {check.found}",
        ]
        if check.text:
            lines.append(f"    {check.text}"[:width])
    if run.one_sided:
        lines += ["", "boundaries without a case on one side:"]
        lines += [f"  {rule}: {lacking}" for rule, lacking in run.one_sided.items()]
    held = len(run.checks) - len(run.failures)
    lines += ["", f"{run.cases} cases, {held} of {len(run.checks)} verdicts as expected"]
    return "\n".join(lines)


def signing_sheet(run: CaseRun) -> str:
    """Return a run as a page of Markdown, with room for a name, a date and a signature."""
    head = [
        f"# Policy {run.policy}, version {run.version or '–'}",
        "",
        f"Fingerprint of the policy: `{run.fingerprint}`  ",
        f"Digest of the cases: `{run.digest}` ({_cell(run.table)})  ",
        f"{run.cases} cases, {len(run.checks)} verdicts, {len(run.failures)} not as expected",
        "",
        "| line | case | rule | expected | found |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {check.line} | {_cell(check.case)} | {_cell(check.rule)} | {check.expected} | "
        f"{check.found if check.holds else f'**{check.found}**'} |"
        for check in run.checks
    ]
    lacking = [f"- {rule}: {words}" for rule, words in run.one_sided.items()]
    tail = ["", "Boundaries without a case on one side:", "", *lacking] if lacking else []
    line = "_" * 20
    signed = ["", f"Name: {line}  Date: {line}  Signature: {line}"]
    return "\n".join([*head, *rows, *tail, *signed]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
