"""Runs of case tables: what was expected of a policy, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from suitably.data.frames import write_frame
from suitably.data.objects import from_objects
from suitably.errors import DataError, SuitablyError
from suitably.suitability.language.functions import is_dated
from suitably.suitability.language.nodes import column_name
from suitably.suitability.language.types import Scale
from suitably.suitability.lint.sentences import sentences
from suitably.suitability.policy import Policy, Rule
from suitably.suitability.verdicts import RuleVerdict
from suitably.suitability.workbench.cases import Case, CaseTable
from suitably.utils.record import Record

__all__ = ["CaseCheck", "CaseRun", "run_cases"]

_UNDATED = "2000-01-01"
_BARRED = ("fail", "flag")


@dataclass(frozen=True)
class CaseCheck(Record):
    """What one rule was expected to say of one case, and what it says.

    Attributes:
        case: The case's name.
        line: Its line in the table.
        rule: The rule; `eligible` for the policy as a whole.
        expected: A verdict, or `flag`, or `omitted` where the rule does not apply.
        found: Likewise.
        text: The rule's sentence, in English.
    """

    case: str
    line: int
    rule: str
    expected: str
    found: str
    text: str = ""

    @property
    def holds(self) -> bool:
        """Whether the rule says what was expected."""
        return self.expected == self.found


@dataclass(frozen=True)
class CaseRun(Record):
    """A policy tried on a table of cases.

    Attributes:
        policy: The policy's id.
        version: Its version.
        fingerprint: Its sha256.
        table: The table's name.
        digest: Its sha256.
        cases: How many cases there are.
        checks: Every verdict that was asked about.
        one_sided: Rules without a case that passes, or without one that does not, and which.
    """

    policy: str
    version: str
    fingerprint: str
    table: str
    digest: str
    cases: int
    checks: tuple[CaseCheck, ...]
    one_sided: Mapping[str, str]

    @cached_property
    def failures(self) -> tuple[CaseCheck, ...]:
        """What is not as expected."""
        return tuple(check for check in self.checks if not check.holds)

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.failures

    def to_frame(self, kind: str = "pandas") -> Any:
        """Return a row per check: case, line, rule, expected, found, text."""
        rows = [
            {name: getattr(check, name) for name in CaseCheck.__dataclass_fields__}
            for check in self.checks
        ]
        types = {"line": pa.int64()}
        schema = pa.schema(
            [(name, types.get(name, pa.string())) for name in CaseCheck.__dataclass_fields__]
        )
        return write_frame(pa.Table.from_pylist(rows, schema), kind)

    def __repr__(self) -> str:
        wrong = len(self.failures)
        said = "as expected" if self.passed else f"{wrong} not as expected"
        return f"CaseRun({self.policy!r}, {self.cases} cases, {len(self.checks)} checks, {said})"


def run_cases(policy: Policy, cases: CaseTable | str | Path | None = None) -> CaseRun:
    r"""Try a policy on a table of cases, each pair on its own.

    Args:
        policy: The policy.
        cases: A table, or the file of one; None: the table that ships with a built-in policy.

    Raises:
        DataError: A table that does not fit the policy, or a case that it cannot judge.
        PolicyError: A rule that does not fit the fields of the table.

    Example:
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= 18"
        ... ''')
        >>> table = CaseTable.from_csv("name,user.age,age\n17,17,fail\n18,18,fail\n", policy)
        >>> run = run_cases(policy, table)
        >>> run
        CaseRun('adults', 2 cases, 2 checks, 1 not as expected)
        >>> run.failures[0].found, dict(run.one_sided)
        ('pass', {'age': 'no case passes'})
    """
    if cases is None:
        cases = CaseTable.built_in(policy)
    elif not isinstance(cases, CaseTable):
        cases = CaseTable.load(cases, policy)
    checks = [check for case in cases.cases for check in _checked(policy, case, cases)]
    return CaseRun(
        policy=policy.id,
        version=policy.version,
        fingerprint=policy.fingerprint,
        table=cases.where,
        digest=cases.digest,
        cases=len(cases.cases),
        checks=tuple(checks),
        one_sided=_one_sided(policy, cases),
    )


def _checked(policy: Policy, case: Case, table: CaseTable) -> list[CaseCheck]:
    try:
        verdicts, eligible = _judged(policy, case)
    except SuitablyError as error:
        culprit = _culprit(policy, case)
        column = f", column {table.columns.index(culprit) + 1}" if culprit in table.columns else ""
        place = f"{table.where}: line {case.line}{column} ({case.name})"
        raise type(error)(f"{place}: {error}") from None
    found = []
    for rule, expected in case.expected.items():
        verdict = verdicts.get(rule)
        text = "" if verdict is None else verdict.text["en"]
        found.append(CaseCheck(case.name, case.line, rule, expected, _word(verdict), text))
    if case.eligible is not None:
        words = ("true" if case.eligible else "false", "true" if eligible else "false")
        found.append(CaseCheck(case.name, case.line, "eligible", *words))
    return found


def _culprit(policy: Policy, case: Case) -> str:
    """Return the column of the cell without which a case can be judged; else it is the moment's."""
    named = {"user": case.user, "product": case.product}
    for side, values in named.items():
        for name in values:
            less = {**named, side: {**values, name: None}}
            try:
                _judged(policy, replace(case, user=less["user"], product=less["product"]))
            except SuitablyError:
                continue
            return f"{side}.{name}"
    return "as_of"


def _judged(policy: Policy, case: Case) -> tuple[dict[str, RuleVerdict], bool]:
    if case.as_of is None and _asks_the_moment(policy):
        raise DataError("the policy is dated: give the moment in a column as_of")
    users = _frame(policy, "user", case.user)
    products = _frame(policy, "product", case.product)
    eligibility = policy.evaluate(users, products, case.as_of or _UNDATED)
    (user,), (product,) = eligibility.user_ids, eligibility.product_ids
    verdicts = eligibility.verdicts(user, product)
    return {v.rule: v for v in verdicts}, bool(eligibility.mask()[0, 0])


def _frame(policy: Policy, side: str, values: Mapping[str, Any]) -> pa.Table:
    """Return one row with every field that the policy reads, those without a value missing."""
    identity = f"{side}_id"
    row = dict.fromkeys(
        (column_name(field.name) for field in policy.reads if field.side == side), None
    )
    row |= values
    row.setdefault(identity, None)
    if row[identity] is None:
        row[identity] = "case"
    columns = {}
    for name, value in row.items():
        column = from_objects([value])
        declared = policy.fields.get(f"{side}.{name}")
        whole = isinstance(declared, Scale) and isinstance(declared.levels[0], int)
        columns[name] = column.cast(pa.int64()) if whole and value is not None else column
    return pa.table(columns)


def _word(verdict: RuleVerdict | None) -> str:
    if verdict is None:
        return "omitted"
    return "flag" if verdict.flag else verdict.verdict


def _asks_the_moment(policy: Policy) -> bool:
    parts: list[Policy | Rule] = [policy, *policy.rules]
    dates = any(part.effective is not None or part.expires is not None for part in parts)
    return dates or any(is_dated(node) for _, _, _, node in sentences(policy))


def _one_sided(policy: Policy, table: CaseTable) -> dict[str, str]:
    """Name the rules that no case passes, or that none fails: a boundary has two sides."""
    found = {}
    for rule in policy.rules:
        said = {case.expected.get(rule.id) for case in table.cases}
        lacking = [
            word
            for word, there in (("no case passes", "pass" in said),
                                ("no case fails", bool(said & {*_BARRED})))
            if not there
        ]  # fmt: skip
        if lacking:
            found[rule.id] = " and ".join(lacking)
    return found
