"""Rankers that learn of products from everybody, by sums over groups of users."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.interactions import Weighting
from suitably.ranking.protocol import Ranker
from suitably.ranking.totals import Totals

__all__ = ["MOST_NUMBERS", "Lines", "SummingMembers", "SummingRanker", "Sums"]
__all__ += ["all_learned", "all_sums", "all_widened", "most_steps", "steps_of"]

MOST_NUMBERS = 2**26
"""The most numbers that a ranker adds up, half a gigabyte of them; else it does not."""


Lines = Mapping[Weighting, sparse.csr_array]
"""Weights of some users by each weighting: CSR (users, products), float32, not 0 where stored."""

Sums = Mapping[str, NDArray[Any]]
"""Arrays, by name, that add up over groups of users."""


@runtime_checkable
class SummingRanker(Protocol):
    """A ranker that learns of products from everybody, by sums over groups of users.

    It is learned on some users first, and goes by the interactions that it shares with its model
    (`RowRanker`): they are what is added up. What of everybody it needs are sums: of the inner
    products of products, or of the equations that products' vectors solve. Each group of users is
    added up where it is, in every step anew by what the step before has taught; users are in the
    same groups, and groups in the same order, however rows are spread.

    A ranker without these methods, or one that wants no steps, knows of products what some users
    taught it.

    Example:
        >>> from suitably.ranking import BPR, EASE
        >>> [isinstance(ranker, SummingRanker) for ranker in (EASE(), BPR())]
        [True, False]
    """

    def steps(self, totals: Mapping[Weighting, Totals]) -> int:
        """Return how many times everybody is to be added up; 0: never, as where there is no room.

        It depends on nothing but the ranker and the totals, so that it is the same on any machine.
        """
        ...

    def widened(self, totals: Mapping[Weighting, Totals]) -> Self:
        """Return the ranker that the steps begin with, of which the users learned from are known.

        Args:
            totals: What everybody's weights add up to, by each weighting.
        """
        ...

    def sums(self, lines: Lines, totals: Mapping[Weighting, Totals], step: int) -> Sums:
        """Return what a group of users adds to the sums of a step.

        Args:
            lines: What they did, weighed in the units of the fit, which `totals` are in too.
            totals: Those of everybody.
            step: From 0.
        """
        ...

    def learned_from(self, sums: Sums, totals: Mapping[Weighting, Totals], step: int) -> Self:
        """Return a ranker that has learned of products from the sums of a step over everybody.

        Raises:
            DataError: What is learned is not finite.
        """
        ...


def steps_of(ranker: Any, totals: Mapping[Weighting, Totals]) -> int:
    """Return how many times a ranker adds everybody up; 0: never, as where nothing is weighed."""
    return ranker.steps(totals) if totals and isinstance(ranker, SummingRanker) else 0


def most_steps(rankers: Sequence[Any], totals: Mapping[Weighting, Totals]) -> int:
    """Return how many steps the one of several rankers takes that takes the most."""
    return max((steps_of(ranker, totals) for ranker in rankers), default=0)


def all_widened(rankers: Sequence[Any], totals: Mapping[Weighting, Totals]) -> tuple[Ranker, ...]:
    """Return the rankers that the steps begin with."""
    return tuple(
        ranker.widened(totals) if steps_of(ranker, totals) else ranker for ranker in rankers
    )


def all_sums(
    rankers: Sequence[Any], lines: Lines, totals: Mapping[Weighting, Totals], step: int
) -> Sums:
    """Return what a group adds to the sums of each, under the ranker's place and their names."""
    return {
        f"{place}.{name}": array
        for place, ranker in enumerate(rankers)
        if step < steps_of(ranker, totals)
        for name, array in ranker.sums(lines, totals, step).items()
    }


def all_learned(
    rankers: Sequence[Any], sums: Sums, totals: Mapping[Weighting, Totals], step: int
) -> tuple[Ranker, ...]:
    """Return the rankers that have learned from the sums of a step."""

    def learned(place: int, ranker: Any) -> Any:
        if step >= steps_of(ranker, totals):
            return ranker
        start = f"{place}."
        own = {n.removeprefix(start): array for n, array in sums.items() if n.startswith(start)}
        return ranker.learned_from(own, totals, step)

    return tuple(learned(place, ranker) for place, ranker in enumerate(rankers))


class SummingMembers:
    """What a ranker has to have that is made of others, each of which learns in its own way."""

    def _inner(self) -> Sequence[Ranker]:
        """Return the fitted rankers within."""
        raise NotImplementedError

    def _of_inner(self, rankers: Sequence[Ranker]) -> Self:
        """Return the same of other rankers within."""
        raise NotImplementedError

    def steps(self, totals: Mapping[Weighting, Totals]) -> int:
        """Return the most steps that a ranker within takes; see `SummingRanker`."""
        return most_steps(self._inner(), totals)

    def widened(self, totals: Mapping[Weighting, Totals]) -> Self:
        """Return the same of the rankers that the steps begin with."""
        return self._of_inner(all_widened(self._inner(), totals))

    def sums(self, lines: Lines, totals: Mapping[Weighting, Totals], step: int) -> Sums:
        """Return what a group of users adds to the sums of the rankers within."""
        return all_sums(self._inner(), lines, totals, step)

    def learned_from(self, sums: Sums, totals: Mapping[Weighting, Totals], step: int) -> Self:
        """Return the same of rankers that have learned from everybody in a step."""
        return self._of_inner(all_learned(self._inner(), sums, totals, step))
