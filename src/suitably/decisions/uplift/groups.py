"""Persuadable, sure, lost and never-disturb: what an approach does for whom."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import write_frame

__all__ = ["GROUPS", "Groups"]

Floats = NDArray[np.float64]
GROUPS = ("persuadable", "sure", "lost", "never-disturb")


class Groups:
    """Customers by what they would do without an approach, and what one changes.

    - `persuadable`: the effect is `least_effect` or more.
    - `never-disturb`: it is −`least_effect` or less: an approach does harm.
    - Between the two an approach changes little: `sure` where the outcome without it is expected
      to be `sure_from` or more, else `lost`.

    Attributes:
        least_effect: As above, in units of the outcome.
        sure_from: Likewise.
    """

    def __init__(
        self,
        ids: pa.Array | None,
        baseline: Floats,
        effect: Floats,
        least_effect: float,
        sure_from: float,
        kind: str,
    ) -> None:
        self.least_effect = least_effect
        self.sure_from = sure_from
        self._kind = kind
        code = np.where(baseline >= sure_from, 1, 2)
        code[effect >= least_effect] = 0
        code[effect <= -least_effect] = 3
        self._code, self._baseline, self._effect, self._ids = code, baseline, effect, ids

    def to_frame(self) -> Any:
        """Return a row per customer, in the order of the frame that was given, in its kind.

        Returns:
            `user_id` where the frame had it, `baseline` (expected outcome without an approach),
            `effect` and `group`.
        """
        columns: dict[str, Any] = {} if self._ids is None else {"user_id": self._ids}
        names = pa.array(np.array(GROUPS, object)[self._code], pa.string())
        columns |= {"baseline": self._baseline, "effect": self._effect, "group": names}
        return write_frame(pa.table(columns), self._kind)

    def counts(self) -> Any:
        """Return a row per group, the empty ones too.

        Returns:
            `group`, `customers`, `share` of all, and the means of `baseline` and `effect`, missing
            for an empty group.
        """
        size = np.bincount(self._code, minlength=len(GROUPS))
        means = [
            np.bincount(self._code, values, minlength=len(GROUPS)) / np.maximum(size, 1)
            for values in (self._baseline, self._effect)
        ]
        found = {
            "group": pa.array(GROUPS),
            "customers": pa.array(size),
            "share": pa.array(size / max(1, len(self._code))),
            "baseline": pa.array(means[0], mask=size == 0),
            "effect": pa.array(means[1], mask=size == 0),
        }
        return write_frame(pa.table(found), self._kind)

    def __repr__(self) -> str:
        size = np.bincount(self._code, minlength=len(GROUPS))
        shown = ", ".join(f"{n:,} {name}" for n, name in zip(size, GROUPS, strict=True))
        return f"Groups({shown})"
