"""The off-switch: what stands in its file, who sees it when, and what goes wrong with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

import suitably as st
from suitably.serving import Switches, SwitchState

WHY = {"reason": "a test", "by": "me"}


class Log:
    """An audit log that remembers what was off when it was told."""

    def __init__(self, switches: Switches) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._switches = switches

    def switch(self, *said: Any) -> None:
        self.told.append((*said, self._switches.state().any))


def test_off_and_on_again(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    assert switches.state() == SwitchState()
    assert switches.entries() == []
    switches.off("user", "ann", **WHY)
    switches.off("user", 7, **WHY)
    switches.off("product", np.int64(12), **WHY)
    switches.off("policy", "levels", **WHY)
    found = switches.state()
    assert found.users == {"ann", "7"}
    assert (found.products, found.policies, found.everything) == ({"12"}, {"levels"}, False)
    assert found.any
    switches.off("everything", **WHY)
    assert switches.state().everything
    switches.on("everything", **WHY)
    switches.on("user", "7", **WHY)  # a number and its digits are one id
    switches.on("user", "ann", **WHY)
    switches.on("product", 12, **WHY)
    assert switches.state() == SwitchState(policies=frozenset({"levels"}))
    (left,) = switches.entries()
    assert (left.kind, left.id, left.reason, left.by) == ("policy", "levels", "a test", "me")
    switches.on("policy", "levels", **WHY)
    assert not switches.state().any


def test_turned_off_twice_the_later_reason_counts(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    switches.off("product", "a", reason="first", by="me")
    switches.off("product", "a", reason="second", by="me")
    assert [one.reason for one in switches.entries()] == ["second"]
    switches.on("product", "a", **WHY)
    with pytest.raises(st.DataError, match="product 'a': is not off"):
        switches.on("product", "a", **WHY)


@pytest.mark.parametrize("path", ["folder", "file", None])
def test_places(tmp_path: Path, path: str | None) -> None:
    place = {"folder": tmp_path, "file": tmp_path / "my.json"}.get(str(path))
    switches = Switches(place)
    switches.off("everything", **WHY)
    assert switches.state().everything
    if place is not None:
        assert Switches(place).state().everything
        assert (place.is_dir() and (place / "switches.json").exists()) or place.exists()


@pytest.mark.parametrize(
    ("kind", "which"),
    [
        ("customer", "a"), ("", "a"), (None, "a"), ("user", None), ("user", ""), ("user", True),
        ("user", 1.0), ("user", b"a"), ("product", ["a"]), ("everything", "a"), ("policy", 7),
        ("user", "x" * 2000),
    ],
)  # fmt: skip
def test_what_is_no_switch(tmp_path: Path, kind: Any, which: Any) -> None:
    switches = Switches(tmp_path)
    for act in (switches.off, switches.on):
        with pytest.raises(st.DataError):
            act(kind, which, **WHY)
    for blank in ({"reason": " ", "by": "me"}, {"reason": "why", "by": ""}):
        with pytest.raises(st.DataError, match="say wh"):
            switches.off("user", "a", **blank)
    assert os.listdir(tmp_path) in ([], [".switches.json.lock"])


def test_every_switch_is_on_record_before_it_takes_effect(tmp_path: Path) -> None:
    for place in (tmp_path, None):
        switches = Switches(place)
        log = Log(switches)
        switches.off("user", "ann", audit=log, **WHY)
        switches.on("user", "ann", audit=log, reason="over", by="you")
        with pytest.raises(st.DataError, match="is not off"):
            switches.on("user", "ann", audit=log, **WHY)
        assert log.told == [
            ("off", "user", "ann", "a test", "me", False),
            ("on", "user", "ann", "over", "you", True),
        ]


def test_what_cannot_be_recorded_is_not_done(tmp_path: Path) -> None:
    class Full:
        def switch(self, *_: Any) -> None:
            raise OSError(28, "No space left on device")

    for place in (tmp_path, None):
        switches = Switches(place)
        with pytest.raises(OSError, match="No space"):
            switches.off("everything", audit=Full(), **WHY)
        with pytest.raises(ValueError, match="must have a method switch"):
            switches.off("everything", audit=object(), **WHY)  # type: ignore[arg-type]
        assert not switches.state().any


CHILD = """
import sys
from suitably.serving import Switches
switches = Switches(sys.argv[1])
for action in sys.stdin:
    getattr(switches, action.strip())("product", "etf", reason="r", by="b")
    print("done", flush=True)
