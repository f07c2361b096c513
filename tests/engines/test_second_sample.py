"""Two samples agree as far as the lists that they teach are the same."""

import warnings

import pytest

import suitably as st
from engines.every_builder import AS_OF, KINDS, frames
from engines.grouped import in_order
from suitably.engines.second_sample import AGREED, agreement, warn_of_disagreement
from suitably.model.groups import without_anybody
from suitably.ranking import EASE, Explore, Popularity

NOTHING = """
[policy]
id = "nothing"
version = "1"
[[rules]]
id = "none"
require = "missing(user.balance)"
"""


@pytest.fixture(scope="module")
def data() -> st.Dataset:
    users, products, log = frames()
    return st.Dataset(in_order(users), products, in_order(log), **KINDS)


def nobody(data: st.Dataset, ranker: object, policy: st.Policy) -> object:
    pipeline = st.Pipeline([], policy, ranker, fallback=None)  # type: ignore[arg-type]
    return without_anybody(pipeline.fit(data, AS_OF)._fitted())


def test_agreement(data: st.Dataset) -> None:
    """Of two products a list each: the same one, another one, or nothing for anybody."""
    free, view = st.Policy.unrestricted(), data.view(AS_OF)
    one, drawn = (nobody(data, ranker, free) for ranker in (EASE(), Explore(EASE())))
    assert agreement(one, one, view) == 1.0  # type: ignore[arg-type]
    assert agreement(one, drawn, view) == 1.0, "draws are left out"  # type: ignore[arg-type]
    strict = st.Policy.from_toml(NOTHING)
    barred = nobody(data, EASE(), strict)
    assert agreement(one, barred, view) == 1.0, "policies are left out"  # type: ignore[arg-type]
    sells = nobody(data, Popularity(event_weights={"sell": 1.0}), free)
    share = agreement(one, sells, view)  # type: ignore[arg-type]
    assert share is not None
    assert 0 < share <= 1


def test_nobody_to_ask(data: st.Dataset) -> None:
    free, view = st.Policy.unrestricted(), data.view(AS_OF)
    one = nobody(data, EASE(), free)
    nothing = view.without(view.users.codes(view.user_ids) >= 0)
    assert agreement(one, one, nothing) is None  # type: ignore[arg-type]


def test_the_warning() -> None:
    with pytest.warns(st.SuitabilityWarning, match="learned from 1,000 users .* only 40% of a"):
        warn_of_disagreement(0.4, 1_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_disagreement(AGREED, 10)
        warn_of_disagreement(None, 10)
