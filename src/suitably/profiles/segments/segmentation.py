"""What strata and segments have in common: labels, a description, an export, stability."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary, same_ids
from suitably.errors import DataError, NotFittedError
from suitably.profiles.segments.adjusted_rand import adjusted_rand
from suitably.profiles.segments.anonymity import without_small
from suitably.profiles.segments.differences import Differences
from suitably.profiles.segments.profile_table import ProfileTable
from suitably.typing import IntoFrame
from suitably.utils.params import Parameterized, clone

__all__ = ["Segmentation"]

_WRITERS = {".csv": pyarrow.csv.write_csv, ".parquet": pyarrow.parquet.write_table}


class Segmentation(Parameterized):
    """A partition of users by their profiles.

    A subclass has `user`, `_partition`, which learns segments and assigns the users, and `_assign`,
    which assigns others; each returns a code per user, −1 for none, and the names of the segments.

    Example:
        >>> import pandas as pd
        >>> from suitably.profiles import Strata
        >>> profiles = pd.DataFrame({"user_id": range(9), "stage": list("aaaaaabbc")})
        >>> strata = Strata(["stage"]).fit(profiles)
        >>> strata.export(k_anonymity=3)[["segment", "size"]].to_dict("list")
        {'segment': ['a', 'other'], 'size': [6, 3]}
    """

    user: str
    _table: ProfileTable
    _codes: NDArray[np.int32]
    _names: tuple[str, ...]

    def fit(self, profiles: IntoFrame) -> Self:
        """Part the users of a frame of profiles.

        Args:
            profiles: A row per user: ids and fields, as `builder.transform` gives them, in any kind
                of frame.

        Raises:
            DataError: The frame is none, is empty, or lacks a field or has it in another type.
            ValueError: A parameter out of range.
        """
        self.check_params()
        self.__dict__.pop("_table", None)  # a fit that fails leaves nothing half learned
        table = ProfileTable.read(profiles, self.user)
        self._codes, self._names = self._partition(table)
        self._table = table
        return self

    def check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""

    @property
    def labels(self) -> Any:
        """The segment of each user as fitted, null for none: a frame of ids and `segment`.

        Raises:
            NotFittedError: Called before `fit`.
        """
        self._check_fitted()
        return self._labelled(self._table, self._codes, self._names)

    def predict(self, profiles: IntoFrame) -> Any:
        """Return the segments of other profiles, as `labels` does; nothing is learned.

        Raises:
            NotFittedError: Called before `fit`.
            DataError: The frame lacks a field, or has it in another type.
        """
        self._check_fitted()
        table = ProfileTable.read(profiles, self.user)
        return self._labelled(table, *self._assign(table))

    def describe(self) -> Any:
        """Return what the segments are.

        Returns:
            A row per segment: `segment`; `size`, its users; `share`, of the users in segments;
            `description`, in words: which fields differ most from the rest, with rounded means of
            the segment and of all others; and for each field that is compared `difference.` and its
            name: the mean of the segment less that of all others, in standard deviations of
            everybody, in thousandths; null where nothing is known on one side.

        Raises:
            NotFittedError: Called before `fit`.
        """
        self._check_fitted()
        return self._table.frame(self._described(self._codes, self._names))

    def export(
        self,
        path: str | Path | None = None,
        k_anonymity: int = 5,
        small: str = "merge",
        user_ids: bool = False,
        sensitive: str | None = None,
        l_diversity: int = 2,
    ) -> Any:
        """Return, and write, what may leave the house: no segment of fewer than k users.

        Shares are of the users in the segments that are left. Means of a field are told only where
        at least k users are known in each segment that has any. This keeps single users from being
        picked out by the table alone; it does not keep two exports of almost the same users from
        being compared. A segment whose members are all alike says something of each: name the field
        in which that must not be, and segments with too few values of it are small ones too.

        Args:
            path: A file to write, `.csv` or `.parquet`; None: none.
            k_anonymity: The least number of users.
            small: `merge` smaller segments into `other`, with the next larger ones if it takes
                these to be k users; or `drop` them.
            user_ids: Whether to give the ids of users and their segments, and nothing else; ids are
                personal data, whatever the number of users.
            sensitive: A field of which every segment must have several values, such as an illness
                or a religion: text, booleans or whole numbers. None: none.
            l_diversity: How many; without `sensitive` it is not asked.

        Raises:
            NotFittedError: Called before `fit`.
            DataError: There are fewer than k users, no such field, or too few values of it.
            ValueError: `k_anonymity` is no whole number above 0, or another parameter is wrong.
        """
        self._check_fitted()
        name = type(self).__name__
        whole = isinstance(k_anonymity, int | np.integer) and not isinstance(k_anonymity, bool)
        if not whole or k_anonymity < 1:
            raise ValueError(
                f"{name}.export(k_anonymity={k_anonymity!r}): must be a positive integer"
            )
        if small not in ("merge", "drop"):
            raise ValueError(f"{name}.export(small={small!r}): must be one of 'merge', 'drop'")
        if path is not None and Path(path).suffix not in _WRITERS:
            raise ValueError(f"{name}.export(path={str(path)!r}): must end in .csv or .parquet")
        few = isinstance(l_diversity, bool) or not isinstance(l_diversity, int) or l_diversity < 1
        if few:
            raise ValueError(f"{name}.export(l_diversity={l_diversity!r}): must be 1 or more")
        codes, names = without_small(
            self._codes,
            self._names,
            int(k_anonymity),
            small == "merge",
            None if sensitive is None else self._table.codes(sensitive),
            1 if sensitive is None else l_diversity,
        )
        if user_ids:
            kept = codes >= 0
            columns = {
                self.user: self._table.users.filter(pa.array(kept)),
                "segment": pa.array(np.array(names, object)[codes[kept]], pa.string()),
            }
        else:
            columns = self._described(codes, names, int(k_anonymity))
        if path is not None:
            _WRITERS[Path(path).suffix](pa.table(columns), str(path))
        return self._table.frame(columns)

    def stability(self, periods: Sequence[IntoFrame] = (), resamples: int = 20) -> Any:
        """Return how alike the partition stays, by the adjusted Rand index.

        Against a resample: segments are learned from as many users drawn with replacement, and all
        users are assigned to them. Against a period: segments are learned from an earlier frame of
        profiles, and the users that are in both are compared. Fixed rules learn nothing, and have
        no resamples.

        Args:
            periods: Frames of earlier periods.
            resamples: How many resamples.

        Returns:
            A row per comparison: `compared`, `resample` or `period`; `number`, from 1; `users`, how
            many were compared; `adjusted_rand`, null without any.

        Raises:
            NotFittedError: Called before `fit`.
            DataError: A frame lacks a field, or has it in another type.
            ValueError: `resamples` is no whole number from 0 on.

        Source:
            Hubert and Arabie, "Comparing partitions", Journal of Classification 2 (1985).
        """
        self._check_fitted()
        if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < 0:
            name = type(self).__name__
            raise ValueError(
                f"{name}.stability(resamples={resamples!r}): must be an integer from 0"
            )
        found = [("resample", *one) for one in self._resampled(resamples)]
        found += [("period", *self._against(period)) for period in periods]
        kinds, users, indices = ([row[place] for row in found] for place in range(3))
        numbers = [kinds[: place + 1].count(kind) for place, kind in enumerate(kinds)]
        return self._table.frame(
            {
                "compared": pa.array(kinds, pa.string()),
                "number": pa.array(numbers, pa.int64()),
                "users": pa.array(users, pa.int64()),
                "adjusted_rand": pa.array(indices, pa.float64()),
            }
        )

    def _partition(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        raise NotImplementedError

    def _assign(self, table: ProfileTable) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        raise NotImplementedError

    def _compared(self) -> tuple[str, ...]:
        """Return the fields that `describe` compares."""
        raise NotImplementedError

    def _words(self, name: str, segment: int, differences: Differences) -> str:
        """Describe a segment."""
        return differences.words(segment) or "like the others"

    def _resampled(self, resamples: int) -> list[tuple[int, float | None]]:
        """Return how many users were compared, and how alike they stayed, of each resample."""
        return []

    def _against(self, profiles: IntoFrame) -> tuple[int, float | None]:
        earlier = clone(self).fit(profiles)
        theirs, mine = earlier._table.users, self._table.users
        if not same_ids(theirs.type, mine.type):
            raise DataError(
                f"profiles.{self.user}: holds {theirs.type}, but {mine.type} at the fit: use one "
                f"type of id"
            )
        found = Vocabulary(theirs).codes(mine)
        joint = (found >= 0) & (self._codes >= 0)
        joint[joint] = earlier._codes[found[joint]] >= 0
        if not joint.any():
            return 0, None
        return int(joint.sum()), adjusted_rand(self._codes[joint], earlier._codes[found[joint]])

    def _labelled(
        self, table: ProfileTable, codes: NDArray[np.int32], names: tuple[str, ...]
    ) -> Any:
        words = pa.array(names, pa.string())
        segments = words.take(pa.array(codes, mask=codes < 0))
        return table.frame({table.user: table.users, "segment": segments})

    def _described(
        self, codes: NDArray[np.int32], names: tuple[str, ...], least: int = 1
    ) -> dict[str, Any]:
        sizes = np.bincount(codes[codes >= 0], minlength=len(names))
        parts = self._compared()
        values = self._table.numbers(parts)
        found = Differences.of(parts, values, codes, len(names), least)
        texts = [self._words(name, segment, found) for segment, name in enumerate(names)]
        columns = {
            "segment": pa.array(names, pa.string()),
            "size": pa.array(sizes, pa.int64()),
            "share": pa.array(sizes / max(sizes.sum(), 1), pa.float64()),
            "description": pa.array(texts, pa.string()),
        }
        for field, values_of in zip(parts, found.standardised.T, strict=True):
            told = np.round(values_of, 3) + 0.0  # no zero below 0
            columns[f"difference.{field}"] = pa.array(told, mask=np.isnan(told))
        return columns

    def _check_fitted(self) -> None:
        if not hasattr(self, "_table"):
            raise NotFittedError(f"{type(self).__name__}: call fit(profiles) first")
