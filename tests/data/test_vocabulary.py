"""Ids: text or whole numbers, exact, from any kind of column."""

import uuid
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably.data.vocabulary import Vocabulary, id_array

HUGE = 2**63 + 5
UUIDS = [uuid.UUID(int=1), uuid.UUID(int=2)]


def log(ids: Any) -> Any:
    if isinstance(ids, pl.Series):
        return pl.DataFrame({"user_id": ids, "product_id": ["a", "b"]})
    if isinstance(ids, pa.Array):
        return pa.table({"user_id": ids, "product_id": ["a", "b"]})
    return pd.DataFrame({"user_id": ids, "product_id": ["a", "b"]})


WHOLE = {
    "int64": pd.Series([1, 2]),
    "nullable": pd.Series([1, 2], dtype="Int64"),
    "arrow": pd.Series([1, 2], dtype="int32[pyarrow]"),
    "objects": pd.Series([1, 2], dtype=object),
    "decimal objects": pd.Series([Decimal("1.00"), Decimal(2)], dtype=object),
    "fractions": pd.Series([1.0, 2.0]),
    "int8": pa.array([1, 2], pa.int8()),
    "uint64": pa.array([1, 2], pa.uint64()),
    "NUMBER(38, 0)": pa.array([Decimal(1), Decimal(2)], pa.decimal128(38, 0)),
    "NUMBER(20, 2)": pa.array([Decimal(1), Decimal(2)], pa.decimal128(20, 2)),
    "decimal256": pa.array([Decimal(1), Decimal(2)], pa.decimal256(60, 0)),
    "polars": pl.Series([1, 2]),
    "polars decimal": pl.Series([Decimal(1), Decimal(2)]),
    "polars 128 bits": pl.Series([1, 2], dtype=pl.Int128),
}


@pytest.mark.parametrize("ids", WHOLE.values(), ids=WHOLE)
def test_whole_numbers(ids: Any) -> None:
    found = st.Dataset(None, None, log(ids)).user_ids
    assert found.tolist() == [1, 2]
    assert found.dtype == np.int64


TEXT = {
    "objects": pd.Series(UUIDS, dtype=object),
    "arrow": pa.array([one.bytes for one in UUIDS], pa.uuid()),
    "text": pd.Series([str(one) for one in UUIDS]),
    "large": pa.array([str(one) for one in UUIDS], pa.large_string()),
    "view": pa.array([str(one) for one in UUIDS], pa.string_view()),
    "categories": pd.Series([str(one) for one in UUIDS], dtype="category"),
    "polars": pl.Series([str(one) for one in UUIDS]),
}


@pytest.mark.parametrize("ids", TEXT.values(), ids=TEXT)
def test_uuids_are_text(ids: Any) -> None:
    assert st.Dataset(None, None, log(ids)).user_ids.tolist() == [str(one) for one in UUIDS]


def test_what_duckdb_has() -> None:
    query = "select 'a' as product_id, {} as user_id"
    for kind, right in {"7::HUGEINT": 7, "7::UHUGEINT": 7, "sum(7)": 7, "7::UBIGINT": 7,
                        f"{HUGE}::UBIGINT": HUGE, f"{HUGE}::HUGEINT": HUGE}.items():  # fmt: skip
        assert st.Dataset(None, None, duckdb.sql(query.format(kind))).user_ids.tolist() == [right]
    one = str(UUIDS[0])
    data = st.Dataset(None, None, duckdb.sql(query.format(f"'{one}'::UUID")))
    assert data.user_ids.tolist() == [one]


@pytest.mark.parametrize("on_error", ["raise", "quarantine"])
@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([1.0, 2.5]),
        pd.Series([1.0, 2.0**53]),
        pd.Series([1.0, np.inf]),
        pa.array([Decimal("1.5"), Decimal(2)]),
        pa.array([Decimal(10**38), Decimal(2)]),
        pd.Series([10**38, 2], dtype=object),
        pd.Series([10**80, 2], dtype=object),
        pd.Series([True, False]),
        pd.Series([1, "a"], dtype=object),
        pd.Series([b"a", b"b"], dtype=object),
        pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"])),
    ],
    ids=str,
)
def test_a_column_at_fault_is_refused_and_no_row_set_aside(ids: Any, on_error: Any) -> None:
    with pytest.raises(st.DataError, match=r"interactions\.user_id: .*"):
        st.Dataset(None, None, log(ids), on_error=on_error)


def test_a_gap_is_a_bad_row_and_no_bad_column() -> None:
    data = st.Dataset(None, None, log(pd.Series([1.0, None])), on_error="quarantine")
    assert data.user_ids.tolist() == [1]
    assert data.quarantine["reason"].tolist() == ["no id"]


