"""A real Spark with two workers makes the profiles of one process."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

import suitably as st
from engines import every_builder
from engines.test_profile_task import KINDS, builders, frames
from suitably.engines.spark import profiles

pytestmark = pytest.mark.services


AS_OF = "2024-06-01"
KINDS = {**KINDS, "time_zone": "UTC"}


def spread(spark: Any, made: Any = frames) -> tuple[list[Any], list[Any]]:
    """Return the frames of one process and those of Spark, whose moments are instants."""
    users, products, log = made()
    moments = log["timestamp"].cast(pa.timestamp("us", "UTC"))
    log = log.set_column(2, "timestamp", moments)
    here = [users, products, log]
    return here, [spark.createDataFrame(frame) for frame in here]


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by("user_id").combine_chunks()


@pytest.mark.parametrize("partitions", [1, 5, 60])
def test_profiles_of_one_process(spark: Any, partitions: int) -> None:
    here, there = spread(spark)
    wanted = st.profiles.build(builders(), st.Dataset(*here, **KINDS), AS_OF)
    found = profiles(builders(), *there, as_of=AS_OF, partitions=partitions, **KINDS)
    assert found.columns == wanted.column_names
    assert in_order(found.toArrow().cast(wanted.schema)).equals(in_order(wanted))


@pytest.fixture
def by_value() -> Iterator[None]:
    """Send what these tests define itself: workers cannot import it by its name."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(every_builder)
    yield
    cloudpickle.unregister_pickle_by_value(every_builder)


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize("partitions", [2, 40])
def test_every_builder(spark: Any, partitions: int) -> None:
    here, there = spread(spark, every_builder.frames)
    kinds, as_of = (
        {**every_builder.KINDS, "time_zone": "UTC"},
        every_builder.AS_OF.isoformat() + "Z",
    )
    made = every_builder.every_builder()
    wanted = st.profiles.build(made, st.Dataset(*here, **kinds), as_of)
    found = profiles(made, *there, as_of=as_of, partitions=partitions, **kinds)
    assert in_order(found.toArrow().cast(wanted.schema)).equals(in_order(wanted))


def test_currencies_are_not_added_in_parts(spark: Any) -> None:
    _, there = spread(spark, every_builder.frames)
    made, kinds = [st.profiles.RecencyFrequencyValue()], every_builder.KINDS
    with pytest.raises(st.DataError, match=r"several currencies \(EUR, USD\)"):
        profiles(made, *there, as_of="2024-06-01", partitions=60, **kinds, time_zone="UTC")


def test_without_frames_of_users_and_products(spark: Any) -> None:
    here, there = spread(spark)
    wanted = st.profiles.build(builders()[:1], st.Dataset(None, None, here[2], **KINDS), AS_OF)
    found = profiles(builders()[:1], None, None, there[2], AS_OF, 4, **KINDS)
    assert in_order(found.toArrow().cast(wanted.schema)).equals(in_order(wanted))


def test_what_cannot_work_fails_before_the_job(spark: Any) -> None:
    here, there = spread(spark)
    with pytest.raises(st.DataError, match="as_of must be given"):
        profiles(builders(), *there, **KINDS)
    with pytest.raises(st.DataError, match="have no rows"):
        profiles(builders(), *there[:2], there[2].where("false"), AS_OF)
    with pytest.raises(st.DataError, match="expected a Spark DataFrame, got Table"):
        profiles(builders(), here[0], *there[1:], AS_OF)
    with pytest.raises(st.DataError, match="risk_level"):
        profiles(builders(), there[0].drop("risk_level"), *there[1:], AS_OF, **KINDS)


def test_a_bad_row_fails_the_job_by_name(spark: Any) -> None:
    _, there = spread(spark)
    bad = there[2].selectExpr("user_id", "product_id", "timestamp", "event",
                               "if(value > 60, double('NaN'), value) as value")  # fmt: skip
    with pytest.raises(Exception, match="not a finite number"):
        profiles(builders(), *there[:2], bad, AS_OF, **KINDS).collect()
