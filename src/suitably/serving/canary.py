"""Canary: what a new version answers to a few customers, before it answers to all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.pipeline.opt_out import ConsentRegister
from suitably.pipeline.pipeline import Pipeline
from suitably.pipeline.switched_off import SwitchState
from suitably.recommendations import Recommendations
from suitably.suitability.eligibility import Eligibility
from suitably.typing import AsOf
from suitably.utils.params import Parameterized, check_fraction, check_positive_int
from suitably.utils.record import Record

__all__ = ["Canary", "CanaryReport"]


@dataclass(frozen=True)
class CanaryReport(Record):
    """What a canary has found.

    Attributes:
        problems: What is wrong, a sentence each; nothing is wrong where there are none.
        users: How many customers were asked about.
        listed: How many products their lists hold.
        violations: How many of these some rule does not pass, each judged by itself and not by what
            drew the lists up.
        abstention: The share of the places of the lists that is empty, as a `Monitor` counts it.
        abstention_before: The same under the version before; None where there was none.
        empty: The share of the customers whose list is empty.
        empty_before: The same under the version before.
    """

    problems: tuple[str, ...]
    users: int
    listed: int
    violations: int
    abstention: float
    abstention_before: float | None
    empty: float
    empty_before: float | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, JSON-ready, and `ok`."""
        return {"ok": self.ok, **super().to_dict()}

    def __str__(self) -> str:
        if self.problems:
            return "; ".join(self.problems)
        before = self.abstention_before
        was = "" if before is None else f" ({before:.1%} before)"
        return (
            f"{self.users:,} customers, {self.listed:,} products listed, no violation, "
            f"{self.abstention:.1%} of the places empty{was}"
        )


