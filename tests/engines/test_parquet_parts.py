"""Parts of Parquet files hold every row once, all of a user together, in the order of the files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from suitably.engines import parquet_parts
from suitably.engines.parquet_parts import ParquetParts
from suitably.errors import DataError

ROWS = 5_000


@pytest.mark.parametrize("parts", [1, 3, 9])
@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_every_row_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int, kind: pa.DataType
) -> None:
    monkeypatch.setattr(parquet_parts, "_BATCH", 300)
    users = pa.array([i * i % 97 for i in range(ROWS)]).cast(kind)
    words = [["a"] * (i % 3) for i in range(ROWS)]
    table = pa.table({"user": users, "place": range(ROWS), "words": words})
    for number in range(2):
        half = table.slice(number * ROWS // 2, ROWS // 2)
        pq.write_table(half, tmp_path / f"log-{number}.parquet", row_group_size=700)
    path, folder = tmp_path / "log-*.parquet", tmp_path / "parts"
    folder.mkdir()
    files = ParquetParts(folder, "200MB", "user")
    assert files.count(path) == ROWS
    files.spread(path, "log", parts)
    found = [files.part(path, "log", part, parts) for part in range(parts)]
    for one in found:
        assert (pc.list_value_length(one["words"]).to_numpy() == one["place"].to_numpy() % 3).all()
        assert one["place"].to_pylist() == sorted(one["place"].to_pylist())
    owners = [set(one["user"].to_pylist()) for one in found]
    assert sum(map(len, owners)) == len(set.union(*owners)) == len(set(users.to_pylist()))
    assert pa.concat_tables(found).sort_by("place").equals(table)
    assert not list(folder.iterdir())


def test_a_part_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"user": ["only"] * 3}), path)
    files = ParquetParts(tmp_path, "200MB", "user")
    files.spread(path, "log", 20)
    sizes = sorted(files.part(path, "log", part, 20).num_rows for part in range(20))
    assert sizes == [0] * 19 + [3]


def test_no_column_of_users(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"who": [1]}), path)
    with pytest.raises(DataError, match=r"no column 'user'; it has \['who'\]"):
        ParquetParts(tmp_path, "200MB", "user").spread(path, "log", 2)
