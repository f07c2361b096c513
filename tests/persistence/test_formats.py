"""Files that a model is made of, as somebody would forge them: no types of others', no bombs."""

import io
import os
import pickle
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as hs
from hypothesis.extra import numpy as hn

import suitably as st
from suitably.persistence import tables
from suitably.persistence.arrow_streams import check_stream
from suitably.persistence.npy import check_storable, view_array
from suitably.persistence.parquet_pages import pages
from suitably.persistence.tables import plain_columns, read_table
from support.artefacts import forge, write_manifest
from support.banks import popular


def octets(data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, np.uint8)


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def header(text: str, held: bytes = bytes(72), version: bytes = b"\x01\0") -> bytes:
    size = struct.pack("<H" if version == b"\x01\0" else "<I", len(text) + 1)
    return b"\x93NUMPY" + version + size + text.encode("latin1") + b"\n" + held


def parquet(table: pa.Table, **how: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **{"compression": "zstd", **how})
    data: bytes = sink.getvalue().to_pybytes()
    return data


DTYPES = hs.one_of(
    hn.boolean_dtypes(), hn.integer_dtypes(endianness="="),
    hn.unsigned_integer_dtypes(endianness="="),
    hn.floating_dtypes(endianness="="), hn.complex_number_dtypes(endianness="="),
    hn.unicode_string_dtypes(endianness="="), hn.byte_string_dtypes(),
    hn.datetime64_dtypes(endianness="="), hn.timedelta64_dtypes(endianness="="),
)  # fmt: skip


class TestArrays:
    @given(hn.arrays(DTYPES, hn.array_shapes(min_dims=0, min_side=0)), hs.booleans())
    def test_every_array_that_is_saved_is_read(self, array: Any, fortran: bool) -> None:
        array = np.asfortranarray(array) if fortran else array
        check_storable(array)
        data = octets(npy(array))
        found = view_array(data)
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert found.tobytes() == array.tobytes()
        assert not found.flags.writeable or not found.size
        assert not found.size or np.shares_memory(found, data)

    def test_as_numpy_writes_version_2(self) -> None:
        out = io.BytesIO()
        np.lib.format.write_array(out, np.arange(6.0).reshape(2, 3), version=(2, 0))
        assert view_array(octets(out.getvalue())).tolist() == [[0, 1, 2], [3, 4, 5]]

    @pytest.mark.parametrize(
        "text",
        [
            "{'descr': '|O', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '|V8', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -9), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 9), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (9.0,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': [9], }",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (9,), }",
            "{'descr': '>f8', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 8, 9), }",
            "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }",
            "{'descr': '<f9', 'fortran_order': False, 'shape': (8,), }",
            "{'descr': '<U999999999', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<M8[999999999us]', 'fortran_order': False, 'shape': (8,), }",
            "{'descr': '<M8[x]', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (9,), }",
            "{'shape': (9,), 'fortran_order': False, 'descr': '<f8', }",
            "{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (9,), } ]",
            "(" * 3_000, "[" * 3_000, "", "\0", "{}",
        ],
    )  # fmt: skip
    def test_a_header_that_nobody_writes(self, text: str) -> None:
        with pytest.raises((ValueError, TypeError)):
            view_array(octets(header(text)))

    def test_an_axis_that_takes_no_room(self) -> None:
        for shape in ("(0, 99999999999)", "(99999999999, 0)", "(0, 99999999999, 0)"):
            text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
            with pytest.raises(ValueError, match="no room"):
                view_array(octets(header(text, b"")))

    @pytest.mark.parametrize(
        "data",
        [b"", b"\x93NUMPY", b"\x93NUMPY\x01\0", npy([1.0])[:-1], npy([1.0]) + b"\0",
         b"\x93NUMPY\x01\0\xff\xff" + bytes(80), b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(80),
         b"\x93NUMPY\x03\0" + npy([1.0])[8:], pickle.dumps([1.0]), b"PK\x03\x04" + bytes(99)],
    )  # fmt: skip
    def test_what_is_no_array(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"array|header"):
            view_array(octets(data))

    def test_records_and_texts_of_any_length_cannot_be_saved(self) -> None:
        strange = [np.zeros(2, [("a", "i4")]), np.zeros(2, "V3")]
        strange += [np.array(["a"], np.dtypes.StringDType())]
        for array in strange:
            with pytest.raises(TypeError, match="cannot be saved"):
                check_storable(array)


