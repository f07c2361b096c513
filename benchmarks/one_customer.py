"""One customer: a list beside implicit's, a judgement, a new moment, an explanation."""

from datetime import timedelta
from itertools import count

import numpy as np
import pandas as pd
from scipy import sparse

import suitably as st
from benchmarks.runner import Row, paired

USERS, PRODUCTS, EVENTS, FACTORS, K = 20_000, 2_000, 400_000, 64, 10
CALLS, ROUNDS = 200, 21


def run() -> list[Row]:
    log = _events()
    data = st.Dataset(None, None, log)
    ranker = st.ranking.ALS(factors=FACTORS, iterations=2)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker).fit(data)
    return [_list(pipeline), *_judged(), *_explained()]


def _list(pipeline: st.Pipeline) -> Row:
    """Time lists of one customer each, with equal vectors on both sides."""
    from implicit.cpu.als import AlternatingLeastSquares

    fitted = pipeline.ranker_
    held = sparse.csr_matrix(fitted.interactions_.weights)
    peer = AlternatingLeastSquares(factors=FACTORS, num_threads=1)
    peer.user_factors, peer.item_factors = fitted.user_factors_, fitted.product_factors_
    ids = pipeline.user_ids.tolist()
    asked = np.random.default_rng(1).choice(len(ids), CALLS, replace=False).tolist()
    for row in asked[:20]:
        ours = pipeline.recommend([ids[row]], k=K).to_frame()["product_id"].tolist()
        theirs, _ = peer.recommend(row, held[row], N=K)
        same = pipeline.product_ids[theirs].tolist() == ours
        assert same, "implicit and the pipeline disagree on a list"

    def lists() -> None:
        for row in asked:
            pipeline.recommend([ids[row]], k=K)

    def peers() -> None:
        for row in asked:
            peer.recommend(row, held[row], N=K)

    note = f"peer: implicit.recommend of the same vectors, {FACTORS} factors; {CALLS} calls"
    return paired(f"one list, {USERS:,} x {PRODUCTS:,}", lists, peers, note, rounds=ROUNDS)


def _judged() -> list[Row]:
    """Time one customer's judgement, at a moment held and at one after another."""
    bank = st.data.simulate_bank(users=2_000, products=300, seed=0)
    pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
    rows = bank.users.to_dict("records")[:CALLS]
    held = pipeline.eligibility()
    later = count(1)
    closed = [
        (user, product)
        for user in pipeline.user_ids[:CALLS].tolist()
        for product in pipeline.product_ids[::50].tolist()
        if pipeline.what_if(user, product)
    ][:CALLS]

    def judge() -> None:
        for row in rows:
            held.judge(row)

    def moments() -> None:
        for row in rows:
            moment = pipeline.as_of_ + timedelta(minutes=next(later))
            pipeline.eligibility(as_of=moment).judge(row)

    def what_ifs() -> None:
        for user, product in closed:
            pipeline.what_if(user, product)

    def lessons() -> None:
        for user in sorted({user for user, _ in closed}):
            pipeline.lessons(user)

    size = f"17 rules x {len(pipeline.product_ids)} products"
    return [
        paired(f"{CALLS} judgements, {size}", judge, None, "target: .2 ms each", rounds=ROUNDS),
        paired(f"{CALLS} new moments, {size}", moments, None, "target: .2 ms each", rounds=ROUNDS),
        paired(f"{len(closed)} what-ifs", what_ifs, None, "target: 5 ms each", rounds=ROUNDS),
        paired(
            f"lessons for {len({user for user, _ in closed})}",
            lessons,
            None,
            "target: 5 ms each",
            rounds=ROUNDS,
        ),
    ]


def _explained() -> list[Row]:
    """Time explanations, one call each, of products listed to customers of the simulated bank."""
    bank = st.data.simulate_bank(users=2_000, products=300, seed=0)
    rows = []
    for ranker in (st.ranking.EASE(), st.ranking.IALS(), st.ranking.BPR(), st.ranking.Blend()):
        pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=ranker).fit(bank)
        lists = pipeline.recommend(k=10)
        asked = [(one.user_id, one.product_ids[0]) for one in lists if len(one)][:CALLS]

        def explain(lists: st.Recommendations = lists, asked: list[tuple] = asked) -> None:
            for user, product in asked:
                lists.explain(user, product)

        name = f"{len(asked)} explanations, {type(ranker).__name__}"
        rows.append(paired(name, explain, None, "target: 2 ms each", rounds=ROUNDS))
    return rows


def _events() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user_id": np.concatenate([np.arange(USERS), rng.integers(0, USERS, EVENTS)]),
            "product_id": rng.zipf(1.3, USERS + EVENTS) % PRODUCTS,
            "timestamp": pd.Timestamp("2024-01-01"),
        }
    )
