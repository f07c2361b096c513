"""What comes out: ranked lists, reasons and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import write_frame
from suitably.pipeline.generate import GeneratedLists, ListGenerator
from suitably.ranking.protocol import Ranker
from suitably.ranking.topk.lists import Lists
from suitably.suitability.verdicts import RuleVerdict
from suitably.utils import bitset

__all__ = ["Explanation", "Recommendations"]

_BLOCK = 4096


@dataclass(frozen=True)
class Explanation:
    """Why a product is in a user's list.

    Attributes:
        user_id: The user.
        product_id: The product.
        rank: Its place, from 1.
        score: The ranker's score, comparable within the list only.
        ranker: What ranked it: the pipeline's ranker, or its fallback.
        stood_in: Whether it was the fallback, since the ranker knows nothing of the user.
        verdicts: What every applicable rule says of the pair; all pass.
        text: A sentence made from facts, in English (`"en"`) and Chinese (`"zh"`).
    """

    user_id: Any = field(repr=False)
    product_id: Any
    rank: int
    score: float
    ranker: str
    stood_in: bool
    verdicts: tuple[RuleVerdict, ...]
    text: Mapping[str, str]


class Recommendations:
    """A list for every user asked, best first; fewer than `k` is a legitimate answer.

    Args:
        asked: The users' ids, in the order asked.
        rows: Their positions, −1 where unknown.
        drawn: Their lists.
        generator: What drew them up, for reasons and evidence.
    """

    def __init__(
        self,
        asked: pa.Array,
        rows: NDArray[np.int64],
        drawn: GeneratedLists,
        generator: ListGenerator,
    ) -> None:
        self._asked = asked
        self._rows = rows
        self._drawn = drawn
        self._generator = generator

    @property
    def k(self) -> int:
        """The most products in a list."""
        return self._generator.k

    @property
    def lists(self) -> Lists:
        """The lists as arrays; codes are positions in the catalogue."""
        return self._drawn.lists

    def __len__(self) -> int:
        return len(self._rows)

    def to_frame(self) -> Any:
        """Return the lists, row by row.

        Returns:
            user_id, rank (from 1, int32), product_id, score (float32), in the order asked.
        """
        return self._write(self.to_arrow())

    def to_arrow(self) -> pa.Table:
        """Return the lists as a PyArrow table."""
        return self._table(np.arange(len(self._rows)))

    def for_user(self, user_id: Any) -> Any:
        """Return one user's list, as `to_frame` does.

        Raises:
            KeyError: The user was not asked about.
        """
        return self._write(self._table(np.array([self._place(user_id)])))

    def explain(self, user_id: Any, product_id: Any) -> Explanation:
        """Say why a product is in a user's list.

        Raises:
            KeyError: It is not; `Pipeline.why_not` says why.
        """
        place = self._place(user_id)
        code = int(self._generator.state.catalogue.codes([product_id])[0])
        found = np.flatnonzero(self.lists.products[place, : self.lists.lengths[place]] == code)
        if code < 0 or not len(found):
            raise KeyError("the product is not in this customer's list: ask pipeline.why_not")
        rank = int(found[0])
        verdicts = self._generator.snapshot.eligibility.verdicts(user_id, product_id)
        stood_in = bool(self._drawn.stood_in[place])
        ranker = self._generator.rankers[stood_in]
        length = int(self.lists.lengths[place])
        return Explanation(
            user_id=user_id,
            product_id=product_id,
            rank=rank + 1,
            score=float(self.lists.scores[place, rank]),
            ranker=repr(ranker),
            stood_in=stood_in,
            verdicts=tuple(verdicts),
            text=_sentence(rank + 1, length, self._generator, ranker, stood_in, verdicts),
        )

    def abstentions(self) -> Any:
        """Say why users have fewer than `k` products.

        A pair that several rules keep out counts for each of them.

        Returns:
            user_id, returned, reason, count: a row per user and reason.
        """
        short = np.flatnonzero(self.lists.lengths < self.k)
        unknown = short[self._rows[short] < 0]
        known = short[self._rows[short] >= 0]
        candidates = bitset.count(self._generator.narrowed)
        parts = [(unknown, ["unknown-user"], np.full((len(unknown), 1), candidates))]
        for start in range(0, len(known), _BLOCK):
            block = known[start : start + _BLOCK]
            parts.append((block, *self._reasons(block)))
        places = [np.repeat(block, len(names)) for block, names, _ in parts]
        reasons = [np.tile(np.array(names, object), len(block)) for block, names, _ in parts]
        counts = [count.ravel() for _, _, count in parts]
        return self._write(self._abstained(*map(np.concatenate, (places, reasons, counts))))

    @cached_property
    def short(self) -> int:
        """How many users have fewer than `k` products."""
        return int((self.lists.lengths < self.k).sum())

    def _reasons(self, block: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
        generator, rows = self._generator, self._rows[block]
        eligibility = generator.snapshot.eligibility
        by_rule = eligibility.exclusions(rows, generator.narrowed)
        eligible = eligibility.bits(rows) & generator.narrowed
        allowed = generator.allowed(rows)
        others = [
            bitset.row_counts(eligible & ~allowed),
            bitset.row_counts(allowed & ~generator.scorable(rows)),
            self._drawn.reranked[block],
            self._drawn.refused[block],
        ]
        names = [*eligibility.reasons, "owned", "no-score", "reranked", "final-check"]
        return names, np.column_stack([by_rule, *others])

    def _abstained(
        self, places: NDArray[np.int64], reasons: NDArray[Any], counts: NDArray[np.int64]
    ) -> pa.Table:
        order = np.argsort(places, kind="stable")
        order = order[(counts[order] > 0) | (self._rows[places[order]] < 0)]
        return pa.table(
            {
                "user_id": self._asked.take(pa.array(places[order])),
                "returned": pa.array(self.lists.lengths[places[order]], pa.int32()),
                "reason": pa.array(reasons[order], pa.string()),
                "count": pa.array(counts[order], pa.int64()),
            }
        )

    def _table(self, places: NDArray[np.int64]) -> pa.Table:
        lists = self.lists.take(places)
        row, rank = np.nonzero(lists.filled)
        codes = lists.products[row, rank]
        return pa.table(
            {
                "user_id": self._asked.take(pa.array(places[row])),
                "rank": pa.array(rank + 1, pa.int32()),
                "product_id": self._generator.state.catalogue.ids.decode(codes),
                "score": pa.array(lists.scores[row, rank], pa.float32()),
            }
        )

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {user: place for place, user in enumerate(self._asked.to_pylist())}

    def _place(self, user_id: Any) -> int:
        plain = user_id.item() if isinstance(user_id, np.generic) else user_id
        if plain not in self._places:
            raise KeyError("this customer was not asked about: ask pipeline.why_not")
        return self._places[plain]

    def _write(self, table: pa.Table) -> Any:
        return write_frame(table, self._generator.state.kind)

    def __repr__(self) -> str:
        listed = int(self.lists.lengths.sum())
        return (
            f"Recommendations({len(self):,} customers, {listed:,} products listed, "
            f"{self.short:,} customers with fewer than {self.k})"
        )


def _sentence(
    rank: int,
    length: int,
    generator: ListGenerator,
    ranker: Ranker,
    stood_in: bool,
    verdicts: list[RuleVerdict],
) -> Mapping[str, str]:
    rules = ", ".join(verdict.rule for verdict in verdicts)
    name = type(ranker).__name__
    rerankers = [type(reranker).__name__ for reranker in generator.rerankers]
    reordered = f", reordered by {' and '.join(rerankers)}," if rerankers else ""
    after = f"、经{'、'.join(rerankers)}调整后" if rerankers else ""
    passed = f"It passes every rule that applies ({rules})" if rules else "No rule applies to it"
    reason = f"符合全部适用规则（{rules}）" if rules else "没有适用的规则"
    if stood_in:
        main = type(generator.rankers[0]).__name__
        basis = f"the behaviour of others, since {main} knows nothing of this customer yet"
        ground = f"因{main}对该客户尚无了解，按其他客户的行为"
    else:
        basis, ground = "past behaviour", "按历史行为"
    return MappingProxyType(
        {
            "en": f"{passed} and ranks {rank} of {length} by {name}{reordered} on {basis}.",
            "zh": f"该产品{reason}，{ground}由{name}{after}排在{length}个中的第{rank}位。",
        }
    )
