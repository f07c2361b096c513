"""Arrays in pieces are what `np.concatenate` would make of them."""

import io

import numpy as np
import pytest

from suitably.utils import pieces
from suitably.utils.pieces import recoded, same, shifted, stacked, texts_of


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_ROWS", 3)


def test_stacked() -> None:
    arrays = [np.arange(8.0).reshape(4, 2), np.zeros((0, 2)), np.ones((1, 2))]
    found = stacked(arrays)
    assert found.shape == (5, 2)
    assert np.array_equal(found.whole(), np.concatenate(arrays))
    assert max(map(len, found)) == 3
    assert [len(piece) for piece in found] == [3, 1, 1], "it can be read twice"


def test_stacked_takes_the_wider_type() -> None:
    found = stacked([np.array(["a"]), np.array(["long"])])
    assert found.dtype == np.dtype("<U4")
    assert found.whole().tolist() == ["a", "long"]
    assert stacked([np.arange(2), np.arange(3)], np.int32).whole().dtype == np.int32


def test_rows_of_other_shapes() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        stacked([np.zeros((1, 2)), np.zeros((1, 3))])


def test_shifted_keeps_the_type() -> None:
    found = shifted([np.array([0, 0, 1], np.int32), np.array([2], np.int32)], [0, 5])
    assert found.whole().dtype == np.int32
    assert found.whole().tolist() == [0, 0, 1, 7]


def test_recoded_by_texts() -> None:
    words, places = texts_of([np.array(["b", "c"]), np.zeros(0, "<U1"), np.array(["a", "c"])])
    assert words.tolist() == ["a", "b", "c"]
    codes = [np.array([0, 1, -1]), np.zeros(0, int), np.array([1, 0, -1, 0])]
    found = recoded([one.astype(np.int16) for one in codes], places)
    assert found.whole().dtype == np.int16
    assert found.whole().tolist() == [1, 2, -1, 2, 0, -1, 0]


def test_values_as_they_first_occur() -> None:
    levels, places = texts_of([np.array([5.0, 1.0]), np.array([3.0, 5.0])], ordered=False)
    assert levels.tolist() == [5.0, 1.0, 3.0]
    assert [one.tolist() for one in places] == [[0, 1, -1], [2, 0, -1]]


def test_same() -> None:
    nat = np.array(["NaT", "2024"], "datetime64[us]")
    assert np.array_equal(same([nat, nat.copy()], "moments"), nat, equal_nan=True)
    assert same([np.array(["a"]), np.array(["a"], "<U9")], "zone").tolist() == ["a"]
    for other in (np.array([1, 3]), np.array([1]), np.array([1.0, 2.0])):
        with pytest.raises(ValueError, match="codes: parts do not agree"):
            same([np.array([1, 2]), other], "codes")


def test_written_as_numpy_writes_it() -> None:
    from suitably.persistence.writer import Stored, Writer

    class Memory:
        def file(self, stem: str, ending: str, write: object) -> Stored:
            self.out = io.BytesIO()
            write(self.out)  # type: ignore[operator]
            return Stored("name", "digest", 0)

    arrays = [np.array(["NaT", "2024-01-01"], "datetime64[us]"), np.zeros(4, "datetime64[us]")]
    for parts in (arrays, [np.zeros((0, 3), np.float32)], [np.ones((5, 2))[:, ::-1]]):
        memory, wanted = Memory(), io.BytesIO()
        Writer(memory).array("it", stacked(parts))  # type: ignore[arg-type]
        np.save(wanted, np.ascontiguousarray(np.concatenate(parts)))
        assert memory.out.getvalue() == wanted.getvalue()
