import pytest

from suitably.data.datasets.files import DatasetFiles
from suitably.errors import DataError

FILES = DatasetFiles("widgets", "Widgets", "https://example.org/widgets")


def test_the_folder_itself_or_its_parent_is_accepted(tmp_path):
    folder = tmp_path / "widgets"
    folder.mkdir()
    assert FILES.locate(tmp_path) == folder
    assert FILES.locate(str(folder)) == folder


def test_the_environment_variable_is_the_fallback(tmp_path, monkeypatch):
    (tmp_path / "widgets").mkdir()
    monkeypatch.setenv("SUITABLY_DATA", str(tmp_path))
    assert FILES.locate(None) == tmp_path / "widgets"
    monkeypatch.delenv("SUITABLY_DATA")
    with pytest.raises(DataError, match=r"SUITABLY_DATA.*example\.org"):
        FILES.locate(None)


@pytest.mark.parametrize("path", ["no/such/folder", 7])
def test_a_bad_path_is_refused(path):
    with pytest.raises(DataError, match="Widgets"):
        FILES.locate(path)


def test_a_missing_file_is_named_with_its_origin(tmp_path):
    with pytest.raises(DataError, match=r"no file 'a\.csv'.*example\.org"):
        FILES.read(tmp_path, "a.csv")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "a.csv.xz").write_bytes(b"not an xz stream")
    with pytest.raises(DataError, match="cannot be read"):
        FILES.read(tmp_path, "a.csv.xz")


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"no column \['z'\]"):
        FILES.read(tmp_path, "a.csv", ["x", "z"])
    assert list(FILES.read(tmp_path, "a.csv", ["y"])) == ["y"]