def fitted(users: pa.Array, events: pa.Array) -> st.Pipeline:
    people = pa.table({"user_id": users, "x": [2.0, 3.0]})
    return st.Pipeline(
        policy=st.Policy.from_toml('[policy]\nid="p"\n[[rules]]\nid="r"\nrequire="user.x > 1"\n'),
        ranker=st.ranking.Popularity(),
    ).fit(st.Dataset(people, None, log(events)))


def test_ids_above_63_bits_through_a_whole_life(tmp_path: Any) -> None:
    users, events = pa.array([7, HUGE], pa.uint64()), pa.array([HUGE, 7], pa.uint64())
    fitted(users, events).save(tmp_path / "model")
    pipeline = st.load(tmp_path / "model")
    assert pipeline.user_ids.tolist() == [7, HUGE]
    recs = pipeline.recommend([HUGE, HUGE - 1, 3], k=1)
    assert recs.to_frame().to_pydict()["user_id"] == [HUGE]
    assert recs.explain(HUGE, "b").rank == 1
    assert [one.verdict for one in pipeline.why_not(HUGE, "a")] == ["pass", "fail"]
    batch = pa.record_batch({"user_id": pa.array([HUGE, 8], pa.uint64())})
    [out] = pipeline.apply_arrow([batch])
    assert out.to_pydict()["user_id"] == [HUGE]
    pipeline.update(users=pa.table({"user_id": pa.array([HUGE + 1], pa.uint64()), "x": [5]}))
    assert pipeline.user_ids.tolist() == [7, HUGE, HUGE + 1]
    assert pipeline.recommend([HUGE + 1]).to_frame()["user_id"].to_pylist() == [HUGE + 1] * 2


def test_a_model_of_small_ids_grows_wide_ones() -> None:
    pipeline = fitted(pa.array([7, 8], pa.int32()), pa.array([7, 8]))
    pipeline.update(users=pa.table({"user_id": pa.array([HUGE], pa.uint64()), "x": [5.0]}))
    assert pipeline.user_ids.tolist() == [7, 8, HUGE]
    assert pipeline.recommend([HUGE, 7]).to_frame()["user_id"].to_pylist() == [HUGE, HUGE, 7]


def test_users_and_interactions_may_have_whole_numbers_of_two_kinds() -> None:
    kinds = (pa.array([Decimal(7), Decimal(8)]), pa.array([8, 7], pa.uint16()))
    assert fitted(*kinds).recommend([7]).lists.lengths.tolist() == [1]


@pytest.mark.parametrize("own", [[1, 5, 2**62], [1, 5, HUGE], ["1", "5", "a"]])
def test_codes_of_any_array(own: list[Any]) -> None:
    vocabulary = Vocabulary(id_array(own, "ids"))
    strangers = [-1, 2**63 - 1, HUGE - 1, 0, "1x"] * 4
    asked = [*own, *strangers]
    right = [0, 1, 2] + [-1] * len(strangers)
    assert vocabulary.codes(np.array(asked, object)).tolist() == right
    assert vocabulary.codes(asked[:4]).tolist() == right[:4]
    if isinstance(own[0], int):
        for kind in (np.int64, np.uint64, np.int16):
            ids = [*own, *range(10, 30)]
            held = [i for i in ids if i <= np.iinfo(kind).max]
            codes = vocabulary.codes(np.array(held, kind)).tolist()
            assert codes == [own.index(i) if i in own else -1 for i in held]
        assert vocabulary.codes(np.array([-1] * 20)).tolist() == [-1] * 20
    assert vocabulary.codes(np.array([True] * 20, object)).tolist() == [-1] * 20


ASKED = [
    1,
    2,
    3,
    "1",
    "2",
    "",
    True,
    1.0,
    np.int64(1),
    np.uint8(2),
    Decimal(1),
    None,
    b"1",
    -1,
    2**80,
]


@pytest.mark.parametrize("ids", [*WHOLE.values(), pa.array(["1", "2"])], ids=[*WHOLE, "text"])
def test_one_id_is_read_as_those_of_any_list_are(ids: Any) -> None:
    policy = st.Policy.unrestricted()
    pipeline = st.Pipeline(policy=policy, ranker=st.ranking.Popularity()).fit(
        st.Dataset(None, None, log(ids))
    )
    for one in ASKED:
        answers: list[Any] = []
        for several in ([one], (one,)):
            try:
                lists = pipeline.recommend(several, k=2)  # type: ignore[arg-type]
                answers.append((lists.to_arrow(), lists.to_dict()))
            except st.DataError as error:
                answers.append(str(error))
        assert answers[0] == answers[1], one


WIDE = [2**70 + 1, 3, 2**70 + 2]


