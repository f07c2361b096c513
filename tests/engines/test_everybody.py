"""Products learned of from everybody, by sums over groups of users."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy import sparse

import suitably as st
from engines.every_builder import AS_OF, KINDS
from engines.grouped import fit_groups, in_order, taught
from engines.test_group_task import sides
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    Explore,
    ItemKNN,
    Popularity,
    Spectral,
)
from suitably.ranking.summing import SummingRanker, all_learned, all_sums, most_steps

FREE = st.Policy.unrestricted()
TURNED_DOWN = {"buy": 1.0, "dismiss": -0.5}
SOME = [f"u{i}" for i in range(0, 60, 2)]


def fitted(
    ranker: Any, folder: Path, size: int = 17, given: Any = None, **kwargs: Any
) -> tuple[st.Pipeline, st.Pipeline, tuple[str, ...]]:
    """Fit on everybody, and on half of them, then products on everybody, group by group."""
    given = sides() if given is None else given
    pipeline = st.Pipeline([], FREE, ranker, **kwargs)
    whole = pipeline.clone().fit(st.Dataset(*given, **KINDS), AS_OF)
    task, alone = taught(pipeline, given, AS_OF, folder, SOME, size, **KINDS)
    fit_groups(task, given, size, folder / "model")
    found = st.load(folder / "model")
    found.consent = pipeline.consent
    return whole, found, alone


def similarity(pipeline: st.Pipeline) -> Any:
    ranker: Any = pipeline.ranker_
    alike = ranker.similarity_
    return alike.toarray() if hasattr(alike, "toarray") else np.asarray(alike)


@pytest.mark.parametrize(
    "ranker",
    [
        EASE(),
        EASE(dropout=0.3, row_scaling=0.5),
        EASE(neighbours=3),
        EASE(event_weights=TURNED_DOWN),
        ItemKNN(),
        ItemKNN("tfidf", neighbours_of="owned"),
        ItemKNN("bm25"),
        ItemKNN(event_weights=TURNED_DOWN),
        Spectral(),
        Spectral(factors=2, normalization=0),
        Spectral(event_weights=TURNED_DOWN),
    ],
    ids=repr,
)
def test_similarities_are_those_of_a_fit_on_everybody(ranker: Any, tmp_path: Path) -> None:
    whole, found, alone = fitted(ranker, tmp_path)
    one, other = similarity(whole), similarity(found)
    assert np.abs(one - other).max() <= 1e-6 * np.abs(one).max()
    assert whole.ranker_.known_.tolist() == found.ranker_.known_.tolist()
    assert getattr(found.ranker_, "regularization_", 0) == pytest.approx(
        getattr(whole.ranker_, "regularization_", 0)
    )
    assert alone == ()
    half = st.Pipeline([], FREE, ranker).fit(
        st.Dataset(*(one if one is None else _some(one) for one in sides()), **KINDS), AS_OF
    )
    assert similarity(half).shape != one.shape or not np.allclose(similarity(half), one, atol=1e-3)


def _some(table: pa.Table) -> pa.Table:
    if "user_id" not in table.column_names:
        return table
    return in_order(table.filter(pc.is_in(table["user_id"], pa.array(SOME))))


@pytest.mark.parametrize("ranker", [EASE(), ItemKNN()], ids=repr)
def test_counts_of_common_users_are_exact(ranker: Any, tmp_path: Path) -> None:
    """Sums of whole numbers do not depend on their order: lists are those of one process."""
    whole, found, _ = fitted(ranker, tmp_path)
    assert whole.recommend(k=5).to_arrow().equals(found.recommend(k=5).to_arrow())


def test_a_half_life_counts_from_the_sample(tmp_path: Path) -> None:
    """Weights are in the units of the sample; what does not depend on units is the same."""
    whole, found, _ = fitted(EASE(half_life_days=200), tmp_path)
    one, other = similarity(whole), similarity(found)
    assert np.abs(one - other).max() <= 1e-5 * np.abs(one).max()


def equations_by_hand(ranker: Any, unobserved: float, ridge: Any, alpha: Any) -> np.ndarray:
    """Solve for each product from dense matrices, one entry at a time."""
    users = ranker.user_factors_.astype(float)
    weights = ranker.interactions_.weights.toarray().astype(float)
    out = np.zeros((weights.shape[1], users.shape[1]))
    for product in range(weights.shape[1]):
        matrix, target = (
            ridge(weights[:, product]) * np.eye(users.shape[1]),
            np.zeros(users.shape[1]),
        )
        for user in np.flatnonzero(np.abs(users).sum(axis=1)):
            more, aim = alpha(weights[user, product])
            matrix += (unobserved + more) * np.outer(users[user], users[user])
            target += aim * users[user]
        out[product] = np.linalg.solve(matrix, target)
    return out


@pytest.mark.parametrize("events", [None, TURNED_DOWN], ids=["wanted", "turned down"])
@pytest.mark.parametrize("kind", [ALS, IALS])
def test_vectors_of_products_are_a_fixed_point_of_sweeps(
    kind: Any, events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After many sweeps products solve the equations that the users' final vectors give."""
    monkeypatch.setattr("suitably.ranking.least_squares_ranker._STEPS", 30)
    ranker = kind(factors=3, event_weights=events)
    _, found, alone = fitted(ranker, tmp_path, given=sides())
    made: Any = found.ranker_
    strength = made.regularization_
    if kind is ALS:
        by_hand = equations_by_hand(
            made, 1.0, lambda _: strength,
            lambda w: (3 * abs(w) - 1, max(3 * w, 0.0)) if w else (0.0, 0.0),
        )  # fmt: skip
    else:
        alpha, users = made.unobserved_weight_, int(made.interactions_.active.sum())
        by_hand = equations_by_hand(
            made, alpha, lambda column: strength * (abs(column).sum() + alpha * users),
            lambda w: (abs(w), max(w, 0.0)),
        )  # fmt: skip
    by_hand[~made.known_] = 0
    assert np.abs(by_hand - made.product_factors_).max() < 1e-2 * np.abs(by_hand).max()
    assert alone == ()


