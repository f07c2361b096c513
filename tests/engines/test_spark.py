"""A real Spark with two workers gives the lists of one process, whatever is killed on the way."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import suitably as st
from engines.models import AS_OF, Model, consenting, same
from suitably.engines.spark import recommend
from support import rankers
from support.banks import popular

pytestmark = pytest.mark.services

EVERYBODY = [f"u{i}" for i in range(1, 241)]


def frame(spark: Any, users: list[Any], partitions: int, kind: str = "string") -> Any:
    """Spread users over partitions in their order; more partitions than users leaves some empty."""
    rows = spark.sparkContext.parallelize([(user,) for user in users], partitions)
    return spark.createDataFrame(rows, f"user_id {kind}")


@pytest.fixture
def batches_of(spark: Any) -> Iterator[Any]:
    name = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(name)
    yield lambda size: spark.conf.set(name, size)
    spark.conf.set(name, before)


@pytest.mark.parametrize(("partitions", "size"), [(1, 10_000), (2, 7), (5, 100)])
def test_text_ids(spark: Any, batches_of: Any, text: Model, partitions: int, size: int) -> None:
    batches_of(size)
    users = ["nobody", *EVERYBODY, "u7", "u5", "u5", "", "nobody"]
    found = recommend(text.path, frame(spark, users, partitions)).toArrow()
    assert same(found, text.lists(users))


def test_batches_of_one_and_partitions_of_nobody(spark: Any, batches_of: Any, text: Model) -> None:
    batches_of(1)
    users = ["u5", "u1", "nobody", "u5", "u9"]
    found = recommend(text.path, frame(spark, users, 12)).toArrow()
    assert same(found, text.lists(users))


@pytest.mark.parametrize("kind", ["long", "int", "short"])
def test_integer_ids(spark: Any, batches_of: Any, integers: Model, kind: str) -> None:
    batches_of(50)
    users = [240, 1, 9_999, *range(1, 241), -1]
    asked = frame(spark, users, 3, kind)
    found = recommend(str(integers.path), asked)
    types = [field.dataType.typeName() for field in found.schema]
    spark_kind = {"int": "integer"}.get(kind, kind)
    assert types == [spark_kind, "integer", "integer", "float"]
    assert found.columns == ["user_id", "product_id", "rank", "score"]
    assert same(found.toArrow(), integers.lists(users))


def test_k_and_a_later_moment(spark: Any, text: Model) -> None:
    later = pd.Timestamp(AS_OF) + pd.Timedelta(days=30)
    found = recommend(text.path, frame(spark, EVERYBODY, 2), k=3, as_of=later).toArrow()
    assert same(found, text.lists(EVERYBODY, k=3, as_of=later))
    assert not same(found, text.lists(EVERYBODY, k=3))


def test_other_columns_are_ignored_and_the_result_is_a_frame_like_any(
    spark: Any, text: Model
) -> None:
    users = frame(spark, EVERYBODY, 3).selectExpr("1 as rank", "'x' as product_id", "user_id")
    best = recommend(text.path, users).where("rank = 1").join(users.select("user_id"), "user_id")
    wanted = text.lists(EVERYBODY, k=1)
    assert sorted(row.product_id for row in best.collect()) == sorted(
        wanted["product_id"].to_pylist()
    )


def test_nobody(spark: Any, text: Model) -> None:
    for users in ([], ["nobody"]):
        found = recommend(text.path, frame(spark, users, 2)).toArrow()
        assert found.num_rows == 0
        assert found.schema.field("product_id").type == pa.string()


def test_wide_arrow_texts(spark: Any, text: Model) -> None:
    name = "spark.sql.execution.arrow.useLargeVarTypes"
    spark.conf.set(name, "true")
    try:
        found = recommend(text.path, frame(spark, EVERYBODY, 2)).toArrow()
    finally:
        spark.conf.unset(name)
    assert same(found, text.lists(EVERYBODY))


def test_a_ranker_of_ones_own(spark: Any, tmp_path: Path) -> None:
    """Shipped here by value, since the workers have no such module."""
    from pyspark import cloudpickle

    pipeline = popular(8).fitted(rankers.Cheapest())
    pipeline.save(tmp_path / "own")
    users = frame(spark, ["u0", "u3"], 2)
    with pytest.raises(st.ArtifactError, match="not trusted"):
        recommend(tmp_path / "own", users)
    cloudpickle.register_pickle_by_value(rankers)
    try:
        found = recommend(tmp_path / "own", users, trusted=[rankers.Cheapest]).toArrow()
    finally:
        cloudpickle.unregister_pickle_by_value(rankers)
    wanted = Model(pipeline, tmp_path / "own").lists(["u0", "u3"])
    assert len(wanted) > 0
    assert same(found, wanted)


def test_unsigned_products(spark: Any, tmp_path: Path) -> None:
    """Spark has no unsigned type: the next wider one holds every id."""
    for kind, wanted in [
        (pa.uint8(), "short"),
        (pa.uint32(), "long"),
        (pa.uint64(), "decimal"),
    ]:
        products = pa.table({"product_id": pa.array([5, 200], kind)})
        log = pa.table({"user_id": ["a", "b"], "product_id": pa.array([5, 200], kind)})
        pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        pipeline.fit(st.Dataset(None, products, log)).save(tmp_path / str(kind))
        found = recommend(tmp_path / str(kind), frame(spark, ["a"], 1))
        assert found.schema["product_id"].dataType.typeName() == wanted
        assert [row.product_id for row in found.collect()] == [200]


# --- killed on the way ---------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["Python workers", "executor"])
def test_a_kill_changes_nothing(spark: Any, text: Model, tmp_path: Path, victim: str) -> None:
    """The last partition but one kills, half way, every Python worker of its executor, or it."""
    marker, users = str(tmp_path / "killed"), EVERYBODY * 2

    def deadly(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        for count, batch in enumerate(batches):
            if TaskContext.get().partitionId() == 4 and count == 2 and not os.path.exists(marker):
                open(marker, "x").close()
                if victim == "executor":  # the parent of the daemon that forks the workers
                    with open(f"/proc/{os.getppid()}/stat") as stat:
                        os.kill(int(stat.read().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
                os.killpg(os.getpgrp(), signal.SIGKILL)
            yield batch

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 10)
    try:
        asked = frame(spark, users, 6).mapInArrow(deadly, "user_id string")
        found = recommend(text.path, asked).toArrow()
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert os.path.exists(marker)
    assert same(found, text.lists(users))


# --- refused -------------------------------------------------------------------------------------


def test_a_damaged_model_is_refused_before_a_job_starts(spark: Any, copy: Path) -> None:
    users = frame(spark, EVERYBODY, 2)
    file = next(copy.glob("*.npy"))
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(st.ArtifactError, match="damaged or has been changed"):
        recommend(copy, users)


def test_a_model_replaced_under_way_fails_the_job(spark: Any, copy: Path, integers: Model) -> None:
    found = recommend(copy, frame(spark, EVERYBODY, 2))
    integers.pipeline.save(copy)
    with pytest.raises(Exception, match="not the model that the driver read"):
        found.collect()


def test_a_missing_id_fails_the_job_by_name(spark: Any, text: Model) -> None:
    found = recommend(text.path, frame(spark, ["u1", None], 1))
    with pytest.raises(Exception, match="user_id: 1 of 2 are missing"):
        found.collect()


@pytest.mark.parametrize("kind", ["double", "date", "array<string>", "boolean"])
def test_ids_of_another_type(spark: Any, text: Model, kind: str) -> None:
    users = spark.sql(f"select cast(null as {kind}) as user_id")
    with pytest.raises(st.DataError, match="text or integers"):
        recommend(text.path, users)


@pytest.mark.parametrize("kind", ["decimal(10,2)", "float", "timestamp", "binary", "map<int,int>"])
def test_mistyped_ids_are_refused_before_a_job_starts(
    spark: Any, integers: Model, kind: str
) -> None:
    users = spark.sql(f"select cast(null as {kind}) as user_id")
    with pytest.raises(st.DataError, match="text or integers"):
        recommend(integers.path, users)


@pytest.mark.parametrize(
    ("whose", "kind"),
    [("text", "long"), ("text", "decimal(20,0)"), ("integers", "string")],
)
def test_numbers_for_text_are_refused_before_a_job_starts(
    spark: Any, text: Model, integers: Model, whose: str, kind: str
) -> None:
    model = {"text": text, "integers": integers}[whose]
    users = spark.sql(f"select cast('5' as {kind}) as user_id")
    with pytest.raises(st.DataError, match="use one type of id"):
        recommend(model.path, users)


def test_whole_decimals_are_whole_numbers(spark: Any, integers: Model) -> None:
    users = spark.sql("select cast(id as decimal(20, 0)) as user_id from range(0, 12)")
    found = recommend(integers.path, users)
    assert found.schema["user_id"].dataType.simpleString() == "decimal(20,0)"
    assert same(found.toArrow(), integers.lists(list(range(12))))


def test_columns(spark: Any, text: Model) -> None:
    with pytest.raises(st.DataError, match=r"found 0 in \['customer'\]"):
        recommend(text.path, spark.sql("select 'u1' as customer"))
    with pytest.raises(st.DataError, match="found 2"):
        recommend(text.path, spark.sql("select 'u1' as user_id, 'u2' as user_id"))


@pytest.mark.parametrize("users", [None, ["u1"], pd.DataFrame({"user_id": ["u1"]})])
def test_what_is_no_spark_frame(text: Model, users: Any) -> None:
    with pytest.raises(st.DataError, match="expected a Spark DataFrame"):
        recommend(text.path, users)


def test_arguments(spark: Any, text: Model) -> None:
    users = frame(spark, ["u1"], 1)
    with pytest.raises(ValueError, match="positive integer"):
        recommend(text.path, users, k=0)
    with pytest.raises(st.DataError, match="before"):
        recommend(text.path, users, as_of="2020-01-01")
    assert same(recommend(text.path, users, verify="manifest").toArrow(), text.lists(["u1"]))


def test_consent_travels_to_the_workers(spark: Any, tmp_path: Path) -> None:
    pipeline, consent = consenting(tmp_path / "model")
    with pytest.raises(st.DataError, match=r"give an engine consent="):
        recommend(tmp_path / "model", frame(spark, ["u0"], 1))
    found = recommend(tmp_path / "model", frame(spark, ["u0", "u1"], 2), consent=consent).toArrow()
    assert same(found, pipeline.recommend(["u0", "u1"]).to_arrow())
