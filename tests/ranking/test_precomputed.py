"""Precomputed: the contract with vectors and with scores, products by hand, and bad frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably.ranking import Blend, Explore, Factors, Popularity, Precomputed, Scores
from suitably.testing import RankerContract
from support.frames import rows_of
from support.states import revived

RNG = np.random.default_rng(5)
USERS = pd.DataFrame(
    {"id": [f"u{n}" for n in range(6)], "vector": list(RNG.normal(size=(6, 3)).astype("f4"))}
)
PRODUCTS = pd.DataFrame(
    {"id": [f"p{n}" for n in range(5)], "vector": list(RNG.normal(size=(5, 3)).astype("f4"))}
)
SCORES = pd.DataFrame(
    [(f"u{u}", f"p{p}", float(RNG.normal())) for u in range(6) for p in range(5)],
    columns=["user_id", "product_id", "score"],
)


class TestVectors(RankerContract):
    def make(self) -> Precomputed:
        return Precomputed(USERS, PRODUCTS)

    def bad(self) -> list[Any]:
        return [
            Precomputed(),
            Precomputed(USERS),
            Precomputed(products=PRODUCTS),
            Precomputed(USERS, PRODUCTS, SCORES),
            Precomputed(users=USERS, scores=SCORES),
        ]


class TestScores(RankerContract):
    def make(self) -> Precomputed:
        return Precomputed(scores=SCORES)


class TestInABlend(RankerContract):
    scores_unknown_users = True

    def make(self) -> Blend:
        members = [Precomputed(USERS, PRODUCTS), Precomputed(scores=SCORES), Popularity()]
        return Blend(members, weights=[0.5, 0.3, 0.2])


LOG = pd.DataFrame({"user_id": [1, 2, 3, 4], "product_id": ["a", "b", "c", "d"]})
TOWERS: dict[str, Any] = {
    "users": pd.DataFrame({"id": [1, 2, 9], "vector": [[1.0, 2.0], [0.0, -1.0], [5.0, 5.0]]}),
    "products": pd.DataFrame(
        {"id": ["c", "a", "z", "b"], "vector": [[1.0, 0.0], [0.0, 3.0], [9.0, 9.0], [2.0, 0.5]]}
    ),
}
PAIRS = pd.DataFrame(
    [(1, "c", 0.5), (1, "b", -2.0), (2, "d", 0.0), (9, "a", 1.0), (1, "z", 1.0)],
    columns=["user_id", "product_id", "score"],
)


def pipeline(ranker: Any, **parts: Any) -> st.Pipeline:
    parts = {"policy": st.Policy.unrestricted(), "fallback": None, **parts}
    return st.Pipeline(ranker=ranker, **parts).fit(st.Dataset(None, None, LOG))


def listed(found: st.Pipeline) -> list[tuple[Any, ...]]:
    rows = rows_of(found.recommend(k=9).to_frame())
    return [(row["user_id"], row["product_id"], row["score"]) for row in rows]


BY_VECTORS = [(1, "b", 3.0), (1, "c", 1.0), (2, "c", 0.0), (2, "a", -3.0)]


def test_vectors_by_hand() -> None:
    """Of user 1 `a` is owned; `d` has no vector, users 3 and 4 neither, 9 and `z` are nobody's."""
    found = pipeline(Precomputed(**TOWERS))
    assert listed(found) == BY_VECTORS
    reasons = {
        (r["user_id"], r["reason"]): r["count"] for r in rows_of(found.recommend(k=9).abstentions())
    }
    assert reasons[1, "no-score"] == 1
    assert (3, "unknown-user") not in reasons
    assert reasons[3, "no-score"] == 3


def test_scores_by_hand() -> None:
    """A pair without a score is not one of 0, and 0 is a score."""
    found = pipeline(Precomputed(scores=PAIRS))
    assert listed(found) == [(1, "c", 0.5), (1, "b", -2.0), (2, "d", 0.0)]
    lists = found.recommend([2], k=9)
    reasons = {row["reason"]: row["count"] for row in rows_of(lists.abstentions())}
    assert reasons == {"catalogue": 5, "owned": 1, "no-score": 2}
    assert lists.explain(2, "d").eligible == 1
    assert [one.rule for one in found.why_not(2, "c")] == ["pipeline:no-score"]


