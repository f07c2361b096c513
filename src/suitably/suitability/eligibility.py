"""Who may be offered what: policies bound to users, products and a moment."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant, micros
from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.suitability.display import eligibility_frame, eligibility_html
from suitably.suitability.engine.atoms import batch_reader, one_reader
from suitably.suitability.engine.clauses import (
    Clause,
    by_name,
    governed,
)
from suitably.suitability.engine.exclusions import NO_PAIRS, Exclusions, counts_table, excluded
from suitably.suitability.engine.explanation import explain_pair, pass_by_sentences
from suitably.suitability.engine.flags import UNKNOWN, Flags, Raised, flag_table, flags_of_few
from suitably.suitability.engine.reason_counts import ReasonCounts
from suitably.suitability.engine.scope import Rows, UserBatch
from suitably.suitability.engine.single_user import SingleUser
from suitably.suitability.engine.tables import EligibilityTables
from suitably.suitability.verdicts import RuleVerdict
from suitably.suitability.what_if.asked import WhatIfs
from suitably.typing import AsOf, IdLike, IdsLike
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["Eligibility"]

_MOST_CELLS = 2**31
_WORTH_TABULATING = 512


class Eligibility(WhatIfs):
    """Pass, fail or unknown for every pair; only what passes every rule is eligible.

    Nothing is stored per pair: rows of bits are composed when they are asked for, and for many
    users at a time from tables and a few codes per user.

    Args:
        policies: The policies, all of which bind.
        users: The users, with their fields.
        products: The catalogue, with its fields.
        as_of: The moment of the decision, None in data without timestamps.
        clock: The convention of `as_of`.
        kind: The kind of frame for `counts`.

    Raises:
        PolicyError: A rule does not fit the fields.
        DataError: A value off its scale, or of another type than declared.

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= product.from_age"
        ... ''')
        >>> users = pd.DataFrame({"user_id": ["a", "b"], "age": [17, 30]})
        >>> products = pd.DataFrame({"product_id": ["x", "y"], "from_age": [18, 14]})
        >>> eligibility = policy.evaluate(users, products, "2026-01-01")
        >>> eligibility
        Eligibility(2 users x 2 products under adults, as of 2026-01-01)
        >>> eligibility.mask()
        array([[False,  True],
               [ True,  True]])
        >>> eligibility.to_frame(["a"], verdicts=True)
          user_id          x     y
        0       a  fail: age  pass
    """

    def _set_moment(self, as_of: Instant | None) -> None:
        super()._set_moment(as_of)
        self._tables: EligibilityTables | None = None
        self._counting: ReasonCounts | None = None
        self._asked, self._tabulating = 0, False

    def bits(self, rows: Rows) -> BitRows:
        """Return packed eligibility: a row of words per user, bit j of word j // 64 for product j.

        Args:
            rows: int64, positions in `user_ids`.
        """
        if self._tables is None and len(rows) < _WORTH_TABULATING:
            self._asked += len(rows)
            if self._asked >= _WORTH_TABULATING // 4 and not self._tabulating:
                # Whoever asks one by one, and goes on asking, is not to wait for the tables.
                self._tabulating = True
                Thread(target=self._tabulated, daemon=True).start()
            return self._composed(self._conditions, self._batch(rows))
        return self._tabulated().bits(rows)

    def bits_of_one(self, row: int) -> int:
        """Return the same of one user as one number, bit j for product j."""
        if self._tables is None:
            return bitset.number(self.bits(np.array([row]))[0])
        return self._tables.bits_of_one(row)

    def _tabulated(self) -> EligibilityTables:
        if self._tables is None:
            self._tables = EligibilityTables(self._conditions, self._batch(None), self._valid)
        return self._tables

    def prepare(self) -> None:
        """Work out for everybody at once what lists of single users, and reasons and flags, need.

        It takes as long as lists of everybody, and afterwards 4 bytes of memory for each user and
        each rule; whoever is asked about from then on is looked up.
        """
        self._tabulated()
        _ = self._exclusions
        if self.flag_ids:
            _ = self._flags

    def judge(self, row: Mapping[str, Any], as_of: AsOf | None = None) -> NDArray[np.bool_]:
        """Judge somebody who is not among the users: bool (products,).

        Args:
            row: A value per field, as the users frame would have it; what is left out is missing.
            as_of: The moment; default: that of this eligibility.

        Raises:
            DataError: A value of another type than the field, or off its scale.
        """
        moment = self.as_of if as_of is None else self._clock.instant(as_of)
        one, read = one_reader(UserBatch(SingleUser(row, self._user_fields), micros(moment)))
        for cell in self._user_fields.cells:
            one.value(cell)  # refuses what no frame could hold, whatever the other fields say
        words = self._of_one(self._timeline.at(moment).conditions, read)
        mask: NDArray[np.bool_] = bitset.unpack(words, len(self._products))[0]
        return mask

    def mask(self, user_ids: IdsLike | None = None) -> NDArray[np.bool_]:
        """Return eligibility as bool (users, products), for all users or those asked.

        Raises:
            DataError: An unknown id, or more than 2³¹ cells: ask for blocks of users instead.
        """
        rows = np.arange(len(self._users)) if user_ids is None else self._rows(user_ids)
        if len(rows) * len(self._products) > _MOST_CELLS:
            raise DataError(
                f"mask: {len(rows):,} users x {len(self._products):,} products is more than "
                f"2**31 cells: ask for blocks of users, mask(user_ids=...)"
            )
        out = np.empty((len(rows), len(self._products)), bool)
        for part in bitset.slices(len(rows), self._width):
            out[part] = bitset.unpack(self.bits(rows[part]), out.shape[1])
        return out

    def passes(self, user_ids: IdsLike, product_ids: IdsLike) -> NDArray[np.bool_]:
        """Judge pairs one by one: bool (pairs,); an id that is not known never passes.

        Args:
            user_ids: Ids, one per pair.
            product_ids: Ids, one per pair.
        """
        rows = self._users.codes_of(user_ids, "user_ids").astype(np.int64)
        columns = self._products.codes_of(product_ids, "product_ids").astype(np.int64)
        known = np.flatnonzero((rows >= 0) & (columns >= 0))
        out = np.zeros(len(rows), bool)
        out[known] = self.pairs(rows[known], columns[known])
        return out

    def pairs(self, rows: Rows, columns: Rows) -> NDArray[np.bool_]:
        """Judge pairs of positions one by one: bool (pairs,)."""
        out = np.empty(len(rows), bool)
        distinct, place = np.unique(rows, return_inverse=True)
        order = np.argsort(place, kind="stable")
        ascending = place[order]
        for part in bitset.slices(len(distinct), self._width):
            start, end = np.searchsorted(ascending, [part.start, part.stop])
            members = order[start:end]
            words = self.bits(distinct[part])
            out[members] = bitset.has(words, place[members] - part.start, columns[members])
        return out

    def order(self) -> NDArray[np.int64]:
        """Return a permutation of the users that puts like users together."""
        return self._tabulated().order()

    def verdicts(self, user_id: IdLike, product_id: IdLike) -> list[RuleVerdict]:
        """Return what every applicable rule says of one pair, in the policies' order.

        Raises:
            DataError: An unknown user, or a product that is not in the catalogue.
        """
        row, column = self._pair(user_id, product_id)
        return self.explain(int(row[0]), column)

    def explain(self, row: int, column: int) -> list[RuleVerdict]:
        """Return the same of a pair by the positions of its user and its product."""
        batch = self._batch(np.array([row]))
        return explain_pair(self._clauses, batch, column, self.as_of_text)

    def pass_by_sentences(self, row: int, columns: Sequence[int]) -> NDArray[np.bool_]:
        """Judge some products for one user, all by position, by the sentences alone.

        As `verdicts` does, pair by pair and without a word: nothing that is worked out for many
        users at a time has a part in it, so that lists can be held against it.

        Returns:
            bool (columns,), whether every rule passes.
        """
        return pass_by_sentences(self._clauses, self._batch(np.array([row])), columns)

    def to_frame(self, user_ids: IdsLike, verdicts: bool = False) -> Any:
        """Lay out a few users for reading: a row for each, a column per product.

        Args:
            user_ids: Who.
            verdicts: Whether to name the rules that keep a pair out beside its verdict.

        Raises:
            DataError: An unknown id, or more than 10,000 cells.
        """
        return eligibility_frame(self, user_ids, self._kind, verdicts)

    def counts(self) -> Any:
        """Count the pairs that each rule keeps out, and those that it flags.

        Returns:
            A frame: rule, failed, unknown, only – pairs that this rule alone keeps out – and
            flagged – pairs, eligible or not, that a rule with `effect = "flag"` fails or cannot
            judge, of which the other columns count none.
        """
        counts = dict.fromkeys((clause.name for clause in self._clauses), NO_PAIRS)
        counts |= zip(self.reasons, self._exclusions.totals(), strict=True)
        flagged = dict(zip(self.flag_ids, self._flags.totals(), strict=True))
        return write_frame(counts_table(counts, flagged), self._kind)

    def flags(self, user_ids: IdsLike, product_ids: IdsLike) -> Any:
        """Return the flags of pairs, eligible or not: what to mind where they are offered.

        Args:
            user_ids: Ids, one per pair.
            product_ids: Ids, one per pair.

        Returns:
            A frame with a row per pair and flag: user_id, product_id, rule, and unknown – whether
            the rule cannot be judged.

        Raises:
            DataError: A user is unknown, or a product not in the catalogue.
        """
        rows = self._rows(user_ids)
        columns = self._products.codes_of(product_ids, "product_ids").astype(np.int64)
        if (columns < 0).any() or len(rows) != len(columns):
            raise DataError("flags: one product of the catalogue for every user, and no other")
        pairs, said = flag_table(self.flagged(rows, columns), self.flag_ids)
        ids = {
            "user_id": self._users.ids.decode(rows[pairs]),
            "product_id": self._products.ids.decode(columns[pairs]),
        }
        return write_frame(pa.table({**ids, **said}), self._kind)

    def flagged(self, rows: Rows, columns: Rows) -> Raised:
        """Return which flags are raised for pairs of positions: (pairs, flag_ids)."""
        if "_flags" in self.__dict__ or len(rows) >= _WORTH_TABULATING:
            return self._flags.of(rows, columns)
        return flags_of_few(list(self._by_flag.values()), self._batch(rows), columns, self._width)

    def flagged_of_one(self, row: int, columns: Sequence[int]) -> list[tuple[int, int, bool]]:
        """Return the same for a few products of one user: place, flag, and whether it is unknown.

        In the order of the products, then of the flags.
        """
        if "_flags" in self.__dict__:
            found = self._flags.of_one(row, columns)
            if found is not None:
                return found
        raised = self.flagged(np.full(len(columns), row), np.array(columns, np.int64))
        places, flags = raised.nonzero()
        unknown = (raised[places, flags] == UNKNOWN).tolist()
        return list(zip(places.tolist(), flags.tolist(), unknown, strict=True))

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The names under which pairs are kept out, rule ids first to last."""
        return tuple(self._by_reason)

    @cached_property
    def flag_ids(self) -> tuple[str, ...]:
        """The rules that flag pairs and never bar, first to last."""
        return tuple(self._by_flag)

    @cached_property
    def _by_reason(self) -> dict[str, list[Clause]]:
        return by_name(clause for clause in self._clauses if clause.bars)

    @cached_property
    def _by_flag(self) -> dict[str, list[Clause]]:
        return by_name(clause for clause in self._clauses if not clause.bars)

    @cached_property
    def _flags(self) -> Flags:
        return Flags(list(self._by_flag.values()), self._batch(None), self._valid)

    def exclusions(self, rows: Rows, among: BitRows) -> NDArray[np.int64]:
        """Count the products that each reason keeps from each user: int64 (rows, reasons).

        Args:
            rows: Positions in `user_ids`.
            among: Bits of the products that count, which broadcast as (rows, words).
        """
        tabulated = self._tables is not None or len(rows) >= _WORTH_TABULATING
        if len(among) == 1 and tabulated:  # else no two users share a count
            return self._reason_counts().of(rows, among)
        read = batch_reader(self._batch(rows))
        return excluded(list(self._by_reason.values()), read, among & self._valid, len(rows))

    def exclusions_of_one(self, row: int, among: BitRows) -> list[int]:
        """Count the products that each reason keeps from one user, as `exclusions` does."""
        if self._tables is not None:
            found = self._reason_counts().of_one(row, among)
            if found is not None:
                return found
        counts: list[int] = self.exclusions(np.array([row]), among)[0].tolist()
        return counts

    def governed(self, rows: Rows, policy_ids: Collection[str]) -> BitRows:
        """Return the pairs that some policies govern, or may govern.

        Args:
            rows: Positions in `user_ids`.
            policy_ids: Of the policies, in force or not; others have no part in it.

        Returns:
            Words that broadcast as (rows, products / 64).
        """
        read, words = batch_reader(self._batch(rows)), np.zeros_like(self._valid)
        for policy in self._bound:
            if policy.policy.id in policy_ids:
                words = words | (~governed(policy, read)[1] & self._valid)
        return words

    def _reason_counts(self) -> ReasonCounts:
        if self._counting is None:
            made_of = (self.reasons, self._conditions, self._tabulated(), self._valid)
            self._counting = ReasonCounts(*made_of)
        return self._counting

    @cached_property
    def _exclusions(self) -> Exclusions:
        return Exclusions(list(self._by_reason.values()), self._batch(None), self._valid)

    def _repr_html_(self) -> str:
        return eligibility_html(self)

    def __repr__(self) -> str:
        names = " and ".join(f"{p.id} {p.version}".strip() for p in self.policies)
        moment = "" if self.as_of is None else f", as of {self.as_of_text}"
        users, products = len(self._users), len(self._products)
        return f"Eligibility({users:,} users x {products:,} products under {names}{moment})"
