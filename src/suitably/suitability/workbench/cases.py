"""Tables of cases: what a policy is expected to say of a customer and a product."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from suitably.errors import DataError, PolicyError
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.places import line_and_column
from suitably.suitability.policy import built_in_folder
from suitably.suitability.workbench.cells import column_of, kind_of
from suitably.utils.suggest import nearest

__all__ = ["VERDICTS", "Case", "CaseTable"]

VERDICTS = ("pass", "fail", "unknown", "flag", "omitted")
_OTHER = ("name", "as_of", "eligible")


@dataclass(frozen=True)
class Case:
    """One row of a table.

    Attributes:
        name: What it is about.
        line: Its line in the file, the header being line 1.
        as_of: The moment of the decision, as text; None where nothing is dated.
        user: A value per field of the customer; None is missing.
        product: Likewise of the product.
        expected: A verdict per rule that is asked about.
        eligible: Whether the product may be offered; None: not asked.
    """

    name: str
    line: int
    as_of: str | None
    user: Mapping[str, Any]
    product: Mapping[str, Any]
    expected: Mapping[str, str]
    eligible: bool | None


@dataclass(frozen=True)
class CaseTable:
    r"""A table of cases of one policy.

    A cell is text, read as the type that the policy gives its field: numbers and dates as written,
    `true` and `false`, lists as `a;b`, maps as `k=1;j=2`; an empty cell is missing. A field that
    the policy does not declare is read as whatever all cells of its column are.

    Attributes:
        cases: In the order of the file.
        digest: The sha256 of the file.
        where: Its name, for messages.
        columns: Its header.

    Example:
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= 18"
        ... ''')
        >>> table = CaseTable.from_csv("name,user.age,age\n17 years,17,fail\n", policy)
        >>> table.cases[0].user["age"], table.cases[0].expected["age"]
        (17.0, 'fail')
    """

    cases: tuple[Case, ...]
    digest: str
    where: str
    columns: tuple[str, ...] = ()

    @staticmethod
    def load(source: str | Path, policy: PolicyDocument) -> "CaseTable":
        """Read a file.

        Raises:
            DataError: No such file, or a table that does not fit the policy.
        """
        path = Path(source)
        if not path.is_file():
            raise DataError(f"cases {str(source)[:60]!r}: no such file")
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start]).decode("utf-8")
            line, column = line_and_column(before, len(before))
            raise DataError(
                f"{path}: line {line}, character {column}: is not UTF-8: save it as that"
            ) from None
        return CaseTable.from_csv(text, policy, str(path))

    @staticmethod
    def built_in(policy: PolicyDocument) -> "CaseTable":
        """Return the table that ships with a built-in policy.

        Raises:
            DataError: There is none.
        """
        file = built_in_folder() / "cases" / f"{policy.id}.csv"
        if not file.is_file():
            raise DataError(f"no table of cases ships for policy {policy.id!r}: give one")
        text = file.read_text(encoding="utf-8")
        return CaseTable.from_csv(text, policy, f"{policy.id}.csv")

    @staticmethod
    def from_csv(text: str, policy: PolicyDocument, where: str = "cases") -> "CaseTable":
        """Read a text.

        Raises:
            DataError: A column or cell that cannot be used: line, column, and what would be right.
        """
        rows = [
            (line, [cell.strip() for cell in row])
            for line, row in _numbered(text, where)
            if any(cell.strip() for cell in row)
        ]
        if len(rows) < 2:
            problem = "has no cases: a header and a line per case are wanted"
            raise DataError(f"{where}: line {len(rows) + 1}, column 1: {problem}")
        _, header = rows[0]
        _check_header(header, policy, where)
        for line, row in rows[1:]:
            if len(row) != len(header):
                place = f"{where}: line {line}, column {min(len(row), len(header)) + 1}"
                raise DataError(f"{place}: {len(row)} cells where the header has {len(header)}")
        columns = {name: [row[place] for _, row in rows[1:]] for place, name in enumerate(header)}
        lines = [line for line, _ in rows[1:]]
        sides = _sides(policy, columns, lines, where)
        digest = hashlib.sha256(text.encode()).hexdigest()
        cases = tuple(_cases(policy, columns, lines, sides, where))
        return CaseTable(cases, digest, where, tuple(header))


def _numbered(text: str, where: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = []
    start = 1
    try:
        for row in reader:
            found.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{where}: line {start}, column 1: cannot be read to its end ({error}): close the "
            "quotes, and double those inside"
        ) from None
    return found


def _check_header(header: Sequence[str], policy: PolicyDocument, where: str) -> None:
    rules = [rule.id for rule in policy.rules]
    fields = [str(field) for field in policy.reads]
    seen: set[str] = set()
    for place, name in enumerate(header, start=1):
        here = f"{where}: line 1, column {place}"
        if name in seen:
            raise DataError(f"{here}: {name!r} is there twice")
        seen.add(name)
        if name in rules or name in fields or name in _OTHER:
            continue
        if name.startswith(("user.", "product.")):
            raise DataError(
                f"{here}: policy {policy.id!r} reads no field {name!r}{nearest(name, fields)}"
            )
        raise PolicyError(
            f"{here}: policy {policy.id!r} has no rule {name!r}{nearest(name, rules)}"
        )


def _sides(
    policy: PolicyDocument, columns: Mapping[str, list[str]], lines: Sequence[int], where: str
) -> dict[str, list[Any]]:
    """Read the columns of fields: a list of values for each, all missing where it has none."""
    read: dict[str, list[Any]] = {}
    header = list(columns)
    for field in dict.fromkeys(map(str, policy.reads)):
        cells = columns.get(field)
        if cells is None:
            continue
        kind = kind_of(policy.fields.get(field), [cell for cell in cells if cell])
        column, bad = column_of(kind, cells)
        if column is None:
            raise DataError(
                f"{where}: line {lines[bad]}, column {header.index(field) + 1}: {field} is a "
                f"{kind}, which {cells[bad]!r} is not{_HOW.get(kind, '')}"
            )
        read[field] = column.to_pylist()
        if kind == "map":
            read[field] = [None if cell is None else dict(cell) for cell in read[field]]
    return read


_HOW = {
    "date": ": write 2026-03-01",
    "boolean": ": write true or false",
    "list": ": write a;b",
    "map": ": write k=1;j=2",
}


def _cases(
    policy: PolicyDocument,
    columns: Mapping[str, list[str]],
    lines: Sequence[int],
    sides: Mapping[str, list[Any]],
    where: str,
) -> list[Case]:
    rules = [rule.id for rule in policy.rules if rule.id in columns]
    header = list(columns)
    found = []
    for row, line in enumerate(lines):
        expected = {rule: columns[rule][row] for rule in rules if columns[rule][row]}
        for rule, verdict in expected.items():
            if verdict not in VERDICTS:
                raise DataError(
                    f"{where}: line {line}, column {header.index(rule) + 1}: {verdict!r} is no "
                    f"verdict; write one of {', '.join(VERDICTS)}, or nothing"
                )
        eligible = columns.get("eligible", [""] * len(lines))[row].lower()
        if eligible not in ("", "true", "false"):
            place = header.index("eligible") + 1
            raise DataError(f"{where}: line {line}, column {place}: write true, false or nothing")
        if not expected and not eligible:
            asked = [place for place, name in enumerate(header, 1) if name in rules]
            place = asked[0] if asked else len(header) + 1
            here = f"{where}: line {line}, column {place}"
            raise DataError(f"{here}: expects nothing: give a verdict of some rule")
        named = {field: values[row] for field, values in sides.items()}
        found.append(
            Case(
                name=columns.get("name", [""] * len(lines))[row] or f"line {line}",
                line=line,
                as_of=columns.get("as_of", [""] * len(lines))[row] or None,
                user=_of("user", named),
                product=_of("product", named),
                expected=MappingProxyType(expected),
                eligible=None if not eligible else eligible == "true",
            )
        )
    return found


def _of(side: str, named: Mapping[str, Any]) -> Mapping[str, Any]:
    start = f"{side}."
    return MappingProxyType(
        {name.removeprefix(start): value for name, value in named.items() if name.startswith(start)}
    )
