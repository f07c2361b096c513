"""Hold-outs at random: what is hidden, and from whom, whatever the order of the data."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.ranking.inner_split import InnerSplit, random_split
from suitably.ranking.protocol import FitContext

Pairs = list[tuple[str, str]]


def context(data: suitably.Dataset, as_of: Any = None, seed: int = 0) -> FitContext:
    view = data.view(as_of)
    eligibility: Any = None
    return FitContext(view, view.user_fields.select([]), eligibility, view.as_of, seed)


def log(pairs: Pairs) -> suitably.Dataset:
    return suitably.Dataset(None, None, pd.DataFrame(pairs, columns=["user_id", "product_id"]))


def hide(given: FitContext, users: int | None = None, share: float = 0.2) -> InnerSplit:
    split = random_split(given, users, share)
    assert split is not None
    return split


def names(split: InnerSplit) -> set[tuple[str, str]]:
    view = split.past.data
    hidden = zip(view.user_ids[split.users], view.product_ids[split.products], strict=True)
    return {(str(user), str(product)) for user, product in hidden}


def left(split: InnerSplit) -> list[tuple[str, str]]:
    events, view = split.past.data.events, split.past.data
    return [
        (str(view.user_ids[user]), str(view.product_ids[product]))
        for user, product in zip(events.users, events.products, strict=True)
    ]


MANY: Pairs = [
    (f"u{user}", f"p{(7 * user + step) % 23}") for user in range(40) for step in range(5)
]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("vwxyz")), min_size=1),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_hidden_and_left_make_up_the_whole(pairs: Pairs, share: float, seed: int) -> None:
    split = random_split(context(log(pairs), seed=seed), share=share)
    owned = {user: {p for u, p in pairs if u == user} for user, _ in pairs}
    if split is None:
        assert max(map(len, owned.values())) == 1
        return
    hidden = names(split)
    assert len(hidden) == len(split.users)
    assert sorted(left(split)) == sorted(pair for pair in pairs if pair not in hidden)
    for user, products in owned.items():
        most = min(max(round(share * len(products)), 1), len(products) - 1)
        assert len({pair for pair in hidden if pair[0] == user}) == most
    assert (np.diff(split.users) >= 0).all()
    assert split.past.as_of is None


def test_neither_order_nor_strangers_change_what_is_drawn() -> None:
    split = hide(context(log(MANY)), users=10)
    assert len(np.unique(split.users)) == 10
    shuffled = [MANY[place] for place in np.random.default_rng(3).permutation(len(MANY))]
    assert names(hide(context(log(shuffled)), users=10)) == names(split)
    more = [("a stranger", "p1"), ("a stranger", "a product"), *MANY]
    with_more = names(hide(context(log(more)), share=0.4))
    alone = names(hide(context(log(MANY)), share=0.4))
    assert {pair for pair in with_more if pair[0] != "a stranger"} == alone


def test_another_seed_hides_others() -> None:
    drawn = [hide(context(log(MANY), seed=seed)) for seed in (0, 0, 1)]
    assert names(drawn[0]) == names(drawn[1]) != names(drawn[2])


def test_with_a_product_go_all_events_of_the_user_with_it() -> None:
    frame = pd.DataFrame({
        "user_id": ["ann"] * 6 + ["bob"] * 2,
        "product_id": ["x", "x", "x", "y", "y", "z", "x", "x"],
        "event": ["view", "buy", "buy", "view", "buy", "view", "view", "buy"],
        "timestamp": "2024-01-01",
    })  # fmt: skip
    data = suitably.Dataset(None, None, frame, owned_events=["buy"], other_events=["view"])
    split = hide(context(data, "2024-02-01"))
    ((user, product),) = names(split)
    assert user == "ann", "bob has one product"
    assert product in {"x", "y"}, "z was seen only"
    assert sorted(left(split)) == sorted(
        pair
        for pair in zip(frame["user_id"], frame["product_id"], strict=True)
        if pair != (user, product)
    )
    assert split.past.as_of == np.datetime64("2024-02-01")
    assert split.allowed(split.users).tolist() == [[product == "x", product == "y", True]]


@pytest.mark.parametrize("pairs", [[("a", "x")], [("a", "x"), ("a", "x"), ("b", "y")]])
def test_nothing_is_hidden_where_nobody_has_two(pairs: Pairs) -> None:
    assert random_split(context(log(pairs))) is None