"""


def test_another_process_is_seen_on_the_next_call(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    assert not switches.state().any
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as child:  # type: ignore[call-overload]
        for action in ("off", "on", "off"):
            child.stdin.write(f"{action}\n")
            child.stdin.flush()
            assert child.stdout.readline() == "done\n"
            assert switches.state().any is (action == "off")
        child.stdin.close()


def test_changes_within_a_tick_of_the_clock_are_seen(tmp_path: Path) -> None:
    mine, theirs = Switches(tmp_path), Switches(tmp_path)
    for number in range(60):
        act = theirs.off if number % 2 == 0 else theirs.on
        act("product", "etf", **WHY)
        assert mine.state().any is (number % 2 == 0)


def test_a_clock_that_jumps_back(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    switches.off("product", "a", **WHY)
    file = tmp_path / "switches.json"
    ahead = file.stat().st_mtime_ns + 10**18
    os.utime(file, ns=(ahead, ahead))
    assert switches.state().products == {"a"}
    switches.off("product", "b", **WHY)
    assert file.stat().st_mtime_ns > ahead
    assert switches.state().products == {"a", "b"}


def test_many_at_once_lose_none(tmp_path: Path) -> None:
    def act(name: str) -> None:
        switches = Switches(tmp_path)
        for number in range(8):
            switches.off("product", f"{name}{number}", **WHY)
            switches.state()

    threads = [Thread(target=act, args=(name,)) for name in "abcd"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(Switches(tmp_path).state().products) == 32
    assert sorted(os.listdir(tmp_path)) == [".switches.json.lock", "switches.json"]


BAD = [
    b"", b"{", b"null", b"[]", b"7", b"\xff\xfe", b'{"schema": 1}', b'{"schema": 2, "off": []}',
    b'{"schema": 1, "off": [{}]}', b'{"schema": 1, "off": 7}', b"[" * 9000,
    b'{"schema": 1, "off": [{"kind": "x", "id": "a", "reason": "r", "by": "b", "at": "2026"}]}',
    b'{"schema": 1, "off": [{"kind": "user", "id": "a", "reason": "r", "by": "b", "at": "noon"}]}',
]  # fmt: skip


@pytest.mark.parametrize("octets", BAD)
def test_a_file_that_cannot_be_read_turns_everything_off(tmp_path: Path, octets: bytes) -> None:
    switches, file = Switches(tmp_path), tmp_path / "switches.json"
    switches.off("product", "a", **WHY)
    assert switches.state().products == {"a"}
    good = file.read_bytes()
    file.write_bytes(octets)
    for one in (switches, Switches(tmp_path)):
        assert one.state().everything
        assert "switches.json" in one.problem
        for act in (one.off, one.on):
            with pytest.raises(st.ArtifactError, match="cannot be read"):
                act("product", "a", **WHY)
    assert file.read_bytes() == octets
    file.unlink()  # as before it was damaged; nothing is turned on
    assert (switches.state(), switches.problem) == (SwitchState(products=frozenset("a")), "")
    file.write_bytes(good)
    assert switches.state().products == {"a"}
    assert switches.problem == ""


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(st.DataError, match="no such folder"):
        Switches(tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_file_that_is_a_link_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text('{"schema": 1, "off": []}')
    (tmp_path / "switches.json").symlink_to("elsewhere")
    assert Switches(tmp_path).state().everything
    (tmp_path / "switches.json").unlink()
    (tmp_path / "switches.json").mkdir()
    assert Switches(tmp_path).state().everything


def test_what_vanishes_turns_nothing_on(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    switches = Switches(folder)
    switches.off("user", "ann", **WHY)
    kept = switches.state()
    (folder / "switches.json").unlink()
    assert switches.state() is kept
    switches.off("product", "etf", **WHY)
    assert Switches(folder).state().users == {"ann"}
    kept = switches.state()
    for name in os.listdir(folder):
        (folder / name).unlink()
    folder.rmdir()
    assert switches.state() is kept
    with pytest.raises(st.DataError, match="no such folder"):
        switches.off("user", "bob", **WHY)


def test_who_may_read_it_stays_as_it_is(tmp_path: Path) -> None:
    switches, file = Switches(tmp_path), tmp_path / "switches.json"
    switches.off("product", "a", **WHY)
    file.chmod(0o640)
    switches.off("product", "b", **WHY)
    assert file.stat().st_mode & 0o777 == 0o640


def test_unusual_ids_and_texts(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    for which in ('"\\', "张三\n", "\u2028", "\ud800", " a "):
        switches.off("user", which, reason=f"because {which}", by="我")
    assert Switches(tmp_path).state().users == {'"\\', "张三\n", "\u2028", "\ud800", " a "}
    assert json.loads((tmp_path / "switches.json").read_text())["schema"] == 1


def test_nobody_is_named_in_reprs(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    switches.off("user", "ann", **WHY)
    switches.off("product", "etf", **WHY)
    said = repr(switches.entries()) + repr(switches.state()) + repr(SwitchState(everything=True))
    assert "ann" not in said
    assert "1 users, 1 products" in said


def test_an_unchanged_state_is_the_same_object_and_takes_a_look_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches = Switches(tmp_path)
    switches.off("product", "etf", **WHY)
    first = switches.state()
    monkeypatch.setattr("suitably.serving.switches.open_regular", None)
    assert all(switches.state() is first for _ in range(10))
