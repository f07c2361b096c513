"""Killed at any point: the old or the new version is current, and nothing is to be repaired."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from serving.banks import fitted, folder_of
from suitably.serving import Canary, ModelFolder, Switches, SwitchState

SMALL = Canary(users=4, k=2)
CALLS = ("replace", "fsync", "symlink", "write", "unlink", "utime", "close")
"""What of the system a writer calls: it is killed before each call, and after it."""


def in_child(work: Callable[[], None]) -> int:
    """Fork; return how the child ended: 0 where it did its work, or the signal."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def killed_at(number: int, after: bool) -> None:
    """Let the process be killed before, or after, so many calls of the system."""
    left = [number]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            made = real(*args, **kwargs)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return made

        return call

    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))


def check(folder: ModelFolder, expected: set[str]) -> str:
    """Hold a folder against what must be true at any moment; return the current version."""
    current = folder.current
    assert current in expected
    assert folder.history()[-1].version == current
    folder.load(str(current))
    return str(current)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_promotion_killed_at_every_call(tmp_path: Path, after: bool, as_text: bool) -> None:
    folder = folder_of(tmp_path, "a", "b")
    if as_text:
        (tmp_path / "current").unlink()
        (tmp_path / "current").write_text("a\n")
    pipeline = fitted()
    seen, ended = set(), False

    for number in range(1, 60):
        before = check(folder, {"a", "b"})
        other = "b" if before == "a" else "a"

        def work(number: int = number, other: str = other) -> None:
            mine = ModelFolder(tmp_path)
            mine.load = lambda name: pipeline  # type: ignore[method-assign]
            killed_at(number, after)
            mine.promote(other, SMALL, by="child")

        status = in_child(work)
        seen.add(check(folder, {before, other}) == other)
        if status == 0:
            ended = True
            break
        assert status == signal.SIGKILL
    assert ended
    assert number > 4
    assert seen == {True, False}
    current = folder.current
    other = "b" if current == "a" else "a"
    folder.promote(other, SMALL)  # the lock has gone with its holder
    assert folder.rollback() == current
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".current.")]


@pytest.mark.parametrize("after", [False, True])
def test_a_rollback_killed_at_every_call(tmp_path: Path, after: bool) -> None:
    folder = folder_of(tmp_path, "a", "b")
    for number in range(1, 60):
        if check(folder, {"a", "b"}) == "a":
            folder.promote("b", SMALL)

        def work(number: int = number) -> None:
            killed_at(number, after)
            ModelFolder(tmp_path).rollback(by="child")

        status = in_child(work)
        check(folder, {"a", "b"})
        if status == 0:
            break
        assert status == signal.SIGKILL
    assert status == 0
    assert folder.current == "a"


@pytest.mark.parametrize("after", [False, True])
def test_a_switch_killed_at_every_call(tmp_path: Path, after: bool) -> None:
    switches = Switches(tmp_path)
    switches.off("product", "kept", reason="r", by="b")
    seen = set()
    for number in range(1, 60):
        before = switches.state()

        def work(number: int = number) -> None:
            mine = Switches(tmp_path)
            killed_at(number, after)
            mine.off("product", f"p{number}", reason="r", by="child")

        status = in_child(work)
        new = SwitchState(products=before.products | {f"p{number}"})
        for one in (switches, Switches(tmp_path)):
            assert one.state() in (before, new)
        seen.add(switches.state() == new)
        if status == 0:
            break
        assert status == signal.SIGKILL
    assert status == 0
    assert seen == {True, False}
    switches.on("product", "kept", reason="r", by="b")  # the lock has gone with its holder
    assert "kept" not in Switches(tmp_path).state().products
    assert sorted(os.listdir(tmp_path)) == [".switches.json.lock", "switches.json"]


def test_killed_at_random_moments(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c")
    draw, seen = Random(11), set()
    for _ in range(12):
        start = check(folder, {"a", "b", "c"})

        def work(start: str = start) -> None:
            at = "abc".index(start)
            while True:
                at += 1
                ModelFolder(tmp_path).promote("abc"[at % 3], SMALL)

        child = os.fork()
        if not child:
            try:
                work()
            finally:
                os._exit(1)
        time.sleep(0.02 + 0.2 * draw.random())
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        seen.add(check(folder, {"a", "b", "c"}))
    assert seen <= {"a", "b", "c"}
    names = [one.version for one in folder.history()]
    assert all(re.fullmatch("[abc]", name) for name in names)
    previous = [one.previous for one in folder.history()]
    assert previous[1:] == names[:-1]  # no line was lost or made up
