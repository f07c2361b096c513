"""The contract's sentences on time, versions, ownership, candidates, lists and arguments."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from support.banks import AS_OF, FREE, LEVELS, ladder, popular
from support.frames import rows_of

YEAR = timedelta(days=365)


def products_of(recs: Any, user: Any = None) -> list[Any]:
    frame = recs.to_frame() if user is None else recs.for_user(user)
    return [row["product_id"] for row in rows_of(frame)]


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1, True, False, 2.0, "3", None, np.nan, [3], np.float64(3)])
def test_k_must_be_a_positive_integer(k: Any) -> None:
    pipeline = ladder().fitted()
    with pytest.raises(ValueError, match="positive integer"):
        pipeline.recommend(k=k)
    with pytest.raises(ValueError, match="positive integer"):
        list(pipeline.apply_arrow([pa.record_batch({"user_id": ["u3"]})], k=k))


def test_k_may_be_of_any_integer_type_and_above_the_catalogue() -> None:
    pipeline = ladder().fitted()
    assert products_of(pipeline.recommend(["u3"], k=np.int64(2))) == ["p0", "p1"]
    assert products_of(pipeline.recommend(["u3"], k=10**9)) == ["p0", "p1", "p2"]


def test_duplicates_are_refused_with_at_most_three_examples() -> None:
    pipeline = ladder().fitted()
    ids = ["u0", "a", "b", "c", "d", "e"] * 2
    with pytest.raises(st.DataError) as caught:
        pipeline.recommend(ids)
    assert sum(f"'{name}'" in str(caught.value) for name in set(ids)) <= 3
    with pytest.raises(st.DataError, match="missing"):
        pipeline.recommend(["u0", None])


@pytest.mark.parametrize("bad", ["u0", 7, [["u0"]], [1.5], [True], [b"u0"], ["u0", 1], [None]])
def test_user_ids_of_no_use(bad: Any) -> None:
    with pytest.raises(st.DataError, match="user_ids"):
        ladder().fitted().recommend(bad)
    with pytest.raises(st.DataError, match="product_ids"):
        ladder().fitted().recommend(product_ids=bad)


@pytest.mark.parametrize(
    "make",
    [list, tuple, iter, np.array, pd.Series, pd.Index, pa.array, pl.Series,
     lambda ids: pd.Series(ids, dtype="category"), lambda ids: pd.Series(ids, dtype="string"),
     lambda ids: pa.chunked_array([ids[:1], ids[1:]]), lambda ids: dict.fromkeys(ids),
     lambda ids: np.array(ids, object), lambda ids: pa.array(ids, pa.large_string()),
     lambda ids: pl.Series(ids, dtype=pl.Categorical), lambda ids: pa.array(ids, pa.string_view()),
     lambda ids: np.array(ids, np.dtypes.StringDType())],
)  # fmt: skip
def test_ids_of_any_container(make: Any) -> None:
    pipeline = ladder().fitted()
    asked = ["u3", "u1", "nobody"]
    assert products_of(pipeline.recommend(make(asked))) == ["p0", "p1", "p2", "p2"]
    found = products_of(pipeline.recommend(["u3"], product_ids=make(["p2", "p0"])))
    assert found == ["p0", "p2"]
    assert pipeline.knows(make(["u3"]), make(["p2", "p0"]))
    assert not pipeline.knows(make(asked), make(["p2"]))


@pytest.mark.parametrize("make", [list, np.array, pd.Series, lambda i: np.array(i, np.int32),
                                  lambda i: np.array(i, np.uint8), lambda i: np.array(i, float),
                                  lambda i: pd.Series(i, dtype="Int64")])  # fmt: skip
def test_integer_ids(make: Any) -> None:
    base = ladder()
    users = [{**row, "user_id": int(row["user_id"][1])} for row in base.users]
    events = [{**row, "user_id": int(row["user_id"][1])} for row in base.events]
    pipeline = base.but(users=users, events=events).fitted()
    recs = pipeline.recommend(make([3, 1, 99]), k=2)
    assert [row["user_id"] for row in rows_of(recs.to_frame())] == [3, 3, 1]
    assert products_of(recs, 1) == ["p2"]
    assert recs.explain(3, "p0").rank == 1
    assert pipeline.knows(make([3, 1]), ["p0"])
    assert not pipeline.knows(["u3"], ["p0"])
    batch = pa.record_batch({"user_id": ["u3"]})
    for ask in (
        lambda: pipeline.recommend(["u3"]),
        lambda: pipeline.recommend([3], product_ids=[1]),
        lambda: pipeline.trace("u3"),
        lambda: pipeline.why_not("u3", "p2"),
        lambda: pipeline.why_not(3, 2),
        lambda: recs.for_user("u3"),
        lambda: recs.explain(3, 0),
        lambda: list(pipeline.apply_arrow([batch])),
    ):
        with pytest.raises(st.DataError, match="use one type of id"):
            ask()


# --- order ---------------------------------------------------------------------------------------


def test_the_order_asked_and_the_order_of_the_frame() -> None:
    base = ladder()
    pipeline = base.but(users=base.users[::-1], products=base.products[::-1]).fitted()
    users = [row["user_id"] for row in rows_of(pipeline.recommend(k=1).to_frame())]
    assert users == ["u3", "u2", "u1"]
    asked = ["u1", "u3", "u2"]
    recs = pipeline.recommend(asked, k=1)
    assert [row["user_id"] for row in rows_of(recs.to_frame())] == asked
    assert list(pipeline.product_ids) == ["p5", "p4", "p3", "p2", "p1", "p0"]


def test_ties_go_by_the_catalogue() -> None:
    log = [{**ladder().events[0], "product_id": p} for p in ("p4", "p2", "p3")]
    tied = ladder().but(events=log)
    assert products_of(tied.fitted().recommend(["u3"])) == ["p2", "p3", "p4"]
    turned = tied.but(products=tied.products[::-1])
    assert products_of(turned.fitted().recommend(["u3"])) == ["p4", "p3", "p2"]


def test_without_frames_ids_are_sorted() -> None:
    log = pd.DataFrame({"user_id": ["b", "a", "c"], "product_id": ["z", "y", "x"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, None, log))
    frame = pipeline.recommend(exclude_owned=False).to_frame()
    assert list(frame["user_id"].unique()) == ["a", "b", "c"]
    assert list(frame["product_id"][:3]) == ["x", "y", "z"]


# --- owned and candidates ------------------------------------------------------------------------


def test_owned() -> None:
    pipeline = ladder().fitted()
    assert products_of(pipeline.recommend(["u1"])) == ["p2"]
    assert products_of(pipeline.recommend(["u1"], exclude_owned=False)) == ["p0", "p1", "p2"]


@pytest.mark.parametrize("mark", [True, False, None])
def test_repeatable_products_are_never_excluded(mark: bool | None) -> None:
    products = [{**row, "repeatable": mark if row["product_id"] == "p0" else False}
                for row in ladder().products]  # fmt: skip
    recs = ladder().but(products=products).fitted().recommend(["u1"])
    assert products_of(recs) == (["p0", "p2"] if mark else ["p2"])


def test_repeatable_must_be_boolean() -> None:
    users, _, log = ladder().frames()
    products = pa.table({"product_id": [f"p{i}" for i in range(6)], "repeatable": ["yes"] * 6})
    with pytest.raises(st.DataError, match="repeatable"):
        st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity()).fit(
            st.Dataset(users, products, log)
        )


def test_only_owned_events_own() -> None:
    events = [{**row, "event": "view" if row["product_id"] == "p0" else "buy"}
              for row in ladder().events]  # fmt: skip
    seen = ladder().but(events=events)
    with pytest.warns(st.SuitabilityWarning, match="buy, view"):
        assert products_of(seen.fitted().recommend(["u1"])) == ["p2"]
    bought = seen.but(owned_events=("buy",))
    recs = bought.fitted().recommend(["u1"])
    assert products_of(recs) == ["p2"], "a view is neither ownership nor a score"
    assert {r["reason"]: r["count"] for r in rows_of(recs.abstentions())} == {
        "owned": 1, "no-score": 4, "catalogue": 4,
    }  # fmt: skip
    both = seen.but(owned_events=("buy", "view"))
    assert products_of(both.fitted().recommend(["u1"])) == ["p2"]


def test_product_ids_narrow_and_never_widen() -> None:
    base = ladder()
    stamp = {"product_timestamp": AS_OF - YEAR}
    products = [{**row, **stamp} for row in base.products[:-1]]
    late = {**base.products[-1], "product_timestamp": AS_OF}
    events = [*base.events, {**base.events[0], "product_id": "p5"}]
    pipeline = base.but(products=[*products, late], events=events).fitted()
    assert list(pipeline.product_ids) == ["p0", "p1", "p2", "p3", "p4"]
    narrowed = pipeline.recommend(["u3"], product_ids=["p5", "p2", "p2", "nothing", "p0"])
    assert products_of(narrowed) == ["p0", "p2"]
    nothing = pipeline.recommend(["u3"], product_ids=[])
    assert products_of(nothing) == []
    assert rows_of(nothing.abstentions()) == [
        {"user_id": "u3", "returned": 0, "reason": reason, "count": 5}
        for reason in ("narrowed", "catalogue")
    ]
    with pytest.raises(st.DataError, match="not in the catalogue"):
        pipeline.why_not("u3", "p5")


# --- time and versions ---------------------------------------------------------------------------


def test_a_later_moment_is_judged_anew_on_the_state_held() -> None:
    base = popular(8).but(policies=(LEVELS,))
    users = [{**row, "questionnaire_date": date(2024, 1, 1)} for row in base.users]
    products = [{**row, "complex": True} for row in base.products]
    pipeline = base.but(users=users, products=products).fitted()
    owned = pipeline.recommend(exclude_owned=False)
    assert products_of(owned)
    last = datetime(2024, 12, 31, 23, 59, 59, 999_999)
    assert rows_of(pipeline.recommend(as_of=last, exclude_owned=False).to_frame()) == rows_of(
        owned.to_frame()
    )
    assert products_of(pipeline.recommend(as_of="2025-01-01")) == []
    assert products_of(pipeline.recommend(as_of=date(2025, 1, 1))) == []
    verdicts = pipeline.why_not("u3", "p0", as_of="2025-01-01")
    assert [v.verdict for v in verdicts if v.rule == "questionnaire"] == ["fail"]
    batch = pa.record_batch({"user_id": ["u3"]})
    assert not list(pipeline.apply_arrow([batch], as_of="2025-01-01"))
    assert list(pipeline.apply_arrow([batch]))
    assert rows_of(pipeline.recommend(exclude_owned=False).to_frame()) == rows_of(owned.to_frame())


def test_profiles_age_at_a_later_moment() -> None:
    text = FREE.replace("rules = []\n", "") + (
        '[[rules]]\nid = "fresh"\nrequire = "user.recency_days < 10"\n'
    )
    base = ladder().but(policies=(text,))
    pipeline = base.fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    assert products_of(pipeline.recommend(["u2"])) == ["p1", "p2"]
    assert products_of(pipeline.recommend(["u2"], as_of=AS_OF + timedelta(days=8))) == ["p1", "p2"]
    assert products_of(pipeline.recommend(["u2"], as_of=AS_OF + timedelta(days=9))) == []
    recs = pipeline.recommend(["u3"], k=6)
    assert [(r["reason"], r["count"]) for r in rows_of(recs.abstentions())] == [("fresh", 6)]


def test_many_moments_do_not_mix() -> None:
    text = FREE.replace("rules = []\n", "") + (
        '[[rules]]\nid = "fresh"\nrequire = "user.recency_days < 4"\n'
    )
    pipeline = ladder().but(policies=(text,)).fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    for _ in range(2):
        for days in range(7):
            found = pipeline.recommend(["u2"], as_of=AS_OF + timedelta(days=days))
            assert bool(products_of(found)) == (days < 3), days


@pytest.mark.parametrize(
    "as_of", [AS_OF - timedelta(microseconds=1), "2024-03-01", date(2024, 3, 1), "2020-01-01"]
)
def test_an_earlier_moment_is_refused(as_of: Any) -> None:
    pipeline = ladder().fitted()
    batch = pa.record_batch({"user_id": ["u3"]})
    for ask in (
        lambda: pipeline.recommend(as_of=as_of),
        lambda: pipeline.why_not("u3", "p0", as_of=as_of),
        lambda: list(pipeline.apply_arrow([batch], as_of=as_of)),
        lambda: pipeline.trace("u3", as_of=as_of),
        lambda: pipeline.eligibility(as_of),
    ):
        with pytest.raises(st.DataError, match="before"):
            ask()


@pytest.mark.parametrize("as_of", [AS_OF.replace(tzinfo=UTC), "2025-01-01T00:00:00Z", 5, "soon",
                                   "", float("nan"), pd.NaT, [AS_OF]])  # fmt: skip
def test_a_moment_that_does_not_fit(as_of: Any) -> None:
    with pytest.raises(st.DataError):
        ladder().fitted().recommend(as_of=as_of)
    with pytest.raises(st.DataError):
        ladder().pipeline().fit(ladder().dataset(), as_of)


def test_aware_data_wants_aware_moments() -> None:
    log = pd.DataFrame({"user_id": ["a", "b"], "product_id": ["x", "y"],
                        "timestamp": pd.to_datetime(["2024-01-01T23:30Z", "2024-01-02T00:30Z"])
                        .tz_convert("Asia/Shanghai")})  # fmt: skip
    data = st.Dataset(None, None, log)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    with pytest.raises(st.DataError, match="naive"):
        pipeline.fit(data, datetime(2024, 1, 3))
    # Midnight of the 2nd in Shanghai is 16:00 UTC of the 1st: nothing has happened yet.
    pipeline.fit(data, "2024-01-02")
    assert products_of(pipeline.recommend(exclude_owned=False)) == []
    pipeline.fit(data, datetime(2024, 1, 2, 0, 0, tzinfo=UTC))
    assert products_of(pipeline.recommend(["a"], exclude_owned=False)) == ["x"]
    pipeline.fit(data, "2024-01-03")
    assert products_of(pipeline.recommend(["b"], exclude_owned=False)) == ["x", "y"]


def test_the_default_moment_is_just_after_the_latest() -> None:
    users = [{**row, "user_timestamp": AS_OF + YEAR} for row in ladder().users]
    for given, latest in ((ladder(), AS_OF - timedelta(days=1)),
                          (ladder().but(users=users), AS_OF + YEAR)):  # fmt: skip
        pipeline = given.pipeline().fit(given.dataset())
        assert pipeline.as_of_ == pd.Timestamp(latest) + pd.Timedelta(1, "us")
        assert products_of(pipeline.recommend(["u3"])) == ["p0", "p1", "p2"]


def test_data_without_timestamps() -> None:
    log = pd.DataFrame({"user_id": ["a", "b", "b"], "product_id": ["x", "x", "y"]})
    data = st.Dataset(None, None, log)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.ALS(factors=2))
    with pytest.raises(st.DataError, match="no timestamps"):
        pipeline.fit(data, "2024-01-01")
    pipeline.fit(data)
    assert pipeline.as_of_ is None
    assert products_of(pipeline.recommend(["a"])) == ["y"]
    batch = pa.record_batch({"user_id": ["a"]})
    for ask in (lambda: pipeline.recommend(as_of="2024-01-01"),
                lambda: pipeline.why_not("a", "y", as_of="2024-01-01"),
                lambda: list(pipeline.apply_arrow([batch], as_of="2024-01-01"))):  # fmt: skip
        with pytest.raises(st.DataError, match="no timestamps"):
            ask()
    assert [v.rule for v in pipeline.why_not("a", "x")] == ["pipeline:owned"]


def test_the_last_visible_version_counts() -> None:
    base = popular(8).but(policies=(LEVELS,))
    others = [{**row, "user_timestamp": AS_OF - YEAR} for row in base.users[1:]]
    days = [(-9, "C1"), (-1, "C3"), (-5, None), (0, "C1"), (1, None)]
    mine = [{**base.users[0], "risk_level": level, "user_timestamp": AS_OF + timedelta(days=d)}
            for d, level in days]  # fmt: skip
    pipeline = base.but(users=[*mine, *others]).fitted()
    assert pipeline.trace("u0").fields["risk_level"] == "C3"
    early = base.but(users=[*mine, *others], as_of=AS_OF - timedelta(days=1)).fitted()
    assert early.trace("u0").fields["risk_level"] is None
    none = base.but(users=[*mine, *others], as_of=AS_OF - timedelta(days=9)).fitted()
    assert set(none.trace("u0").fields.values()) == {None}
    # A later question is answered on the state held: the version of the 2nd is not in it.
    later = pipeline.recommend(["u0"], as_of=AS_OF + timedelta(days=1, microseconds=1))
    assert products_of(later) == products_of(pipeline.recommend(["u0"]))


@pytest.mark.parametrize("side", ["user", "product"])
def test_the_same_version_twice(side: str) -> None:
    rows = getattr(ladder(), f"{side}s")
    with pytest.raises(st.DataError, match="twice"):
        ladder().but(**{f"{side}s": [*rows, rows[0]]}).dataset()
    stamped = [{**row, f"{side}_timestamp": AS_OF - YEAR} for row in rows]
    with pytest.raises(st.DataError, match="id and timestamp twice"):
        ladder().but(**{f"{side}s": [*stamped, stamped[0]]}).dataset()


# --- what does not fit ---------------------------------------------------------------------------


def test_a_policy_is_required() -> None:
    for policy in (None, [], [None], 7, ["far-trans", None]):
        pipeline = st.Pipeline(policy=policy, ranker=st.ranking.Popularity())  # type: ignore[arg-type]
        with pytest.raises(st.PolicyError):
            pipeline.fit(ladder().dataset())
    with pytest.raises(st.PolicyError, match="built in are"):
        st.Pipeline(policy="far-tran", ranker=st.ranking.Popularity()).fit(ladder().dataset())
    with pytest.raises(ValueError, match="ranker"):
        st.Pipeline(policy=st.Policy.unrestricted()).fit(ladder().dataset())


def test_not_fitted() -> None:
    pipeline, batch = ladder().pipeline(), pa.record_batch({"user_id": ["u0"]})
    for ask in (pipeline.recommend, lambda: pipeline.why_not("u0", "p0"),
                lambda: pipeline.trace("u0"), lambda: pipeline.eligibility(),
                lambda: pipeline.save("nowhere"), lambda: pipeline.user_ids,
                lambda: list(pipeline.apply_arrow([batch]))):  # fmt: skip
        with pytest.raises(st.NotFittedError):
            ask()
    assert not Path("nowhere").exists()


def test_a_failed_fit_leaves_what_was_served() -> None:
    pipeline = ladder().fitted()
    before = rows_of(pipeline.recommend().to_frame())
    empty = ladder().but(events=[{**ladder().events[0], "timestamp": AS_OF}])
    pipeline.ranker = st.ranking.ALS()
    with pytest.raises(st.DataError):
        pipeline.fit(empty.dataset(), AS_OF)
    assert rows_of(pipeline.recommend().to_frame()) == before


def test_a_name_in_both_profile_and_frame() -> None:
    frame = pa.table({"user_id": [f"u{i}" for i in range(4)], "frequency": [3] * 4})
    _, products, log = ladder().frames()
    pipeline = ladder().pipeline(profiles=[st.profiles.RecencyFrequencyValue()])
    with pytest.raises(st.DataError, match=r"frequency.*also a column"):
        pipeline.fit(st.Dataset(frame, products, log))


def test_a_name_that_two_builders_claim() -> None:
    """Both are named, at the fit; builders whose fields differ go together."""
    appetite, rfv = st.profiles.RiskAppetite, st.profiles.RecencyFrequencyValue
    made_twice = ladder().pipeline(profiles=[rfv(), appetite(), appetite(valid_months=24)])
    with pytest.raises(st.DataError, match=r"'risk_level'.* RiskAppetite and RiskAppetite"):
        made_twice.fit(ladder().dataset(), AS_OF)

    class Mine(rfv):
        pass

    with pytest.raises(st.DataError, match=r"two builders, RecencyFrequencyValue and Mine"):
        ladder().fitted(profiles=[rfv(), Mine()])
    pipeline = ladder().fitted(profiles=[appetite(), st.profiles.Lifecycle(), rfv()])
    fields = (*appetite().fields, *st.profiles.Lifecycle().fields, *rfv().fields)
    assert tuple(pipeline.trace("u0").profile) == fields


def test_a_name_that_neither_has() -> None:
    text = LEVELS.replace("user.questionnaire_date < as_of", "user.questionaire_date < as_of")
    with pytest.raises(st.PolicyError, match="questionnaire_date"):
        ladder().but(policies=(text,)).fitted()


def test_a_policy_file_that_changes_after_the_fit(tmp_path: Path) -> None:
    """The rules fitted under are the rules served, at a later moment and in a saved model too."""
    file = tmp_path / "house.toml"
    file.write_text(LEVELS, "utf-8")
    pipeline = ladder().pipeline(policy=str(file)).fit(ladder().dataset(), AS_OF)
    before = rows_of(pipeline.recommend().to_frame())
    file.write_text('[policy]\nid = "x"\n[[rules]]\nid = "never"\nrequire = "1 > 2"\n', "utf-8")
    assert rows_of(pipeline.recommend().to_frame()) == before
    assert rows_of(pipeline.recommend(as_of=AS_OF + timedelta(days=1)).to_frame()) == before
    pipeline.save(tmp_path / "model")
    assert rows_of(st.load(tmp_path / "model").recommend().to_frame()) == before
    file.unlink()
    assert rows_of(pipeline.recommend(as_of=AS_OF + timedelta(days=2)).to_frame()) == before


def test_clone_and_params() -> None:
    pipeline = ladder().fitted(rerankers=[st.reranking.Diversity()])
    twin = pipeline.clone()
    assert not twin.is_fitted
    assert twin.ranker is not pipeline.ranker
    assert twin.policies == pipeline.policies
    again = twin.fit(ladder().dataset(), AS_OF)
    assert again is twin
    first, second = (rows_of(p.recommend().to_frame()) for p in (pipeline, twin))
    assert first == second
    own = pipeline.get_params(deep=False)
    assert st.Pipeline(**own).get_params(deep=False) == own


def test_another_policy_after_the_fit_gives_no_answers_of_the_old_one() -> None:
    pipeline = ladder().fitted()
    pipeline.policy = st.Policy.unrestricted()
    with pytest.raises(st.NotFittedError):
        pipeline.recommend()
    assert pipeline.policies == (st.Policy.unrestricted(),)


def test_the_same_model_under_another_policy() -> None:
    pipeline = ladder().fitted()
    before = rows_of(pipeline.recommend().to_frame())
    free = pipeline.under(st.Policy.unrestricted())
    fitted = ladder().pipeline(policy=st.Policy.unrestricted()).fit(ladder().dataset(), AS_OF)
    assert rows_of(free.recommend().to_frame()) == rows_of(fitted.recommend().to_frame())
    assert rows_of(pipeline.recommend().to_frame()) == before


def test_two_pipelines_share_a_builder() -> None:
    builder = st.profiles.RecencyFrequencyValue()
    first = ladder().fitted(profiles=[builder])
    before = dict(first.trace("u0").profile)
    fewer = ladder().but(events=ladder().events[3:], as_of=AS_OF + YEAR)
    fewer.fitted(profiles=[builder])
    assert dict(first.trace("u0").profile) == before


def test_recommending_from_many_threads() -> None:
    pipeline = popular(8).fitted(profiles=[st.profiles.RecencyFrequencyValue()])
    moments = [AS_OF + timedelta(days=d % 9) for d in range(60)]
    expected = {m: rows_of(pipeline.recommend(as_of=m).to_frame()) for m in set(moments)}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda m: rows_of(pipeline.recommend(as_of=m).to_frame()), moments))
    assert found == [expected[m] for m in moments]