class Canary(Parameterized):
    """Asks a version for the lists of a few customers, and holds them against its rules and limits.

    The customers are drawn at random among those that either version knows, so that those count
    whom the new one has lost. Nothing is recorded: nobody is offered these lists.

    Args:
        users: How many customers.
        k: How many products are asked for.
        max_abstention: The greatest share of customers whose list may be empty.
        max_new_abstention: By how much the share of empty places may exceed that under the version
            before, over the customers whom that version knows: 0.1 is 10 percentage points.
        seed: Of the draw.
        as_of: The moment asked for; None: that which each version is fitted as of.

    Raises:
        ValueError: A number out of range.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=50, products=20)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> print(Canary(users=50, k=3).check(pipeline))
        50 customers, 80 products listed, no violation, 46.7% of the places empty
    """

    def __init__(
        self,
        users: int = 200,
        k: int = 10,
        max_abstention: float = 0.5,
        max_new_abstention: float = 0.1,
        seed: int = 0,
        as_of: AsOf | None = None,
    ) -> None:
        self.users: int = users
        self.k: int = k
        self.max_abstention: float = max_abstention
        self.max_new_abstention: float = max_new_abstention
        self.seed: int = seed
        self.as_of: AsOf | None = as_of
        check_positive_int(self, "users", "k")
        check_fraction(self, "max_abstention", "max_new_abstention")

    def check(
        self,
        candidate: Pipeline,
        current: Pipeline | None = None,
        consent: ConsentRegister | None = None,
    ) -> CanaryReport:
        """Try a version.

        Args:
            candidate: The new one.
            current: The one that answers now; None: there is none to hold it against.
            consent: What both are asked with; None: with a register of their own, if they have one.

        Returns:
            What was found. A version that cannot answer at all is a problem, not an error; one
            that answers now and cannot answer the canary is left out of account.
        """
        new = _asking(candidate, consent)
        old = None if current is None else _asking(current, consent)
        asked = self._drawn(new, old)
        if not len(asked):
            return _unanswered("the new version knows no customers", 0)
        try:
            made = new.recommend(asked, k=self.k, as_of=self.as_of)
            lengths = made.lists.lengths.astype(np.int64)
            violations, listed = _violations(made, new.eligibility(as_of=self.as_of))
        except Exception as error:  # whatever parts of a caller's own raise, it is not to be served
            return _unanswered(f"it cannot answer: {type(error).__name__}: {error}", len(asked))
        before, known = self._before(old, asked)
        most = max(1, self.k)
        empty_places = 1 - lengths / most
        problems = []
        if violations:
            problems.append(f"{violations:,} of {listed:,} listed products break a rule")
        if not np.isfinite(made.lists.scores[made.lists.filled]).all():
            problems.append("some scores are not finite")
        empty = float((lengths == 0).mean())
        if empty > self.max_abstention:
            problems.append(
                f"{empty:.1%} of the customers get no product, and {self.max_abstention:.1%} may"
            )
        if before is not None:
            more = float(empty_places[known].mean() - (1 - before / most).mean())
            if more > self.max_new_abstention:
                problems.append(
                    f"{100 * more:.1f} percentage points more of the places are empty than under "
                    f"the version before, and {100 * self.max_new_abstention:.1f} may be"
                )
        return CanaryReport(
            problems=tuple(problems),
            users=len(asked),
            listed=listed,
            violations=violations,
            abstention=float(empty_places.mean()),
            abstention_before=None if before is None else float((1 - before / most).mean()),
            empty=empty,
            empty_before=None if before is None else float((before == 0).mean()),
        )

    def _drawn(self, new: Pipeline, old: Pipeline | None) -> list[Any]:
        """Draw customers among those that either version knows, all of them alike."""
        mine = new.user_ids
        theirs = mine[:0] if old is None or not _alike(mine, old.user_ids) else old.user_ids
        drawn: list[Any] = []
        for place in np.random.default_rng(self.seed).permutation(len(mine) + len(theirs)):
            if len(drawn) == self.users:
                break
            if place < len(mine):
                drawn += mine[place : place + 1].tolist()
                continue
            one = theirs[place - len(mine) :][:1].tolist()
            drawn += [] if new.knows(one, []) else one  # else they are among the others already
        return drawn

    def _before(
        self, old: Pipeline | None, asked: list[Any]
    ) -> tuple[NDArray[np.int64] | None, NDArray[np.bool_]]:
        """Return the lengths under the version before of whom it knows, and who that is."""
        nobody = np.zeros(len(asked), bool)
        if old is None:
            return None, nobody
        try:
            made = old.recommend(asked, k=self.k, as_of=self.as_of)
        except Exception:  # it cannot be held against the new one, which is not the new one's fault
            return None, nobody
        known = made.rows >= 0
        return (made.lists.lengths[known].astype(np.int64), known) if known.any() else (None, known)


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether ids go together: both texts, or both numbers."""
    return len({isinstance(ids[0], str) for ids in (one, other) if len(ids)}) < 2


def _asking(pipeline: Pipeline, consent: ConsentRegister | None) -> Pipeline:
    """Return a version that records nothing, with nothing off, and with a register if one is given.

    What is off is none of a version's faults, nor does it excuse one.
    """
    silent = pipeline.with_audit(None).switched(SwitchState())
    return silent if consent is None else silent.with_consent(consent)


def _violations(made: Recommendations, eligibility: Eligibility) -> tuple[int, int]:
    """Count the listed pairs that some rule does not pass, by its sentence, and all of them.

    They are judged by their ids, whatever positions they were listed by.
    """
    listed = made.to_arrow()
    users = eligibility.users.ids.codes(listed["user_id"].combine_chunks())
    products = eligibility.products.ids.codes(listed["product_id"].combine_chunks())
    passed = 0
    for row in np.unique(users[users >= 0]).tolist():
        mine = products[(users == row) & (products >= 0)].tolist()
        passed += int(eligibility.pass_by_sentences(row, mine).sum()) if mine else 0
    return listed.num_rows - passed, listed.num_rows


def _unanswered(problem: str, users: int) -> CanaryReport:
    return CanaryReport((problem,), users, 0, 0, 1.0, None, 1.0, None)
