"""Contract of metrics: a user's value depends on that user's list, as deep as it counts."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse

from suitably.metrics import (
    LENSKIT,
    RECTOOLS,
    TREC,
    Convention,
    Hits,
    ListMetric,
    MetricInput,
    UserMetric,
    parse_metrics,
)
from suitably.metrics.metric_input import RANKED, SEEN
from suitably.metrics.protocol import is_per_user, measure, needs_of, range_of

__all__ = ["MetricContract"]

USERS, DEPTH, PRODUCTS = 12, 6, 10
_HITS = ("hits", "suitable_hits")
drawn: pytest.MarkDecorator = pytest.mark.parametrize("seed", range(4))
every_convention: pytest.MarkDecorator = pytest.mark.parametrize(
    "convention", [TREC, LENSKIT, RECTOOLS]
)


class MetricContract:
    """Inherit it and say how your metric is made: an object, or a name that is registered.

    Lists are drawn at random, of every length up to six, from ten products; who passes, what was
    relevant, what it was worth and what was there before are drawn too. Fields of users and
    products that your metric reads are added by `user_fields` and `product_fields`.

    Example:
        >>> class TestMyMetric(MetricContract):
        ...     def make(self):
        ...         return "ndcg@4"
        >>> TestMyMetric().test_others_do_not_matter(TREC, seed=0)
    """

    def make(self) -> Any:
        """Return the metric, or the name that it is registered by."""
        raise NotImplementedError

    def metric(self) -> UserMetric | ListMetric:
        """Return the metric as `evaluate` reads it."""
        (metric,) = parse_metrics([self.make()])
        return metric

    def user_fields(self, rng: np.random.Generator) -> pa.Table:
        """Return fields of twelve users."""
        shares = [{"a": float(share), "b": 1 - float(share)} for share in rng.random(USERS)]
        money = rng.random((4, USERS)) * 100
        names = ("income", "lifetime_value", "acquisition_cost", "contact_cost")
        return pa.table(
            {
                "segment": rng.choice(["a", "b"], USERS),
                "category_share": shares,
                **dict(zip(names, money, strict=True)),
            }
        )

    def product_fields(self, rng: np.random.Generator) -> pa.Table:
        """Return fields of ten products."""
        texts = {name: rng.choice(["a", "b"], PRODUCTS) for name in ("category", "issuer")}
        money = dict(zip(("fee", "commission", "revenue"), rng.random((3, PRODUCTS)), strict=True))
        levels = np.array(["R1", "R2", "R3"])[np.arange(PRODUCTS) % 3]
        return pa.table({**texts, **money, "fee_rate": money["fee"] / 100, "risk_level": levels})

    def seen(self, seed: int, convention: Convention = TREC) -> MetricInput:
        """Return lists of twelve users, the first of them empty, and all that a metric may need."""
        rng = np.random.default_rng(seed)
        lengths = rng.integers(0, DEPTH + 1, USERS)
        lengths[:2] = 0, DEPTH
        order = np.argsort(rng.random((USERS, PRODUCTS)), axis=1)[:, :DEPTH]
        inside = np.arange(DEPTH) < lengths[:, None]
        relevance = (rng.random(order.shape) < 0.4) & inside
        relevant = np.maximum(relevance.sum(axis=1) + rng.integers(0, 3, USERS), 1)
        passes = (rng.random(order.shape) < 0.7) & inside
        suitable = relevance & passes
        history = sparse.csr_array(rng.integers(0, 2, (USERS, PRODUCTS)).astype(np.float64))
        return MetricInput(
            lengths=lengths,
            products=np.where(inside, order, -1),
            convention=convention,
            hits=Hits(relevance, lengths, relevant),
            suitable_hits=Hits(suitable, lengths, suitable.sum(axis=1) + rng.integers(0, 2, USERS)),
            passes=passes,
            rejected=(rng.random(order.shape) < 0.2) & inside,
            spent=np.where(relevance, rng.random(order.shape) * 1000, np.where(inside, 0, np.nan)),
            events={"view": (rng.random(order.shape) < 0.6) & inside},
            size=PRODUCTS,
            user_fields=self.user_fields(rng),
            product_fields=self.product_fields(rng),
            user_levels=rng.integers(0, 4, USERS),
            product_levels=rng.integers(0, 4, PRODUCTS),
            history=history,
            newcomers=rng.random(USERS) < 0.5,
            owners=rng.integers(0, 50, PRODUCTS),
            audience=60,
            returns=rng.normal(0, 0.05, (PRODUCTS, 4)),
        )

    def test_it_is_one(self) -> None:
        """It has a label, a depth or none, a direction, and needs that can be met."""
        metric = self.metric()
        assert isinstance(metric, UserMetric | ListMetric)
        assert isinstance(metric.label, str)
        assert metric.label
        assert metric.k is None or (type(metric.k) is int and metric.k > 0)
        assert type(metric.higher_is_better) is bool
        assert set(needs_of(metric)) <= set(SEEN)

    @drawn
    @every_convention
    def test_a_value_per_user(self, convention: Convention, seed: int) -> None:
        """It is finite or missing, in its range if it has one, and the same again.

        One for all lists together is one figure.
        """
        metric, seen = self.metric(), self.seen(seed, convention)
        before = _copied(seen)
        values = measure(metric, seen)
        assert values.shape == ((USERS,) if is_per_user(metric) else ())
        assert np.array_equal(measure(metric, seen), values, equal_nan=True)
        low, high = range_of(metric) or (-np.inf, np.inf)
        assert low < high
        known = values[~np.isnan(values)]
        assert (low <= known).all(), f"below its range, from {low}"
        assert (known <= high).all(), f"above its range, to {high}"
        assert _same(seen, before), "it wrote into what it was given"

    def test_it_needs_no_more_than_it_says(self) -> None:
        """What it does not name may be missing."""
        metric, seen = self.metric(), self.seen(0)
        optional = {f.name for f in fields(MetricInput) if f.default is None}
        unneeded: dict[str, Any] = dict.fromkeys(optional - set(needs_of(metric)))
        bare = replace(seen, **unneeded)
        assert np.array_equal(measure(metric, bare), measure(metric, seen), equal_nan=True)

    @drawn
    @every_convention
    def test_others_do_not_matter(self, convention: Convention, seed: int) -> None:
        """A user's value is the same alone, in company, and in another order."""
        metric, seen = self.metric(), self.seen(seed, convention)
        values = measure(metric, seen)
        order = np.random.default_rng(seed).permutation(USERS)
        turned = measure(metric, _users(seen, order))
        if not is_per_user(metric):
            assert np.array_equal(turned, values, equal_nan=True)
            return
        assert np.array_equal(turned, values[order], equal_nan=True)
        for user in range(USERS):
            alone = measure(metric, _users(seen, np.array([user])))
            assert np.array_equal(alone, values[user : user + 1], equal_nan=True)

    @drawn
    @every_convention
    def test_room_past_the_end_does_not_matter(self, convention: Convention, seed: int) -> None:
        """Lists may be given deeper than they are."""
        metric, seen = self.metric(), self.seen(seed, convention)
        wide = _ranks(seen, lambda array, blank: np.pad(array, ((0, 0), (0, 3)),
                                                        constant_values=blank))  # fmt: skip
        assert np.array_equal(measure(metric, wide), measure(metric, seen), equal_nan=True)

    @drawn
    def test_what_is_below_its_depth_does_not_matter(self, seed: int) -> None:
        """One with a depth looks at the first places only."""
        metric, seen = self.metric(), self.seen(seed)
        if metric.k is None:
            return
        full = np.full(USERS, DEPTH)
        products = np.argsort(np.random.default_rng(seed).random((USERS, PRODUCTS)), axis=1)
        hits = Hits(products[:, :DEPTH] % 3 == 0, full, np.full(USERS, 4))
        shown = products[:, :DEPTH]
        seen = replace(seen, lengths=full, products=shown, hits=hits, suitable_hits=hits,
                       passes=shown % 2 == 0, rejected=shown % 5 == 0, spent=shown / 7.0,
                       events={"view": shown % 4 > 0})  # fmt: skip
        k = metric.k
        below = _ranks(seen, lambda array, _: np.hstack([array[:, :k], array[:, k:][:, ::-1]]))
        assert np.array_equal(measure(metric, below), measure(metric, seen), equal_nan=True)

    def test_nobody(self) -> None:
        """Of no users there are no values."""
        metric = self.metric()
        if is_per_user(metric):
            nobody = _users(self.seen(0), np.zeros(0, np.int64))
            assert measure(metric, nobody).shape == (0,)

    def test_it_says_which_way_is_better(self) -> None:
        """One that sees hits alone finds perfect lists no worse than hopeless ones."""
        metric, seen = self.metric(), self.seen(0)
        if set(needs_of(metric)) <= {"hits", "convention"}:
            full = np.full(USERS, DEPTH)
            perfect, hopeless = (
                measure(metric, replace(seen, lengths=full, hits=Hits(hit, full, full)))
                for hit in (np.ones((USERS, DEPTH), bool), np.zeros((USERS, DEPTH), bool))
            )
            better, worse = (perfect, hopeless) if metric.higher_is_better else (hopeless, perfect)
            assert (better >= worse).all()
            assert (better > worse).any()