class Marked(pa.ExtensionType):  # type: ignore[misc]
    """A type whose name in a file runs code of whoever registered it."""

    read: ClassVar[list[bytes]] = []

    def __init__(self) -> None:
        super().__init__(pa.int64(), "tests.marked")

    def __arrow_ext_serialize__(self) -> bytes:
        return b"\x80\x04."

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, data: bytes) -> "Marked":
        cls.read.append(data)
        return cls()


@pytest.fixture
def marked() -> Any:
    pa.register_extension_type(Marked())
    yield Marked()
    pa.unregister_extension_type("tests.marked")


class TestTables:
    def test_a_type_that_somebody_defined_is_not_asked_for(self, marked: Any) -> None:
        plain = pa.array([1, 2, 3])
        nested = pa.StructArray.from_arrays(
            [pa.ExtensionArray.from_storage(marked, plain)], names=["inner"]
        )
        for column in (pa.ExtensionArray.from_storage(marked, plain), nested):
            for padding in range(4):  # base64 begins anywhere
                table = pa.table({"x" * (padding + 1): plain, "id": column})
                data = parquet(table)
                Marked.read.clear()
                with pytest.raises(ValueError, match="no plain one"):
                    read_table(octets(data))
                assert Marked.read == []

    def test_metadata_of_pandas_is_not_read(self) -> None:
        table = pa.table({"id": [1]}).replace_schema_metadata({"pandas": '{"index_columns": 7}'})
        assert read_table(octets(parquet(table))).num_rows == 1

    @pytest.mark.parametrize(
        "how", [{}, {"use_dictionary": False}, {"compression": "none"}, {"data_page_size": 64},
                {"data_page_version": "2.0"}, {"row_group_size": 100}, {"write_page_index": True}],
    )  # fmt: skip
    def test_pages_are_found_as_they_are(self, how: dict[str, Any]) -> None:
        rows = 1_000
        table = pa.table(
            {
                "id": [f"user {i}" for i in range(rows)],
                "level": ["C1", None] * (rows // 2),
                "tags": [["a", "b"], [], None, ["c"]] * (rows // 4),
                "days": pa.array(range(rows), pa.date32()),
                "wide": pa.array(range(rows), pa.decimal128(38, 0)),
                "flag": [True] * rows,
                "none": pa.nulls(rows),
            }
        )
        data = parquet(table, **how)
        assert read_table(octets(data), rows).equals(table)
        metadata = pq.read_metadata(pa.BufferReader(data))
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                start = column.dictionary_page_offset or column.data_page_offset
                found = list(pages(data, start, start + column.total_compressed_size))
                held = [page.values for page in found if not page.is_dictionary]
                assert sum(held) == column.num_values
                heads = column.total_compressed_size - sum(p.end - p.start for p in found)
                unpacked = sum(page.unpacked for page in found)
                assert unpacked + heads == column.total_uncompressed_size

    def test_other_rows_than_there_must_be(self) -> None:
        data = octets(parquet(pa.table({"id": [1, 2, 3]})))
        assert read_table(data, 3).num_rows == 3
        with pytest.raises(ValueError, match="has 3 rows, not 4"):
            read_table(data, 4)

    @pytest.mark.parametrize(
        "column",
        [
            pa.array([7] * 300_000),
            pa.array(["x" * 20_000] * 200),
            pa.array([["x" * 20_000] * 200]),
            pa.array([[7] * 300_000]),
            pa.nulls(300_000, pa.float64()),
        ],
    )  # fmt: skip
    def test_little_that_becomes_much(self, column: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        data = octets(parquet(pa.table({"id": column})))
        assert len(data) < 4_000
        read_table(data)
        monkeypatch.setattr(tables, "_ROOM", 1 << 20)
        monkeypatch.setattr(tables, "_TIMES", 1)
        with pytest.raises(ValueError, match="far more room"):
            read_table(data)

    def test_columns_that_share_a_page(self) -> None:
        """The footer names where each column is; all may name one place."""
        data = parquet(pa.table({"id": list(range(999))}), compression="none")
        metadata = pq.read_metadata(pa.BufferReader(data))
        column = metadata.row_group(0).column(0)
        for number in (1, 2):
            group = SimpleNamespace(num_columns=number, column=lambda place: column)
            same = {name: getattr(metadata, name) for name in ("created_by", "num_rows", "schema")}
            footer = SimpleNamespace(**same, num_row_groups=1, row_group=lambda place, g=group: g)
            if number == 1:
                tables._check_size(footer, data, None)
            else:
                with pytest.raises(ValueError, match="far more room"):
                    tables._check_size(footer, data, None)

    def test_a_page_that_says_another_size_than_the_footer(self) -> None:
        data = bytearray(parquet(pa.table({"id": [1, 2, 3]}), use_dictionary=False))
        column = pq.read_metadata(pa.BufferReader(bytes(data))).row_group(0).column(0)
        place = column.data_page_offset + 3  # the number of bytes that it is unpacked to
        data[place : place + 1] = b"\xff\xff\xff\xff\x0f"
        with pytest.raises((ValueError, OSError)):
            read_table(octets(bytes(data)))

    @pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" * 3, b"PAR1" + bytes(8) + b"PAR1",
                                      bytes(99) + b"\xff\xff\xff\xffPAR1",
                                      pickle.dumps([1])])  # fmt: skip
    def test_what_is_no_table(self, data: bytes) -> None:
        with pytest.raises((ValueError, OSError)):
            read_table(octets(data))

    def test_long_texts_that_are_repeated_are_saved_one_by_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = pa.table({"short": ["x"] * 9, "long": ["x" * 999] * 9, "number": list(range(9))})
        assert plain_columns(table.schema, [table]) == []
        monkeypatch.setattr(tables, "_OF_TEXT", 1_000)
        assert plain_columns(table.schema, [table]) == ["long"]

    def test_texts_that_are_none(self) -> None:
        broken = pa.array([b"\xff\xfe"]).view(pa.string())
        with pytest.raises((ValueError, pa.ArrowException)):
            read_table(octets(parquet(pa.table({"id": broken}))))


def stream(table: pa.Table, **how: Any) -> np.ndarray[Any, Any]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**how)) as writer:
        writer.write_table(table)
    return octets(sink.getvalue().to_pybytes())


