"""What is owned, sold and turned down, from the log to the list, at fit, update and load."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from support.frames import rows_of

DAY = pd.Timestamp("2024-03-01")


def log_of(*rows: str, **cells: list[Any]) -> pd.DataFrame:
    """Read rows such as `1 a buy 3`: user, product (- for none), kind and day."""
    parts = [row.split() for row in rows]
    frame = {
        "user_id": [int(user) for user, *_ in parts],
        "product_id": [None if product == "-" else product for _, product, *_ in parts],
        "event": [event for _, _, event, _ in parts],
        "timestamp": [DAY + timedelta(days=int(day)) for *_, day in parts],
    }
    return pd.DataFrame({**frame, **cells})


USERS = pd.DataFrame({"user_id": [1, 2, 9]})
PRODUCTS = pd.DataFrame({"product_id": list("abcd"), "issuer": list("XXYX")})
# What everybody can be scored by: user 9 buys one of each.
SHELF = tuple(f"9 {product} buy 0" for product in "abcd")
MEANS: dict[str, Any] = {
    "disposed_events": ["sell"],
    "rejected_events": ["decline"],
    "other_events": ["visit"],
}


def data_of(*rows: str, products: Any = PRODUCTS, **how: Any) -> st.Dataset:
    return st.Dataset(USERS, products, log_of(*SHELF, *rows), **{**MEANS, **how})


def pipeline_of(data: st.Dataset, as_of: Any = None, **parts: Any) -> st.Pipeline:
    parts = {"ranker": st.ranking.Popularity(), "policy": st.Policy.unrestricted(), **parts}
    return st.Pipeline(**parts).fit(data, as_of)


def listed(pipeline: st.Pipeline, user: int = 1, **how: Any) -> str:
    return "".join(sorted(pipeline.recommend([user], **how).to_frame()["product_id"]))


def reasons(pipeline: st.Pipeline, user: int = 1, **how: Any) -> dict[str, int]:
    rows = rows_of(pipeline.recommend([user], **how).abstentions())
    return {row["reason"]: row["count"] for row in rows}


def told(pipeline: st.Pipeline, product: str, user: int = 1, **how: Any) -> list[str]:
    return [verdict.rule for verdict in pipeline.why_not(user, product, **how)]


def test_what_was_sold_may_be_offered_again() -> None:
    pipeline = pipeline_of(data_of("1 a buy 1", "1 b buy 1", "1 a sell 2"))
    assert listed(pipeline) == "acd"
    assert reasons(pipeline, k=4) == {"owned": 1}
    assert told(pipeline, "a") == []
    assert told(pipeline, "b") == ["pipeline:owned"]


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        (["1 a buy 1", "1 a sell 2", "1 a buy 3"], True),
        (["1 a buy 3", "1 a sell 2"], True),
        (["1 a buy 2", "1 a sell 2"], False),
        (["1 a sell 2"], False),
        (["1 a buy 1", "2 a sell 2"], True),
    ],
)
def test_without_quantities_the_later_counts(rows: list[str], held: bool) -> None:
    assert (told(pipeline_of(data_of(*rows)), "a") == ["pipeline:owned"]) == held


@pytest.mark.parametrize(
    ("quantities", "held"),
    [
        ([10, 4, -3], True),
        ([10, 4, -6], False),
        ([0.3, 0.1, 0.2], False),
        ([0.3, -0.1, -0.1], True),
        ([1, 1, 1], False),
        ([10, 4, None], False),
        ([None, 1, 1], False),
        ([2.0**39, 2.0**38, 2.0**38 - 1], True),
    ],
)
def test_quantities_are_compared_by_size(quantities: list[Any], held: bool) -> None:
    rows = (*SHELF, "1 a buy 1", "1 a sell 2", "1 a sell 3")
    log = log_of(*rows, quantity=[None] * len(SHELF) + quantities)
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, **MEANS))
    assert (told(pipeline, "a") == ["pipeline:owned"]) == held


def test_money_never_serves_ownership() -> None:
    log = log_of("9 a buy 0", "1 a buy 1", "1 a sell 2", value=[5.0, 100.0, 60.0])
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, **MEANS))
    assert told(pipeline, "a") == []


def test_a_repeatable_product_is_never_excluded_for_being_owned() -> None:
    products = PRODUCTS.assign(repeatable=[True, False, True, False])
    pipeline = pipeline_of(data_of("1 a buy 1", "1 b buy 1", "1 c decline 2", products=products))
    assert listed(pipeline) == "ad"


def test_concentration_follows_what_is_held() -> None:
    limit = st.reranking.ConcentrationLimit(by="issuer", share=0.5)
    rows = ("1 a buy 1", "1 b buy 1", "1 c buy 1", "1 a sell 2", "1 b sell 2")
    pipeline = pipeline_of(data_of(*rows), rerankers=[limit])
    found = pipeline.recommend([1]).to_frame()["product_id"].tolist()
    assert len(found) == 1, "one of issuer X beside the one of Y"
    assert found[0] in "abd"
    assert "owned" in reasons(pipeline)


def test_what_was_turned_down_is_left_out_until_it_is_acquired() -> None:
    pipeline = pipeline_of(data_of("1 a decline 1", "1 b decline 1", "1 b buy 2", "1 b sell 3"))
    assert listed(pipeline) == "bcd"
    assert listed(pipeline, exclude_owned=False) == "bcd"
    assert reasons(pipeline, k=4) == {"rejected": 1}
    assert reasons(pipeline, k=4, exclude_owned=False) == {"rejected": 1}
    assert told(pipeline, "a") == ["pipeline:rejected"]
    text = pipeline.why_not(1, "a")[0].text
    assert text["en"] == "The customer has turned this product down."
    stages = pipeline.trace(1).stages
    assert (stages["not owned"], stages["not rejected"]) == (4, 3)


def test_both_owned_and_turned_down() -> None:
    pipeline = pipeline_of(data_of("1 a buy 1", "1 a decline 1"))
    assert told(pipeline, "a") == ["pipeline:owned", "pipeline:rejected"]
    assert reasons(pipeline, k=4) == {"owned": 1, "rejected": 1}
    assert "a" not in listed(pipeline, exclude_owned=False)


def test_a_rejection_holds_for_so_many_days() -> None:
    pipeline = pipeline_of(data_of("1 a decline 1", rejected_days=30), DAY + timedelta(days=2))
    last = DAY + timedelta(days=31)
    assert "a" not in listed(pipeline, as_of=last - timedelta(microseconds=1))
    assert "a" in listed(pipeline, as_of=last)
    assert told(pipeline, "a", as_of=last) == []


def test_a_rejection_is_never_relevant() -> None:
    data = data_of("1 a decline 5", "1 b buy 5", "2 c buy 1", "2 c sell 2", "2 c buy 6")
    split = st.evaluation.TimeSplit(DAY + timedelta(days=4), 9).on(data)
    assert split.relevant.to_numpy().tolist() == [[1, "b"], [2, "c"]]


def test_events_without_a_product() -> None:
    data = data_of("1 - visit 1", "1 a buy 2")
    visits = st.profiles.RecencyFrequencyValue(events=["visit"])
    profile = visits.fit(data).transform(data)
    assert profile["frequency"].tolist() == [1, 0, 0]
    assert told(pipeline_of(data, profiles=[visits]), "a") == ["pipeline:owned"]
    with pytest.raises(st.DataError, match=r"product_id: 1 of 6 rows: no id"):
        data_of("1 - visit 1", "1 a buy 2", owned_events=["buy"], other_events=[])
    with pytest.raises(st.DataError, match="no id"):
        data_of("1 - sell 1", "1 a buy 2")


def test_events_without_a_product_where_there_is_no_frame_of_products() -> None:
    log = log_of(
        "1 - visit 1", "1 a buy 2", "2 b buy 2", "2 - visit 3", value=[None, 5.0, 7.0, None]
    )
    pipeline = pipeline_of(st.Dataset(None, None, log, other_events=["visit"]))
    assert pipeline.product_ids.tolist() == ["a", "b"]
    assert listed(pipeline) == "b"
    pipeline.update(log_of("3 - visit 4", "2 a buy 4", value=[None, 1.0]))
    assert pipeline.product_ids.tolist() == ["a", "b"]
    assert listed(pipeline, 3) == "ab"


def test_numbers_as_ids_beside_events_without_a_product() -> None:
    big = 2**60 + 1
    log = log_of("1 x buy 1", "1 x visit 2", "2 x buy 2")
    log["product_id"] = pd.array([big, None, big + 2], "Int64")
    pipeline = pipeline_of(st.Dataset(None, None, log, other_events=["visit"]))
    assert pipeline.product_ids.tolist() == [big, big + 2]


def test_rankers_learn_from_what_was_acquired() -> None:
    quiet = pipeline_of(data_of("1 a buy 1", "2 a buy 1"))
    rows = ("1 a buy 1", "2 a buy 1", "1 b decline 1", "1 c sell 1", "2 d visit 1", "2 - visit 1")
    loud = pipeline_of(data_of(*rows, other_events=["visit"]))
    scores = [p.recommend([1, 2], exclude_owned=False).to_frame() for p in (quiet, loud)]
    kept = scores[1].set_index(["user_id", "product_id"])["score"]
    for row in scores[0].itertuples():
        if (row.user_id, row.product_id) in kept.index:
            assert kept[row.user_id, row.product_id] == row.score
    heavy = st.ranking.Popularity(event_weights={"buy": 1.0, "visit": 0.5})
    with pytest.raises(st.DataError, match=r"visit.*other_events"):
        pipeline_of(data_of(*rows, other_events=["visit"]), ranker=heavy)


def test_impressions_are_neither_owned_nor_learned_from() -> None:
    rows = (*SHELF, "1 a show 1", "1 b buy 2")
    log = log_of(*rows, propensity=[None] * len(SHELF) + [0.5, None])
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log))
    assert told(pipeline, "a") == []
    weights = {"buy": 1.0, "show": 5.0}
    ranker = st.ranking.Popularity(event_weights=weights)
    heavy = pipeline_of(st.Dataset(USERS, PRODUCTS, log), ranker=ranker)
    assert heavy.recommend([2]).to_frame()["score"].max() == 2
    log.loc[len(SHELF), "event"] = "buy"
    stated = pipeline_of(st.Dataset(USERS, PRODUCTS, log, owned_events=["buy"]))
    assert told(stated, "a") == ["pipeline:owned"]
    with pytest.raises(st.DataError, match="propensity: 1 of 6 rows: is no probability"):
        st.Dataset(USERS, PRODUCTS, log.assign(propensity=[0.5] * 5 + [1.5]))


def test_several_kinds_and_nothing_said() -> None:
    log = log_of("1 a buy 1", "1 b view 2")
    with pytest.warns(st.SuitabilityWarning, match="buy, view") as caught:
        st.Dataset(USERS, PRODUCTS, log)
    assert caught[0].filename == __file__
    st.Dataset(USERS, PRODUCTS, log, owned_events=["buy"])
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, other_events=["view"]))
    with pytest.warns(st.SuitabilityWarning, match="buy, complain"):
        pipeline.update(log_of("1 b complain 3"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"owned_events": "buy"}, "must be a list of kinds"),
        ({"disposed_events": "sell"}, "must be a list of kinds"),
        ({"other_events": [1]}, "must be a list of kinds"),
        ({"owned_events": ["buy"], "rejected_events": ["buy"]}, "'buy' is also in owned_events"),
        ({"owned_events": ["gift"]}, "no interaction is of kind"),
        ({"disposed_events": ["sel"], "owned_events": ["buy"]}, "did you mean 'sell'"),
        ({"rejected_days": 0}, "rejected_days=0"),
        ({"rejected_days": "30"}, "rejected_days='30'"),
    ],
)
def test_meanings_that_make_no_sense(how: dict[str, Any], message: str) -> None:
    log = log_of("1 a buy 1", "1 a sell 2")
    with pytest.raises(st.DataError, match=message):
        st.Dataset(USERS, PRODUCTS, log, **how)
    with pytest.raises(st.DataError, match="no event column"):
        st.Dataset(USERS, PRODUCTS, log.drop(columns="event"), disposed_events=["sell"])


def test_a_kind_that_has_not_occurred_yet_is_no_fault() -> None:
    pipeline = pipeline_of(data_of("1 a buy 1"))
    assert told(pipeline, "a") == ["pipeline:owned"]
    pipeline.update(log_of("1 a sell 2", "1 b decline 2"))
    assert told(pipeline, "a") == []
    assert told(pipeline, "b") == ["pipeline:rejected"]


def test_without_timestamps_a_disposal_and_a_rejection_stand() -> None:
    log = log_of("9 c buy 0", "1 a sell 1", "1 a buy 1", "1 b decline 1").drop(columns="timestamp")
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, **MEANS))
    assert told(pipeline, "a") == []
    assert told(pipeline, "b")[0] == "pipeline:rejected"
    with pytest.raises(st.DataError, match="no timestamps"):
        st.Dataset(USERS, PRODUCTS, log, **MEANS, rejected_days=3)


def test_an_event_delivered_twice_counts_once() -> None:
    rows = (*SHELF, "1 a buy 1", "1 a sell 2", "1 a buy 1")
    ids = [None] * len(SHELF) + ["e1", "e2", "e1"]
    units = [None] * len(SHELF) + [5, 5, 5]
    log = log_of(*rows, event_id=ids, quantity=units, value=[1.0] * len(rows))
    rfv = st.profiles.RecencyFrequencyValue()
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, **MEANS), profiles=[rfv])
    assert told(pipeline, "a") == []
    assert pipeline.trace(1).profile["frequency"] == 1
    again = log_of(
        "1 a buy 1", "2 b buy 1", event_id=["e1", "e3"], quantity=[5, 1], value=[1.0] * 2
    )
    for _ in range(2):
        pipeline.update(again)
    assert told(pipeline, "a") == []
    assert [pipeline.trace(user).profile["frequency"] for user in (1, 2)] == [1, 1]


def test_the_last_recorded_row_of_an_event_counts() -> None:
    log = log_of("9 a buy 0", "1 b buy 1", "1 a buy 1", event_id=["x", "y", "y"])
    log["recorded_at"] = log["timestamp"] + pd.to_timedelta([0, 5, 2], "D")
    data = st.Dataset(USERS, PRODUCTS, log)
    early, late = (pipeline_of(data, DAY + timedelta(days=days)) for days in (5, 9))
    assert told(early, "a") == ["pipeline:owned"]
    assert told(late, "a") == []
    assert told(late, "b") == ["pipeline:owned"]
    in_order = st.Dataset(USERS, PRODUCTS, log.drop(columns="recorded_at"))
    assert told(pipeline_of(in_order), "a") == ["pipeline:owned"]


@pytest.mark.parametrize("counted_at", ["fit", "update"])
def test_a_correction_after_an_event_was_counted_waits_for_the_next_fit(counted_at: str) -> None:
    shelf = log_of(*SHELF, event_id=[None] * len(SHELF))
    first = log_of("1 a buy 1", event_id=["e1"])
    corrected = log_of("1 b buy 1", "2 c buy 2", event_id=["e1", "e2"])
    if counted_at == "fit":
        pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, pd.concat([shelf, first])))
    else:
        pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, shelf)).update(first)
    pipeline.update(corrected)
    assert told(pipeline, "a") == ["pipeline:owned"], "the first one counted stands"
    assert told(pipeline, "b") == []
    assert told(pipeline, "c", 2) == ["pipeline:owned"], "the rest of the update is taken in"
    anew = pipeline_of(st.Dataset(USERS, PRODUCTS, pd.concat([shelf, first, corrected])))
    assert told(anew, "a") == []
    assert told(anew, "b") == ["pipeline:owned"]


def test_saved_and_updated_after_loading(tmp_path: Path) -> None:
    rows = (*SHELF, "1 a buy 1", "1 b decline 1", "2 c buy 1")
    ids = [f"e{number}" for number in range(len(rows))]
    log = log_of(*rows, event_id=ids, quantity=[2.0] * len(rows))
    pipeline = pipeline_of(st.Dataset(USERS, PRODUCTS, log, **MEANS, rejected_days=20))
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    news = log_of("1 a sell 3", "1 a sell 3", "2 c buy 1", "2 d decline 3",
                  event_id=["s1", "s1", "e6", "s2"], quantity=[1.0, 1.0, 2.0, 1.0])  # fmt: skip
    for one in (pipeline, loaded):
        assert told(one.update(news), "a") == ["pipeline:owned"], "one of two is left"
        one.update(log_of("1 a sell 4", event_id=["s3"], quantity=[1.0]))
        assert told(one, "a") == []
        assert told(one, "d", 2) == ["pipeline:rejected"]
        assert told(one, "b", as_of=DAY + timedelta(days=30)) == []


@pytest.mark.parametrize(
    "how",
    [
        {"product_ids": ["zz"]},
        {"product_ids": []},
        {"k": 9},
        {"product_ids": ["b"], "k": 3},
        {"k": 5, "exclude_owned": False},
    ],
)
def test_a_short_list_always_has_a_reason(how: dict[str, Any]) -> None:
    pipeline = pipeline_of(data_of("1 a buy 1", "2 b buy 1"))
    recs = pipeline.recommend([1, 2, 77], **how)
    lengths = recs.to_frame()["user_id"].value_counts()
    short = {user for user in (1, 2, 77) if lengths.get(user, 0) < how.get("k", 10)}
    rows = rows_of(recs.abstentions())
    assert {row["user_id"] for row in rows} == short
    assert len({(row["user_id"], row["reason"]) for row in rows}) == len(rows)
    assert all(row["count"] for row in rows if row["user_id"] != 77)


def test_what_narrows_a_list_is_named() -> None:
    pipeline = pipeline_of(data_of("1 a buy 1"))
    assert reasons(pipeline, product_ids=["b", "zz"], k=4) == {"narrowed": 3}
    assert reasons(pipeline, exclude_owned=False, k=6) == {"catalogue": 2}
    assert reasons(pipeline, k=6) == {"owned": 1, "catalogue": 2}
    assert reasons(pipeline, k=3) == {}
