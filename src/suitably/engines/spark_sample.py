"""Users drawn by their ids, and their rows, wherever Spark has put them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from suitably.engines.spark_profiles import quoted, row_hash

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["UserSample", "check_sample", "draw", "in_order"]

_BITS = 53
_ROW = "suitably_row"


@dataclass(frozen=True)
class UserSample:
    """Users whose number, made of their id and the seed, lies in a range.

    Attributes:
        seed: Of the numbers.
        low: The least number.
        high: The number above the largest; None: there is no bound, so with `low` of 0 it is
            everybody.
    """

    seed: int
    low: int
    high: int | None

    @property
    def is_everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.low == 0 and self.high is None

    def rows(self, frame: "DataFrame", column: str, also: Iterable[Any] = ()) -> pa.Table:
        """Return the rows of a frame that are of these users, in an order of ids and contents.

        Args:
            frame: Of users or of interactions.
            column: The column of user ids.
            also: Further users.
        """
        from pyspark.sql import functions as f

        if not self.is_everybody:
            number = _number(column, self.seed)
            chosen = number >= self.low
            if self.high is not None:
                chosen &= number < self.high
            frame = frame.where(chosen | f.col(quoted(column)).isin(list(also)))
        return in_order(frame, column)


def in_order(frame: "DataFrame", column: str) -> pa.Table:
    """Return the rows of a frame in the order of their ids, and of what else they hold.

    Args:
        frame: Of users, products or interactions.
        column: The column of ids.
    """
    table: pa.Table = frame.withColumn(_ROW, row_hash(frame)).toArrow()
    ordered = table.sort_by([(column, "ascending"), (_ROW, "ascending")])
    return ordered.drop_columns([_ROW]).combine_chunks()


def draw(
    frame: "DataFrame", column: str, sample: float | int, seed: int
) -> tuple[UserSample, UserSample | None]:
    """Draw users of a frame, and as many others, to be held against them.

    Who is drawn depends on the seed and their ids alone.

    Args:
        frame: With a row per user at least.
        column: The column of user ids.
        sample: Which share of users, or how many.
        seed: Of the draw.

    Returns:
        The users, and others, some of whom are the same where there are not enough; None where
        there is nobody else.
    """
    from pyspark.sql import functions as f

    everybody = UserSample(seed, 0, None)
    if isinstance(sample, float):
        if sample == 1.0:
            return everybody, None
        end = round(sample * 2**_BITS)
        first = min(end, 2**_BITS - end)
        second = UserSample(seed, first, first + end if first + end < 2**_BITS else None)
        return UserSample(seed, 0, end), second
    numbers = frame.select(_number(column, seed).alias("number")).distinct()
    least = numbers.where(f.col("number").isNotNull()).orderBy("number").limit(2 * sample + 1)
    found = np.sort(least.toArrow()["number"].to_numpy())
    if len(found) <= sample:
        return everybody, None
    end = min(2 * sample, len(found))
    high = int(found[end]) if end < len(found) else None
    second = UserSample(seed, int(found[end - sample]), high)
    return UserSample(seed, 0, int(found[sample])), second


def check_sample(sample: Any) -> None:
    """Refuse what is neither a share nor a number of users: ValueError."""
    whole = isinstance(sample, int) and not isinstance(sample, bool)
    share = isinstance(sample, float)
    if not ((whole and sample > 1) or (share and 0 < sample <= 1)):
        raise ValueError(
            f"sample={sample!r}: must be a share of the users above 0 and up to 1.0, or how many, "
            f"2 or more"
        )


def _number(column: str, seed: int) -> "Column":
    """Return a number below 2⁵³ made of a user's id, whatever the type it comes in."""
    from pyspark.sql import functions as f

    text = f.col(quoted(column)).cast("string")
    return f.shiftrightunsigned(f.xxhash64(f.lit(str(seed)), text), 64 - _BITS)
