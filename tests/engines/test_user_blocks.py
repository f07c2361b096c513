"""Blocks end between two users, whatever the batches."""

import numpy as np
import pyarrow as pa
import pytest

from suitably.engines.user_blocks import user_blocks


@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
@pytest.mark.parametrize("rows", [1, 4, 30, 10_000])
def test_no_two_share_a_user(size: int, rows: int) -> None:
    rng = np.random.default_rng(size)
    users = np.sort(rng.integers(0, 40, 200))
    table = pa.table({"user": pa.array(users, mask=users == 0), "row": np.arange(200)})
    found = list(user_blocks(table.to_batches(size), "user", rows))
    assert pa.concat_tables(found).equals(table)
    seen = [set(block["user"].to_pylist()) for block in found]
    assert sum(map(len, seen)) == len(set.union(*seen))
    assert all(block.num_rows >= rows for block in found[:-1])
    assert len(found) == 1 or max(block.num_rows for block in found) < rows + 2 * max(size, 20)


def test_nobody() -> None:
    empty = pa.record_batch({"user": pa.array([], pa.string())})
    assert list(user_blocks([], "user", 1)) == list(user_blocks([empty], "user", 1)) == []