@pytest.mark.parametrize("kind", ["objects", "decimals", "polars", "DuckDB"])
def test_ids_beyond_64_bits_through_a_whole_life(kind: str, tmp_path: Any) -> None:
    def frame(ids: list[int]) -> Any:
        if kind == "objects":
            column = pd.Series(ids, dtype=object)
            return pd.DataFrame({"user_id": column, "product_id": column})
        if kind == "polars":
            wide = pl.Series(ids, dtype=pl.Int128)
            return pl.DataFrame({"user_id": wide, "product_id": wide})
        decimals = pa.array([Decimal(one) for one in ids], pa.decimal128(38, 0))
        table = pa.table({"user_id": decimals, "product_id": decimals})
        if kind == "decimals":
            return table
        return duckdb.from_arrow(table).select("user_id::HUGEINT user_id, product_id")

    policy = st.Policy.unrestricted()
    pipeline = st.Pipeline(policy=policy, ranker=st.ranking.Popularity()).fit(
        st.Dataset(None, None, frame(WIDE))
    )
    pipeline.save(tmp_path / "model")
    pipeline = st.load(tmp_path / "model")
    assert pipeline.user_ids.tolist() == sorted(WIDE)
    found = pipeline.recommend(WIDE, k=1).to_arrow().to_pydict()
    assert found["user_id"] == WIDE
    assert found["product_id"] == [3, WIDE[0], 3]
    batch = pa.record_batch({"user_id": pa.array([Decimal(WIDE[0]), Decimal(2**90)])})
    [out] = pipeline.apply_arrow([batch], k=1)
    assert out.to_pydict()["product_id"] == [3]
    pipeline.update(interactions=frame([2**90]))
    assert pipeline.recommend([2**90], k=1).to_arrow().to_pydict()["user_id"] == [2**90]
    assert [one.verdict for one in pipeline.why_not(WIDE[0], WIDE[0])][-1] == "fail"


BAD = {
    "fraction": [1.5, 2.0],
    "boolean": [True, False],
    "bytes": [b"a", b"b"],
    "too long": [10**40, 1],
    "mixed": [1, "a"],
    "half a decimal": [Decimal("1.5"), Decimal(2)],
}


@pytest.mark.parametrize("ids", BAD.values(), ids=BAD)
def test_every_path_refuses_an_id_with_the_same_words(ids: list[Any]) -> None:
    pipeline = fitted(pa.array([7, 8]), pa.array([7, 8]))
    column = pd.Series(ids, dtype=object)
    event = pd.DataFrame({"user_id": column, "product_id": ["a", "b"]})
    paths: list[Any] = [
        lambda: st.Dataset(None, None, event),
        lambda: pipeline.update(interactions=event),
        lambda: pipeline.recommend(ids),
        lambda: pipeline.recommend([7], product_ids=ids),
        lambda: pipeline.eligibility().mask(ids),
    ]
    said = set()
    for ask in paths:
        with pytest.raises(st.DataError) as caught:
            ask()
        said.add(str(caught.value).split(": ", 1)[1])
    assert len(said) == 1


def test_uuids_that_only_metadata_tells() -> None:
    metadata = {"ARROW:extension:name": "arrow.uuid"}
    field = pa.field("user_id", pa.binary(16), metadata=metadata)
    raw = pa.array([one.bytes for one in UUIDS], pa.binary(16))
    table = pa.table([raw, ["a", "b"]], schema=pa.schema([field, ("product_id", pa.string())]))
    assert st.Dataset(None, None, table).user_ids.tolist() == [str(one) for one in UUIDS]


@pytest.mark.parametrize("lossless", [False, True])
def test_128_bits_of_duckdb_are_integers(lossless: bool) -> None:
    connection = duckdb.connect()
    connection.execute(f"set arrow_lossless_conversion = {lossless}")
    query = "select 'a' as product_id, {} as user_id"
    for kind, right in {"7::UHUGEINT": 7, "(-7)::HUGEINT": -7, f"{2**64}::UHUGEINT": 2**64,
                        f"'{UUIDS[0]}'::UUID": str(UUIDS[0])}.items():  # fmt: skip
        found = st.Dataset(None, None, connection.sql(query.format(kind))).user_ids
        assert found.tolist() == [right]
    listed = connection.sql("select 'a' as product_id, 1 as user_id, [7::UHUGEINT] as n")
    assert st.Dataset(None, listed, connection.sql(query.format(1))).products["n"].to_pylist() == [
        [7]
    ]
    largest = connection.sql(query.format(f"{2**128 - 1}::UHUGEINT"))  # wraps to -1 as a decimal
    with pytest.raises(st.DataError, match=f"more than 38 digits, such as .*{2**128 - 1}"):
        st.Dataset(None, None, largest)
