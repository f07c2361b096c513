"""Saving over a model: the old or the new one, whole, whatever happens meanwhile."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.persistence import folder as layout
from suitably.persistence import interactions, publishing, reader
from suitably.persistence import model as serialisation

STEPS = ("mkdir", "open", "write", "fsync", "replace", "unlink", "rmdir")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders have no descriptors")


def fitted(product: str) -> st.Pipeline:
    log = pd.DataFrame({"user_id": ["a", "b"], "product_id": [product, "z"]})
    policy, ranker = st.Policy.unrestricted(), st.ranking.Popularity()
    return st.Pipeline(policy=policy, ranker=ranker, fallback=None).fit(st.Dataset(None, None, log))


OLD, NEW = fitted("old"), fitted("new")


@pytest.fixture(autouse=True)
def no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here cuts the power: what is to reach the disk is told so, and not waited for."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def version(path: Path) -> str:
    """Return which of the two models a folder holds, having used all of it."""
    pipeline = st.load(path)
    listed = pipeline.recommend(["b"]).to_frame()["product_id"].tolist()
    assert set(pipeline.product_ids) == {*listed, "z"}
    return str(listed[0])


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The files of either model, saved where nothing was."""
    found = {}
    for product, pipeline in (("old", OLD), ("new", NEW)):
        path = tmp_path_factory.mktemp("fresh") / "model"
        pipeline.save(path)
        found[product] = names(path)
    return found


