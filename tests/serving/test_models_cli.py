"""`suitably models`: what it prints, what it changes, and with which exit code."""

import shutil
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import suitably as st
from serving.banks import Own, fitted, folder_of, tight
from suitably.cli import main
from suitably.governance import AuditTrail
from suitably.governance.subjects import subject_of
from suitably.ranking import Popularity
from suitably.serving import ModelFolder, Service, Settings, Switches


def run(*words: object) -> int:
    return main(["models", *map(str, words)])


def test_list_promote_rollback_and_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path, "2026-06-01", "2026-07-01")
    assert run("list", tmp_path) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("* 2026-06-01  20")
    assert second.startswith("  2026-07-01  20")
    assert second.endswith(str(folder.versions()[1].digest)[:16])
    assert run("promote", tmp_path, "2026-07-01", "--users", 9, "--k", 2, "--by", "ann") == 0
    assert capsys.readouterr().out.startswith(
        "2026-07-01 is the current version: 9 customers, 18 products listed, no violation, "
    )
    assert folder.current == "2026-07-01"
    assert run("rollback", tmp_path) == 0
    assert capsys.readouterr().out == "2026-06-01 is the current version\n"
    assert folder.current == "2026-06-01"
    assert run("history", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("promote   2026-07-01 after 2026-06-01 by ann")
    assert "rollback  2026-06-01 after 2026-07-01 by " in lines[2]


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder_of(tmp_path, "a")
    tight().save(tmp_path / "b")
    assert run("promote", tmp_path, "b") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("suitably: b: is refused: 100.0% of the customers get no product")
    lax = ("--max-abstention", 1, "--max-new-abstention", 1)
    assert run("promote", tmp_path, "b", *lax) == 0
    assert run("rollback", tmp_path) == 0
    assert run("rollback", tmp_path) == 1
    assert "no version was promoted before" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("promote", "."), ("promote", ".", "a", "--users", "0"), ("off", ".", "shop", "a"),
        ("promote", ".", "a", "--max-abstention", "1.5"), ("off", ".", "everything"),
        ("promote", ".", "a", "--max-new-abstention", "x"), ("sell", "."),
    ],
)  # fmt: skip
def test_words_that_cannot_be_used(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = tmp_path / "nowhere"
    for words in (
        ("list", nowhere), ("history", nowhere), ("promote", nowhere, "a"), ("rollback", nowhere),
        ("off", nowhere, "everything", "--reason", "r"), ("promote", tmp_path, "../a"),
        ("off", tmp_path, "user", "--reason", "r"), ("on", tmp_path, "user", "a", "--reason", "r"),
        ("off", tmp_path, "everything", "--reason", "r", "--audit", nowhere),
    ):  # fmt: skip
        assert run(*words) == 1
        assert capsys.readouterr().err.startswith("suitably: ")
    assert not nowhere.exists()
    assert not Switches(tmp_path).state().any
    assert run("list", tmp_path) == 0
    assert "no version is there" in capsys.readouterr().out


def test_a_current_version_that_has_vanished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path, "a", "b")
    shutil.rmtree(tmp_path / "a")
    assert run("list", tmp_path) == 0
    assert "* a: has vanished" in capsys.readouterr().out


def test_off_and_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder_of(tmp_path, "a")
    trail = tmp_path / "decisions.sqlite"
    audit = AuditTrail(trail)
    why = ("--reason", "a test", "--by", "ann", "--audit", trail)
    assert run("off", tmp_path, "user", "u01", *why) == 0
    assert capsys.readouterr().out == "user: off from the next call on, on record\n"
    assert run("off", tmp_path, "product", "p2", "--reason", "misprint", "--by", "ann") == 0
    assert "recorded nowhere" in capsys.readouterr().out
    assert run("off", tmp_path, "everything", *why) == 0
    assert run("on", tmp_path, "everything", *why) == 0
    capsys.readouterr()
    state = Switches(tmp_path).state()
    assert (state.users, state.products, state.everything) == ({"u01"}, {"p2"}, False)
    assert [(one.action, one.kind, one.by) for one in audit.switches] == [
        ("off", "user", "ann"), ("off", "everything", "ann"), ("on", "everything", "ann"),
    ]  # fmt: skip
    assert audit.verify().ok
    assert run("list", tmp_path) == 0
    out = capsys.readouterr().out
    assert "off: 1 user\n" in out
    assert "off: product p2 (misprint; ann, 20" in out
    assert "u01" not in out
    (tmp_path / "switches.json").write_text("{")
    assert run("list", tmp_path) == 0
    assert "off: everything, since " in capsys.readouterr().out
    assert run("off", tmp_path, "everything", *why) == 1


