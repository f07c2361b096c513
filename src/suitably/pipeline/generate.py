"""List generation: eligibility, ownership, scores, order, and the last check."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.frames import take_rows
from suitably.errors import SuitabilityWarning, SuitablyError
from suitably.model.scoring import CatalogueScorer
from suitably.model.state import FittedState, Snapshot, stored_in
from suitably.pipeline.opt_out import OptOut, WithheldFields
from suitably.pipeline.single_list import SingleList, SingleLists
from suitably.pipeline.switched_off import SwitchedOff
from suitably.ranking.protocol import AskedUsers, DrawingRanker, Ranker, Scorer, draws_lists
from suitably.ranking.topk.engine import top_k
from suitably.ranking.topk.lists import Lists
from suitably.reranking.protocol import RerankContext, Reranker
from suitably.utils import bitset
from suitably.utils.bitset import BitRows
from suitably.utils.parallel import cores, one_blas_thread, parallel
from suitably.utils.progress import progress

__all__ = ["GeneratedLists", "ListGenerator"]

_FEW = 64
_USERS = 4096
_CELLS = 2**23
_POOL = 5

_T = TypeVar("_T")


@dataclass(frozen=True)
class GeneratedLists:
    """Lists, and what happened to them on the way.

    Attributes:
        lists: For the users asked, in their order; codes are positions in the catalogue.
        reranked: int64 (users,), products that rerankers dropped.
        refused: int64 (users,), products that a reranker added or repeated, and that were dropped.
        stood_in: bool (users,), whom the ranker knows nothing of, so that the fallback ranked.
        candidates: int64 (users,), how many products could have been listed.
    """

    lists: Lists
    reranked: NDArray[np.int64]
    refused: NDArray[np.int64]
    stood_in: NDArray[np.bool_]
    candidates: NDArray[np.int64]

    @staticmethod
    def empty(users: int, depth: int, drawn: bool = False) -> "GeneratedLists":
        """Return lists without products, to which nothing has happened."""
        reranked, refused, candidates = np.zeros((3, users), np.int64)
        lists = Lists.empty(users, depth, drawn)
        return GeneratedLists(lists, reranked, refused, np.zeros(users, bool), candidates)

    def put(self, places: NDArray[np.int64], part: "GeneratedLists") -> None:
        """Lay the lists of some users at their places."""
        self.lists.put(places, part.lists)
        # Zeros that nobody writes take no memory.
        if part.reranked.any() or part.refused.any():
            self.reranked[places] = part.reranked
            self.refused[places] = part.refused
        self.stood_in[places] = part.stood_in
        self.candidates[places] = part.candidates


@dataclass(frozen=True)
class RankerAssignment:
    """Some users of a block, and the scores that rank for them.

    Attributes:
        places: int64, which of the block.
        scorer: Their scores, over the catalogue.
        known: Words (1, catalogue / 64) or (users, …), the products that have a score.
        stood_in: Whether it is the fallback's part.
        personal: Whether it is a ranker's at all, and not that of users who have opted out.
    """

    places: NDArray[np.int64]
    scorer: Scorer
    known: BitRows
    stood_in: bool
    personal: bool = True


@dataclass(frozen=True)
class ListGenerator:
    """Draws up lists as of a moment.

    Attributes:
        state: What the model holds.
        snapshot: How it looks as of the moment.
        scorers: The scores of the fitted ranker, and of what ranks for those it does not know.
        rerankers: In their order.
        k: The most products in a list.
        exclude_owned: Whether owned products are left out.
        candidates: int64, positions in the catalogue that the caller narrows it to; None: all.
        opt_out: Who has not consented to personal lists; None: everybody asked about has.
        withheld: Which sensitive fields rerankers do not see; None: they see all.
        off: What is switched off; None: nothing is.
        taken: CSR (users, catalogue), what stands in the lists already; None: nothing does.
        first: How many products stand in each list already.
    """

    state: FittedState
    snapshot: Snapshot
    scorers: Sequence[CatalogueScorer]
    rerankers: Sequence[Reranker]
    k: int
    exclude_owned: bool
    candidates: NDArray[np.int64] | None
    opt_out: OptOut | None = None
    withheld: WithheldFields | None = None
    off: SwitchedOff | None = None
    taken: sparse.csr_array | None = None
    first: int = 0

    def generate(self, rows: NDArray[np.int64]) -> GeneratedLists:
        """Draw up the lists of users by position; −1 stands for an unknown user.

        Blocks of like users are generated up side by side, one on each core.

        Warns:
            SuitabilityWarning: A reranker tried to add.
        """
        single = self.single(rows)
        if single is not None:
            return self.laid_out(single)
        if 0 < len(rows) <= _FEW and min(rows.tolist()) >= 0:
            generated = self._block(rows)
        else:
            generated = GeneratedLists.empty(len(rows), self.depth, self.draws)
            for places, part in self.blocks(rows, lambda _, part: part):
                generated.put(places, part)
        if np.count_nonzero(generated.refused):
            _warn_of(int(generated.refused.sum()))
        return generated

    def laid_out(self, drawn: SingleList) -> GeneratedLists:
        """Return the list of a single user as those of several are."""
        reranked, refused, candidates = np.array([[0], [drawn.refused], [drawn.candidates]])
        lists = drawn.lists(self.depth)
        return GeneratedLists(lists, reranked, refused, np.array([drawn.stood_in]), candidates)

    def single(self, rows: NDArray[np.int64]) -> SingleList | None:
        """Draw up the list of one known user, whom the ranker's scores alone put in order.

        Returns:
            None for whoever else is asked about, and where lists are drawn, reordered or for those
            who have opted out.

        Warns:
            SuitabilityWarning: What was drawn up did not pass the last check.
        """
        if len(rows) != 1 or self.singles is None or rows.item() < 0:
            return None
        drawn = self.singles.of(rows)
        if drawn.refused:
            _warn_of(drawn.refused)
        return drawn

    @cached_property
    def singles(self) -> SingleLists | None:
        """What draws up lists of single users; None where these are not by scores alone."""
        others = self.opt_out is not None or self.taken is not None
        if others or self.rerankers or self.draws:
            return None
        made_of = (self.state, self.snapshot, self.scorers, self.depth, self.exclude_owned)
        return SingleLists(*made_of, self.narrowed, self.off)

    @property
    def rankers(self) -> tuple[Ranker, ...]:
        """The fitted ranker, and what ranks for those it knows nothing of."""
        return tuple(scorer.ranker for scorer in self.scorers)

    @cached_property
    def draws(self) -> bool:
        """Whether lists are drawn at random, and have propensities."""
        return draws_lists(type(self.scorers[0].ranker))

    @cached_property
    def depth(self) -> int:
        """How many products a list has room for."""
        return min(self.k, self._width)

    @cached_property
    def _width(self) -> int:
        return len(self.state.positions)

    @cached_property
    def narrowed(self) -> BitRows:
        """The products that the caller narrows the catalogue to: words (1, catalogue / 64)."""
        if self.candidates is None:
            return self.state.whole_catalogue
        inside = np.zeros((1, self._width), bool)
        inside[0, self.candidates] = True
        return bitset.pack(inside)

    def allowed(self, rows: NDArray[np.int64]) -> BitRows:
        """Return who may be offered what, before any score: words (users, catalogue / 64)."""
        words = self.snapshot.eligibility.bits(rows)
        if self.candidates is not None:
            words &= self.narrowed
        if self.taken is not None:
            bitset.clear(words, *stored_in(self.taken, rows))
        words = self.without_switched_off(words, rows)
        return self.without_rejected(self.without_owned(words, rows), rows)

    def without_switched_off(self, words: BitRows, rows: NDArray[np.int64]) -> BitRows:
        """Take out of some words, in place, what is switched off."""
        if self.off is not None:
            words &= ~self.off.pairs(rows, self.snapshot.eligibility)
        return words

    def switched_off(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return to which of some known users nothing at all is offered: bool (rows,)."""
        return np.zeros(len(rows), bool) if self.off is None else self.off.users[rows]

    def without_owned(self, words: BitRows, rows: NDArray[np.int64]) -> BitRows:
        """Take out of some words, in place, what users own, where that is left out."""
        if self.exclude_owned:
            bitset.clear(words, *self.owned(rows))
        return words

    def without_rejected(self, words: BitRows, rows: NDArray[np.int64]) -> BitRows:
        """Take out of some words, in place, what users have turned down."""
        bitset.clear(words, *self.rejected(rows))
        return words

    def owned(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what users own and cannot acquire again: places in the block and the catalogue."""
        return self._of_personal(rows, self.state.excluded(rows))

    def rejected(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what users have turned down, and not too long ago, likewise."""
        return self._of_personal(rows, self.state.rejected(rows, self.snapshot.as_of))

    def opted_out(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some known users have not consented to personal lists: bool (rows,)."""
        return np.zeros(len(rows), bool) if self.opt_out is None else self.opt_out.of(rows)

    def _of_personal(
        self, rows: NDArray[np.int64], pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Keep of some pairs, by place and product, those of users whose lists are personal."""
        if self.opt_out is None:
            return pairs
        personal = ~self.opt_out.of(rows)[pairs[0]]
        return pairs[0][personal], pairs[1][personal]

    def scorable(self, rows: NDArray[np.int64]) -> BitRows:
        """Return the pairs that have a score: words (users, catalogue / 64)."""
        words = np.zeros((len(rows), self.narrowed.shape[1]), np.uint64)
        personal, out = self._split(rows)
        if self.opt_out is not None and len(out):
            words[out] = self.opt_out.scores(rows[out])[1]
        for places, scorer, asked in self._turns(rows, personal):
            words[places] = scorer.known(asked)
        return words

    def assignments(self, rows: NDArray[np.int64]) -> list[RankerAssignment]:
        """Ask the rankers in part: each scores for those that the ones before know nothing of."""
        assigned = []
        personal, out = self._split(rows)
        if self.opt_out is not None and len(out):
            scores, known = self.opt_out.scores(rows[out])
            assigned.append(RankerAssignment(out, scores, known, False, personal=False))
        for places, scorer, asked in self._turns(rows, personal):
            scores, known = scorer.scores(asked)
            stood_in = scorer is not self.scorers[0]
            assigned.append(RankerAssignment(places, scores, known, stood_in))
        return assigned

    def _split(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of users whose lists are personal, and of those who have opted out."""
        places = np.arange(len(rows))
        if self.opt_out is None:
            return places, places[:0]
        out = self.opt_out.of(rows)
        return places[~out], places[out]

    def _turns(
        self, rows: NDArray[np.int64], left: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], CatalogueScorer, AskedUsers]]:
        """Yield which users each ranker scores for: those that the ones before know nothing of."""
        asked = AskedUsers(self.state.users.ids, rows if len(left) == len(rows) else rows[left])
        for scorer in self.scorers:
            if not len(left):
                return
            able = scorer.can_score(asked)
            whole = np.count_nonzero(able) == len(able)
            if whole:
                yield left, scorer, asked
                return
            if able.any():
                yield left[able], scorer, asked.take(able)
            left, asked = left[~able], asked.take(~able)

    def blocks(
        self,
        rows: NDArray[np.int64],
        work: Callable[[NDArray[np.int64], GeneratedLists], _T],
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Draw up the lists of known users in blocks, and do something with each on its core.

        Args:
            rows: Users by position; those of −1 are in no block.
            work: Is given the places of a block among the rows, and its lists.

        Yields:
            The places of a block, and what became of it.
        """
        asked = np.flatnonzero(rows >= 0)
        if len(asked) <= _FEW:
            if len(asked):
                yield asked, work(asked, self._block(rows[asked]))
            return
        share = -(-len(asked) // cores())
        size = max(1, min(share, _USERS, _CELLS // max(1, self._width)))
        asked = asked[np.argsort(self.snapshot.places[rows[asked]], kind="stable")]
        blocks = [asked[start : start + size] for start in range(0, len(asked), size)]
        with one_blas_thread():
            generated = parallel(lambda block: work(block, self._block(rows[block])), blocks)
            shown = progress(generated, "recommend", len(blocks), "block")
            yield from zip(blocks, shown, strict=True)

    def _block(self, rows: NDArray[np.int64]) -> GeneratedLists:
        allowed = self.allowed(rows)
        depth = self.k * _POOL if self.rerankers else self.k
        ranked, stood_in, candidates = self._ranked(rows, allowed, depth)
        if not self.rerankers:
            lists, refused = _last_check(ranked, allowed)
            none = np.zeros(len(rows), np.int64)
            return GeneratedLists(lists, none, refused, stood_in, candidates)
        lists, added = self._reranked(ranked, rows)
        lists, ineligible = _last_check(lists, allowed)
        dropped = np.where(lists.lengths < self.k, ranked.lengths - lists.lengths, 0)
        return GeneratedLists(lists, dropped, added + ineligible, stood_in, candidates)

    def _ranked(
        self, rows: NDArray[np.int64], allowed: BitRows, depth: int
    ) -> tuple[Lists, NDArray[np.bool_], NDArray[np.int64]]:
        assigned = self.assignments(rows)
        stood_in = np.zeros(len(rows), bool)
        if len(assigned) == 1 and len(assigned[0].places) == len(rows):
            stood_in[:] = assigned[0].stood_in
            candidates = allowed & assigned[0].known
            counts = bitset.row_counts(candidates)
            return self._best(assigned[0], rows, candidates, depth), stood_in, counts
        lists = Lists.empty(len(rows), min(depth, self._width), self.draws)
        counts = np.zeros(len(rows), np.int64)
        for part in assigned:
            candidates = allowed[part.places] & part.known
            counts[part.places] = bitset.row_counts(candidates)
            lists.put(part.places, self._best(part, rows[part.places], candidates, depth))
            stood_in[part.places] = part.stood_in
        return lists, stood_in, counts

    def _best(
        self, part: RankerAssignment, rows: NDArray[np.int64], candidates: BitRows, depth: int
    ) -> Lists:
        if not self.draws or part.stood_in or not part.personal:
            lists = top_k(part.scorer, candidates, depth)
            return lists.certain() if self.draws else lists
        ranker = cast(DrawingRanker, self.scorers[0].ranker)
        pool = top_k(part.scorer, candidates, ranker.pool_size(depth))
        return ranker.draw(pool, rows, self.snapshot.as_of, self.first, depth)

    def _reranked(self, lists: Lists, rows: NDArray[np.int64]) -> tuple[Lists, NDArray[np.int64]]:
        context = self._context(rows)
        refused = np.zeros(len(rows), np.int64)
        for reranker in self.rerankers:
            # All but the last leave the next one something to choose from.
            depth = self.k if reranker is self.rerankers[-1] else self.k * _POOL
            back = reranker.rerank(lists.copy(), context, depth)
            lists, added = _only_from(lists, back, min(depth, self._width))
            refused += added
        return lists, refused

    def _context(self, rows: NDArray[np.int64]) -> RerankContext:
        """Show rerankers the users, and of those who have opted out neither fields nor holdings."""
        out = self.opted_out(rows)
        fields = take_rows(self.snapshot.fields, pa.array(rows, mask=out))
        if self.withheld is not None:
            fields = self.withheld.of(fields, rows)
        owned = self.state.holdings(rows)
        if out.any():
            owned = sparse.csr_array(sparse.diags_array((~out).astype(owned.dtype)) @ owned)
            owned.eliminate_zeros()
        return RerankContext(
            user_ids=self.state.users.values[rows],
            user_fields=fields,
            product_ids=self.state.catalogue.values,
            product_fields=self.state.catalogue.fields,
            owned=owned,
        )


def _warn_of(refused: int) -> None:
    warnings.warn(
        f"rerankers added or repeated {refused} products that were not in the lists they were "
        f"given; they were dropped",
        SuitabilityWarning,
        stacklevel=4,
    )


def _only_from(given: Lists, back: Lists, depth: int) -> tuple[Lists, NDArray[np.int64]]:
    """Keep of a reranker's lists what it was given, each once, up to a depth; count the rest."""
    if back.products.shape[0] != len(given.products):
        raise SuitablyError(
            f"a reranker was given {len(given.products)} lists and gave back {len(back.products)}"
        )
    if not given.depth:
        return given, back.lengths.astype(np.int64)
    users = np.arange(len(given.products))[:, None]
    span = int(given.products.max(initial=0)) + 2
    filled, offered = back.filled & (back.products >= 0), given.filled
    place = np.zeros(len(users) * span, np.int32)
    ranks = np.broadcast_to(np.arange(given.depth, dtype=np.int32), offered.shape)
    place[(users * span + given.products)[offered]] = ranks[offered]
    at = place[users * span + np.clip(back.products, 0, span - 1)]
    mine = filled & (given.products[users, at] == back.products) & (at < given.lengths[:, None])
    taken = np.zeros(given.products.shape, bool)
    for rank in range(back.depth):
        mine[:, rank] &= ~taken[users[:, 0], at[:, rank]]
        kept = mine[:, rank]
        taken[users[kept, 0], at[kept, rank]] = True
    return back.keep(mine, depth), (filled & ~mine).sum(axis=1)


def _last_check(lists: Lists, allowed: BitRows) -> tuple[Lists, NDArray[np.int64]]:
    """Hold the final lists against the mask, last of all."""
    users = np.arange(len(allowed))[:, None]
    legal = (
        bitset.has(allowed, users, np.maximum(lists.products, 0)) if lists.depth else lists.filled
    )
    wrong = lists.filled & ~legal
    if not wrong.any():
        return lists, np.zeros(len(allowed), np.int64)
    return lists.keep(legal, lists.depth), wrong.sum(axis=1)