class TestStreams:
    def test_plain_columns(self) -> None:
        table = pa.table({"a": [1.0, None], "b": ["x", "y"], "c": [[1], None], "d": pa.nulls(2)})
        check_stream(stream(table), 2)
        check_stream(stream(pa.table({})), 2)

    @pytest.mark.parametrize("codec", ["lz4", "zstd"])
    def test_compressed(self, codec: str) -> None:
        table = pa.table({"a": [0] * 10_000})
        with pytest.raises(ValueError, match="plain columns"):
            check_stream(stream(table, compression=codec), 10_000)

    def test_a_type_that_somebody_defined(self, marked: Any) -> None:
        column = pa.ExtensionArray.from_storage(marked, pa.array([1]))
        data = stream(pa.table({"a": column}))
        Marked.read.clear()
        with pytest.raises(ValueError, match="no plain one"):
            check_stream(data, 1)
        assert Marked.read == []

    def test_dictionaries_other_rows_and_what_is_no_stream(self) -> None:
        encoded = pa.table({"a": pa.array(["x", "y"]).dictionary_encode()})
        cases = [(stream(encoded), 2), (stream(pa.table({"a": [1]})), 2), (octets(b""), 0),
                 (octets(b"\xff" * 99), 0),
                 (stream(pa.table({"a": [1]})).astype("i4"), 1)]  # fmt: skip
        for data, rows in cases:
            with pytest.raises((ValueError, OSError, pa.ArrowException, EOFError)):
                check_stream(data, rows)

    def test_offsets_that_lead_outside(self) -> None:
        data = stream(pa.table({"a": ["seven x", "four"]})).tobytes()
        offsets = struct.pack("<iii", 0, 7, 11)
        assert data.count(offsets) == 1
        data = data.replace(offsets, struct.pack("<iii", 0, 1 << 30, 11))
        with pytest.raises(pa.ArrowException, match="offset"):
            check_stream(octets(data), 2)