class Watched:
    """The module `os` with something done before each step that changes the disk."""

    def __init__(self, step: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._step = step

    def __getattr__(self, name: str) -> Any:
        call = getattr(os, name)
        if name not in STEPS:
            return call

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._step(name, args)
            return call(*args, **kwargs)

        return watched


@contextmanager
def watched(step: Callable[[str, tuple[Any, ...]], None]) -> Iterator[None]:
    publishing.os = Watched(step)  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        publishing.os = os  # type: ignore[attr-defined]


def killed_at(number: int, path: Path) -> bool:
    """Save in a process that is killed before a step; return whether it came to that step."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0
        return False
    left = number

    def step(name: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        if not left:
            if name == "write":  # half of it arrives
                os.write(args[0], args[1][: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    code = 1
    try:
        with watched(step):
            NEW.save(path)
        code = 0
    finally:
        os._exit(code)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_any_step(tmp_path: Path, expected: dict[str, set[str]]) -> None:
    path, seen, number = tmp_path / "model", [], 0
    OLD.save(path)
    while killed_at(number, path):
        seen.append(version(path))
        OLD.save(path)
        assert names(path) == expected["old"], "no litter after the next save"
        assert version(path) == "old"
        number += 1
    assert version(path) == "new"
    assert names(path) == expected["new"]
    assert names(tmp_path) == {"model"}
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {"old", "new"}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_first_save_killed_at_any_step(tmp_path: Path, expected: dict[str, set[str]]) -> None:
    number = 0
    while killed_at(number, tmp_path / f"model-{number}"):
        path = tmp_path / f"model-{number}"
        with suppress(st.ArtifactError):
            assert version(path) == "new"
        OLD.save(path)
        assert names(path) == expected["old"]
        assert version(path) == "old"
        number += 1
    assert version(tmp_path / f"model-{number}") == "new"


def test_any_changed_byte_of_the_digests_of_a_killed_save(tmp_path: Path) -> None:
    """Between two versions too, no byte may change unnoticed."""
    path = tmp_path / "model"
    OLD.save(path)
    with watched(stop_after_the_manifest()), pytest.raises(KeyboardInterrupt):
        NEW.save(path)
    assert version(path) == "new"
    for name, every in (("manifest.sha256", 1), ("manifest.json", 17)):
        whole = (path / name).read_bytes()
        for place in range(0, len(whole), every):
            (path / name).write_bytes(
                whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
            )
            with pytest.raises(st.ArtifactError, match=r"manifest\.json: is damaged"):
                st.load(path)
        (path / name).write_bytes(whole)
    assert version(path) == "new"


def stop_after_the_manifest() -> Callable[[str, tuple[Any, ...]], None]:
    replaced = False

    def step(name: str, args: tuple[Any, ...]) -> None:
        nonlocal replaced
        if replaced and name == "replace":
            raise KeyboardInterrupt
        replaced |= name == "replace" and Path(args[1]).name == "manifest.json"

    return step


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_full_disk_at_any_step(
    tmp_path: Path, expected: dict[str, set[str]], lasting: bool, first: bool
) -> None:
    calls = ("mkdir", "open", "write", "fsync", "replace")
    path, number, failed = tmp_path / "model", 0, True
    OLD.save(tmp_path / "kept")
    while failed:
        left, failed = number, False
        if not first:
            shutil.copytree(tmp_path / "kept", path)

        def step(name: str, args: tuple[Any, ...]) -> None:
            nonlocal left, failed
            if name in calls:
                if left <= 0 and (lasting or not failed):
                    failed = True
                    raise OSError(errno.ENOSPC, "No space left on device")
                left -= 1

        with watched(step), suppress(OSError):
            NEW.save(path)
            assert not failed
        if not first:
            assert version(path) in ("old", "new")
            assert not [n for n in names(path) if n.endswith(".partial")]
        elif failed and path.exists():
            with suppress(st.ArtifactError):
                assert version(path) == "new"
        NEW.save(path)
        assert names(path) == expected["new"]
        number += 1
        for entry in path.iterdir():
            entry.unlink()
        path.rmdir()
    assert number > 20


def test_a_failed_first_save_leaves_nothing(tmp_path: Path) -> None:
    def step(name: str, args: tuple[Any, ...]) -> None:
        if name == "write":
            raise OSError(errno.ENOSPC, "No space left on device")

    with watched(step), pytest.raises(OSError, match="No space"):
        NEW.save(tmp_path / "model")
    assert names(tmp_path) == set()
    (tmp_path / "empty").mkdir()
    with watched(step), pytest.raises(OSError, match="No space"):
        NEW.save(tmp_path / "empty")
    assert names(tmp_path) == {"empty"}


def test_a_load_at_any_step_of_a_save(tmp_path: Path) -> None:
    path, seen = tmp_path / "model", []
    OLD.save(path)
    with watched(lambda name, args: seen.append(version(path))):
        NEW.save(path)
    assert seen == sorted(seen, reverse=True), "never back again"
    assert set(seen) == {"old", "new"}


def test_a_save_at_any_step_of_a_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, number, due = tmp_path / "model", 0, True

    def then(call: Any) -> Any:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == -1:
                NEW.save(path)
            return call(*args, **kwargs)

        return called

    for module, name in [
        (layout, "open_regular"),
        (layout, "_stamp"),
        (reader, "open_regular"),
        (reader, "_content"),
        (serialisation, "read_entities"),
        (serialisation, "read_matrix"),
        (interactions, "read_matrix"),
    ]:
        monkeypatch.setattr(module, name, then(getattr(module, name)))
    while due:
        left = 10**9
        OLD.save(path)
        left = number
        version(path)
        due, number = left < 0, number + 1
    assert number > 10


def test_writers_take_turns_and_readers_see_whole_versions(
    tmp_path: Path, expected: dict[str, set[str]]
) -> None:
    """Threads here, and a process beside them."""
    path, stop, errors, seen = tmp_path / "model", threading.Event(), [], []
    OLD.save(path)
    code = (
        "import sys; from persistence.test_publishing import *\n"
        "print('ready', flush=True); input()\n"
        "for _ in range(15): NEW.save(Path(sys.argv[1])); version(Path(sys.argv[1]))"
    )
    python = os.pathsep.join(map(str, (Path(__file__).parents[1], *sys.path)))
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": python},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"  # what it imports is no part of the race

    def guarded(call: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                call()
        except Exception as error:
            errors.append(error)

    calls = [
        lambda: OLD.save(path),
        lambda: NEW.save(path),
        lambda: seen.append(version(path)),
        lambda: seen.append(version(path)),
    ]
    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 60
        while set(seen) != {"old", "new"} and not errors and time.monotonic() < deadline:
            time.sleep(0.01)
        other.communicate("go\n", timeout=300)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert other.returncode == 0
    assert not errors
    assert set(seen) == {"old", "new"}
    assert names(path) == expected[version(path)]
    assert names(tmp_path) == {"model"}


def test_foreign_files_are_kept_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model"
    OLD.save(path)
    (path / "NOTES.txt").write_text("precious")
    (path / ".nfs0001").write_bytes(b"x")
    (path / "lost+found").mkdir()
    (path / "charts").mkdir()
    (path / "charts" / "one.png").write_bytes(b"x")
    (path / "manifest.sig").write_bytes(b"x")
    before = {str(p) for p in path.rglob("*") if "-" not in p.name}
    assert version(path) == "old"
    NEW.save(path)
    assert version(path) == "new"
    assert {str(p) for p in path.rglob("*") if "-" not in p.name} == before
    assert (path / "NOTES.txt").read_text() == "precious"


@pytest.mark.parametrize("name", ["extra.npy", "x.PARQUET", "policy.toml", "model.pkl", "x.py"])
def test_what_could_be_taken_for_a_part_is_refused_and_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model"
    OLD.save(path)
    (path / name).write_bytes(b"x")
    before = names(path)
    with pytest.raises(st.ArtifactError, match=name):
        NEW.save(path)
    assert names(path) == before
    (path / name).unlink()
    assert version(path) == "old"


def test_what_is_no_model_is_not_touched(tmp_path: Path) -> None:
    for place, name in [("app", "manifest.json"), ("notes", "NOTES.txt"), ("data", "log.parquet")]:
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text("{}")
        with pytest.raises(st.ArtifactError, match="not a saved model"):
            NEW.save(tmp_path / place)
        assert names(tmp_path / place) == {name}
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(st.ArtifactError, match="not a saved model"):
            NEW.save(path)
    assert (tmp_path / "file").read_text() == "x"


def test_a_damaged_model_is_replaced_and_never_becomes_valid(tmp_path: Path) -> None:
    path = tmp_path / "model"
    OLD.save(path)
    manifest = path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"seed": 0', b'"seed": 1'))

    def refused(name: str, args: tuple[Any, ...]) -> None:
        if not (name == "unlink" or seen):
            with pytest.raises(st.ArtifactError):
                st.load(path)
        seen.extend([1] if name == "replace" and Path(args[1]) == manifest else [])

    seen: list[int] = []
    with watched(refused):
        NEW.save(path)
    assert seen
    assert version(path) == "new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    OLD.save(tmp_path / "v1")
    (tmp_path / "current").symlink_to("v1")
    (tmp_path / "next").symlink_to("v2")
    NEW.save(tmp_path / "current")
    NEW.save(tmp_path / "next")
    assert (tmp_path / "current").is_symlink()
    assert (tmp_path / "next").is_symlink()
    for place in ("current", "v1", "next", "v2"):
        assert version(tmp_path / place) == "new"
    assert names(tmp_path) == {"current", "next", "v1", "v2"}
    (tmp_path / "round").symlink_to("round")
    with pytest.raises((st.ArtifactError, OSError)):
        NEW.save(tmp_path / "round")


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
def test_modes_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        NEW.save(tmp_path / "model")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o777 & ~umask
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "model").iterdir()}
    assert modes == {0o666 & ~umask}


def test_the_folder_itself_is_never_moved(tmp_path: Path) -> None:
    """As a mount point, which cannot be."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "lost+found").mkdir()
    inode = path.stat().st_ino
    for pipeline in (OLD, NEW, OLD):
        pipeline.save(path)
        assert path.stat().st_ino == inode
    assert version(path) == "old"


def test_a_folder_that_is_made_anew_while_a_writer_waits(tmp_path: Path) -> None:
    path = tmp_path / "model"
    made, descriptor = publishing._enter(path, path)
    assert made
    writer = threading.Thread(target=lambda: NEW.save(path))
    writer.start()
    writer.join(0.1)
    assert writer.is_alive(), "it waits"
    path.rename(tmp_path / "elsewhere")
    publishing._leave(descriptor)
    writer.join(30)
    assert not writer.is_alive()
    assert version(path) == "new"


def test_files_that_block_or_mislead_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    OLD.save(path)
    for name in sorted(names(path)):
        whole = (path / name).read_bytes()
        (path / name).unlink()
        os.mkfifo(path / name)
        with pytest.raises(st.ArtifactError):
            st.load(path)
        (path / name).unlink()
        with (path / name).open("wb") as file:  # huge, and nothing on the disk
            file.truncate(1 << 40)
        for verify in ("manifest", "full"):
            with pytest.raises(st.ArtifactError):
                st.load(path, verify=verify)  # type: ignore[arg-type]
        (path / name).write_bytes(whole)
    assert version(path) == "old"


def test_a_copy_with_links_followed_loads(tmp_path: Path) -> None:
    OLD.save(tmp_path / "model")
    (tmp_path / "copy").mkdir()
    for name in names(tmp_path / "model"):
        assert "/" not in name
        (tmp_path / "copy" / name).write_bytes((tmp_path / "model" / name).read_bytes())
    assert version(tmp_path / "copy") == "old"
