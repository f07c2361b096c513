"""Lists, profiles and fits for a Spark DataFrame of users: local, cluster or Connect."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from suitably.engines.spark_fit import SparkFit, fit
from suitably.engines.spark_profiles import profiles
from suitably.engines.worker import (
    RecommendTask,
    check_columns,
    check_ids,
    prepare,
    rebatched,
)
from suitably.errors import DataError
from suitably.persistence.folder import Verify
from suitably.pipeline.opt_out import ConsentRegister
from suitably.typing import AsOf
from suitably.utils.parallel import at_most

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkFit", "fit", "profiles", "recommend"]

# The engine puts like users together: Spark's own 10,000 at a time cost two fifths more.
_ROWS = 50_000


def recommend(
    model_path: str | Path,
    users: "DataFrame",
    k: int = 10,
    as_of: AsOf | None = None,
    verify: Verify = "full",
    trusted: Sequence[Callable[..., Any]] = (),
    consent: ConsentRegister | None = None,
    public_key: Any = None,
) -> "DataFrame":
    """Recommend for the users of a Spark DataFrame, by a saved model.

    The lists are those of `Pipeline.recommend`, bit for bit, however the users are spread.
    Nothing runs until the result is used. The model is checked on the driver at once, and read
    once by each Python worker, which uses as many BLAS threads as a task has cores.

    Args:
        model_path: A folder written by `Pipeline.save`, at the same path on every machine.
        users: With a column `user_id`, text or integers; other columns are ignored. A user
            that occurs twice gets the list twice.
        k: The most products in a list.
        as_of: As for `Pipeline.recommend`.
        verify: As for `suitably.load`; on the driver and in each worker.
        trusted: As for `suitably.load`.
        consent: As for `Pipeline`; it travels to every worker, so it can be pickled.
        public_key: As for `suitably.load`; the signature is checked where this is called, and
            workers take no other model than the one that was checked.

    Returns:
        user_id and product_id in the types they came in, rank (int, from 1) and score (float),
        partition by partition in the order of the users. Product ids of an unsigned type come
        in the next wider one, since Spark has none, those of 64 bits and wider as decimals.

    Raises:
        ArtifactError: The model is damaged, made of a class that is not trusted, or not signed
            with the key.
        DataError: No column `user_id`, one of another type, or a bad `as_of`. A missing id is
            found only when the job runs, and fails it with Spark's own error.
        ValueError: k is not a positive integer.
    """
    if not hasattr(users, "mapInArrow"):
        raise DataError(f"engines.spark: expected a Spark DataFrame, got {type(users).__name__}")
    check_columns("spark", users.columns)
    task = prepare(model_path, k, as_of, verify, trusted, consent, public_key)
    schema = _schema(users, task)

    def lists(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _lists(task, batches)

    return users.select("user_id").mapInArrow(lists, schema)


def _lists(task: RecommendTask, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run in a worker: one task, its batches one after the other."""
    from pyspark import TaskContext

    context = TaskContext.get()
    task.pipeline()  # first, since only libraries that are loaded can be limited
    with at_most(1 if context is None else context.cpus()):
        for batch in task.recommend(rebatched(batches, _ROWS)):
            given = batch.column("product_id")
            if pa.types.is_integer(given.type):
                place = batch.schema.get_field_index("product_id")
                batch = batch.set_column(place, "product_id", given.cast(_signed(given.type)))
            yield batch


def _schema(users: "DataFrame", task: RecommendTask) -> Any:
    from pyspark.sql import types

    kind = users.schema["user_id"].dataType
    whole = isinstance(kind, types.DecimalType) and kind.scale == 0
    if not (whole or isinstance(kind, types.IntegralType | types.StringType)):
        raise DataError(
            f"engines.spark: user_id must be text or integers, not {kind.simpleString()}; cast it"
        )
    text = isinstance(kind, types.StringType)
    check_ids("spark", pa.string() if text else pa.int64(), task)
    product: types.DataType = types.StringType()
    product_kind = _signed(task.product_kind)
    if pa.types.is_decimal(product_kind):
        product = types.DecimalType(product_kind.precision, 0)
    elif pa.types.is_integer(product_kind):
        integers = {
            8: types.ByteType(),
            16: types.ShortType(),
            32: types.IntegerType(),
            64: types.LongType(),
        }
        product = integers[product_kind.bit_width]
    return types.StructType(
        [
            types.StructField("user_id", kind),
            types.StructField("product_id", product),
            types.StructField("rank", types.IntegerType()),
            types.StructField("score", types.FloatType()),
            *([types.StructField("propensity", types.DoubleType())] if task.drawn else []),
        ]
    )


def _signed(kind: pa.DataType) -> pa.DataType:
    """Return the signed type that holds every value of an integer type, as Spark reads it too."""
    wider = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
    return pa.decimal128(20, 0) if kind == pa.uint64() else wider.get(kind, kind)