def doubled(users: pa.Table, as_of: Any) -> dict[str, Any]:
    return {"doubled": pc.multiply(users["income"], 2.0)}


def test_a_stream_within_an_array_within_a_model(tmp_path: Path, marked: Any) -> None:
    own = st.profiles.FromFunction(doubled, {"doubled": "derived"}, ["income"])
    popular(9).fitted(profiles=[own]).save(tmp_path / "model")
    (name,) = (tmp_path / "model").glob("*-fields.npy")
    column = pa.ExtensionArray.from_storage(marked, pa.array([1, 2, 3, 4]))
    np.save(name, stream(pa.table({"income": column})))
    forge(tmp_path / "model")
    Marked.read.clear()
    with pytest.raises(st.ArtifactError, match="no plain one"):
        st.load(tmp_path / "model", trusted=[doubled])
    assert Marked.read == []


def test_classes_are_made_only_for_the_role_they_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    popular(9).fitted().save(tmp_path / "model")
    made: list[Any] = []
    for room, name in [
        (st.profiles, "BetaGeoParams"),
        (st.ranking, "ALS"),
        (st.profiles, "Builder"),
    ]:
        cls = getattr(room, name)
        monkeypatch.setattr(cls, "__init__", lambda self, *a, **k: made.append(self))
        record = {"class": f"{cls.__module__}.{cls.__qualname__}", "scalars": {}, "arrays": {}}
        record |= {"parts": {}, "accumulated": {}}
        forge(tmp_path / "model", lambda m, record=record: m.update(builders=[record]))
        with pytest.raises(st.ArtifactError, match="is not trusted"):
            st.load(tmp_path / "model")
    assert made == []


def test_a_method_is_no_function_and_no_class(tmp_path: Path) -> None:
    own = st.profiles.FromFunction(doubled, {"doubled": "derived"}, ["income"])
    popular(9).fitted(profiles=[own]).save(tmp_path / "model")
    for name in (
        "builtins.eval",
        "os.system",
        "operator.methodcaller",
        "str.format",
        "posix.system",
    ):

        def change(manifest: dict[str, Any], name: str = name) -> None:
            (record,) = [r for r in manifest["builders"] if "functions" in r]
            record["functions"]["function"] = name

        forge(tmp_path / "model", change)
        for trusted in ([doubled], [doubled, eval, os.system, st.Pipeline.recommend]):
            with pytest.raises(st.ArtifactError, match="is not trusted"):
                st.load(tmp_path / "model", trusted=trusted)


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    name = next((tmp_path / "model").glob("*.npy"))
    other = name.with_name(name.name.upper())
    other.write_bytes(name.read_bytes())
    with pytest.raises(st.ArtifactError, match="no manifest of a model names"):
        st.load(tmp_path / "model")
    other.unlink()
    forge(tmp_path / "model", lambda m: m["files"].update({other.name: m["files"][name.name]}))
    with pytest.raises(st.ArtifactError, match="is not the name of a file"):
        st.load(tmp_path / "model")


def test_hard_links_are_files(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    (tmp_path / "copy").mkdir()
    for entry in (tmp_path / "model").iterdir():
        os.link(entry, tmp_path / "copy" / entry.name)
    assert st.load(tmp_path / "copy").is_fitted


def test_a_manifest_that_says_something_twice(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    text = (tmp_path / "model" / "manifest.json").read_text("utf-8")
    write_manifest(tmp_path / "model", text.replace("{", '{"seed": 1,', 1).encode())
    with pytest.raises(st.ArtifactError, match="twice"):
        st.load(tmp_path / "model")


def test_a_manifest_as_large_as_none_is(tmp_path: Path) -> None:
    class Verbose:
        """A reranker whose state is a long text."""

        def rerank(self, lists: Any, context: Any, k: int) -> Any:
            return lists

        def state(self) -> dict[str, Any]:
            return {"text": "x" * (1 << 25)}

        @classmethod
        def from_state(cls, state: dict[str, Any]) -> "Verbose":
            return cls()

    pipeline = popular(9).fitted(rerankers=[Verbose()])
    with pytest.raises(st.ArtifactError, match="at most 33,554,432 would be read"):
        pipeline.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()