@pytest.mark.parametrize("cells", [1, 4, 2**23])
def test_what_lacks_a_score_is_counted_for_each_user(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is asked about first: of user 1 two of the three others have one, of user 2 one."""
    monkeypatch.setattr("suitably.model.scoring._CELLS", cells)
    found = pipeline(Precomputed(scores=PAIRS))
    for users in ([1, 2], [2, 1]):
        rows = rows_of(found.recommend(users, k=9).abstentions())
        lacking = {row["user_id"]: row["count"] for row in rows if row["reason"] == "no-score"}
        assert lacking == {1: 1, 2: 2}


def test_the_fallback_ranks_for_users_without_vectors() -> None:
    found = pipeline(Precomputed(**TOWERS), fallback=Popularity())
    assert {row[0] for row in listed(found)} == {1, 2, 3, 4}


def _fixed(frame: pd.DataFrame) -> pa.Table:
    flat = np.concatenate([np.asarray(one, np.float64) for one in frame["vector"]])
    vectors = pa.FixedSizeListArray.from_arrays(flat, len(frame["vector"][0]))
    return pa.table({"id": frame["id"].tolist(), "vector": vectors})


FRAMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "numpy arrays": lambda f: f.assign(vector=[np.array(one) for one in f["vector"]]),
    "float32": lambda f: f.assign(vector=[np.array(one, "f4") for one in f["vector"]]),
    "tuples": lambda f: f.assign(vector=[tuple(one) for one in f["vector"]]),
    "polars": lambda f: pl.DataFrame(f.to_dict("list")),
    "polars arrays": lambda f: pl.DataFrame(f.to_dict("list")).with_columns(
        pl.col("vector").cast(pl.Array(pl.Float32, 2))
    ),
    "polars lazy": lambda f: pl.DataFrame(f.to_dict("list")).lazy(),
    "pyarrow": lambda f: pa.table(f.to_dict("list")),
    "fixed-size lists": _fixed,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_any_frame(kind: str) -> None:
    given = {name: FRAMES[kind](frame) for name, frame in TOWERS.items()}
    assert listed(pipeline(Precomputed(**given))) == BY_VECTORS


def test_vectors_stay_as_narrow_as_they_came() -> None:
    found = pipeline(Precomputed(**TOWERS)).ranker_.scorer(np.array([1]))
    assert isinstance(found, Factors)
    assert found.users.dtype == found.products.dtype == np.float32
    third = TOWERS["users"].assign(vector=[[1 / 3, 2.0]] * 3)
    found = pipeline(Precomputed(third, TOWERS["products"])).ranker_.scorer(np.array([1]))
    assert found.users.tolist() == [[1 / 3, 2.0]]


def _with(name: str, vectors: list[Any]) -> dict[str, Any]:
    return {**TOWERS, name: TOWERS[name].assign(vector=vectors)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (_with("users", [[1.0, 2.0], [1.0], [0.0, 0.0]]), "row 1 has 1 numbers, row 0 2"),
        (_with("users", [[1.0, 2.0, 3.0]] * 3), "users have 3 numbers, those of products 2"),
        (_with("users", [[1.0, np.nan], [0.0, 0.0], [0.0, 0.0]]), "1 of 6 numbers are missing"),
        (_with("users", [[1.0, np.inf], [0.0, 0.0], [0.0, 0.0]]), "NaN or infinite"),
        (_with("users", [[1.0, None], [0.0, 0.0], [0.0, 0.0]]), "1 of 6 numbers are missing"),
        (_with("users", [[1.0, 1.0], None, [0.0, 0.0]]), "1 of 3 are missing"),
        (_with("users", [[], [], []]), "no vector has any number"),
        (_with("users", [["x", "y"]] * 3), "must be numbers, not"),
        (_with("users", [1.0, 2.0, 3.0]), "must be lists of numbers"),
        (_with("users", [[1, "x"], [1, 2], [1, 2]]), "must be"),
        ({**TOWERS, "users": TOWERS["users"].rename(columns={"id": "user_id"})}, "no column 'id'"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=[1, 2, 1])}, "id 1 is there 2 times"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=[1, 2, None])}, "1 of 3 are missing"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=["1", "2", "3"])}, "one type of id"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=[0.5, 2, 3])}, "whole"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=[True, False, True])}, "ids must be"),
        ({**TOWERS, "users": TOWERS["users"].assign(id=[7, 8, 9])}, "none of its 3 users"),
        ({**TOWERS, "products": [1, 2]}, "expected a pandas, polars"),
        ({"scores": PAIRS.assign(score=[1, 2, 3, 4, np.nan])}, "1 of 5 numbers are missing"),
        ({"scores": PAIRS.assign(score=[1, 2, 3, 4, np.inf])}, "infinite"),
        ({"scores": PAIRS.assign(score=[1, 2, 3, 4, 1e39])}, "beyond the range of float32"),
        ({"scores": PAIRS.assign(score=list("abcde"))}, "must be numbers"),
        ({"scores": PAIRS.drop(columns="score")}, "no column 'score'"),
        ({"scores": PAIRS.assign(user_id=[1, 1, 2, 9, None])}, "1 of 5 are missing"),
        ({"scores": PAIRS.assign(product_id=["c", "c", "d", "a", "z"])}, "1 times a pair"),
        ({"scores": PAIRS.assign(user_id=9)}, "none of its 5 pairs"),
        ({"scores": PAIRS.iloc[:0]}, "none of its 0 pairs|one type of id"),
    ],
)  # fmt: skip
def test_bad_frames(given: dict[str, Any], message: str) -> None:
    with pytest.raises(st.DataError, match=message) as caught:
        pipeline(Precomputed(**given))
    assert "Precomputed" in str(caught.value)


def test_frames_are_not_shown_and_not_saved(tmp_path: Path) -> None:
    found = pipeline(Precomputed(**TOWERS))
    assert repr(found.ranker) == "Precomputed(users=…, products=…)"
    found.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert listed(loaded) == BY_VECTORS
    with pytest.raises(ValueError, match="was loaded"):
        loaded.fit(st.Dataset(None, None, LOG))


@pytest.mark.parametrize("given", [TOWERS, {"scores": PAIRS}], ids=["vectors", "scores"])
def test_a_forgotten_user(given: dict[str, Any], tmp_path: Path) -> None:
    """Nothing of theirs is left in the fitted ranker; the others keep their lists."""
    found = pipeline(Precomputed(**given))
    before = [row for row in listed(found) if row[0] != 1]
    found.forget(1)
    assert listed(found) == before
    ranker = found.ranker_
    assert ranker.users is ranker.products is ranker.scores is None
    assert len(ranker.state()["places_"]) == 3
    assert not ranker.can_score(np.array([1]))[0]
    found.save(tmp_path / "model")
    assert listed(st.load(tmp_path / "model")) == before


@pytest.mark.parametrize("given", [TOWERS, {"scores": PAIRS}], ids=["vectors", "scores"])
def test_news(given: dict[str, Any], tmp_path: Path) -> None:
    """They change no score, and a new user has none until the next fit, frame or no frame."""
    found = pipeline(Precomputed(**given))
    before = listed(found)
    news = pd.DataFrame({"user_id": [9, 2], "product_id": ["a", "e"]})
    found.update(
        news, users=pd.DataFrame({"user_id": [9]}), products=pd.DataFrame({"product_id": ["e"]})
    )
    assert listed(found) == before
    assert not found.ranker_.can_score(np.array([9]))[0]
    found.save(tmp_path / "model")
    assert listed(st.load(tmp_path / "model")) == before


def test_parts_of_a_state_that_do_not_fit() -> None:
    ranker = pipeline(Precomputed(**TOWERS)).ranker_
    for changes in (
        {"known_": ranker.known_[:-1]},
        {"places_": np.full(4, -1, np.int32)},
        {"user_vectors_": ranker.user_vectors_[:1]},
        {"places_": np.array([0, 1, -1, -1, -1], np.int32)},
    ):
        with pytest.raises(ValueError, match="Precomputed"):
            revived(ranker, **changes)
    scores = pipeline(Precomputed(scores=PAIRS)).ranker_
    with pytest.raises(ValueError, match="indices"):
        revived(scores, indices=scores.state()["indices"] + 9)


def test_the_block_says_which_pairs_have_a_score() -> None:
    ranker = pipeline(Precomputed(scores=PAIRS)).ranker_
    found = ranker.scorer(np.array([2, 3, 1]))
    assert isinstance(found, Scores)
    assert found.pairs.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]]
    assert found.block.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, -2, 0.5, 0]]
    assert found.known.tolist() == [False, True, True, True]


def test_in_a_blend_a_pair_without_a_score_is_neutral() -> None:
    """One that no other member knows of has no score in the blend either."""
    alone = pipeline(Blend([Precomputed(scores=PAIRS)], weights=[1.0]))
    assert [pair[:2] for pair in listed(alone)] == [(1, "c"), (1, "b"), (2, "d")]
    block = alone.ranker_.scorer(np.array([1])).block[0]
    assert block[1] < block[3] < block[2]  # the user's own scores are on either side
    both = pipeline(Blend([Precomputed(scores=PAIRS), Popularity()], weights=[1.0, 0.01]))
    assert [product for user, product, _ in listed(both) if user == 1] == ["c", "d", "b"]


def test_similar_products_by_vectors() -> None:
    found = pipeline(Precomputed(**TOWERS)).ranker_.product_similarities(2)
    assert found[:3] == pytest.approx([0.0, 2 / np.hypot(2, 0.5), 1.0])
    assert np.isnan(found[3])
    assert np.isnan(pipeline(Precomputed(scores=PAIRS)).ranker_.product_similarities(2)).all()


def test_the_explanation_says_whose_scores_they_are() -> None:
    why = pipeline(Precomputed(**TOWERS)).recommend([1]).explain(1, "b")
    assert why.text["en"] == (
        "No rule applies to it and ranks 1 of 2 eligible products by Precomputed on what another "
        "system has learned."
    )
    assert (why.history, why.profile, why.standing) == ((), (), None)


def test_lists_of_an_explored_one_are_drawn() -> None:
    rows = rows_of(pipeline(Explore(Precomputed(**TOWERS))).recommend(k=9).to_frame())
    assert {(row["user_id"], row["product_id"]) for row in rows} == {r[:2] for r in BY_VECTORS}


def test_batches_of_arrow() -> None:
    batches = [pa.record_batch({"user_id": [2, 1]}), pa.record_batch({"user_id": [4]})]
    found = pipeline(Precomputed(**TOWERS)).apply_arrow(batches, k=1)
    assert [row for b in found for row in b.select(["user_id", "product_id"]).to_pylist()] == [
        {"user_id": 2, "product_id": "c"},
        {"user_id": 1, "product_id": "b"},
    ]


@pytest.mark.parametrize("wrap", [lambda ranker: ranker, Explore], ids=["alone", "explored"])
def test_an_explanation_says_that_another_system_has_learned_it(wrap: Callable[[Any], Any]) -> None:
    log = pd.DataFrame(
        {"user_id": ["u0"], "product_id": ["p0"], "timestamp": [pd.Timestamp("2024-01-01")]}
    )
    ranker = wrap(Precomputed(scores=SCORES))
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker)
    recs = pipeline.fit(
        st.Dataset(None, PRODUCTS[["id"]].rename(columns={"id": "product_id"}), log)
    )
    listed = recs.recommend(k=1)
    first = listed.to_frame().iloc[0]
    text = listed.explain(first["user_id"], first["product_id"]).text["en"]
    assert "what another system has learned" in text
    assert "past behaviour" not in text
