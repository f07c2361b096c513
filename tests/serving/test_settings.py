"""What a file of settings may say, and tokens of the command line."""

from pathlib import Path

import pytest

from suitably.cli import main
from suitably.errors import DataError
from suitably.serving import Settings
from suitably.serving.tokens import TokenFile, new_token, read_roles


def test_every_key_can_be_set_and_paths_are_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "suitably.toml"
    file.write_text(
        """
        [service]
        host = "::1"
        port = 0
        as_of = "today"
        verify = "manifest"
        trusted = ["bank.rankers:Mine"]
        desk = false
        [limits]
        body_bytes = 5
        answer_seconds = 2
        [tokens]
        file = "tokens"
        [audit]
        path = "decisions.sqlite"
        [consent]
        file = "consent.csv"
        sensitive_fields = ["health"]
        [canary]
        users = 7
        [watch]
        on = true
        state = "watch.json"
        [switches]
        path = "off.json"
        """
    )
    said = Settings.load(file)
    assert said.tokens.file == tmp_path / "tokens"
    assert said.audit.path == str(tmp_path / "decisions.sqlite")
    assert said.consent.sensitive_fields == ("health",)
    assert said.service.trusted == ("bank.rankers:Mine",)
    assert (said.limits.body_bytes, said.limits.answer_seconds) == (5, 2.0)
    assert (said.canary.users, said.service.port, said.service.desk) == (7, 0, False)
    file.write_text('[audit]\npath = "postgresql://u@h/db"\n')
    assert Settings.load(file).audit.path == "postgresql://u@h/db"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limit]\nk = 3", r"no section \[limit\]; did you mean limits"),
        ("[limits]\nbodybytes = 3", "no key 'bodybytes'; did you mean body_bytes"),
        ("limits = 3", "must be a section"),
        ("[limits]\nk = 0", "k=0: must be above 0"),
        ("[limits]\nk = -1", "must be above 0"),
        ("[limits]\nk = 3.5", "must be a whole number"),
        ("[limits]\nk = true", "must be a whole number"),
        ("[limits]\nanswer_seconds = nan", "must be a number"),
        ("[limits]\nanswer_seconds = inf", "must be a number"),
        ("[service]\nport = 70000", "below 65536"),
        ("[service]\nas_of = 'now'", 'must be "fitted" or "today"'),
        ("[service]\nverify = 3", "must be text"),
        ("[consent]\nsensitive_fields = 'health'", "must be a list of texts"),
        ("[watch]\non = 1", "must be true or false"),
        ("[service]\nworkers = 2\n[watch]\non = true", "one process alone can watch"),
        ("[limits", "is no TOML"),
    ],
)
def test_what_no_service_can_go_by(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "suitably.toml"
    file.write_text(text)
    with pytest.raises(DataError, match=words):
        Settings.load(file)


def test_limits_by_name() -> None:
    assert Settings().with_limits(k=7).limits.k == 7
    with pytest.raises(ValueError, match="did you mean users"):
        Settings().with_limits(user=7)
    with pytest.raises(ValueError, match="above 0"):
        Settings().with_limits(users=0)


def test_a_new_token_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--new-token", "recommend,explain", "--name", "shop"]) == 0
    shown, line = [one.split(":", 1)[1].strip() for one in capsys.readouterr().out.splitlines()]
    assert shown not in line
    file = tmp_path / "tokens"
    file.write_text(f"\n# a comment\n{line}  # another\n")
    found = TokenFile(file).find(f"Bearer {shown}")
    assert found is not None
    assert (found.name, found.roles) == ("shop", {"recommend", "explain"})
    assert main(["serve", "--new-token", "recomend"]) == 1
    assert "did you mean recommend" in capsys.readouterr().err
    assert main(["serve", "--new-token", "admin", "--name", "two words"]) == 1
    assert main(["serve"]) == 1


def test_an_administrator_may_do_everything() -> None:
    assert read_roles("admin") == {"recommend", "explain", "identify", "admin"}


@pytest.mark.parametrize(
    "line", ["shop", "shop recommend", "shop sing " + "0" * 64, "shop recommend " + "g" * 64]
)
def test_a_file_of_tokens_that_cannot_be_read(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# first\n{line}\n")
    with pytest.raises(DataError, match="line 2"):
        TokenFile(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError):
        TokenFile(file)


def test_several_tokens_of_one_name(tmp_path: Path) -> None:
    made = [new_token(["recommend"], "shop") for _ in range(2)]  # while one replaces the other
    file = tmp_path / "tokens"
    file.write_text("".join(f"{token.line}\n" for _, token in made))
    assert all(TokenFile(file).find(f"Bearer {secret}") for secret, _ in made)


def test_beyond_this_machine_tokens_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for host in ("0.0.0.0", "::", "example.org"):
        assert main(["serve", str(tmp_path), "--host", host]) == 1
        assert "--new-token" in capsys.readouterr().err
    assert main(["serve", str(tmp_path / "gone")]) == 1
