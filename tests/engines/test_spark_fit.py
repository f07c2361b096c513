"""A real Spark with two workers fits the pipeline of one process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from engines import every_builder
from engines.grouped import in_order
from engines.test_group_task import RULES, check
from suitably.engines.spark import fit

pytestmark = pytest.mark.services

KINDS = {**every_builder.KINDS, "time_zone": "UTC"}
AS_OF = every_builder.AS_OF.isoformat() + "Z"


@pytest.fixture(scope="module")
def here() -> list[pa.Table]:
    """Users, products and a log whose moments are instants, as Spark's are."""
    users, products, log = every_builder.frames()
    moments = log["timestamp"].cast(pa.timestamp("us", "UTC"))
    log = log.set_column(2, "timestamp", moments).drop_columns(["currency"])
    return [in_order(users), products, in_order(log)]


@pytest.fixture(scope="module")
def there(spark: Any, here: list[pa.Table]) -> list[Any]:
    return [shuffled(spark, table) for table in here]


@pytest.fixture(autouse=True)
def by_value() -> Iterator[None]:
    """Send what these tests define itself: workers cannot import it by its name."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(every_builder)
    yield
    cloudpickle.unregister_pickle_by_value(every_builder)


def shuffled(spark: Any, table: pa.Table, seed: int = 0, parts: int = 3) -> Any:
    order = np.random.default_rng(seed).permutation(len(table))
    return spark.createDataFrame(table.take(pa.array(order))).repartition(parts)


def lists(path: Path) -> pa.Table:
    return st.load(path).recommend(k=5).to_arrow()


def test_everybody_is_a_fit_in_one_process(
    spark: Any, here: list[pa.Table], there: list[Any], tmp_path: Path
) -> None:
    pipeline = st.Pipeline(
        every_builder.every_builder(), st.Policy.from_toml(RULES), st.ranking.ALS(factors=4)
    )
    made = fit(pipeline, *there, AS_OF, tmp_path / "model", sample=1.0, partitions=3, **KINDS)
    whole = pipeline.clone().fit(st.Dataset(*here, **KINDS), AS_OF)
    found = st.load(made.path, trusted=[every_builder.per_purchase])
    check(whole, found)
    assert (made.users, made.sampled, made.agreement) == (60, 60, None)
    assert made.events == len(here[2])
    assert repr(made) == "SparkFit(60 users, learned from 60)"
    assert not pipeline.is_fitted
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    served = st.engines.spark.recommend(
        made.path, there[0], k=5, trusted=[every_builder.per_purchase]
    ).toArrow()
    wanted = whole.recommend(k=5).to_arrow().select(served.column_names)
    order = [("user_id", "ascending"), ("rank", "ascending")]
    assert served.sort_by(order).to_pylist() == wanted.sort_by(order).to_pylist()


def test_products_are_learned_of_from_everybody(
    spark: Any, here: list[pa.Table], there: list[Any], tmp_path: Path, monkeypatch: Any
) -> None:
    """Begun with a few, in several parts: the similarities of a fit on everybody."""
    monkeypatch.setattr("suitably.engines.spark_fit.GROUP_ROWS", 150)
    ranker = st.ranking.Blend([st.ranking.EASE(), st.ranking.BPR(factors=3)], weights=[1, 0])
    pipeline = st.Pipeline([], st.Policy.unrestricted(), ranker)
    made = fit(pipeline, *there, AS_OF, tmp_path / "model", 0.3, partitions=3, **KINDS)
    assert made.sampled < 60
    assert made.from_sample == ("BPR",)
    whole = pipeline.clone().fit(st.Dataset(*here, **KINDS), AS_OF)
    one, other = (found.ranker_.rankers_[0] for found in (whole, st.load(made.path)))
    assert np.array_equal(one.similarity_, other.similarity_)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_sample_does_not_depend_on_how_rows_are_spread(
    spark: Any, here: list[pa.Table], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("suitably.engines.spark_fit.GROUP_ROWS", 150)
    pipeline = st.Pipeline([], st.Policy.unrestricted(), st.ranking.IALS(factors=4), seed=3)
    found = []
    for parts, sample in ((1, 0.2), (5, 0.2), (2, 12)):
        frames = [shuffled(spark, table, parts, parts) for table in here]
        path = tmp_path / f"{parts}"
        made = fit(pipeline, *frames, AS_OF, path, sample, partitions=2 * parts, **KINDS)
        assert 0 <= (made.agreement or 0) <= 1
        assert made.sampled < 60
        found.append((made.sampled, lists(path)))
    assert found[0][0] == found[1][0]
    assert found[0][1].equals(found[1][1])
    assert found[2][1].num_rows == found[0][1].num_rows


def test_without_frames_of_users_and_products(
    spark: Any, here: list[pa.Table], there: list[Any], tmp_path: Path
) -> None:
    pipeline = st.Pipeline([], st.Policy.unrestricted(), st.ranking.EASE())
    made = fit(pipeline, None, None, there[2], AS_OF, tmp_path / "model", **KINDS)
    whole = pipeline.clone().fit(st.Dataset(None, None, here[2], **KINDS), AS_OF)
    check(whole, st.load(made.path))


def test_bad_rows(spark: Any, here: list[pa.Table], there: list[Any], tmp_path: Path) -> None:
    bad = there[2].selectExpr(
        *(name for name in here[2].column_names if name != "value"),
        "if(user_id = 'u5' and event = 'buy', double('NaN'), value) as value",
    )
    count = pc.sum(pc.and_(pc.equal(here[2]["user_id"], "u5"), pc.equal(here[2]["event"], "buy")))
    pipeline = st.Pipeline([], st.Policy.unrestricted(), st.ranking.Popularity())
    message = rf"interactions.value: {count} rows: is not a finite number"
    with pytest.raises(st.DataError, match=message):
        fit(pipeline, *there[:2], bad, AS_OF, tmp_path / "model", **KINDS)
    with pytest.raises(st.DataError, match=message):
        fit(pipeline, *there[:2], bad, AS_OF, tmp_path / "model", 0.05, check=False, **KINDS)
    learned = st.Pipeline([], st.Policy.unrestricted(), st.ranking.ItemKNN())
    with pytest.raises(st.DataError, match=message):
        fit(learned, *there[:2], bad, AS_OF, tmp_path / "model", 0.05, check=False, **KINDS)
    assert not list(tmp_path.iterdir())
    made = fit(pipeline, *there[:2], bad, AS_OF, tmp_path / "model", on_error="quarantine", **KINDS)
    assert made.refused.to_pylist()[0]["rows"] == count.as_py()
    assert made.events == len(here[2]) - count.as_py()


def test_what_cannot_work_fails_before_the_job(
    spark: Any, here: list[pa.Table], there: list[Any], tmp_path: Path
) -> None:
    free = st.Policy.unrestricted()
    path = tmp_path / "model"
    pipeline = st.Pipeline([], free, st.ranking.EASE())
    with pytest.raises(st.DataError, match="LightFM cannot be learned from some users"):
        fit(st.Pipeline([], free, st.ranking.LightFM()), *there, AS_OF, path, **KINDS)
    with pytest.raises(st.DataError, match="as_of must be given"):
        fit(pipeline, *there, None, path, **KINDS)
    with pytest.raises(st.DataError, match="expected a Spark DataFrame, got Table"):
        fit(pipeline, here[0], *there[1:], AS_OF, path, **KINDS)
    with pytest.raises(st.DataError, match="have no rows"):
        fit(pipeline, *there[:2], there[2].where("false"), AS_OF, path, **KINDS)
    (path.with_name("file")).write_text("mine")
    with pytest.raises(st.ArtifactError, match="is not a saved model"):
        fit(pipeline, *there, AS_OF, path.with_name("file"), **KINDS)
