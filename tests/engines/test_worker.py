"""What travels, what is read once, and what is refused before anything is started."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import suitably as st
from engines.models import AS_OF, Model, consenting, same
from suitably.engines import worker as module
from suitably.engines.worker import check_columns, prepare, rebatched
from support.banks import popular
from support.rankers import Cheapest


def prepared(path: Path, **changes: Any) -> Any:
    return prepare(path, **{"k": 10, "as_of": None, "verify": "full", "trusted": (), **changes})


def test_the_bank_is_worth_asking(text: Model) -> None:
    """Full lists, short ones and empty ones, and many different ones."""
    lengths = text.pipeline.recommend().lists.lengths
    assert lengths.min() == 0 < (lengths < 10).sum() < 120 < (lengths == 10).sum()
    assert len(set(map(bytes, text.pipeline.recommend().lists.products))) > 120


def test_a_task_gives_the_lists_in_process(text: Model) -> None:
    users = ["u5", "nobody", "u77", "u5"]
    task = pickle.loads(pickle.dumps(prepared(text.path)))
    batches = [pa.record_batch({"user_id": users[:3]}), pa.record_batch({"user_id": users[3:]})]
    assert same(pa.Table.from_batches(task.recommend(batches)), text.lists(users))


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.int64()])
def test_spark_joins_small_batches(rows: int, kind: pa.DataType) -> None:
    ids = pa.array(["1", "2", "3", "4", "5", "6", "7"]).cast(kind)
    whole = pa.record_batch({"user_id": ids})
    parts = [whole.slice(start, stop - start) for start, stop in [(0, 2), (2, 2), (2, 3), (3, 7)]]
    joined = list(rebatched(iter(parts), rows))
    assert pa.Table.from_batches(joined).combine_chunks() == pa.table({"user_id": ids})
    assert [len(batch) >= rows for batch in joined[:-1]] == [True] * (len(joined) - 1)
    assert [len(batch) for batch in joined] == {1: [2, 1, 4], 3: [3, 4], 4: [7], 100: [7]}[rows]


def test_spark_joins_nothing() -> None:
    empty = pa.record_batch({"user_id": pa.array([], pa.string())})
    assert list(rebatched(iter([]), 5)) == []
    assert list(rebatched(iter([empty, empty]), 5)) == []


def test_the_model_does_not_travel(text: Model) -> None:
    saved = sum(file.stat().st_size for file in text.path.iterdir())
    assert len(pickle.dumps(prepared(text.path))) < 1_000 < saved


def test_the_type_of_products_is_known_beforehand(text: Model, integers: Model) -> None:
    assert prepared(text.path).product_kind == pa.string()
    assert prepared(integers.path).product_kind == pa.int32()


def test_a_process_reads_a_model_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [prepared(copy), prepared(copy, k=3)]
    read = []

    def load(path: str, **arguments: Any) -> st.Pipeline:
        read.append(path)
        return st.load(path, **arguments)

    monkeypatch.setattr(module, "load", load)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda task: id(task.pipeline()), tasks * 4))
    assert len(found) == 1
    assert read == [str(copy)]


def test_a_model_saved_over_is_read_anew_and_refused_by_tasks_of_the_old_one(
    integers: Model, copy: Path
) -> None:
    old = prepared(copy)
    integers.pipeline.save(copy)
    with pytest.raises(st.ArtifactError, match="not the model that the driver read"):
        old.pipeline()
    found = pa.Table.from_batches(prepared(copy).recommend([pa.record_batch({"user_id": [5]})]))
    assert same(found, integers.lists([5]))


def test_a_model_read_before_it_is_saved_over_serves_on(
    text: Model, integers: Model, copy: Path
) -> None:
    """A long task finishes on the model it began with: files are mapped, not looked up again."""
    task = prepared(copy)
    task.pipeline()
    integers.pipeline.save(copy)
    found = pa.Table.from_batches(task.recommend([pa.record_batch({"user_id": ["u5"]})]))
    assert same(found, text.lists(["u5"]))


def test_a_path_stays_what_it_was_where_the_task_was_made(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(copy.parent)
    task = prepared(Path("copy"))
    monkeypatch.chdir(tmp_path.parent)
    assert len(task.pipeline().user_ids) == 240


def test_a_class_of_ones_own_is_named_or_refused(tmp_path: Path) -> None:
    pipeline = popular(8).fitted(Cheapest())
    pipeline.save(tmp_path / "own")
    with pytest.raises(st.ArtifactError, match="not trusted"):
        prepared(tmp_path / "own")
    task = prepared(tmp_path / "own", trusted=[Cheapest])
    found = pa.Table.from_batches(task.recommend([pa.record_batch({"user_id": ["u3"]})]))
    assert found.num_rows > 0
    assert same(found, Model(pipeline, tmp_path / "own").lists(["u3"]))


@pytest.mark.parametrize("which", [0, 3, -1])
def test_damage_is_found_beforehand(copy: Path, which: int) -> None:
    file = sorted(copy.iterdir())[which]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(st.ArtifactError):
        prepared(copy)


def test_damage_after_the_driver_read_it_is_found_by_the_worker(copy: Path) -> None:
    task = prepared(copy)
    file = next(copy.glob("*.npy"))
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(st.ArtifactError, match="damaged or has been changed"):
        task.pipeline()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(st.ArtifactError, match="manifest"):
        prepared(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"k": 0}, ValueError, "positive integer"),
        ({"k": 2.0}, ValueError, "positive integer"),
        ({"verify": "none"}, ValueError, "verify"),
        ({"as_of": AS_OF - 1}, st.DataError, "as_of"),
        ({"as_of": "soon"}, st.DataError, "soon"),
    ],
)
def test_bad_arguments_are_refused_beforehand(
    text: Model, changes: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        prepared(text.path, **changes)


@pytest.mark.parametrize("names", [[], ["customer"], ["USER_ID"], ["user_id", "a", "user_id"]])
def test_columns_without_exactly_one_of_ids(names: list[str]) -> None:
    with pytest.raises(st.DataError, match="one column 'user_id'"):
        check_columns("spark", names)


def test_consent_travels_with_the_task(tmp_path: Path) -> None:
    pipeline, consent = consenting(tmp_path / "model")
    with pytest.raises(st.DataError, match=r"give an engine consent="):
        prepared(tmp_path / "model")
    task = pickle.loads(pickle.dumps(prepared(tmp_path / "model", k=3, consent=consent)))
    found = pa.Table.from_batches(task.recommend([pa.record_batch({"user_id": ["u0", "u1"]})]))
    assert same(found, pipeline.recommend(["u0", "u1"], k=3).to_arrow())
    assert pipeline.recommend(["u0"], k=3).to_arrow()["score"].to_pylist() == [3.0, 1.0]