def _users(seen: MetricInput, order: NDArray[np.int64]) -> MetricInput:
    """Return what is seen of some users, in some order."""
    names = ("lengths", *RANKED, "user_levels", "history", "newcomers")
    taken = {name: getattr(seen, name)[order] for name in names}
    for name in _HITS:
        hits: Hits = getattr(seen, name)
        taken[name] = Hits(hits.relevance[order], hits.lengths[order], hits.relevant[order])
    taken["events"] = {kind: there[order] for kind, there in seen.events.items()}
    if seen.user_fields is not None:
        taken["user_fields"] = seen.user_fields.take(pa.array(order))
    return replace(seen, **taken)


def _ranks(seen: MetricInput, change: Any) -> MetricInput:
    """Change every array of ranks: a function of the array and what stands past the end."""
    changed = {name: change(getattr(seen, name), blank) for name, blank in RANKED.items()}
    changed["events"] = {kind: change(there, False) for kind, there in seen.events.items()}
    for name in _HITS:
        hits: Hits = getattr(seen, name)
        changed[name] = replace(hits, relevance=change(hits.relevance, False))
    return replace(seen, **changed)


def _arrays(seen: MetricInput) -> list[NDArray[Any]]:
    given = [getattr(seen, name) for name in SEEN]
    found = [one for one in given if isinstance(one, np.ndarray)]
    for hits in (seen.hits, seen.suitable_hits):
        found += [] if hits is None else [hits.relevance, hits.lengths, hits.relevant]
    found += [] if seen.history is None else [seen.history.data]
    return [*found, *seen.events.values()]


def _copied(seen: MetricInput) -> list[NDArray[Any]]:
    return [array.copy() for array in _arrays(seen)]


def _same(seen: MetricInput, before: list[NDArray[Any]]) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(_arrays(seen), before, strict=True)
    )
