"""A folder that anybody could have written is refused, or makes a pipeline that behaves."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from support.banks import FREE, popular
from support.mutations import KINDS, mutated, written

SHORT, LONG = 480, 120_000


def doubled(users: pa.Table, as_of: Any) -> dict[str, Any]:
    return {"doubled": pc.multiply(users["income"], 2.0)}


def factors() -> st.Pipeline:
    return popular(9).fitted(
        st.ranking.ALS(factors=3, iterations=2),
        profiles=[st.profiles.RiskAppetite(), st.profiles.RecencyFrequencyValue()],
        rerankers=[st.reranking.Diversity()],
    )


def blended() -> st.Pipeline:
    own = st.profiles.FromFunction(
        doubled, {"doubled": "derived"}, ["income"], of=[st.profiles.Lifecycle()]
    )
    members = [st.ranking.EASE(), st.ranking.ItemKNN(), st.ranking.Popularity(by="risk_level")]
    return popular(9).fitted(
        st.ranking.Blend(members, weights=[0.5, 0.3, 0.2]),
        profiles=[own, st.profiles.Preferences()],
        rerankers=[st.reranking.Caps("category", 2)],
    )


def drawn() -> st.Pipeline:
    ranker = st.ranking.Explore(st.ranking.Popularity(half_life_days=30))
    return popular(9).but(policies=(FREE,)).fitted(ranker)


MODELS: dict[str, tuple[Callable[[], st.Pipeline], list[Any]]] = {
    "factors": (factors, []),
    "blended": (blended, [doubled]),
    "drawn": (drawn, []),
}


def fuzz(folder: Path, model: str, seeds: range) -> Counter[str]:
    """Count what becomes of mutations: nothing but refusals and answers may."""
    make, trusted = MODELS[model]
    make().save(folder)
    whole = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    found: Counter[str] = Counter()
    before = whole
    for seed in seeds:
        files, is_forged = mutated(whole, seed)
        written(folder, files, before)
        before = files
        how = "forged" if is_forged else "damaged"
        if files == whole:
            how = "unchanged"
        try:
            outcome = _outcome(folder, trusted)
        except BaseException as error:
            raise AssertionError(f"{model}, seed {seed}, {KINDS[seed % len(KINDS)]}") from error
        found[f"{how}: {outcome}"] += 1
    return found


def _outcome(folder: Path, trusted: list[Any]) -> str:
    try:
        pipeline = st.load(folder, trusted=trusted)
    except st.ArtifactError:
        return "refused"
    try:
        pipeline.recommend(k=3).to_frame()
    except Exception:  # what a builder has accumulated is not looked into before it is needed
        return "fails"
    return "answers"


@pytest.mark.parametrize("model", MODELS)
def test_mutations(tmp_path: Path, model: str) -> None:
    found = fuzz(tmp_path / "model", model, range(SHORT // len(MODELS)))
    assert found["damaged: refused"] > 0
    assert not found["damaged: answers"] + found["damaged: fails"]
    assert found["forged: refused"] > 0


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_a_hundred_thousand_mutations(tmp_path: Path, model: str) -> None:
    found = fuzz(tmp_path / "model", model, range(1_000, 1_000 + LONG // len(MODELS)))
    print(model, dict(found))
    assert not found["damaged: answers"] + found["damaged: fails"]
