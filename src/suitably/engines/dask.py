"""Lists for a Dask DataFrame of users."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from suitably.data.vocabulary import id_array
from suitably.engines.worker import RecommendTask, check_columns, check_ids, prepare
from suitably.errors import DataError
from suitably.persistence.folder import Verify
from suitably.pipeline.opt_out import ConsentRegister
from suitably.typing import AsOf

if TYPE_CHECKING:
    from dask.dataframe import DataFrame

__all__ = ["recommend"]


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
    """Recommend for the users of a Dask DataFrame, by a saved model.

    The lists are those of `Pipeline.recommend`, bit for bit, however the users are spread.
    Nothing runs until the result is used. The model is checked at once where this is called, and
    read once by each process that works.

    Args:
        model_path: A folder written by `Pipeline.save`, at the same path on every machine.
        users: With a column `user_id`, text or integers; other columns are ignored. A user
            that occurs twice gets the list twice.
        k: The most products in a list.
        as_of: As for `Pipeline.recommend`.
        verify: As for `suitably.load`; here and in each process.
        trusted: As for `suitably.load`.
        consent: As for `Pipeline`; it travels to every worker, so it can be pickled.
        public_key: As for `suitably.load`; the signature is checked where this is called, and
            workers take no other model than the one that was checked.

    Returns:
        user_id and product_id in the types they came in, rank (int32, from 1) and score
        (float32), partition by partition in the order of the users; divisions are unknown.

    Raises:
        ArtifactError: The model is damaged, made of a class that is not trusted, or not signed
            with the key.
        DataError: No column `user_id`, or a bad `as_of`. Ids that are missing or neither text nor
            integers are found when the partition is computed.
        ValueError: k is not a positive integer.
    """
    if not hasattr(users, "map_partitions"):
        raise DataError(f"engines.dask: expected a Dask DataFrame, got {type(users).__name__}")
    check_columns("dask", users.columns)
    task = prepare(model_path, k, as_of, verify, trusted, consent, public_key)
    dtype = users["user_id"].dtype
    if pd.api.types.is_integer_dtype(dtype) or isinstance(dtype, pd.StringDtype):
        text = isinstance(dtype, pd.StringDtype)
        check_ids("dask", pa.string() if text else pa.int64(), task)
    nobody = pd.DataFrame({"user_id": pd.Series([], dtype=users["user_id"].dtype)})
    asked, meta = users[["user_id"]], _lists(nobody, task)
    lists: DataFrame = asked.map_partitions(_lists, task, meta=meta, clear_divisions=True)
    return lists


def _lists(part: pd.DataFrame, task: RecommendTask) -> pd.DataFrame:
    ids = part["user_id"]
    array = id_array(ids, "user_id")
    schema = pa.schema(
        [
            ("user_id", array.type),
            ("product_id", task.product_kind),
            ("rank", pa.int32()),
            ("score", pa.float32()),
            *([("propensity", pa.float64())] if task.drawn else []),
        ]
    )
    # An empty part, such as the one that tells Dask the types, needs no model.
    batches = task.recommend([pa.record_batch({"user_id": array})]) if len(array) else iter(())
    found: pd.DataFrame = pa.Table.from_batches(batches, schema).to_pandas()
    return found.astype({"user_id": ids.dtype})
