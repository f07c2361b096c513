"""A campaign from end to end: seconds, memory, the gap, and ineligible pairs among all planned."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

import suitably as st
from benchmarks.runner import Row
from benchmarks.workload import AS_OF, POLICY, frames

USERS, PRODUCTS, EVENTS, FACTORS = 1_000_000, 300, 3_000_000, 32
CHANNELS = pd.DataFrame(
    {
        "channel": ["email", "letter", "call"],
        "cost": [0.05, 1.2, 7.0],
        "response": [0.4, 0.7, 1.0],
        "capacity": [None, 200_000, 20_000],
    }
)
BUDGET, QUOTAS = 250_000.0, 10


def run(users: int = USERS) -> list[Row]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(_planned, (users,))
    name = f"a campaign, {users:,} x {PRODUCTS * len(CHANNELS)} offers"
    note = (
        f"{found['planned']:,} planned under twelve rules, the policy contact, a budget of "
        f"{BUDGET:,.0f}, two capacities and {found['limits']} quotas; a tenth held out"
    )
    return [
        Row(name, None, found["seconds"], "s", None, note),
        Row(f"{name}, processor", None, found["cpu"], "s", None, "of all cores together"),
        Row(f"{name}, peak memory", None, found["memory"], "GB", None, "frames and model included"),
        Row(
            f"{name}, gap to the bound", None, found["gap"], "", None, "0 is the best there can be"
        ),
        Row(f"{name}, ineligible", None, found["wrong"], "pairs", None, "judged one by one"),
    ]


class ByScore:
    """A probability that falls with the rank, as a fitted curve would give it."""

    def probabilities(
        self, candidates: Any
    ) -> Callable[[NDArray[np.int64], Any], NDArray[np.float64]]:
        """Return what tells the probabilities of a block."""

        def told(_: NDArray[np.int64], part: Any) -> NDArray[np.float64]:
            ranks = np.arange(part.lists.products.shape[1])
            likely: NDArray[np.float64] = 0.2 / (1 + np.exp(-part.lists.scores.astype(float)))
            return likely / np.sqrt(1 + ranks)

        return told


def pipeline_of(users: int) -> st.Pipeline:
    """Return a pipeline over the workload's bank, with the fields that contacts are judged by."""
    rng = np.random.default_rng(1)
    people, products = frames(users, PRODUCTS)
    day = np.timedelta64(1, "D")
    seen = AS_OF.to_datetime64() - rng.integers(1, 400, users) * day
    quiet = np.where(rng.random(users) < 0.1, "call", "")
    people = people.assign(
        marketing=rng.random(users) < 0.8,
        contacts_7d=rng.poisson(0.4, users),
        contacts_30d=rng.poisson(1.5, users),
        last_contact=seen,
        last_refusal=pd.Series(seen).where(rng.random(users) < 0.05),
        last_complaint=pd.Series(seen).where(rng.random(users) < 0.02),
        vulnerable=rng.random(users) < 0.05,
    )
    table = pa.Table.from_pandas(people, preserve_index=False)
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(users + 1, dtype=np.int32)), pa.array(quiet)
    )
    table = table.append_column("quiet_channels", lists)
    del people
    products = products.assign(margin=rng.lognormal(4, 0.7, PRODUCTS).round(2))
    log = pa.table(
        {
            "user_id": rng.integers(0, users, EVENTS * users // USERS),
            "product_id": rng.integers(0, PRODUCTS, EVENTS * users // USERS),
        }
    )
    log = log.append_column(
        "timestamp",
        pa.array(AS_OF.to_datetime64() - rng.integers(1, 700, log.num_rows) * day).cast(
            pa.timestamp("us")
        ),
    )
    data = st.Dataset(table, pa.Table.from_pandas(products, preserve_index=False), log)
    ranker = st.ranking.ALS(factors=FACTORS, iterations=1)
    policy = st.Policy.from_toml(POLICY)
    return st.Pipeline(policy=policy, ranker=ranker).fit(data, as_of=AS_OF)


def campaign_of(pipeline: st.Pipeline, users: int) -> st.decisions.Campaign:
    """Return a campaign over all its customers, with limits of every kind."""
    some = pipeline.product_ids[:QUOTAS].tolist()
    limits = pd.DataFrame({"product_id": some, "at_least": 0, "at_most": max(1, users // 100)})
    return st.decisions.Campaign(
        pipeline,
        CHANNELS,
        budget=BUDGET * users / USERS,
        limits=limits,
        contact_policy="contact",
        propensity=ByScore(),
        holdout=0.1,
        salt="benchmark",
    )


def _planned(users: int) -> dict[str, Any]:
    pipeline = pipeline_of(users)
    campaign = campaign_of(pipeline, users)
    before = _peak()
    start, cpu, main = time.perf_counter(), time.process_time(), time.thread_time()
    plan = campaign.plan()
    frame = plan.to_arrow()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    main = time.thread_time() - main
    peak = _peak()
    print(f"before planning {before:.2f} GB; one core {main:.1f} s; {plan!r}", file=sys.stderr)
    ids = frame["user_id"].combine_chunks(), frame["product_id"].combine_chunks()
    passed = pipeline.eligibility().passes(*ids)
    contacts = plan.universe.contacts
    assert contacts is not None
    rows = plan.universe.rows[plan.planned.users]
    passed &= contacts.pairs(rows, plan.planned.offers)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "memory": peak,
        "gap": plan.gap,
        "planned": len(plan),
        "limits": QUOTAS,
        "wrong": float((~passed).sum()),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
