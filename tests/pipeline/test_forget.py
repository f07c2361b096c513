"""A user who is forgotten leaves no trace, and everybody else is as without them."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from engines import every_builder
from suitably.profiles.functions.from_function_state import FromFunctionState

GONE = "u17"
RANKERS = [
    st.ranking.Popularity(by="segment"),
    st.ranking.ItemKNN(),
    st.ranking.ALS(factors=3),
    st.ranking.IALS(factors=3),
    st.ranking.Blend([st.ranking.EASE(), st.ranking.Popularity()], weights=[0.7, 0.3]),
    st.ranking.Explore(st.ranking.BPR(factors=3)),
]


def _pipeline(without: str | None = None, **options: Any) -> st.Pipeline:
    users, products, log = every_builder.frames()
    users = users.append_column("segment", pa.array([f"s{n % 3}" for n in range(len(users))]))
    if without is not None:
        users, log = (t.filter(pc.not_equal(t["user_id"], without)) for t in (users, log))
    given: dict[str, Any] = {"ranker": st.ranking.ALS(factors=3), "profiles": []}
    given |= {"policy": st.Policy.unrestricted(), **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", st.SuitabilityWarning)
        data = st.Dataset(users, products, log, **every_builder.KINDS)
        return st.Pipeline(**given).fit(data, as_of=every_builder.AS_OF)


def _profiles(pipeline: st.Pipeline) -> pa.Table:
    return pipeline._model.snapshot(pipeline._model.state.as_of).profiles  # type: ignore[union-attr]


def _octets(folder: Path) -> bytes:
    """Return all that is written, tables as text, so that compression hides nothing."""
    import pyarrow.parquet as pq

    parts = [
        repr(pq.read_table(file).to_pydict()).encode() if file.suffix == ".parquet"
        else file.read_bytes().replace(b"\0", b"")
        for file in folder.iterdir()
    ]  # fmt: skip
    return b"".join(parts)


@pytest.mark.parametrize(
    "builder", every_builder.every_builder(), ids=lambda one: type(one).__name__
)
def test_profiles_are_those_of_a_fit_without_the_user(builder: Any) -> None:
    found, wanted = (_pipeline(one, profiles=[builder]) for one in (None, GONE))
    before = _profiles(found)
    found.forget(GONE)
    kept = pc.not_equal(pa.array(_ids(_pipeline())), GONE)
    assert _profiles(found).equals(before.filter(kept))
    state = found._model.state  # type: ignore[union-attr]
    own, held = state.builders[0], state.builder_states[0]
    rebuilt = own.accumulate(_view(GONE))
    assert own.finalise(held, state.as_of).equals(own.finalise(rebuilt, state.as_of))
    assert _ids(found) == _ids(wanted)
    if type(held) is not FromFunctionState:  # bytes of an Arrow stream
        arrays, fresh = held.to_arrays(), rebuilt.to_arrays()
        assert arrays.keys() == fresh.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, fresh[name], err_msg=name)


def _view(without: str) -> Any:
    users, products, log = every_builder.frames()
    users, log = (t.filter(pc.not_equal(t["user_id"], without)) for t in (users, log))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", st.SuitabilityWarning)
        data = st.Dataset(users, products, log, **every_builder.KINDS)
        return data.view(every_builder.AS_OF)


def _ids(pipeline: st.Pipeline) -> list[str]:
    return list(pipeline.user_ids)


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda one: type(one).__name__)
def test_others_keep_their_lists_and_the_user_is_unknown(ranker: Any, tmp_path: Path) -> None:
    pipeline = _pipeline(ranker=ranker)
    everybody = pipeline.recommend(k=5)
    assert len(everybody.for_user(GONE))
    before = everybody.to_arrow().filter(pc.not_equal(everybody.to_arrow()["user_id"], GONE))
    pipeline.forget(GONE)
    assert pipeline.recommend(k=5).to_arrow().equals(before)
    nobody = pipeline.recommend([GONE]).abstentions()
    assert nobody["reason"].to_pylist() == ["unknown-user"]
    with pytest.raises(st.DataError, match="unknown"):
        pipeline.forget(GONE)
    pipeline.save(tmp_path / "model")
    assert GONE.encode() not in _octets(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert loaded.recommend(k=5).to_arrow().equals(before)


def test_vectors_texts_and_rows_are_gone(tmp_path: Path) -> None:
    """Nothing of the user is left in any array: a vector, a tag, a page that only they saw."""
    pipeline = _pipeline(profiles=[st.profiles.Tags()])
    model = pipeline._model
    assert model is not None
    row = int(model.state.users.codes([GONE])[0])
    vector = model.rankers[0].user_factors_[row]  # type: ignore[attr-defined]
    pipeline.forget(GONE)
    after = pipeline._model
    assert after is not None
    assert len(after.state.users) == len(model.state.users) - 1
    left = after.rankers[0].user_factors_  # type: ignore[attr-defined]
    assert not (left == vector).all(axis=1).any()
    pipeline.save(tmp_path / "model")
    arrays = [np.load(f) for f in (tmp_path / "model").glob("*.npy")]
    assert not any(
        array.dtype == np.float32 and array.ndim == 2 and array.shape[1] == len(vector)
        and (array == vector).all(axis=1).any()
        for array in arrays
    )  # fmt: skip


def test_whoever_comes_back_is_a_newcomer() -> None:
    people = pd.DataFrame({"user_id": ["a", "b", "c"], "age": [1, 2, 3]})
    log = pd.DataFrame({"user_id": ["a", "b", "b", "c"], "product_id": list("xxyy"),
                        "timestamp": "2024-01-01"})  # fmt: skip
    pipeline = st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue()],
        policy=st.Policy.unrestricted(),
        ranker=st.ranking.ItemKNN(),
    )
    pipeline.fit(st.Dataset(people, None, log)).forget("b")
    assert list(pipeline.user_ids) == ["a", "c"]
    pipeline.update(users=pd.DataFrame({"user_id": ["b"], "age": [4]}))
    assert list(pipeline.user_ids) == ["a", "c", "b"]
    assert pipeline.trace("b").profile["frequency"] == 0
    assert pipeline.trace("b").fields == {"age": 4}


def test_erasure_is_told_first_and_an_error_leaves_the_user() -> None:
    class Log:
        told: Any = None
        fails = True

        def record(self, block: Any) -> None: ...

        def forget(self, user_id: Any, as_of: Any) -> None:
            self.told = user_id, as_of
            if self.fails:
                raise OSError("disk full")

    log = Log()
    pipeline = _pipeline(audit=log)
    with pytest.raises(OSError, match="disk full"):
        pipeline.forget(GONE)
    assert log.told == (GONE, pd.Timestamp(every_builder.AS_OF))
    assert len(pipeline.recommend([GONE]).to_arrow())
    log.fails = False
    assert GONE not in _ids(pipeline.forget(GONE))


def test_part_that_does_not_say_how_it_forgets_is_named() -> None:
    class Own:
        def fit(self, context: Any) -> Any:
            self.count = len(context.data.product_ids)
            return self

        def scorer(self, user_ids: Any) -> Any:
            return st.ranking.Scores(np.ones((len(user_ids), self.count), np.float32))

        def can_score(self, user_ids: Any) -> Any:
            return np.ones(len(user_ids), bool)

    pipeline = _pipeline(ranker=Own())
    with pytest.raises(st.SuitablyError, match=r"Own: cannot forget a user; give it of_users"):
        pipeline.forget(GONE)
    assert GONE in _ids(pipeline)
