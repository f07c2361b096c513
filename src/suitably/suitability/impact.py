"""What a change of policy would do, before it goes live: who gains what, and who loses it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.columns import Columns
from suitably.data.frames import read_frame, write_frame
from suitably.data.vocabulary import id_array
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.frames import evaluate_frames
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.policy import PolicySource, read_policies
from suitably.typing import AsOf, IntoFrame
from suitably.utils import bitset
from suitably.utils.bitset import BitRows
from suitably.utils.json import jsonable

__all__ = ["Impact", "compare_eligibilities", "impact"]

_BLOCK = 4096
_SLICE = 255  # so many rows of bits can be added up in bytes
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Impact:
    """What replacing one policy by another would change, for the same users and products.

    Attributes:
        before: Who may be offered what under the policy that is replaced.
        after: The same under the new one.
        user_counts: Pairs per user, int64 (users, 4): gained, lost, before, after.
        product_counts: Pairs per product, int64 (products, 4), likewise.
        kind: The kind of frame that goes out.

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> strict = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... [[rules]]
        ... id = "age"
        ... require = "user.age >= 18"
        ... ''')
        >>> users = pd.DataFrame({"user_id": ["a", "b"], "age": [17, 30]})
        >>> products = pd.DataFrame({"product_id": ["x"]})
        >>> change = impact(Policy.unrestricted(), strict, users, products, "2026-01-01")
        >>> change.gained, change.lost
        (0, 1)
        >>> change.to_dict()["users"]
        [{'user_id': 'a', 'gained': 0, 'lost': 1, 'before': 1, 'after': 0}]
    """

    before: Eligibility
    after: Eligibility
    user_counts: Counts
    product_counts: Counts
    kind: str

    @property
    def gained(self) -> int:
        """How many pairs would become eligible."""
        return int(self.user_counts[:, 0].sum())

    @property
    def lost(self) -> int:
        """How many pairs would no longer be."""
        return int(self.user_counts[:, 1].sum())

    def users(self) -> Any:
        """Return the affected users.

        Returns:
            A frame: user_id, and the number of products gained, lost, before and after.
        """
        return self._affected("user_id", self.before.user_ids, self.user_counts)

    def products(self) -> Any:
        """Return the affected products.

        Returns:
            A frame: product_id, and the number of users gained, lost, before and after.
        """
        return self._affected("product_id", self.before.product_ids, self.product_counts)

    def rules(self) -> Any:
        """Return what each rule keeps out and flags under both; nothing where a policy lacks it.

        Returns:
            A frame: rule; failed, unknown, only – pairs that it alone keeps out – and flagged, each
            `_before` and `_after`.
        """
        sides = []
        for eligibility in (self.before, self.after):
            counts, _ = read_frame(eligibility.counts(), "counts")
            sides.append({row["rule"]: row for row in counts.to_pylist()})
        names = list(dict.fromkeys([*sides[0], *sides[1]]))
        table = {"rule": pa.array(names, pa.string())}
        for figure in ("failed", "unknown", "only", "flagged"):
            for when, rows in zip(("before", "after"), sides, strict=True):
                values = [rows[name][figure] if name in rows else 0 for name in names]
                table[f"{figure}_{when}"] = pa.array(values, pa.int64())
        return write_frame(pa.table(table), self.kind)

    def pairs(self, limit: int = 20, change: Literal["gained", "lost"] | None = None) -> Any:
        """Return examples: the first pairs that change, in the order of users and catalogue.

        Args:
            limit: The most pairs to give.
            change: Only those gained or only those lost; None for both.

        Returns:
            A frame: user_id, product_id, change, and rules – the rules that keep the pair out,
            before where it is gained and after where it is lost.

        Raises:
            ValueError: `limit` is not a positive integer, or no such change.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"limit={limit!r}: must be a positive integer")
        if change not in (None, "gained", "lost"):
            raise ValueError(f"change={change!r}: must be 'gained', 'lost' or None")
        wanted = {None: [0, 1], "gained": [0], "lost": [1]}[change]
        per_user = self.user_counts[:, wanted].sum(axis=1)
        affected = np.flatnonzero(per_user)
        needed = int(np.searchsorted(np.cumsum(per_user[affected]), limit)) + 1
        found = [self._changed(rows, change) for rows in _blocks(affected[:needed])]
        tables = pa.concat_tables([self._examples.empty_table(), *found])
        return write_frame(tables.slice(0, limit), self.kind)

    @property
    def _examples(self) -> pa.Schema:
        ids = [_array(ids[:0]).type for ids in (self.before.user_ids, self.before.product_ids)]
        rules = ("rules", pa.list_(pa.string()))
        names = ("user_id", "product_id")
        return pa.schema([*zip(names, ids, strict=True), ("change", pa.string()), rules])

    def _changed(self, rows: Counts, change: str | None) -> pa.Table:
        old, new = self.before.bits(rows), self.after.bits(rows)
        differs = {None: old ^ new, "gained": new & ~old, "lost": old & ~new}[change]
        width = len(self.before.product_ids)
        places, columns = np.nonzero(bitset.unpack(differs, width))
        lost = bitset.unpack(old, width)[places, columns]
        ids = (self.before.user_ids[rows[places]], self.before.product_ids[columns])
        rules = np.empty(len(places), object)
        for eligibility, chosen in ((self.before, ~lost), (self.after, lost)):
            where = np.flatnonzero(chosen)
            if not len(where):
                continue
            names = np.array(eligibility.reasons, object)
            out = _keeping_out(eligibility, rows[places[where]], columns[where])
            for place, reasons in zip(where, out, strict=True):
                rules[place] = names[reasons].tolist()
        changes = np.where(lost, "lost", "gained")
        return pa.table([*map(_array, ids), changes, pa.array(rules)], schema=self._examples)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary and the affected users, products and rules, JSON-ready."""
        return {
            "before": [_about(policy) for policy in self.before.policies],
            "after": [_about(policy) for policy in self.after.policies],
            "as_of": jsonable(self.before.moment),
            "gained": self.gained,
            "lost": self.lost,
            "users": _rows(self.users()),
            "products": _rows(self.products()),
            "rules": _rows(self.rules()),
        }

    def _affected(self, name: str, ids: NDArray[Any], counts: Counts) -> Any:
        rows = np.flatnonzero(counts[:, :2].any(axis=1))
        columns = zip(("gained", "lost", "before", "after"), counts[rows].T, strict=True)
        return write_frame(pa.table({name: _array(ids[rows]), **dict(columns)}), self.kind)

    def __repr__(self) -> str:
        old, new = (_named(eligibility) for eligibility in (self.before, self.after))
        users = int(self.user_counts[:, :2].any(axis=1).sum())
        products = int(self.product_counts[:, :2].any(axis=1).sum())
        emptied, started = (
            int(((self.user_counts[:, a] > 0) & (self.user_counts[:, b] == 0)).sum())
            for a, b in ((2, 3), (3, 2))
        )
        was, now = (int(total) for total in self.user_counts[:, 2:].sum(axis=0))
        return (
            f"Impact of {new} in place of {old}, as of {self.before.as_of_text}\n"
            f"  eligible pairs  {was:,} -> {now:,} (gained {self.gained:,}, lost {self.lost:,})\n"
            f"  affected        {users:,} of {len(self.user_counts):,} users, "
            f"{products:,} of {len(self.product_counts):,} products\n"
            f"  users           {emptied:,} left without any product, {started:,} no longer without"
        )


def impact(
    policy_a: PolicySource,
    policy_b: PolicySource,
    users: IntoFrame,
    products: IntoFrame,
    as_of: AsOf,
    columns: Columns | None = None,
) -> Impact:
    """Compare two policies on the same users and products, pair by pair.

    Nothing is kept per pair, so the memory needed is that of a block of users.

    Args:
        policy_a: The policy in force: a `Policy`, its file or built-in name, or a list of these.
        policy_b: The one to take its place, likewise.
        users: A frame with a row per user, or versions; see `Policy.evaluate`.
        products: Likewise for products.
        as_of: The moment at which both are judged.
        columns: How the ids and timestamps are called.

    Returns:
        What would change.

    Raises:
        PolicyError: A policy cannot be read, or does not fit the frames.
        DataError: The frames cannot be used.

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> def grown_up(age):
        ...     return Policy.from_toml(f'''
        ...     [policy]
        ...     id = "adults"
        ...     version = "{age}"
        ...     [[rules]]
        ...     id = "age"
        ...     require = "user.age >= {age}"
        ...     ''')
        >>> users = pd.DataFrame({"user_id": ["a", "b", "c"], "age": [17, 19, 30]})
        >>> products = pd.DataFrame({"product_id": ["x", "y"]})
        >>> change = impact(grown_up(18), grown_up(21), users, products, "2026-01-01")
        >>> change
        Impact of adults 21 in place of adults 18, as of 2026-01-01
          eligible pairs  4 -> 2 (gained 0, lost 2)
          affected        1 of 3 users, 2 of 2 products
          users           1 left without any product, 0 no longer without
        >>> change.users()
          user_id  gained  lost  before  after
        0       b       0     2       2      0
    """
    old, new = read_policies(policy_a), read_policies(policy_b)
    people, kind = read_frame(users, "users")
    shelf, _ = read_frame(products, "products")
    before, after = (
        evaluate_frames(policies, people, shelf, as_of, columns or Columns())
        for policies in (old, new)
    )
    return compare_eligibilities(before, after, kind)


def compare_eligibilities(before: Eligibility, after: Eligibility, kind: str = "pandas") -> Impact:
    """Compare two policies that are bound to the same users and products, pair by pair.

    Args:
        before: Who may be offered what under the policy that is replaced.
        after: The same under the new one, such as `pipeline.eligibility(policy=...)`.
        kind: The kind of frame that goes out.
    """
    per_user = np.zeros((len(before.user_ids), 4), np.int64)
    per_product = np.zeros((len(before.product_ids), 4), np.int64)
    for rows in _blocks(np.arange(len(per_user))):
        was, now = before.bits(rows), after.bits(rows)
        for place, words in enumerate((now & ~was, was & ~now, was, now)):
            per_user[rows, place] = bitset.row_counts(words)
            per_product[:, place] += _column_counts(words, len(per_product))
    for counts in (per_user, per_product):
        counts.setflags(write=False)
    return Impact(before, after, per_user, per_product, kind)


def _column_counts(words: BitRows, products: int) -> Counts:
    """Count the set bits of every column: int64 (products,)."""
    total = np.zeros(products, np.int64)
    some = words[words.any(axis=1)]
    for start in range(0, len(some), _SLICE):
        part = bitset.unpack(some[start : start + _SLICE], products)
        total += part.view(np.uint8).sum(axis=0, dtype=np.uint8)
    return total


def _keeping_out(eligibility: Eligibility, rows: Counts, columns: Counts) -> NDArray[np.bool_]:
    """Return which reasons keep each pair out: bool (pairs, reasons)."""
    one: BitRows = np.zeros((len(rows), bitset.words_for(len(eligibility.product_ids))), np.uint64)
    one[np.arange(len(rows)), columns // 64] = np.uint64(1) << (columns % 64).astype(np.uint64)
    return eligibility.exclusions(rows, one) > 0


def _blocks(rows: Counts) -> Iterator[Counts]:
    for start in range(0, len(rows), _BLOCK):
        yield rows[start : start + _BLOCK]


def _array(ids: NDArray[Any]) -> pa.Array:
    text = ids.dtype == object and not (len(ids) and isinstance(ids[0], int))
    return pa.array(ids, pa.string()) if text else id_array(ids.tolist(), "ids")


def _about(policy: PolicyDocument) -> dict[str, str]:
    return {"id": policy.id, "version": policy.version, "fingerprint": policy.fingerprint}


def _rows(frame: Any) -> Any:
    return jsonable(read_frame(frame, "rows")[0])


def _named(eligibility: Eligibility) -> str:
    return " and ".join(f"{p.id} {p.version}".strip() for p in eligibility.policies)
