"""A saved pipeline answers as the fitted one did, from plain files."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

import suitably as st
from support.banks import AS_OF, LEVELS, World, popular
from support.frames import KINDS, rows_of
from support.rankers import Cheapest
from support.worlds import worlds

PROFILES = [st.profiles.RiskAppetite, st.profiles.RecencyFrequencyValue]


def rich() -> World:
    text = LEVELS + '[[rules]]\nid = "calm"\nrequire = "user.frequency < 9 or user.income > 0"\n'
    return popular(9).but(policies=(text,))


def full(world: World, ranker: Any = None) -> st.Pipeline:
    ranker = ranker or st.ranking.ALS(factors=3)
    return world.fitted(
        ranker, profiles=[make() for make in PROFILES], rerankers=[st.reranking.Diversity()]
    )


def answers(pipeline: st.Pipeline, as_of: Any = None) -> list[Any]:
    recs = pipeline.recommend(k=4, as_of=as_of)
    users, products = list(pipeline.user_ids), list(pipeline.product_ids)
    batch = pa.record_batch({"user_id": pa.array(users)})
    return [
        rows_of(recs.to_frame()),
        type(recs.to_frame()),
        rows_of(recs.abstentions()),
        [pipeline.why_not(user, product, as_of) for user in users for product in products],
        [b.to_pylist() for b in pipeline.apply_arrow([batch], as_of=as_of)],
        rows_of(pipeline.eligibility(as_of).counts()),
        [dict(pipeline.trace(user, as_of=as_of).profile) for user in users],
        pipeline.as_of_,
        [policy.fingerprint for policy in pipeline.policies],
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_the_same_answers(kind: str, verify: Any, tmp_path: Path) -> None:
    pipeline = full(rich().but(kind=kind))
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model", verify=verify)
    assert answers(loaded) == answers(pipeline)
    later = AS_OF + timedelta(days=200)
    assert answers(loaded, later) == answers(pipeline, later)
    with pytest.raises(st.DataError, match="before"):
        loaded.recommend(as_of=AS_OF - timedelta(days=1))
    loaded.save(tmp_path / "again")
    assert answers(st.load(str(tmp_path / "again"))) == answers(pipeline)


@given(world=worlds(), later=hs.sampled_from([0, 40, 400]))
@settings(max_examples=15)
def test_the_same_answers_in_any_world(
    tmp_path_factory: pytest.TempPathFactory, world: World, later: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "model"
    pipeline = world.fitted(profiles=[make() for make in PROFILES])
    pipeline.save(path)
    at = AS_OF + timedelta(days=later)
    assert answers(st.load(path), at) == answers(pipeline, at)


def test_nothing_but_plain_files(tmp_path: Path) -> None:
    full(rich()).save(tmp_path / "model")
    endings = {entry.suffix for entry in (tmp_path / "model").iterdir()}
    assert endings <= {".npy", ".parquet", ".toml", ".json", ".sha256", ".sig"}
    assert all(entry.is_file() for entry in (tmp_path / "model").iterdir())
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"], "no temporary folder is left"
    for entry in (tmp_path / "model").glob("*.npy"):
        assert np.load(entry, allow_pickle=False).dtype != object
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text("utf-8"))
    others = {e.name for e in (tmp_path / "model").iterdir()} - {"manifest.json", "manifest.sha256"}
    assert set(manifest["files"]) == others


def test_every_column_of_users_and_products_and_no_event_log(tmp_path: Path) -> None:
    base = popular(9)
    users, products, log = base.frames()
    users = users.append_column("branch", pa.array(["harbour"] * users.num_rows))
    log = log.append_column("memo", pa.array(["M-4711-SECRET"] * log.num_rows))
    pipeline = base.pipeline().fit(st.Dataset(users, products, log), AS_OF)
    pipeline.save(tmp_path / "model")
    for entry in (tmp_path / "model").iterdir():
        content = entry.read_bytes()
        if entry.suffix == ".parquet":
            content += str(pq.read_table(entry).to_pydict()).encode()
        assert b"4711" not in content, entry.name
    fields = st.load(tmp_path / "model").trace("u0").fields
    assert fields["branch"] == "harbour", "an update may bring a policy that reads it"


def test_arrays_are_read_only_maps(tmp_path: Path) -> None:
    full(rich()).save(tmp_path / "model")
    ranker = st.load(tmp_path / "model").ranker_
    held = ranker.product_factors_
    while isinstance(held.base, np.ndarray):
        held = held.base
    assert isinstance(held, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ranker.product_factors_[0, 0] = 1


def test_a_model_may_move_and_be_replaced(tmp_path: Path) -> None:
    first, second = full(rich()), full(rich(), st.ranking.Popularity())
    first.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    expected = answers(loaded)
    second.save(tmp_path / "model")
    assert answers(loaded) == expected, "what is loaded keeps its files"
    assert answers(st.load(tmp_path / "model")) == answers(second)
    os.rename(tmp_path / "model", tmp_path / "elsewhere")
    assert answers(st.load(tmp_path / "elsewhere")) == answers(second)
    loaded.save(tmp_path / "elsewhere")
    assert answers(st.load(tmp_path / "elsewhere")) == expected
    st.load(tmp_path / "elsewhere").save(tmp_path / "elsewhere")
    assert answers(st.load(tmp_path / "elsewhere")) == expected
    assert [entry.name for entry in tmp_path.iterdir()] == ["elsewhere"]


def test_saving_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for place in ("notes", "file"):
        with pytest.raises(st.ArtifactError, match="not a saved model"):
            full(rich()).save(tmp_path / place)
    assert (tmp_path / "notes" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    full(rich()).save(tmp_path / "empty")
    full(rich()).save(tmp_path / "a" / "b")
    assert st.load(tmp_path / "empty").is_fitted


class Strange(Cheapest):
    """Its state holds what is neither array, number nor text."""

    def state(self) -> dict[str, Any]:
        return {"thing": object()}


class Mute:
    """A ranker that cannot say what it learned."""

    def fit(self, context: Any) -> "Mute":
        self._products = len(context.data.products)
        return self

    def scorer(self, user_ids: Any) -> st.ranking.Scores:
        return st.ranking.Scores(np.ones((len(user_ids), self._products)))

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


class OneWay(Cheapest):
    """Can be written, but not read."""

    from_state = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        if name == "from_state":
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("ranker", [Strange, Mute, OneWay])
def test_what_cannot_be_saved_leaves_nothing(ranker: Any, tmp_path: Path) -> None:
    full(rich()).save(tmp_path / "model")
    before = answers(st.load(tmp_path / "model"))
    with pytest.raises(st.ArtifactError, match=ranker.__name__):
        popular(9).fitted(ranker()).save(tmp_path / "model")
    assert answers(st.load(tmp_path / "model")) == before, "the old model is still there"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_not_fitted(tmp_path: Path) -> None:
    with pytest.raises(st.NotFittedError):
        rich().pipeline().save(tmp_path / "unfitted")
    assert not (tmp_path / "unfitted").exists()


def test_a_custom_class_must_be_named(tmp_path: Path) -> None:
    popular(9).fitted(Cheapest()).save(tmp_path / "model")
    with pytest.raises(st.ArtifactError, match="trusted"):
        st.load(tmp_path / "model")
    with pytest.raises(st.ArtifactError, match="trusted"):
        st.load(tmp_path / "model", trusted=[World])
    assert st.load(tmp_path / "model", trusted=[Cheapest]).is_fitted


def test_data_without_timestamps(tmp_path: Path) -> None:
    log = pa.table({"user_id": [3, 1, 3], "product_id": [9, 9, 8]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.ALS(factors=2))
    pipeline.fit(st.Dataset(None, None, log)).save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert loaded.as_of_ is None
    assert rows_of(loaded.recommend().to_frame()) == rows_of(pipeline.recommend().to_frame())
    with pytest.raises(st.DataError, match="no timestamps"):
        loaded.recommend(as_of="2024-01-01")


def test_a_time_zone_survives(tmp_path: Path) -> None:
    for zone in ("UTC", "Asia/Shanghai", "+05:30"):
        times = pa.array([0, 1], pa.timestamp("us", zone))
        log = pa.table({"user_id": [3, 1], "product_id": [9, 8], "timestamp": times})
        pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        pipeline.fit(st.Dataset(None, None, log)).save(tmp_path / "model")
        loaded = st.load(tmp_path / "model")
        assert loaded.as_of_ == pipeline.as_of_
        if zone == "+05:30":  # of which only instants are known
            with pytest.raises(st.DataError, match="time_zone="):
                loaded.recommend(as_of="2024-01-01")
        moment = "2024-01-01T00:00+05:30" if zone == "+05:30" else "2024-01-01"
        assert rows_of(loaded.recommend(as_of=moment).to_frame()) == rows_of(
            pipeline.recommend(as_of=moment).to_frame()
        )
        with pytest.raises(st.DataError, match="naive"):
            loaded.recommend(as_of=AS_OF)


def test_several_policies(tmp_path: Path) -> None:
    from support.banks import FUNDS, LOANS

    pipeline = rich().but(policies=(LEVELS, FUNDS, LOANS)).fitted()
    pipeline.save(tmp_path / "model")
    assert answers(st.load(tmp_path / "model")) == answers(pipeline)


@pytest.mark.parametrize(
    "path",
    [lambda tmp: tmp / "nowhere", lambda tmp: tmp, lambda tmp: tmp / "file",
     lambda tmp: str(tmp / "nowhere")],
)  # fmt: skip
def test_there_is_no_model(path: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(st.ArtifactError):
        st.load(path(tmp_path))


def test_bad_verify(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    for verify in ("none", None, False, ""):
        with pytest.raises(ValueError, match="verify"):
            st.load(tmp_path / "model", verify=verify)  # type: ignore[arg-type]


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        full(rich()).save(tmp_path / name)
    one, other = ({e.name: e.read_bytes() for e in (tmp_path / n).iterdir()}
                  for n in ("one", "other"))  # fmt: skip
    assert one == other
