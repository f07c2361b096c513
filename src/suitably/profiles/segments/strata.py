"""Strata: users parted by rules, the cross of categories and of ranges between cut points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.values import as_text, finite_doubles, in_words, is_number
from suitably.errors import DataError
from suitably.profiles.grouped_sums import coded
from suitably.profiles.segments.differences import Differences
from suitably.profiles.segments.profile_table import ProfileTable
from suitably.profiles.segments.segmentation import Segmentation
from suitably.utils.params import clone, shown

__all__ = ["Strata"]

_UNKNOWN = "unknown"


@dataclass(eq=False, repr=False)
class Strata(Segmentation):
    """Part users by rules: the cross of some fields, such as value, risk and stage of life.

    Numbers are parted at cut points, each of which begins the range above it; texts and booleans
    are categories as they are. What is missing is `unknown`. The rules are fixed, so that a user's
    stratum never depends on other users. Strata without users are not listed.

    Args:
        fields: Fields of the profiles, `field.key` for one key of a map.
        limits: The cut points of each field of numbers, ascending.
        user: Column of the ids.

    Example:
        >>> import pandas as pd
        >>> profiles = pd.DataFrame({"user_id": [1, 2, 3, 4], "monetary": [50.0, 1500, 1000, None],
        ...                          "risk_level": ["C1", "C3", "C3", "C1"]})
        >>> strata = Strata(["monetary", "risk_level"], {"monetary": [1000]}).fit(profiles)
        >>> strata.labels.segment.tolist()
        ['below 1,000 / C1', 'from 1,000 / C3', 'from 1,000 / C3', 'unknown / C1']
        >>> strata.describe()[["segment", "size", "description"]].to_string(index=False)
        '...from 1,000 / C3     2    monetary from 1,000, risk_level C3...'
    """

    fields: list[str] | tuple[str, ...] = ()
    limits: Mapping[str, Sequence[float]] | None = None
    user: str = "user_id"

    def check_params(self) -> None:
        """Refuse fields that are no names, and limits that are no ascending numbers: ValueError."""
        fields = self.fields
        named = isinstance(fields, list | tuple) and all(isinstance(name, str) for name in fields)
        if not named or not fields or len(set(fields)) < len(fields):
            raise ValueError(
                f"{shown(self, 'fields')}: must be a list of one field or more, each once"
            )
        if self.limits is None:
            return
        if not isinstance(self.limits, Mapping):
            raise ValueError(f"{shown(self, 'limits')}: must be a table of cut points by field")
        for name, cuts in self.limits.items():
            if name not in fields:
                raise ValueError(f"{shown(self, 'limits')}: {name!r} is none of the fields")
            if not _ascending(cuts):
                raise ValueError(
                    f"{type(self).__name__}(limits={{{name!r}: {cuts!r}}}): must be numbers, "
                    f"ascending"
                )

    def _partition(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        self._meanings: dict[str, str] = {}
        self._fields_of_numbers = table.parts(table.comparable)
        codes, words = zip(*(self._classes(table, field) for field in self.fields), strict=True)
        rows, places = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
        crossed = [[words[i][code] for i, code in enumerate(row)] for row in rows.tolist()]
        names = [" / ".join(parts) for parts in crossed]
        for name, parts in zip(names, crossed, strict=True):
            told = zip(self.fields, parts, strict=True)
            self._meanings[name] = ", ".join(f"{field} {part}" for field, part in told)
        # Texts with a slash may make one name of two crosses; to the reader they are one stratum.
        distinct = {name: place for place, name in enumerate(dict.fromkeys(names))}
        joint = np.array([distinct[name] for name in names], np.int32)
        return joint[places.reshape(-1)], tuple(distinct)

    def _assign(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        other: Strata = clone(self)
        return other._partition(table)

    def _classes(
        self, table: ProfileTable, field: str
    ) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """Return the class of each user, and the names of the classes, `unknown` last."""
        array, cuts = table.column(field), (self.limits or {}).get(field)
        where = f"profiles.{field}"
        if array.null_count == len(array):
            return np.zeros(len(table), np.int32), (_UNKNOWN,)
        if is_number(array.type):
            if cuts is None:
                raise DataError(
                    f"{where}: holds numbers, and {type(self).__name__} has no cut points for it: "
                    f"give limits={{{field!r}: […]}}"
                )
            numbers = finite_doubles(array, where)
            codes = np.searchsorted(np.asarray(cuts, float), numbers, side="right")
            codes[np.isnan(numbers)] = len(cuts) + 1
            return codes.astype(np.int32), (*_ranges(cuts), _UNKNOWN)
        if cuts is not None:
            raise DataError(f"{where}: holds {in_words(array.type)}, which limits cannot part")
        places, words = coded(as_text(array, where))
        places = np.where(places < 0, len(words), places).astype(np.int32)
        return places, (*words.tolist(), _UNKNOWN)

    def _compared(self) -> tuple[str, ...]:
        return self._fields_of_numbers

    def _words(self, name: str, segment: int, differences: Differences) -> str:
        meaning = self._meanings.get(name, "the smaller strata together")
        told = differences.words(segment, leave_out=self.fields)
        return f"{meaning}: {told}" if told else meaning


def _ranges(cuts: Sequence[float]) -> tuple[str, ...]:
    shown = [f"{float(cut):,.15g}" for cut in cuts]
    between = [f"from {low} to below {high}" for low, high in pairwise(shown)]
    return (f"below {shown[0]}", *between, f"from {shown[-1]}")


def _ascending(cuts: Any) -> bool:
    if isinstance(cuts, str) or not isinstance(cuts, Sequence | np.ndarray) or not len(cuts):
        return False
    real = all(
        isinstance(cut, int | float | np.number) and not isinstance(cut, bool) and np.isfinite(cut)
        for cut in cuts
    )
    return real and all(low < high for low, high in pairwise(cuts))