def test_ids_that_are_numbers_have_the_pseudonyms_of_numbers(tmp_path: Path) -> None:
    log = pd.DataFrame({"user_id": [7, 8], "product_id": ["a", "b"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Popularity())
    pipeline.fit(st.Dataset(None, None, log)).save(tmp_path / "a")
    ModelFolder(tmp_path).promote("a")
    trail, key = tmp_path / "decisions.sqlite", "0123456789abcdef" * 2
    (tmp_path / "keys").write_text(f"{key}\n")
    audit = AuditTrail(trail, bytes.fromhex(key))
    why = ("--reason", "r", "--audit", trail, "--key", tmp_path / "keys")
    assert run("off", tmp_path, "user", "7", *why) == 0
    assert run("off", tmp_path, "user", "seven", *why) == 0
    assert run("on", tmp_path, "user", "7", *why) == 0
    subjects = [one.subject for one in audit.switches]
    mine = [subject_of(which, bytes.fromhex(key)).hex() for which in (7, "seven", 7)]
    assert subjects == mine
    (tmp_path / "keys").write_text("no keys\n")
    assert run("off", tmp_path, "user", "8", *why) == 1


def test_without_a_version_the_switch_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("gone")
    assert run("off", tmp_path, "user", "7", "--reason", "r", "--by", "b") == 0
    assert Switches(tmp_path).state().users == {"7"}


def test_with_a_register_of_consent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register = pd.DataFrame({"user_id": ["u01"], "purpose": "personalisation",
                             "granted_at": "2023-01-01", "withdrawn_at": None})  # fmt: skip
    fitted(consent=st.governance.Consent(register)).save(tmp_path / "a")
    assert run("promote", tmp_path, "a") == 1
    assert "fitted with a register of consent" in capsys.readouterr().err
    register.to_csv(tmp_path / "consent.csv", index=False)
    assert run("promote", tmp_path, "a", "--consent", tmp_path / "consent.csv") == 0


OWN = "serving.banks:Own"


def test_with_a_ranker_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        fitted(ranker=Own()).save(tmp_path / name)
    assert run("promote", tmp_path, "a") == 1
    assert "is not trusted" in capsys.readouterr().err
    for name in "ab":
        assert run("promote", tmp_path, name, "--trust", OWN) == 0
    assert run("rollback", tmp_path) == 1
    assert run("rollback", tmp_path, "--trust", OWN) == 0
    assert ModelFolder(tmp_path).current == "a"
    said = Settings.read({"service": {"trusted": [OWN]}})
    for path in (tmp_path, tmp_path / "a"):
        with closing(Service(path, said)) as service:
            assert service.ready, service.problems
    with closing(Service(tmp_path)) as service:
        assert "is not trusted" in service.problems[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("serving.banks", "must be module:Name"),
        (":Own", "must be module:Name"),
        ("serving.banks:", "must be module:Name"),
        ("serving.banks:a b", "must be module:Name"),
        ("serving.banks:Dearest", "no such class or function"),
        ("serving.banks:Own.state.gone", "no such class or function"),
        ("serving.banks:__all__", "no such class or function"),
        ("no_such_module:Mine", "No module named"),
        (".rankers:Mine", "must be module:Name"),
    ],
)
def test_names_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    folder_of(tmp_path, "a")
    assert run("promote", tmp_path, "a", "--trust", name) == 1
    assert words in capsys.readouterr().err
    with pytest.raises(st.DataError, match="trusted"):
        Service(tmp_path, Settings.read({"service": {"trusted": [name]}}))
