"""What each room does at a size: made ready first, then handed over as calls to be measured."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import suitably as st
from benchmarks import campaign
from benchmarks.workload import AS_OF, POLICY, frames

FACTORS, SWEEPS, K = 32, 10, 10
BLOCK, CELLS, BATCH = 4_096, 2**23, 100_000
ASKED = 1_000_000  # of more customers than these, so many are asked about
ONE_BY_ONE = 1_000
CAMPAIGN_MOST = 100_000  # `campaign` measures a million
_DAYS = 730

Calls = Iterator[tuple[str, int, Callable[[], Any]]]
"""What is measured: its name, how many customers or events it is for, and the call."""


@dataclass(frozen=True)
class Point:
    """So many customers, products and events, and a folder.

    What several rooms begin from is made once, and held until `let_go`.
    """

    customers: int
    products: int
    events: int
    folder: Path

    @cached_property
    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Customers, products and events."""
        return _drawn(self)

    @cached_property
    def dataset(self) -> st.Dataset:
        return st.Dataset(*self.tables)

    @property
    def model(self) -> Path:
        """A saved pipeline under twelve rules; fitted once."""
        path = _place(self)
        if not path.exists():
            fitted(self).save(path)
            self.let_go()
        return path

    @cached_property
    def loaded(self) -> st.Pipeline:
        """That pipeline, mapped, and ready to answer."""
        pipeline = st.load(self.model, verify="manifest")
        pipeline.eligibility().order()  # makes the tables
        pipeline.recommend(pipeline.user_ids[:1], k=K)
        return pipeline

    @cached_property
    def asked(self) -> Any:
        """Whom it is asked about."""
        ids = self.loaded.user_ids
        if len(ids) <= ASKED:
            return ids
        return np.random.default_rng(1).choice(ids, ASKED, replace=False)

    def let_go(self) -> None:
        """Hold nothing any more; what is needed again is made again."""
        for name in ("tables", "dataset", "loaded", "asked"):
            self.__dict__.pop(name, None)


def fitted(point: Point) -> st.Pipeline:
    """Return what is saved, loaded and asked: one sweep, since what was learned does not matter."""
    pipeline = st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue()],
        policy=st.Policy.from_toml(POLICY),
        ranker=_ials(1),
    )
    return pipeline.fit(point.dataset, AS_OF)


def data(point: Point) -> Calls:
    tables = point.tables
    yield "Dataset", point.events, lambda: st.Dataset(*tables)


def profiles(point: Point) -> Calls:
    found = point.dataset
    for builder in (
        st.profiles.RecencyFrequencyValue(),
        st.profiles.Holdings(),
        st.profiles.Preferences(),
    ):
        name = type(builder).__name__

        def made(builder: Any = builder) -> Any:
            return st.profiles.build([builder], found, AS_OF)

        yield name, point.events, made


