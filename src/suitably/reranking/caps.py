"""Quotas by group: no more than so many of an issuer in a list."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from suitably.ranking.topk.lists import Lists
from suitably.reranking.groups import read_groups, within_quotas
from suitably.reranking.protocol import RerankContext
from suitably.utils.params import Parameterized, check_positive_int, shown

__all__ = ["Caps"]


class Caps(Parameterized):
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
        Caps(exceptions={'Own Bank': 1})
    """

    def __init__(
        self, by: str = "issuer", most: int = 2, exceptions: Mapping[Any, int] | None = None
    ) -> None:
        self.by = by
        self.most = most
        self.exceptions = exceptions

    def check_params(self) -> None:
        """Refuse numbers of products that are none: ValueError."""
        check_positive_int(self, "most")
        if not isinstance(self.exceptions, Mapping | None):
            raise ValueError(f"{shown(self, 'exceptions')}: must map groups to integers")
        for group, most in (self.exceptions or {}).items():
            integer = isinstance(most, int | np.integer) and not isinstance(most, bool)
            if not integer or most < 0:
                raise ValueError(
                    f"{type(self).__name__}(exceptions={{{group!r}: {most!r}}}): "
                    f"must be an integer from 0 on"
                )

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        """Drop what is over a cap.

        Raises:
            DataError: The products frame has no such column.
            ValueError: `most` is not a positive integer, or an exception not one from 0 on.
        """
        self.check_params()
        exceptions = dict(self.exceptions or {})
        groups = read_groups(context, self.by, "Caps")
        caps = [exceptions.get(group, self.most) for group in groups.values]
        kinds = groups.codes[lists.products]
        room = np.tile(np.append(np.array(caps, np.float64), np.inf), (len(kinds), 1))
        kept = within_quotas(kinds, np.ones(kinds.shape), room, k)
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
