"""Where a profile field comes from: how it came about, in which unit, as of when, for how long."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import pandas as pd

__all__ = ["FieldInfo", "Origin", "Provenance"]

Origin = Literal["observed", "stated", "derived", "imputed"]
"""How a field came about: seen in behaviour, said by the user, worked out from what was seen or
said, or guessed by a model, which is missing to every rule."""


@dataclass(frozen=True)
class FieldInfo:
    """What a builder says of a field before it has seen any data.

    Attributes:
        origin: How it comes about.
        unit: What a number counts, such as `"days"` or `"share"`; empty for text.
        sources: The columns that it is made from, with their table: `"interactions.value"`.
        expires: Until when it counts, in words; empty: as long as nothing new is seen.

    Example:
        >>> FieldInfo("observed", "days", ("interactions.timestamp",)).unit
        'days'
    """

    origin: Origin
    unit: str = ""
    sources: tuple[str, ...] = ()
    expires: str = ""


class Provenance(str):
    """How a field came about, as text, which has the rest beside it.

    Attributes:
        unit: What a number counts; empty for text.
        sources: The columns that it is made from.
        as_of: The moment that the builder was fitted as of; None before, and without timestamps.
        expires: Until when it counts, in words.

    Example:
        >>> how = Provenance.of(FieldInfo("derived", "days", ("interactions.timestamp",)))
        >>> how == "derived", how.unit, how.sources
        (True, 'days', ('interactions.timestamp',))
    """

    unit: str
    sources: tuple[str, ...]
    as_of: pd.Timestamp | None
    expires: str

    @classmethod
    def of(cls, info: FieldInfo, as_of: pd.Timestamp | None = None) -> Self:
        """Put the moment of a fit beside what a builder says of a field."""
        made = cls(info.origin)
        made.unit, made.sources, made.expires = info.unit, info.sources, info.expires
        made.as_of = as_of
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return everything as text, lists and None, ready for JSON."""
        return {
            "origin": str(self),
            "unit": self.unit,
            "sources": list(self.sources),
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "expires": self.expires,
        }
