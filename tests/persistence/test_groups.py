"""Files of groups are mapped and closed: there may be more of them than can be open."""

import os
from pathlib import Path

import numpy as np
import pytest

from suitably.persistence.groups import _mapped


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_mapped_files_are_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    arrays = []
    for number in range(50):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number] * 5_000))
        arrays.append(_mapped(path))
        path.unlink()
    assert len(os.listdir("/proc/self/fd")) <= before + 5
    assert all(np.array_equal(array, np.full(5_000, n)) for n, array in enumerate(arrays))
