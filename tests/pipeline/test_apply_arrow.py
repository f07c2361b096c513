"""Batches of customers in, batches of lists out: the seam for more than one machine."""

import pyarrow as pa
import pytest

import suitably as st
from support.banks import ladder, popular


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_apply_arrow_keeps_the_input_type(kind: pa.DataType) -> None:
    pipeline = ladder().fitted()
    batch = pa.record_batch({"user_id": pa.array(["u3", "nobody", "u1", "u3"]).cast(kind)})
    out = pa.Table.from_batches(list(pipeline.apply_arrow(iter([batch]), k=2)))
    assert out.schema == pa.schema([("user_id", kind), ("product_id", pa.string()),
                                    ("rank", pa.int32()), ("score", pa.float32())])  # fmt: skip
    rows = [(r["user_id"], r["product_id"], r["rank"], r["score"]) for r in out.to_pylist()]
    three = [("u3", "p0", 1, 3.0), ("u3", "p1", 2, 2.0)]
    assert rows == [*three, ("u1", "p2", 1, 1.0), *three]


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.uint8()])
def test_apply_arrow_integers(kind: pa.DataType) -> None:
    base = ladder()
    users = [{**row, "user_id": int(row["user_id"][1])} for row in base.users]
    events = [{**row, "user_id": int(row["user_id"][1])} for row in base.events]
    pipeline = base.but(users=users, events=events).fitted()
    batches = [pa.record_batch({"user_id": pa.array(ids, kind)}) for ids in ([3], [77], [1])]
    out = pa.Table.from_batches(list(pipeline.apply_arrow(batches, k=1)))
    assert out.schema.field("user_id").type == kind
    assert out["user_id"].to_pylist() == [3, 1]


def test_apply_arrow_rows_do_not_depend_on_each_other() -> None:
    pipeline = popular(8).fitted(st.ranking.ALS(factors=4))
    users = [f"u{i % 5}" for i in range(12)]
    whole = pa.Table.from_batches(
        list(pipeline.apply_arrow([pa.record_batch({"user_id": users})], k=3))
    )
    alone = [pa.record_batch({"user_id": [user]}) for user in users]
    single = pa.Table.from_batches(list(pipeline.apply_arrow(alone, k=3)))
    assert whole.to_pylist() == single.to_pylist()


def test_apply_arrow_with_other_columns_or_without_its_own() -> None:
    pipeline = ladder().fitted()
    batch = pa.record_batch({"note": ["x"], "user_id": ["u3"], "z": ["u1"]})
    out = pa.Table.from_batches(list(pipeline.apply_arrow([batch], k=1)))
    assert out["user_id"].to_pylist() == ["u3"]
    with pytest.raises(st.DataError, match="user_id"):
        list(pipeline.apply_arrow([pa.record_batch({"customer": ["u3"]})]))


def test_apply_arrow_refuses_a_missing_id() -> None:
    with pytest.raises(st.DataError, match="user_id: 1 of 2 are missing"):
        list(ladder().fitted().apply_arrow([pa.record_batch({"user_id": ["u3", None]})]))
    with pytest.raises(st.DataError, match="user_id: 1 of 2 are missing"):
        list(ladder().fitted().apply_arrow([pa.record_batch({"user_id": [3.0, float("nan")]})]))


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["u3", "u3", "u1"], pa.string_view()),
        pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["u3", "u1"])),
    ],
    ids=["views", "runs"],
)
def test_apply_arrow_takes_ids_that_arrow_cannot_take_itself(ids: pa.Array) -> None:
    (out,) = ladder().fitted().apply_arrow([pa.record_batch({"user_id": ids})], k=1)
    assert out.schema.field("user_id").type == ids.type
    assert out["user_id"].to_pylist() == ["u3", "u3", "u1"]
    assert out["product_id"].to_pylist() == ["p0", "p0", "p2"]


def test_apply_arrow_of_nobody() -> None:
    empty = pa.record_batch({"user_id": pa.array([], pa.string())})
    out = list(ladder().fitted().apply_arrow([empty, empty]))
    assert sum(batch.num_rows for batch in out) == 0
    assert list(ladder().fitted().apply_arrow([])) == []


def test_apply_arrow_keeps_the_products_type() -> None:
    """The ids come back as the products frame had them."""
    products = pa.table({"product_id": pa.array([5, 6], pa.int32())})
    log = pa.table({"user_id": ["a", "b"], "product_id": pa.array([5, 6], pa.int32())})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, products, log))
    batch = pa.record_batch({"user_id": ["a"]})
    (out,) = pipeline.apply_arrow([batch])
    assert out.schema.field("product_id").type == pa.int32()
