"""Awkward values of every kind, and columns that hold them."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

NUMBERS: list[float] = [
    *(0, 1, 2, 3, 12, 100, -1, 2**53, 2**53 - 1, -(2**53)),
    *(0.0, -0.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 0.5, -2.5, 1e308, -1e308, 1.7976931348623157e308),
    *(5e-324, -5e-324, 2.2250738585072014e-308, 1e-308, 1 / 3),
]
TEXTS = [
    *("", " ", "a", "A", " a", "a ", "NaN", "None", "null", "C1", "true", "0", "'", '"', "\\"),
    *(
        "it's",
        'say "x"',
        "{user.n0}",
        "{}",
        "%s",
        "🙂",
        "👩‍👩‍👧",
        "é",
        "e\u0301",
        "ﬁ",
        "fi",
        "基金",
    ),
    *("a\nb", "\t", "user.n0", "ß", "SS", "\u200b", "\ufeff", "\x7f"),
]
KEYS = ["x", "X", "", "基金", "a b"]
SCALES = {
    "single": ["only"],
    "investor": ["C1", "C2", "C3", "C4", "C5"],
    "产品": ["低风险", "中低风险", "中风险", "中高风险", "高风险"],
    "seven": ["1", "2", "3", "4", "5", "6", "7"],
    "odd one": ["b", "a", "A", "NaN", "None", "very low", "🙂"],
}
MOMENTS = [
    datetime(2024, 2, 29),
    datetime(2023, 2, 28, 23, 59, 59, 999_999),
    datetime(2024, 1, 31),
    datetime(2023, 12, 31, 12, 30),
    datetime(2024, 3, 1),
    datetime(2024, 3, 31),
    datetime(2023, 2, 28),
    datetime(2023, 12, 31),
    datetime(2000, 2, 29, 6),
    datetime(1900, 3, 1),
    datetime(1969, 12, 31, 23, 59, 59, 999_999),
    datetime(1970, 1, 1),
    datetime(2100, 2, 28),
]
EDGES = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)]
TYPES = {"texts": "list", "numbers": "list"}  # what `[fields]` calls a kind, where not by its name
ARROW = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "date": pa.timestamp("us"),
    "day": pa.date32(),
    "boolean": pa.bool_(),
    "texts": pa.list_(pa.string()),
    "numbers": pa.list_(pa.float64()),
    "map": pa.map_(pa.string(), pa.float64()),
}


@dataclass(frozen=True)
class Field:
    """A column: whose, called what, holding what; a kind may be the name of a scale."""

    side: str
    name: str
    kind: str
    declared: bool

    def __str__(self) -> str:
        return f"{self.side}.{self.name}"
