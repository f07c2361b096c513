"""Parameters are read, set, cloned, shown and checked in one way, scikit-learn's."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import suitably
from suitably import profiles, ranking, reranking
from suitably.profiles import FromFunction, RecencyFrequencyValue, RiskAppetite
from suitably.ranking import ALS, EASE, IALS, Blend, Popularity
from suitably.reranking import Caps, ConcentrationLimit, Determinantal, Diversity
from suitably.utils.params import (
    Parameterized,
    check_choice,
    check_fraction,
    check_positive,
    check_positive_int,
    clone,
)
from support.banks import popular

ROOMS = (profiles, ranking, reranking)
PARTS = [
    value
    for room in ROOMS
    for value in (getattr(room, name) for name in room.__all__)
    if isinstance(value, type) and issubclass(value, Parameterized)
]
FREE = suitably.Policy.unrestricted()


def nothing(users: Any, as_of: Any) -> dict[str, Any]:
    return {}


def made(part: type) -> Any:
    if part is FromFunction:
        return part(nothing, {"nothing": "derived"})
    return part([Popularity(), EASE()]) if part is Blend else part()


def pipeline() -> suitably.Pipeline:
    return suitably.Pipeline(
        profiles=[RecencyFrequencyValue(frequent=2), RiskAppetite()],
        policy=FREE,
        ranker=Blend([ALS(factors=4), Popularity()], weights=[1, 2]),
        rerankers=[Diversity(weight=0.5), Caps(exceptions={"x": 1})],
        fallback=Popularity(by="tier"),
    )


def test_every_part_is_tried() -> None:
    names = {part.__name__ for part in PARTS}
    assert {"RecencyFrequencyValue", "RiskAppetite"} <= names
    assert {"Diversity", "Determinantal", "Caps", "Calibration", "ConcentrationLimit"} <= names
    assert {"Popularity", "ItemKNN", "EASE", "Spectral", "ALS", "BPR", "LogisticMF", "IALS",
            "LightFM", "Blend"} <= names  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_scikit_learn_clones_it(part: type) -> None:
    base = pytest.importorskip("sklearn.base")
    given = made(part)
    again = base.clone(given)
    assert type(again) is part
    assert again is not given
    assert repr(again) == repr(given)
    assert again.get_params(deep=True).keys() == given.get_params(deep=True).keys()


@pytest.mark.parametrize("part", PARTS)
def test_it_is_copied_and_pickled_unfitted(part: type) -> None:
    given = made(part)
    for again in (copy.copy(given), copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        assert repr(again) == repr(given)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_read_can_be_set(part: type) -> None:
    given = made(part)
    for deep in (False, True):
        params = given.get_params(deep=deep)
        again = clone(given).set_params(**params)
        assert repr(again) == repr(given)
        assert again.get_params(deep=deep).keys() == params.keys()
    with pytest.raises(ValueError, match=f"{part.__name__} has no parameter 'wieght'"):
        given.set_params(wieght=1)


def test_scikit_learn_clones_a_pipeline_fitted_or_not() -> None:
    base = pytest.importorskip("sklearn.base")
    bank = popular()
    fitted = bank.fitted(Popularity(half_life_days=9.0), rerankers=[Diversity(weight=0.9)])
    for given in (pipeline(), fitted):
        again = base.clone(given)
        assert repr(again) == repr(given)
        assert not again.is_fitted
        assert again.ranker is not given.ranker
        assert again.rerankers[0] is not given.rerankers[0]
    again = base.clone(fitted).fit(bank.dataset(), bank.as_of)
    lists = [each.recommend(k=3).to_frame() for each in (fitted, again)]
    assert lists[0].equals(lists[1])


def test_an_unfitted_pipeline_is_copied_and_pickled() -> None:
    given = pipeline()
    for again in (copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        assert repr(again) == repr(given)
        assert not again.is_fitted


def test_nested_names() -> None:
    given = pipeline()
    params = given.get_params()
    assert params["ranker__rankers__0__factors"] == 4
    assert params["rerankers__0__weight"] == 0.5
    assert params["profiles__0__frequent"] == 2
    assert params["fallback__by"] == "tier"
    assert "ranker__rankers__0__factors" not in given.get_params(deep=False)
    again = given.clone()
    again.set_params(ranker__rankers__0__factors=8, rerankers__0__weight=0.1, fallback__by=None)
    assert again.get_params()["ranker__rankers__0__factors"] == 8
    assert again.rerankers[0].weight == 0.1
    assert given.get_params() == params, "the pipeline cloned from was changed"


def test_a_part_and_its_own_parameter_at_once() -> None:
    given = pipeline().set_params(ranker__factors=7, ranker=ALS())
    assert given.ranker.factors == 7
    given.set_params(rerankers__1=Diversity(), rerankers__1__by="issuer")
    assert given.rerankers[1].by == "issuer"
    with pytest.raises(ValueError, match="no parameter 'ranker__factors'"):
        given.set_params(ranker__factors=3, ranker=EASE())
    assert isinstance(given.ranker, ALS)


def test_a_list_of_the_callers_stays_as_it_was() -> None:
    mine = [Diversity(), Caps()]
    given = suitably.Pipeline(policy=FREE, ranker=Popularity(), rerankers=mine)
    first = mine[0]
    given.set_params(rerankers__0=Caps(most=1))
    assert mine[0] is first
    assert given.rerankers[0].most == 1


def test_a_wrong_name_changes_nothing() -> None:
    given = pipeline()
    before = given.get_params()
    with pytest.raises(ValueError, match=r"no parameter 'ranker__factor'"):
        given.set_params(seed=5, ranker__factor=1)
    assert given.get_params() == before


def test_only_what_differs_is_shown() -> None:
    assert repr(Diversity()) == "Diversity()"
    assert repr(Diversity("category", weight=0.5)) == "Diversity(weight=0.5)"
    assert repr(ConcentrationLimit(share=0.25, least=3)) == "ConcentrationLimit(least=3)"
    assert repr(Determinantal(by=["a", "b"])) == "Determinantal(by=['a', 'b'])"
    assert repr(RiskAppetite(valid_months=6)) == "RiskAppetite(valid_months=6)"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (EASE(regularization="big"), r"EASE\(regularization='big'\)"),
        (IALS(factors=0), r"IALS\(factors=0\): must be a positive integer"),
        (ALS(factors=True), r"ALS\(factors=True\)"),
    ],
)
def test_a_ranker_refuses_at_the_fit(part: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        popular().fitted(part)


def test_a_builder_refuses_at_the_fit() -> None:
    with pytest.raises(ValueError, match=r"RecencyFrequencyValue\(frequent=0\): must be"):
        popular().fitted(profiles=[RecencyFrequencyValue(frequent=0)])
    with pytest.raises(ValueError, match=r"RiskAppetite\(valid_months=0\): must be"):
        popular().fitted(profiles=[RiskAppetite(valid_months=0)])


class Owner:
    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.mark.parametrize("value", [1, np.int64(7)])
def test_positive_integers(value: Any) -> None:
    check_positive_int(Owner(value), "value")


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "1", None, np.float64(1)])
def test_no_positive_integers(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Owner\(value=.*\): must be a positive integer"):
        check_positive_int(Owner(value), "value")


def test_positive_numbers() -> None:
    for value in (1e-9, 3, np.float32(2)):
        check_positive(Owner(value), "value")
    check_positive(Owner(0), "value", zero=True)
    check_positive(Owner(None), "value", optional=True)
    for value in (0, -1.0, np.nan, np.inf, True, "1", None, [1.0]):
        with pytest.raises(ValueError, match="must be a finite number, above 0"):
            check_positive(Owner(value), "value")
    with pytest.raises(ValueError, match="0 or more"):
        check_positive(Owner(-1), "value", zero=True)


def test_fractions() -> None:
    for value in (0, 0.5, 1, np.float64(1)):
        check_fraction(Owner(value), "value")
    for value in (-0.1, 1.1, np.nan, True, "0.5", None):
        with pytest.raises(ValueError, match="must be from 0 to 1"):
            check_fraction(Owner(value), "value")
    with pytest.raises(ValueError, match="must be from above 0 to 1"):
        check_fraction(Owner(0), "value", zero=False)
    with pytest.raises(ValueError, match="must be from 0 to below 1"):
        check_fraction(Owner(1.0), "value", one=False)


def test_choices() -> None:
    check_choice(Owner("a"), "value", ("a", "b", None))
    check_choice(Owner(None), "value", ("a", "b", None))
    for value in ("c", 1, True):
        with pytest.raises(ValueError, match="must be one of 'a', 'b'"):
            check_choice(Owner(value), "value", ("a", "b"))
