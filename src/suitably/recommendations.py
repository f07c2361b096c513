"""What comes out: ranked lists, reasons and evidence."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NoReturn, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import write_frame
from suitably.pipeline.explain import explain_listed
from suitably.pipeline.explanation import Explanation
from suitably.pipeline.flagged import flag_texts, flags_of_lists
from suitably.pipeline.generate import GeneratedLists, ListGenerator
from suitably.pipeline.list_html import SHOWN, lists_html
from suitably.pipeline.list_tables import cause_table, list_table
from suitably.pipeline.single_list import SingleList
from suitably.pipeline.user_list import UserList
from suitably.ranking.topk.lists import Lists
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.reasons import Reason
from suitably.suitability.verdicts import Audience, check_audience
from suitably.typing import IdLike
from suitably.utils import bitset

__all__ = ["Explanation", "Recommendations", "UserList"]

_BLOCK = 4096
_BY_PIPELINE = tuple(
    str(reason)
    for reason in (
        Reason.SWITCHED_OFF,
        Reason.OWNED,
        Reason.REJECTED,
        Reason.NO_SCORE,
        Reason.RERANKED,
        Reason.NARROWED,
        Reason.CATALOGUE,
        Reason.FINAL_CHECK,
    )
)


class Recommendations:
    """A list for every user asked, best first; fewer than `k` is a legitimate answer.

    Iterating yields a `UserList` for each user, in the order asked.

    Args:
        asked: The users' ids, in the order asked; None: those of their rows, all of them known.
        rows: Their positions, −1 where unknown.
        drawn: Their lists.
        generator: What drew them up, for reasons and evidence.
        last: What would draw up the next product, where lists were drawn up step by step.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> lists = pipeline.fit(st.Dataset(None, None, log)).recommend(k=2)
        >>> lists
        Recommendations(2 users, 2 products listed, 2 users with fewer than 2)
        >>> {one.user_id: one.product_ids for one in lists}
        {'ann': ('etf',), 'bob': ('bond',)}
        >>> lists.to_dict()["users"][0]["products"]
        [{'rank': 1, 'product_id': 'etf', 'score': 1.0}]
    """

    def __init__(
        self,
        asked: pa.Array | None,
        rows: NDArray[np.int64],
        drawn: GeneratedLists | SingleList,
        generator: ListGenerator,
        last: ListGenerator | None = None,
    ) -> None:
        self._given = asked
        self._rows = rows
        self.single: SingleList | None = drawn if isinstance(drawn, SingleList) else None
        """The list of a single user, where the ranker's scores alone put it in order."""
        self._made = drawn
        self._generator = generator
        self._last = generator if last is None else last

    @cached_property
    def _drawn(self) -> GeneratedLists:
        made = self._made
        if isinstance(made, GeneratedLists):
            return made
        return self._generator.laid_out(made)

    @property
    def k(self) -> int:
        """The most products in a list."""
        return self._generator.k

    @property
    def lists(self) -> Lists:
        """The lists as arrays; codes are positions in the catalogue."""
        return self._drawn.lists

    @property
    def rows(self) -> NDArray[np.int64]:
        """The positions of the users asked among the model's, −1 where unknown."""
        return self._rows

    @property
    def user_ids(self) -> pa.Array:
        """The ids of the users asked, in their order."""
        return self._asked

    def user_id(self, place: int) -> Any:
        """Return the id of the user at a place, as Python has it."""
        if self._given is not None:
            return self._given[place].as_py()
        return self._generator.state.users.ids.one(self._rows.item(place))

    @property
    def stood_in(self) -> NDArray[np.bool_]:
        """Whose list the fallback ranked, since the ranker knows nothing of them: bool (users,)."""
        return self._drawn.stood_in

    @property
    def candidates(self) -> NDArray[np.int64]:
        """How many products each list could have held: int64 (users,).

        Eligible, scored, and neither owned nor turned down where these are left out.
        """
        return self._drawn.candidates

    @property
    def generator(self) -> ListGenerator:
        """What drew the lists up."""
        return self._generator

    @property
    def last_generator(self) -> ListGenerator:
        """What would draw up the next product, where lists were drawn up step by step."""
        return self._last

    @property
    def as_of(self) -> pd.Timestamp | None:
        """The moment that the lists hold as of; None in data without timestamps."""
        return self._generator.snapshot.moment

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[UserList]:
        for block in _blocks(np.arange(len(self))):
            yield from self._user_lists(block)

    def to_frame(self) -> Any:
        """Return the lists, row by row.

        Returns:
            user_id, rank (from 1, int32), product_id, score (float32), in the order asked; of
            lists drawn at random also propensity (float64): of each product at its rank, given
            those above it.
        """
        return self._write(self.to_arrow())

    def to_arrow(self) -> pa.Table:
        """Return the lists as a PyArrow table."""
        return self._table(np.arange(len(self._rows)))

    def to_dict(self) -> dict[str, Any]:
        """Return the lists JSON-ready.

        Returns:
            as_of, k, and for each of `users` in the order asked: user_id, its products (rank,
            product_id, score, propensity where it was drawn, flags where rules flag it) and, where
            they are fewer than k, the reasons with their counts.
        """
        users = [one.to_dict() for one in self]
        return {"as_of": self._generator.snapshot.moment_text, "k": self.k, "users": users}

    def flags(self, texts: bool = False, audience: Audience = "customer") -> Any:
        """Return what to mind where a listed product is offered: the rules that flag it.

        Args:
            texts: Whether to add the sentences of `explain`, which takes a while for many lists.
            audience: Who reads these: the customer, or with `"adviser"` who may be told more.

        Returns:
            user_id, rank, product_id, rule, and unknown – whether the rule cannot be judged – in
            the order of `to_frame`; with `texts`, also en and zh.

        Raises:
            ValueError: An audience that there is not.
        """
        check_audience(audience)
        table = self._flags(np.arange(len(self)))
        if texts:
            eligibility = self._generator.snapshot.eligibility
            said = [flag_texts(eligibility, row, audience) for row in table.to_pylist()]
            for language in LANGUAGES:
                column = pa.array([text[language] for text in said], pa.string())
                table = table.append_column(language, column)
        return self._write(table)

    def for_user(self, user_id: IdLike) -> Any:
        """Return one user's list, as `to_frame` does.

        Raises:
            KeyError: The user was not asked about.
        """
        return self._write(self._table(np.array([self._place(user_id)])))

    def explain(self, user_id: IdLike, product_id: IdLike) -> Explanation:
        """Say why a product is in a user's list.

        Raises:
            KeyError: It is not; `Pipeline.why_not` says why.
        """
        place = self._place(user_id)
        code = int(self._generator.state.catalogue.codes_of([product_id], "product_id")[0])
        found = np.flatnonzero(self.lists.products[place, : self.lists.lengths[place]] == code)
        if code < 0 or not len(found):
            raise KeyError("the product is not in this customer's list: ask pipeline.why_not")
        rank = int(found[0])
        return explain_listed(
            self._generator,
            (user_id, int(self._rows[place])),
            (product_id, code),
            rank + 1,
            float(self.lists.scores[place, rank]),
            bool(self._drawn.stood_in[place]),
        )

    def abstentions(self) -> Any:
        """Say why users have fewer than `k` products.

        A reason is a rule, or `owned`, `rejected`, `no-score` (the ranker knows nothing of the
        product), `reranked`, `narrowed` (left out by `product_ids`), `catalogue` (`k` is above what
        there is), `final-check`, `switched-off` or `unknown-user`. A user with fewer than `k` has
        one at least; to whom nothing is offered since they, or everything, are switched off, that
        is the only one. A pair that several reasons keep out counts for each of them.

        Returns:
            user_id, returned, reason, count: a row per user and reason; the count is one of
            products, for `catalogue` of those that `k` asks for beyond the catalogue.
        """
        causes = self.causes(np.flatnonzero(self.lists.lengths < self.k))
        places = causes["place"].to_numpy()
        users = {
            "user_id": self._asked.take(causes["place"].combine_chunks()),
            "returned": pa.array(self.lists.lengths[places], pa.int32()),
        }
        return self._write(
            pa.table({**users, "reason": causes["reason"], "count": causes["count"]})
        )

    def causes(self, places: NDArray[np.int64], first: int = 0) -> pa.Table:
        """Return what shortened some lists: place (int64), reason and count, place by place.

        Args:
            places: Of users with fewer than k products.
            first: The place that is called 0.
        """
        return cause_table(list(self._causes(places)), self._rows < 0, first)

    @cached_property
    def _asked(self) -> pa.Array:
        users = self._generator.state.users.ids
        return users.decode(self._rows) if self._given is None else self._given

    @property
    def counted(self) -> tuple[int, int]:
        """How many lists the fallback ranked, and how many are empty."""
        if self.single is not None:
            return int(self.single.stood_in), int(not self.single.products)
        empty = len(self._rows) - int(np.count_nonzero(self.lists.lengths))
        return int(np.count_nonzero(self.stood_in)), empty

    @cached_property
    def short(self) -> int:
        """How many users have fewer than `k` products."""
        return int((self.lists.lengths < self.k).sum())

    def _reasons(self, block: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
        generator, rows = self._last, self._rows[block]
        eligibility = generator.snapshot.eligibility
        by_rule = eligibility.exclusions(rows, generator.narrowed)
        eligible = eligibility.bits(rows) & generator.narrowed
        counts = np.zeros((len(_BY_PIPELINE), len(block)), np.int64)
        off, owned, rejected, unscored, reranked, narrowed, beyond, refused = counts
        if generator.off is not None:
            pairs = generator.off.pairs(rows, eligibility)
            off[:] = bitset.row_counts(pairs & generator.narrowed)
            eligible &= ~pairs
        some = np.flatnonzero(eligible.any(axis=1))
        if len(some):  # of nothing nothing is owned or without score
            eligible, rows = eligible[some], rows[some]
            not_owned = generator.without_owned(eligible.copy(), rows)
            not_rejected = generator.without_rejected(eligible.copy(), rows)
            known = generator.scorable(rows)
            owned[some] = bitset.row_counts(eligible & ~not_owned)
            rejected[some] = bitset.row_counts(eligible & ~not_rejected)
            unscored[some] = bitset.row_counts(not_owned & not_rejected & ~known)
        catalogue = len(generator.state.positions)
        reranked[:], refused[:] = self._drawn.reranked[block], self._drawn.refused[block]
        narrowed[:] = catalogue - bitset.count(generator.narrowed)
        beyond[:] = max(0, self.k - catalogue)
        return [*eligibility.reasons, *_BY_PIPELINE], np.hstack([by_rule, counts.T])

    def _causes(
        self, short: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], list[str], NDArray[np.int64]]]:
        """Yield some of these places, what may shorten lists, and how often it did for each."""
        unknown = short[self._rows[short] < 0]
        known = short[self._rows[short] >= 0]
        candidates = bitset.count(self._generator.narrowed)
        yield unknown, [str(Reason.UNKNOWN_USER)], np.full((len(unknown), 1), candidates)
        off = self._generator.switched_off(self._rows[known])
        if candidates and off.any():
            nothing = np.full((int(off.sum()), 1), candidates)
            yield known[off], [str(Reason.SWITCHED_OFF)], nothing
            known = known[~off]
        for block in _blocks(known):
            yield block, *self._reasons(block)

    def _user_lists(self, places: NDArray[np.int64]) -> Iterator[UserList]:
        if len(places) == 1:
            yield self._user_list(int(places[0]))
            return
        lists = self.lists.take(places)
        users = self._asked.take(pa.array(places)).to_pylist()
        products = self._generator.state.catalogue.ids.decode(
            lists.products[lists.filled]
        ).to_pylist()
        scores = lists.scores[lists.filled].tolist()
        drawn = lists.propensities
        chances = None if drawn is None else drawn[lists.filled].tolist()
        short = self._why_short(places[lists.lengths < self.k])
        flags = self._flags_by_user(places)
        end = 0
        for user, place, length in zip(users, places, lists.lengths.tolist(), strict=True):
            start, end = end, end + length
            mine = tuple(products[start:end]), tuple(scores[start:end])
            none: Mapping[Any, Any] = MappingProxyType({})
            why, flagged = short.get(int(place), none), flags.get(user, none)
            yield UserList(
                user, *mine, why, flagged, None if chances is None else tuple(chances[start:end])
            )

    def _user_list(self, place: int) -> UserList:
        """Return one list as `_user_lists` does: one user costs more in calls than in work."""
        state, row = self._generator.state, self._rows.item(place)
        chances = None
        if self.single is not None:
            codes, scores = self.single.products, self.single.scores
        else:
            lists = self.lists
            length = lists.lengths.item(place)
            codes = lists.products[place, :length].tolist()
            scores = lists.scores[place, :length].tolist()
            if lists.propensities is not None:
                chances = tuple(lists.propensities[place, :length].tolist())
        products = state.catalogue.ids.listed(np.array(codes, np.int64))
        found: dict[Any, dict[str, bool]] = {}
        names = self._generator.snapshot.eligibility.flag_ids
        for at, flag, unknown in self.flags_of_one(row, codes):
            found.setdefault(products[at], {})[names[flag]] = unknown
        return UserList(
            self.user_id(place),
            tuple(products),
            tuple(scores),
            self.why_one_is_short(place) if len(codes) < self.k else MappingProxyType({}),
            MappingProxyType(found),
            chances,
        )

    def why_one_is_short(self, place: int) -> Mapping[str, int]:
        """Return why a list has fewer than `k` products, with counts as in `abstentions`."""
        row = self._rows.item(place)
        if row < 0 or self._generator.off is not None:
            return self._why_short(np.array([place]))[place]
        if self.single is not None:
            names, counts = self._reasons_of_single(self.single)
        else:
            names, several = self._reasons(np.array([place]))
            counts = several[0].tolist()
        told = zip(names, counts, strict=True)
        return MappingProxyType({name: count for name, count in told if count})

    def _reasons_of_single(self, single: SingleList) -> tuple[Sequence[str], list[int]]:
        generator, row = self._generator, self._rows.item()
        assert generator.singles is not None  # it has drawn the list up
        eligibility = generator.snapshot.eligibility
        by_rule = eligibility.exclusions_of_one(row, generator.narrowed)
        left_out, beyond = (
            generator.singles.left_out,
            max(0, self.k - len(generator.state.positions)),
        )
        by_list = (single.owned, single.rejected, single.unscored, 0)
        told = [*by_rule, 0, *by_list, left_out, beyond, single.refused]
        return (*eligibility.reasons, *_BY_PIPELINE), told

    def flags_of_one(self, row: int, codes: Sequence[int]) -> list[tuple[int, int, bool]]:
        """Return the flags of one user's products: place, flag by number, whether it is unknown."""
        eligibility = self._generator.snapshot.eligibility
        if not codes or not eligibility.flag_ids:
            return []
        return eligibility.flagged_of_one(row, codes)

    def _why_short(self, places: NDArray[np.int64]) -> dict[int, Mapping[str, int]]:
        found: dict[int, Mapping[str, int]] = {}
        for block, names, counts in self._causes(places):
            unknown = (self._rows[block] < 0).tolist()
            for place, row, all_of_them in zip(
                block.tolist(), counts.tolist(), unknown, strict=True
            ):
                told = zip(names, row, strict=True)
                kept = {name: count for name, count in told if count or all_of_them}
                found[place] = MappingProxyType(kept)
        return found

    def _table(self, places: NDArray[np.int64]) -> pa.Table:
        users = self._asked.take(pa.array(places))
        return list_table(self.lists.take(places), users, self._generator.state.catalogue.ids)

    def _flags(self, places: NDArray[np.int64]) -> pa.Table:
        rows, table = flags_of_lists(self._generator, self._rows[places], self.lists.take(places))
        return table.add_column(0, "user_id", self._asked.take(pa.array(places[rows])))

    def _flags_by_user(self, places: NDArray[np.int64]) -> dict[Any, Mapping[Any, dict[str, bool]]]:
        found: dict[Any, dict[Any, dict[str, bool]]] = {}
        if not self._generator.snapshot.eligibility.flag_ids:
            return {}
        for row in self._flags(places).to_pylist():
            products = found.setdefault(row["user_id"], {})
            products.setdefault(row["product_id"], {})[row["rule"]] = row["unknown"]
        return {user: MappingProxyType(products) for user, products in found.items()}

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {user: place for place, user in enumerate(self._asked.to_pylist())}

    def _place(self, user_id: Any) -> int:
        asked = self._generator.state.users.ids.read([user_id], "user_id")[0].as_py()
        if asked not in self._places:
            raise KeyError("this customer was not asked about: ask pipeline.why_not")
        return self._places[asked]

    def _write(self, table: pa.Table) -> Any:
        return write_frame(table, self._generator.state.kind)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the model that explains the lists would come along."""
        raise TypeError(
            "Recommendations cannot be pickled, since they explain themselves by the model: "
            "send to_frame(), to_arrow() or to_dict(), and the pipeline by its save"
        )

    def __copy__(self) -> Self:
        return self  # nothing changes it

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        listed = int(self.lists.lengths.sum())
        return (
            f"Recommendations({len(self):,} users, {listed:,} products listed, "
            f"{self.short:,} users with fewer than {self.k})"
        )

    def _repr_html_(self) -> str:
        first = list(self._user_lists(np.arange(min(SHOWN, len(self)))))
        all_shown = len(self) <= SHOWN and self.lists.depth <= SHOWN
        return lists_html(repr(self), first, all_shown)


def _blocks(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (places[start : start + _BLOCK] for start in range(0, len(places), _BLOCK))
