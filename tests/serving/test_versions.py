"""Folders of versions: what is promoted, what is refused, and how to go back."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from serving.banks import fitted, folder_of, tight
from suitably.serving import Canary, ModelFolder, PromotionRefused
from suitably.utils.files import locked

SMALL = Canary(users=10, k=3)
SILENT = Canary(users=1, k=1, max_abstention=1.0)
PIPELINE = fitted()


def test_versions_in_a_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "2026-06-01", "2026-07-01")
    (tmp_path / "notes.txt").write_text("no version")
    (tmp_path / "empty").mkdir()
    shutil.copytree(tmp_path / "2026-06-01", tmp_path / ".hidden")
    found = folder.versions()
    assert [(one.name, one.current) for one in found] == [
        ("2026-06-01", True), ("2026-07-01", False),
    ]  # fmt: skip
    assert all(len(one.digest or "") == 64 and not one.problem for one in found)
    assert abs((datetime.now(UTC) - found[0].saved_at).total_seconds()) < 600
    assert folder.current == "2026-06-01"
    assert found[0].to_dict()["current"] is True


def test_a_good_version_is_promoted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    report = folder.promote("b", SMALL, by="ops")
    assert report.ok
    assert (report.users, report.violations, report.problems) == (10, 0, ())
    assert report.abstention == report.abstention_before
    assert folder.current == "b"
    assert os.readlink(tmp_path / "current") == "b"
    last = folder.history()[-1]
    assert (last.action, last.version, last.previous, last.by) == ("promote", "b", "a", "ops")
    assert [one.action for one in folder.history()] == ["found", "promote"]
    assert last.digest == next(one.digest for one in folder.versions() if one.name == "b")


def test_the_first_version_of_all(tmp_path: Path) -> None:
    fitted().save(tmp_path / "a")
    folder = ModelFolder(tmp_path)
    assert folder.current is None
    assert folder.history() == []
    report = folder.promote("a", SMALL)
    assert report.abstention_before is None
    assert folder.current == "a"
    with pytest.raises(PromotionRefused, match="no version was promoted before"):
        folder.rollback()
    assert folder.current == "a"


def test_promoting_the_current_one_changes_nothing(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    folder.promote("b", SMALL)
    before = folder.history()
    assert folder.promote("b", SMALL).ok
    assert folder.history() == before


def test_a_version_that_abstains_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a")
    tight().save(tmp_path / "b")
    with pytest.raises(PromotionRefused, match=r"100\.0% of the customers get no product") as error:
        folder.promote("b", SMALL, by="ops")
    assert error.value.report is not None
    assert not error.value.report.ok
    assert (folder.current, [one.action for one in folder.history()]) == ("a", ["found"])
    with pytest.raises(PromotionRefused, match="more of the places are empty"):
        folder.promote("b", Canary(users=10, k=3, max_abstention=1.0))


def test_damaged_versions_and_such_of_a_newer_schema(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c", "d")
    array = next((tmp_path / "b").glob("*.npy"))
    array.write_bytes(array.read_bytes()[:-1] + b"x")
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    written = json.dumps({**manifest, "schema": 99}).encode()
    (tmp_path / "c" / "manifest.json").write_bytes(written)
    (tmp_path / "c" / "manifest.sha256").write_text(sha256(written).hexdigest())
    (tmp_path / "d" / "manifest.json").write_bytes(written)
    for name, words in (("b", "damaged"), ("c", "newer version"), ("d", "damaged")):
        with pytest.raises(st.ArtifactError, match=words):
            folder.load(name)
        with pytest.raises(st.ArtifactError, match=words):
            folder.promote(name, SMALL)
    assert folder.current == "a"
    problems = {one.name: one.problem for one in folder.versions()}
    assert "damaged" in problems.pop("d")
    assert set(problems.values()) == {""}
    assert next(one.digest for one in folder.versions() if one.name == "d") is None


@pytest.mark.parametrize(
    "name",
    [
        *("Current", "CURRENT"),
        *("..", ".", "../a", "a/b", "/etc", "a/", "", ".hidden", "current", "a\\b", "a\n", "a b"),
        *("-a", "x" * 200, None, 7, "a\0b"),
    ],
)
def test_names_that_are_none(tmp_path: Path, name: Any) -> None:
    folder = folder_of(tmp_path, "a")
    for ask in (folder.load, folder.promote):
        with pytest.raises(st.ArtifactError, match="no name of a version"):
            ask(name)
    assert folder.current == "a"


def test_names_in_any_language(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "六月", "2026-07-01T12:30+02:00")
    assert folder.promote("六月", SMALL).ok
    assert folder.promote("2026-07-01T12:30+02:00", SMALL).ok
    assert folder.rollback() == "六月"


def test_links_as_versions_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "models", "a")
    fitted().save(tmp_path / "elsewhere")
    (tmp_path / "models" / "b").symlink_to("../elsewhere")
    (tmp_path / "models" / "c").symlink_to("a")
    for name in ("b", "c"):
        with pytest.raises(st.ArtifactError, match="a version is never a link"):
            folder.promote(name, SMALL)
    assert [one.name for one in folder.versions()] == ["a"]


@pytest.mark.parametrize("target", ["../elsewhere", "/etc", ".hidden", "a/../../x", "..", "."])
def test_a_pointer_out_of_the_folder(tmp_path: Path, target: str) -> None:
    folder = folder_of(tmp_path, "a")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(target)
    with pytest.raises(st.ArtifactError, match="no version of this folder"):
        _ = folder.current
    assert [one.current for one in folder.versions()] == [False]
    with pytest.raises(st.ArtifactError, match="no version of this folder"):
        folder.promote("a", SMALL)
    with pytest.raises(st.ArtifactError, match="no version of this folder"):
        folder.rollback()


def test_a_broken_pointer_is_still_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    shutil.rmtree(tmp_path / "a")
    assert folder.current == "a"
    with pytest.raises(st.ArtifactError, match="has no version 'a': there are b"):
        folder.load("a")
    assert folder.promote("b", SMALL).abstention_before is None  # nothing to hold it against
    assert folder.current == "b"


def test_a_pointer_made_by_hand(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    for target in ("./b", "b/"):
        (tmp_path / "current").unlink()
        (tmp_path / "current").symlink_to(target)
        assert folder.current == "b"


def test_a_pointer_that_is_a_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    (tmp_path / "current").unlink()
    (tmp_path / "current").write_text("a\n")
    assert folder.current == "a"
    folder.promote("b", SMALL)
    assert (tmp_path / "current").read_text() == "b\n"
    assert folder.current == "b"
    assert folder.rollback() == "a"
    (tmp_path / "current").write_bytes(b"\xff\xfe")
    with pytest.raises(st.ArtifactError, match="cannot be read"):
        _ = folder.current


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted().save(tmp_path / "a")
    folder = ModelFolder(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.symlink", refuse)
    folder.promote("a", SMALL)
    assert not (tmp_path / "current").is_symlink()
    assert folder.current == "a"


def test_a_folder_in_the_place_of_the_pointer(tmp_path: Path) -> None:
    fitted().save(tmp_path / "a")
    (tmp_path / "current").mkdir()
    with pytest.raises(st.ArtifactError, match="neither a link nor a file"):
        ModelFolder(tmp_path).promote("a", SMALL)


def test_rolling_back_and_further_back(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c", "d")
    for name in "bc":
        folder.promote(name, SMALL)
    assert folder.rollback(by="night shift") == "b"
    last = folder.history()[-1]
    assert (last.action, last.version, last.previous, last.by) == (
        "rollback", "b", "c", "night shift",
    )  # fmt: skip
    folder.promote("d", SMALL)
    assert folder.rollback() == "b"
    assert folder.rollback() == "a"
    with pytest.raises(PromotionRefused, match="no version was promoted before"):
        folder.rollback()
    assert folder.current == "a"
    folder.promote("c", SMALL)
    assert folder.rollback() == "a"


def test_rolling_back_to_what_has_vanished_or_is_damaged(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    folder.promote("b", SMALL)
    before = folder.history()
    (tmp_path / "a" / "manifest.sha256").write_text("0" * 64)
    with pytest.raises(st.ArtifactError, match="damaged"):
        folder.rollback()
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(st.ArtifactError, match="has no version 'a'"):
        folder.rollback()
    assert folder.current == "b"
    assert folder.history() == before


def test_a_pointer_moved_by_hand_is_found(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c")
    folder.promote("b", SMALL)
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("c")
    assert [(one.action, one.version) for one in folder.history()] == [
        ("found", "a"), ("promote", "b"), ("found", "c"),
    ]  # fmt: skip
    assert folder.rollback() == "b"
    assert [(one.action, one.version) for one in folder.history()][2:] == [
        ("found", "c"), ("rollback", "b"),
    ]  # fmt: skip


def test_lines_count_in_their_order_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, "a", "b", "c")
    folder.promote("b", SMALL)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(1999, 1, 1, tzinfo=tz)

    monkeypatch.setattr("suitably.serving.versions.datetime", Earlier)
    folder.promote("c", SMALL)
    history = folder.history()
    assert [one.version for one in history] == ["a", "b", "c"]
    assert history[-1].at.year == 1999
    assert folder.rollback() == "b"


def test_torn_and_foreign_lines(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c")
    folder.promote("b", SMALL)
    lines = tmp_path / "promotions.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole + b'{"at": "2026-')
    assert [one.version for one in folder.history()] == ["a", "b"]
    folder.promote("c", SMALL)
    assert [one.version for one in folder.history()] == ["a", "b", "c"]
    odd = [b"", b"null", b"[]", b"7", b'{"at": 1}', b"\xff", b"[" * 5000]
    odd.append(whole.split(b"\n")[1].replace(b'"version": "b"', b'"version": "../b"'))
    odd.append(whole.split(b"\n")[1].replace(b'"promote"', b'"sell"'))
    lines.write_bytes(b"\n".join([*odd, lines.read_bytes()]))
    assert [one.version for one in folder.history()] == ["a", "b", "c"]
    lines.write_bytes(b"")
    assert [(one.action, one.version) for one in folder.history()] == [("found", "c")]


def test_a_name_with_a_line_break_makes_one_line(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    folder.promote("b", SMALL, by='x"\n{"action": "promote"}\u2028张')
    assert folder.history()[-1].by == 'x"\n{"action": "promote"}\u2028张'
    assert len((tmp_path / "promotions.jsonl").read_bytes().splitlines()) == 2


def test_two_promotions_at_once(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c")
    started, go = Event(), Event()

    class Slow(Canary):
        def check(self, *args: Any, **kwargs: Any) -> Any:
            started.set()
            assert go.wait(30)
            return super().check(*args, **kwargs)

    thread = Thread(target=lambda: folder.promote("b", Slow(users=5, k=2)))
    thread.start()
    assert started.wait(30)
    for ask in (lambda: ModelFolder(tmp_path).promote("c", SMALL), ModelFolder(tmp_path).rollback):
        with pytest.raises(PromotionRefused, match="under way"):
            ask()
    assert folder.current == "a"
    go.set()
    thread.join()
    assert folder.current == "b"
    folder.promote("c", SMALL)


def test_a_version_saved_anew_while_it_is_tried(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")

    class Saving(Canary):
        def check(self, *args: Any, **kwargs: Any) -> Any:
            tight().save(tmp_path / "b")
            return super().check(*args, **kwargs)

    with pytest.raises(PromotionRefused, match="saved anew while it was tried"):
        folder.promote("b", Saving(users=5, k=2))
    assert folder.current == "a"


def test_a_folder_that_is_not_there_or_vanishes(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "nowhere")
    asks: list[Any] = [folder.versions, folder.history, folder.rollback]
    asks += [lambda: folder.current, lambda: folder.load("a"), lambda: folder.promote("a")]
    for ask in asks:
        with pytest.raises(st.ArtifactError, match="nowhere"):
            ask()
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "nowhere").write_text("a file")
    for ask in asks:
        with pytest.raises(st.ArtifactError, match="nowhere"):
            ask()


def test_what_an_ended_writer_leaves_is_cleared(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    left = tmp_path / f".current.{'0' * 16}"
    left.symlink_to("b")
    (tmp_path / ".current.mine").write_text("not ours")
    assert folder.current == "a"
    folder.promote("b", SMALL)
    assert not left.is_symlink()
    assert (tmp_path / ".current.mine").exists()


@contextmanager
def holding(path: Path) -> Iterator[None]:
    with locked(path, folder=True):
        yield


def test_a_rollback_while_another_holds_the_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b")
    folder.promote("b", SMALL)
    with holding(tmp_path), pytest.raises(PromotionRefused, match="under way"):
        folder.rollback()
    assert folder.rollback() == "a"


def test_a_line_that_cannot_be_written_does_not_undo_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path, "a", "b")
    folder.promote("b", SMALL)
    with monkeypatch.context() as patched:

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr("suitably.serving.versions.append_promotion", full)
        assert folder.rollback() == "a"
    assert "no line could say so" in caplog.text
    assert folder.current == "a"
    assert folder.history()[-1].action == "found"
    folder.promote("b", SMALL)
    assert [one.version for one in folder.history()] == ["a", "b", "a", "b"]


def test_a_full_disk_leaves_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, "a", "b")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    for what in ("os.symlink", "os.replace"):
        with monkeypatch.context() as patched:
            patched.setattr(what, full)
            with pytest.raises(OSError, match="No space"):
                folder.promote("b", SMALL)
        assert folder.current == "a"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".current")]


MOVES = some.lists(
    some.tuples(
        some.sampled_from(["promote", "promote", "rollback", "hand"]), some.sampled_from("abcd")
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(MOVES)
def test_any_promotions_rollbacks_and_moves_by_hand(moves: list[tuple[str, str]]) -> None:
    """Held against a pile of names: what is promoted is put on it, a rollback takes it off."""
    with TemporaryDirectory() as place:
        path = Path(place)
        for name in "abcd":
            (path / name).mkdir()
            (path / name / "manifest.json").write_bytes(b"{}")
            (path / name / "manifest.sha256").write_text(sha256(b"{}").hexdigest())
        folder = ModelFolder(path)
        folder.load = lambda name: PIPELINE  # type: ignore[method-assign]
        pile: list[str] = []
        unseen = False  # whether the topmost was put there by hand, and no line says so yet
        for action, name in moves:
            if action == "rollback":
                if len(pile) > 1:
                    pile.pop()
                    assert folder.rollback() == pile[-1]
                    unseen = False
                else:
                    with pytest.raises(PromotionRefused, match="no version was promoted"):
                        folder.rollback()
                continue
            if action == "promote":
                folder.promote(name, SILENT)
                unseen = unseen and pile[-1] == name
            else:
                (path / "current").unlink(missing_ok=True)
                (path / "current").symlink_to(name)
                if unseen:
                    pile.pop()
                unseen = pile[-1:] != [name]
            if pile[-1:] != [name]:
                pile.append(name)
        assert folder.current == (pile[-1] if pile else None)
        history = folder.history()
        assert [one.previous for one in history[1:]] == [one.version for one in history[:-1]]


def test_who_may_be_trusted_and_who_has_signed(tmp_path: Path) -> None:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    key, other = (serialization.Ed25519PrivateKey.generate() for _ in range(2))
    fitted().save(tmp_path / "a", sign=key)
    fitted().save(tmp_path / "b", sign=other)
    folder = ModelFolder(tmp_path, public_key=key.public_key())
    folder.promote("a", SMALL)
    with pytest.raises(st.ArtifactError, match="sign"):
        folder.promote("b", SMALL)
    assert folder.current == "a"