def test_a_penalty_by_the_rule_is_that_of_everybody(tmp_path: Path) -> None:
    whole, found, _ = fitted(IALS(factors=3), tmp_path)
    for name in ("regularization_", "unobserved_weight_"):
        wanted, there = getattr(whole.ranker_, name), getattr(found.ranker_, name)
        assert there == pytest.approx(wanted, rel=1e-6)
    whole, found, _ = fitted(ALS(factors=3, regularization=2.0), tmp_path / "given")
    assert found.ranker_.regularization_ == whole.ranker_.regularization_ == 2.0


@pytest.mark.parametrize("ranker", [ALS(factors=4), EASE(half_life_days=90)], ids=repr)
def test_the_same_parts_give_the_same_model_again(ranker: Any, tmp_path: Path) -> None:
    lists = [
        fitted(ranker, tmp_path / name)[1].recommend(k=5).to_arrow() for name in ("one", "two")
    ]
    assert lists[0].equals(lists[1])


def test_rankers_within_others_learn_by_themselves(tmp_path: Path) -> None:
    blend = Blend([EASE(), BPR(factors=3), Popularity()], weights=[2, 1, 1])
    whole, found, alone = fitted(Explore(blend), tmp_path)
    assert alone == ("BPR",)
    one, other = (pipeline.ranker_.ranker_.rankers_ for pipeline in (whole, found))
    assert np.array_equal(one[0].similarity_, other[0].similarity_)
    assert np.array_equal(one[2].counts_, other[2].counts_)
    assert found.recommend(k=3).to_arrow().num_rows


def test_too_many_products_stay_as_the_sample_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suitably.ranking.summed_similarity.MOST_NUMBERS", 3)
    monkeypatch.setattr("suitably.ranking.least_squares_ranker.MOST_NUMBERS", 3)
    blend = Blend([EASE(), ALS(factors=3)], weights=[1, 1])
    with pytest.warns(st.SuitabilityWarning, match="EASE, ALS: .* from the sample alone"):
        _, found, alone = fitted(blend, tmp_path)
    assert alone == ("EASE", "ALS")
    assert found.recommend(k=3).to_arrow().num_rows


def test_without_frames_of_users_and_products(tmp_path: Path) -> None:
    given = [None, None, sides(currency=False)[2]]
    whole, found, _ = fitted(ItemKNN(), tmp_path, given=given)
    assert whole.recommend(k=5).to_arrow().equals(found.recommend(k=5).to_arrow())


def test_nothing_is_learned_from_who_has_not_consented(tmp_path: Path) -> None:
    granted = {"user_id": [f"u{i}" for i in range(40)], "purpose": ["personalisation"] * 40,
               "granted_at": [datetime(2023, 1, 1)] * 40, "withdrawn_at": [None] * 40}  # fmt: skip
    register = st.governance.Consent(pd.DataFrame(granted))
    whole, found, _ = fitted(EASE(), tmp_path, consent=register)
    assert np.array_equal(similarity(whole), similarity(found))


def test_a_ranker_of_ones_own(tmp_path: Path) -> None:
    """A class with the four methods learns from everybody, and one without does not."""

    class Counting:
        def __init__(self, counts: Any = None) -> None:
            self.counts = counts

        def steps(self, totals: Any) -> int:
            return 1

        def widened(self, totals: Any) -> "Counting":
            return self

        def sums(self, lines: Any, totals: Any, step: int) -> dict[str, Any]:
            (one,) = lines.values()
            return {"counts": np.diff(one.tocsc().indptr)}

        def learned_from(self, sums: Any, totals: Any, step: int) -> "Counting":
            return Counting(sums["counts"])

    rankers, totals = (Popularity(), Counting()), {None: None}
    assert [isinstance(one, SummingRanker) for one in rankers] == [False, True]
    assert most_steps(rankers, totals) == 1
    assert most_steps(rankers, {}) == 0, "nothing is weighed"
    group = {None: sparse.csr_array(np.array([[1.0, 0.0], [1.0, 2.0]]))}
    sums: Any = all_sums(rankers, group, totals, 0)
    assert {name: array.tolist() for name, array in sums.items()} == {"1.counts": [2, 1]}
    learned: Any = all_learned(rankers, sums, totals, 0)
    assert learned[0] is rankers[0]
    assert learned[1].counts.tolist() == [2, 1]
    assert all_sums(rankers, group, totals, 1) == {}
