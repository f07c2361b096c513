"""The command line: what it prints, and with which exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from suitably.cli import main

GOOD = """
[policy]
id = "house"
version = "1"
title = { en = "House rules", zh = "内部规则" }
MORE
[[rules]]
id = "adult"
article = "House rule 1"
require = "age(user.birth_date) >= 18"
because = { en = "Not of age.", zh = "未成年。" }
"""


def write(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_policy_without_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", write(tmp_path, "good.toml", GOOD.replace("MORE", ""))]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("house 1\n")
    assert "age(user.birth_date) >= 18" in out
    assert "内部规则" in out
    assert out.rstrip().endswith("Nothing found.")


def test_a_built_in_policy_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "cn-csrc-amac"]) == 0
    assert "CSRC suitability measures" in capsys.readouterr().out


def test_warnings_alone_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("MORE", "").replace('article = "House rule 1"', "")
    assert main(["policy", "check", write(tmp_path, "p.toml", text)]) == 0
    assert "0 errors, 1 warning, 0 notes" in capsys.readouterr().out


def test_an_error_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("MORE", "").replace(">= 18", "< 0")
    assert main(["policy", "check", write(tmp_path, "p.toml", text)]) == 1
    out, _ = capsys.readouterr()
    assert "error     adult: keeps out every pair" in out
    assert "1 error, 0 warnings, 0 notes" in out


def test_files_are_checked_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write(tmp_path, "1.toml", GOOD.replace("MORE", "expires = 2024-02-01"))
    later = GOOD.replace("MORE", "effective = 2024-01-01").replace('version = "1"', 'version = "2"')
    second = write(tmp_path, "2.toml", later)
    assert main(["policy", "check", first, second]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "versions 1 and 2 are both in force from 2024-01-01 before 2024-02-01" in out
    third = write(tmp_path, "3.toml", later.replace("2024-01-01", "2024-02-01"))
    assert main(["policy", "check", first, third]) == 0
    assert "side by side" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[policy", "is not TOML"),
        (GOOD.replace("MORE", "colour = 'red'"), "unknown keys"),
        (GOOD.replace("MORE", "").replace(">= 18", ">= open('x')"), "line 1, column 25"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, error: str
) -> None:
    good = write(tmp_path, "good.toml", GOOD.replace("MORE", ""))
    bad = write(tmp_path, "bad.toml", text)
    assert main(["policy", "check", bad, good]) == 1
    out, err = capsys.readouterr()
    assert error in err
    assert "bad.toml" in err
    assert "Nothing found." in out  # the other file is checked all the same


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("no-such-policy", str(tmp_path), str(tmp_path / "x.toml")):
        assert main(["policy", "check", name]) == 1
        assert "no such file" in capsys.readouterr().err


def test_bytes_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    assert main(["policy", "check", str(tmp_path / "b.toml")]) == 1
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["policy"], ["policy", "check"], ["unknown"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: suitably" in capsys.readouterr().err


def test_a_narrow_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    main(["policy", "check", write(tmp_path, "p.toml", GOOD.replace("MORE", ""))])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40


def test_a_terminal_that_has_no_chinese(tmp_path: Path) -> None:
    file = write(tmp_path, "p.toml", GOOD.replace("MORE", ""))
    done = subprocess.run(
        [sys.executable, "-m", "suitably.cli", "policy", "check", file],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert b"????" in done.stdout


def test_the_demonstration_still_has_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert "--far-trans" in out
    assert "--report" in out


def test_a_demonstration_without_its_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, report = tmp_path / "none", tmp_path / "report.html"
    assert main(["demo", "--far-trans", str(folder), "--report", str(report)]) == 1
    assert "suitably: " in capsys.readouterr().err
