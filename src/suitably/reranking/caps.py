"""No more than so many of a group."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from suitably.ranking.topk.lists import Lists
from suitably.reranking.columns import read_groups
from suitably.reranking.protocol import RerankContext
from suitably.reranking.runs import within

__all__ = ["Caps"]


class Caps:
    """Keep at most so many products of a group, such as an issuer, in a list.

    Each group's best ones stay, in their order; the others are dropped, and those behind them move
    up. A product whose group is missing is in none, and always stays. What the user holds does
    not count here; it does in `ConcentrationLimit`.

    Args:
        by: Column of the products frame that says the group.
        most: The most products of a group.
        exceptions: Another number for some groups; 0 keeps a group out. A group that no product is
            in is no error, for the catalogue changes.

    Example:
        >>> Caps(by="issuer", most=2, exceptions={"Own Bank": 1})
        Caps(by='issuer', most=2, exceptions={'Own Bank': 1})
    """

    def __init__(
        self, by: str = "issuer", most: int = 2, exceptions: Mapping[Any, int] | None = None
    ) -> None:
        self.by = by
        self.most = most
        self.exceptions = exceptions

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {"by": self.by, "most": self.most, "exceptions": self.exceptions}

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Drop what is over a cap.

        Raises:
            DataError: The products frame has no such column.
            ValueError: `most` is not a positive integer, or an exception not one from 0 on.
        """
        if not _is_count(self.most, 1):
            raise ValueError(f"most={self.most!r}: must be a positive integer")
        exceptions = dict(self.exceptions or {})
        for group, most in exceptions.items():
            if not _is_count(most, 0):
                raise ValueError(f"exceptions: {most!r} for {group!r}: must be an integer from 0")
        groups = read_groups(context, self.by, "Caps")
        caps = [exceptions.get(group, self.most) for group in groups.values]
        kinds = groups.codes[lists.products]
        room = np.tile(np.append(np.array(caps, np.float64), np.inf), (len(kinds), 1))
        kept = within(kinds, np.ones(kinds.shape), room, k)
        return lists.keep(kept, k)

    def state(self) -> dict[str, Any]:
        """Return the parameters as numbers and text."""
        exceptions = dict(self.exceptions or {})
        return {
            "by": self.by,
            "most": self.most,
            "groups": None if self.exceptions is None else list(exceptions),
            "caps": list(exceptions.values()),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it of what `state` gave.

        Raises:
            ValueError: The parts do not fit each other.
        """
        groups = state["groups"]
        if groups is None:
            return cls(state["by"], state["most"])
        exceptions = dict(zip(groups, state["caps"], strict=True))
        return cls(state["by"], state["most"], exceptions)

    def __repr__(self) -> str:
        return f"Caps(by={self.by!r}, most={self.most!r}, exceptions={self.exceptions!r})"


def _is_count(value: Any, least: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= least)