def suitability(point: Point) -> Calls:
    customers, products, _ = point.tables
    policies = {
        "cn-csrc-amac": st.Policy.load("cn-csrc-amac"),
        "12 rules": st.Policy.from_toml(POLICY),
    }
    for name, policy in policies.items():
        kept: list[st.Eligibility] = []

        def encoded(policy: st.Policy = policy, kept: list[st.Eligibility] = kept) -> None:
            kept[:] = [policy.evaluate(customers, products, AS_OF)]
            kept[0].order()  # makes the tables

        def masks(kept: list[st.Eligibility] = kept) -> None:
            size = min(BLOCK, max(1, CELLS // point.products))  # as lists are made
            for start in range(0, point.customers, size):
                kept[0].bits(np.arange(start, min(point.customers, start + size)))

        yield f"encode, {name}", point.customers, encoded
        yield f"mask, {name}", point.customers, masks


def fit(point: Point, ranker: Any) -> Calls:
    found = point.dataset
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker, fallback=None)
    yield type(ranker).__name__, point.events, lambda: pipeline.clone().fit(found, AS_OF)


def save(point: Point) -> Calls:
    pipeline = fitted(point)
    with tempfile.TemporaryDirectory(dir=point.folder) as folder:
        names = (Path(folder, str(number)) for number in count())
        yield "save", point.customers, lambda: pipeline.save(next(names))
        if not (place := _place(point)).exists():
            Path(folder, "0").rename(place)


def load(point: Point) -> Calls:
    path = point.model
    point.let_go()
    yield "load, manifest", point.customers, lambda: st.load(path, verify="manifest")
    yield "load, full", point.customers, lambda: st.load(path)

    def first() -> None:
        pipeline = st.load(path, verify="manifest")
        pipeline.eligibility().order()
        pipeline.recommend(pipeline.user_ids[:1], k=K)

    yield "load and first list", point.customers, first


def fold_in(point: Point) -> Calls:
    """Find the vectors of all customers from products' vectors that are there."""
    ranker: Any = point.loaded.ranker_
    rows = np.arange(len(point.loaded.user_ids))

    def vectors() -> None:
        for start in range(0, len(rows), BATCH):
            ranker._vectors(ranker._lines(ranker.interactions_, rows[start : start + BATCH]))

    yield "fold in", point.customers, vectors


def lists(point: Point) -> Calls:
    yield "lists", len(point.asked), lambda: _listed(point, point.loaded)
    some = np.random.default_rng(2).choice(point.asked, ONE_BY_ONE).tolist()

    def one_by_one() -> None:
        for user in some:
            point.loaded.recommend([user], k=K)

    yield "lists, one by one", ONE_BY_ONE, one_by_one


def audit(point: Point) -> Calls:
    with tempfile.TemporaryDirectory(dir=point.folder) as folder:
        trail = st.governance.AuditTrail(Path(folder, "decisions.sqlite"))
        recorded = point.loaded.with_audit(trail)
        yield "lists, audited", len(point.asked), lambda: _listed(point, recorded)


def monitor(point: Point) -> Calls:
    watch = st.monitoring.Monitor(point.loaded)
    days = iter(pd.date_range(AS_OF.normalize(), periods=1_000))
    batches = [point.loaded.recommend(ids, k=K) for ids in _slices(point.asked)]

    def observed() -> None:
        day = next(days)
        for recs in batches:
            watch.observe(recs, at=day)
        assert watch.set_aside == 0  # makes it count them all

    yield "watch", len(point.asked), observed


def update(point: Point) -> Calls:
    pipeline = point.loaded
    rng = np.random.default_rng(3)
    hours = count(1)

    def news(size: int) -> pa.Table:
        log = _log(rng, pipeline.user_ids, pipeline.product_ids, size)
        moment = (AS_OF + pd.Timedelta(hours=next(hours))).to_datetime64()
        return log.set_column(2, "timestamp", pa.array([moment] * size).cast(pa.timestamp("us")))

    hundredth = max(1, point.events // 100)
    yield "update, 1 % more events", hundredth, lambda: pipeline.update(news(hundredth))
    yield "update, one event", 1, lambda: pipeline.update(news(1))
    point.let_go()  # it is not what was saved any more


def plan(point: Point) -> Calls:
    """Plan a campaign; 300 products and 3 channels, whatever the point's."""
    if point.customers <= CAMPAIGN_MOST:
        pipeline = campaign.pipeline_of(point.customers)
        planned = campaign.campaign_of(pipeline, point.customers)
        yield "campaign", point.customers, lambda: planned.plan().to_arrow()


def _ials(sweeps: int) -> st.ranking.IALS:
    # Given, so that nothing is searched for and every point does the same.
    given = {"unobserved_weight": 0.1, "regularization": 0.003, "tolerance": 0.0}
    return st.ranking.IALS(factors=FACTORS, iterations=sweeps, **given)


ROOMS: dict[str, Callable[[Point], Calls]] = {
    "data": data,
    "profiles": profiles,
    "suitability": suitability,
    "Popularity": lambda point: fit(point, st.ranking.Popularity()),
    "ItemKNN": lambda point: fit(point, st.ranking.ItemKNN()),
    "IALS": lambda point: fit(point, _ials(SWEEPS)),
    "save": save,
    "load": load,
    "fold_in": fold_in,
    "lists": lists,
    "audit": audit,
    "monitor": monitor,
    "update": update,
    "campaign": plan,
}


def _slices(ids: Any) -> Iterator[Any]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _listed(point: Point, pipeline: st.Pipeline) -> None:
    for ids in _slices(point.asked):
        pipeline.recommend(ids, k=K).to_arrow()


def _place(point: Point) -> Path:
    return point.folder / f"{point.customers}-{point.products}-{point.events}"


def _drawn(point: Point) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Draw customers and products of the workload, and purchases by Zipf's law."""
    people, shelf = frames(point.customers, point.products)
    rng = np.random.default_rng(1)
    people["horizon_months"] = rng.choice([6, 12, 36, 60, 120], point.customers)
    shelf = shelf.assign(
        regime="csrc",
        category=rng.choice(["bond", "equity", "mixed", "money"], point.products),
        lock_up_months=rng.choice([0, 3, 12], point.products),
        recommended_holding_months=rng.choice([0, 6, 12, 36], point.products),
    )
    customers = pa.Table.from_pandas(people, preserve_index=False)
    del people
    ids = np.arange(point.customers), np.arange(point.products)
    return (
        customers,
        pa.Table.from_pandas(shelf, preserve_index=False),
        _log(rng, *ids, point.events),
    )


def _log(rng: np.random.Generator, users: Any, products: Any, size: int) -> pa.Table:
    weights = np.cumsum(np.random.default_rng(4).permutation(_zipf(len(products))))
    what = np.searchsorted(weights, rng.random(size) * weights[-1])
    moments = AS_OF.to_datetime64().astype("datetime64[s]")
    moments = moments - rng.integers(1, _DAYS * 86_400, size)
    return pa.table(
        {
            "user_id": users[rng.integers(0, len(users), size)],
            "product_id": products[np.minimum(what, len(products) - 1)],
            "timestamp": pa.array(moments).cast(pa.timestamp("us")),
            "value": rng.lognormal(6, 1, size).round(2),
        }
    )


def _zipf(products: int) -> Any:
    return 1 / (10 + np.arange(products)) ** 0.9
