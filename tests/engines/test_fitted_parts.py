"""What cannot be fitted group by group is refused with a sentence, and bad samples are too."""

from typing import Any

import pytest

import suitably as st
from suitably.engines.fitted_parts import refuse_what_has_no_parts
from suitably.engines.spark_sample import check_sample
from suitably.ranking import ALS, EASE, Blend, Explore, LightFM, Popularity, Precomputed
from support.rankers import Cheapest

FREE = st.Policy.unrestricted()


@pytest.mark.parametrize("ranker", [ALS(), Blend(), Explore(Blend([EASE(), Popularity()]))])
def test_these_can(ranker: Any) -> None:
    refuse_what_has_no_parts(st.Pipeline([st.profiles.Activity()], FREE, ranker), "engine")


@pytest.mark.parametrize(
    ("ranker", "name"),
    [
        (LightFM(), "LightFM"),
        (Cheapest(), "Cheapest"),
        (Precomputed(), "Precomputed"),
        (Blend([EASE(), LightFM()]), "LightFM"),
        (Explore(LightFM()), "LightFM"),
    ],
)
def test_rankers_that_cannot(ranker: Any, name: str) -> None:
    with pytest.raises(st.DataError, match=f"engine: {name} cannot be learned from some users"):
        refuse_what_has_no_parts(st.Pipeline([], FREE, ranker), "engine")
    with pytest.raises(st.DataError, match=f"engine: {name} cannot be learned from some users"):
        refuse_what_has_no_parts(st.Pipeline([], FREE, EASE(), fallback=ranker), "engine")


def test_a_builder_that_cannot() -> None:
    class Own:
        pass

    with pytest.raises(st.DataError, match=r"engine: Own cannot be made group .* joined\(parts\)"):
        refuse_what_has_no_parts(st.Pipeline([Own()], FREE, EASE()), "engine")  # type: ignore[list-item]
    with pytest.raises(st.DataError, match="engine: expected a Pipeline, got int"):
        refuse_what_has_no_parts(7, "engine")


@pytest.mark.parametrize("sample", [0, 1, -3, 0.0, 1.5, -0.1, True, "all", None, float("nan")])
def test_samples_out_of_range(sample: Any) -> None:
    with pytest.raises(ValueError, match=r"sample=.*must be a share of the users"):
        check_sample(sample)


@pytest.mark.parametrize("sample", [2, 10**7, 1e-6, 0.1, 1.0])
def test_samples(sample: Any) -> None:
    check_sample(sample)
