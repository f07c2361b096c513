"""Candidate pairs against lists as long as the catalogue."""

import numpy as np
import pytest

import suitably as st


@pytest.fixture(scope="module")
def pipeline():
    bank = st.data.simulate_bank(users=200, products=60, seed=1)
    return st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue()],
        policy="cn-csrc-amac",
        ranker=st.ranking.Explore(st.ranking.ALS(factors=4)),
    ).fit(bank, as_of="2024-06-01")


def pairs_of(candidates):
    rows = []
    for places, lists in candidates.map(lambda _, part: part.lists):
        for place, products, scores, length in zip(
            places, lists.products, lists.scores, lists.lengths, strict=True
        ):
            ids = candidates.product_ids[products[:length]]
            rows += [
                (place, rank, product, score)
                for rank, (product, score) in enumerate(
                    zip(ids, scores[:length].tolist(), strict=True), 1
                )
            ]
    return sorted(rows)


def test_they_are_all_that_a_greedy_list_of_the_whole_catalogue_holds(pipeline):
    candidates = pipeline.candidates()
    frame = pipeline.greedy().recommend(k=60).to_frame()
    places = {user: place for place, user in enumerate(candidates.user_ids)}
    listed = zip(
        frame.user_id.map(places), frame["rank"], frame.product_id, frame.score, strict=True
    )
    assert pairs_of(candidates) == sorted(listed)


def test_a_depth_keeps_the_best_of_each(pipeline):
    assert pairs_of(pipeline.candidates(k=2)) == [
        pair for pair in pairs_of(pipeline.candidates()) if pair[1] <= 2
    ]


def test_unknown_users_have_none(pipeline):
    known = str(pipeline.user_ids[0])
    candidates = pipeline.candidates(["nobody", known])
    assert candidates.rows.tolist() == [-1, 0]
    assert candidates.user_ids.tolist() == [known]
    assert candidates.user_fields.num_rows == 1
    assert {place for place, *_ in pairs_of(candidates)} == {1}


def test_fields_are_those_that_rules_read(pipeline):
    candidates = pipeline.candidates(as_of="2024-07-01")
    assert {"risk_level", "recency_days"} <= {*candidates.user_fields.column_names}
    assert candidates.product_fields.num_rows == len(candidates.product_ids)
    assert str(candidates.as_of) == "2024-07-01 00:00:00"


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_depth_that_is_none_is_refused(pipeline, k):
    with pytest.raises(ValueError, match="positive integer"):
        pipeline.candidates(k=k)


def test_the_same_user_twice_is_refused(pipeline):
    known = str(pipeline.user_ids[0])
    with pytest.raises(st.DataError, match="twice"):
        pipeline.candidates([known, known])


def test_blocks_do_not_matter(pipeline, monkeypatch):
    whole = pairs_of(pipeline.candidates())
    monkeypatch.setattr("suitably.pipeline.generate._USERS", 16)
    assert pairs_of(pipeline.candidates()) == whole
    assert np.all([pair[1] >= 1 for pair in whole])
