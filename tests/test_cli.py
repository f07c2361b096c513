"""The command line: what it prints, and with which exit code."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import suitably as st
from engines.models import consenting
from suitably.cli import main
from support.banks import AS_OF, popular

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


def test_findings_in_another_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("MORE", "").replace('article = "House rule 1"', "")
    file = write(tmp_path, "p.toml", text)
    assert main(["policy", "check", "--findings-in", "zh", file]) == 0
    assert (
        "警告      adult: 没有写明依据条款：请注明出处\n0个错误、1个警告、0个提示"
        in capsys.readouterr().out
    )
    assert main(["policy", "check", "--findings-in", "xx", file]) == 1
    assert "--findings-in is one of en, zh" in capsys.readouterr().err


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


@pytest.mark.parametrize("arguments", [[], ["policy"], ["policy", "check"], ["unknown"], ["--k"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: suitably" in capsys.readouterr().err


# --- languages -----------------------------------------------------------------------------------


def test_languages_that_every_text_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "p.toml", GOOD.replace("MORE", ""))
    assert main(["policy", "check", file, "--languages", "en, zh"]) == 0
    assert "Nothing found." in capsys.readouterr().out
    assert main(["policy", "check", file, "--languages", "de,zh"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "house: has no `title` in de" in out
    assert "adult: has no `because` in de" in out
    assert "2 errors" in out


@pytest.mark.parametrize("codes", ["", "en,", "en;zh", "8"])
def test_languages_that_are_none(codes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["policy", "check", "cn-csrc-amac", "--languages", codes])
    assert stopped.value.code == 2
    assert "such as en,zh" in capsys.readouterr().err


# --- recommend -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.Pipeline, str]:
    """A bank whose users are u0, u1, … as text."""
    folder = tmp_path_factory.mktemp("text") / "model"
    pipeline = popular(8).fitted()
    pipeline.save(folder)
    return pipeline, str(folder)


@pytest.fixture(scope="module")
def integers(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.Pipeline, str]:
    folder = tmp_path_factory.mktemp("integers") / "model"
    log = pa.table({"user_id": pa.array([7, 8, 9], pa.int32()), "product_id": [1, 2, 2]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, None, log)).save(folder)
    return pipeline, str(folder)


def read(path: Path) -> pa.Table:
    return pq.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)


def put(table: pa.Table, path: Path) -> str:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        csv.write_csv(table, path)
    return str(path)


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in table.to_pylist()]


@pytest.mark.parametrize("ends", [".csv", ".parquet"])
@pytest.mark.parametrize("begins", [".csv", ".parquet"])
def test_lists_from_file_to_file(
    begins: str,
    ends: str,
    text: tuple[st.Pipeline, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline, model = text
    asked = ["u3", "nobody", "u0", "u3"]
    users = put(pa.table({"note": [1, 2, 3, 4], "user_id": asked}), tmp_path / f"users{begins}")
    out = tmp_path / f"lists{ends}"
    out.write_text("what was here before")
    assert main(["recommend", model, "--users", users, "--out", str(out), "--k", "2"]) == 0
    found = read(out)
    assert found.column_names == ["user_id", "rank", "product_id", "score"]
    lists = {user: rows(pipeline.recommend([user], k=2).to_arrow()) for user in ("u3", "u0")}
    assert rows(found) == [*lists["u3"], *lists["u0"], *lists["u3"]]
    said, err = capsys.readouterr()
    assert said == f"{out}: {found.num_rows} products for 3 of 4 users, 1 unknown to the model\n"
    assert err == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == [out.name, Path(users).name]


def test_integers_keep_their_type(integers: tuple[st.Pipeline, str], tmp_path: Path) -> None:
    pipeline, model = integers
    users = put(pa.table({"client": pa.array([9, 7], pa.int64())}), tmp_path / "u.csv")
    arguments = ["recommend", model, "--users", users, "--user-column", "client", "--out"]
    assert main([*arguments, str(tmp_path / "l.parquet")]) == 0
    found = pq.read_table(tmp_path / "l.parquet")
    assert [str(kind) for kind in found.schema.types] == ["int32", "int32", "int64", "float"]
    assert rows(found) == rows(pipeline.recommend([9, 7]).to_arrow())


def test_text_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    log = pa.table({"user_id": ["007", "7"], "product_id": ["a", "b"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(None, None, log)).save(tmp_path / "m")
    users, out = tmp_path / "u.csv", tmp_path / "l.parquet"
    users.write_text("\ufeffuser_id\n007\n\n", encoding="utf-8")
    model = str(tmp_path / "m")
    assert main(["recommend", model, "--users", str(users), "--out", str(out)]) == 0
    assert [(r["user_id"], r["product_id"]) for r in rows(pq.read_table(out))] == [("007", "b")]


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_batches_of_any_size_are_the_same(
    batch: int, text: tuple[st.Pipeline, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, model = text
    monkeypatch.setattr("suitably.engines.files._ROWS", batch)
    users = put(pa.table({"user_id": pipeline.user_ids.tolist()}), tmp_path / "u.parquet")
    out = tmp_path / "l.parquet"
    assert main(["recommend", model, "--users", users, "--out", str(out)]) == 0
    assert pq.read_table(out).equals(pipeline.recommend().to_arrow().combine_chunks())


def test_what_is_logged_counts_and_names_nobody(
    text: tuple[st.Pipeline, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark = "customer-4711"
    users = put(pa.table({"user_id": ["u0", "u3", mark]}), tmp_path / "u.csv")
    caplog.set_level("DEBUG", "suitably")
    assert main(["recommend", text[1], "--users", users, "--out", str(tmp_path / "l.csv")]) == 0
    assert "recommend to file: " in caplog.text
    assert "users=3, unknown=1, served=2" in caplog.text
    listed = set(read(tmp_path / "l.csv")["product_id"].to_pylist())
    words = set(caplog.text.replace(",", " ").split())
    assert not words & {mark, "u0", "u3", *listed}


def test_categories_are_ids_too(text: tuple[st.Pipeline, str], tmp_path: Path) -> None:
    ids = pa.array(["u1", "u0"]).dictionary_encode()
    users = put(pa.table({"user_id": ids}), tmp_path / "u.parquet")
    out = tmp_path / "l.csv"
    assert main(["recommend", text[1], "--users", users, "--out", str(out)]) == 0
    assert {row["user_id"] for row in rows(read(out))} == {"u0", "u1"}


@pytest.mark.parametrize("ends", [".csv", ".parquet"])
def test_nobody_at_all(
    ends: str,
    text: tuple[st.Pipeline, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    users = put(pa.table({"user_id": pa.array([], pa.string())}), tmp_path / f"u{ends}")
    out = tmp_path / f"l{ends}"
    assert main(["recommend", text[1], "--users", users, "--out", str(out)]) == 0
    assert read(out).num_rows == 0
    assert read(out).column_names == ["user_id", "rank", "product_id", "score"]
    assert "0 products for 0 of 0 users" in capsys.readouterr().out


def test_a_later_moment(text: tuple[st.Pipeline, str], tmp_path: Path) -> None:
    pipeline, model = text
    users = put(pa.table({"user_id": ["u0", "u1"]}), tmp_path / "u.csv")
    later = AS_OF + timedelta(days=900)
    out = tmp_path / "l.parquet"
    when = ["--as-of", later.isoformat()]
    assert main(["recommend", model, "--users", users, "--out", str(out), *when]) == 0
    assert rows(pq.read_table(out)) == rows(
        pipeline.recommend(["u0", "u1"], as_of=later).to_arrow()
    )


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("u.csv", "customer\nu0\n", "one column 'user_id', found 0 in ['customer']"),
        ("u.csv", "user_id,user_id\nu0,u1\n", "found 2"),
        ("u.csv", "", "is empty"),
        ("u.csv", "user_id,note\nu0,1\n,2\n", "1 user_id are missing"),
        ("u.csv", "user_id,note\nu0\n", "cannot be read"),
        ("u.csv", b"user_id\n\xff\xfe\n", "cannot be read"),
        ("u.csv", b"\xff\xfe\n", "cannot be read"),
        ("u.csv", "user_id\nx\ny\n", "knows none of the 2 users; its ids are string"),
        ("u.parquet", b"PAR1 not at all", "cannot be read"),
        ("u.parquet", b"", "cannot be read"),
        ("none.csv", None, "no such file"),
        ("none.parquet", None, "no such file"),
    ],
)
def test_users_that_cannot_be_read(
    file: str,
    content: str | bytes | None,
    told: str,
    text: tuple[st.Pipeline, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    users, out = tmp_path / file, tmp_path / "out.csv"
    out.write_text("what was here before")
    if content is not None:
        users.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["recommend", text[1], "--users", str(users), "--out", str(out)]) == 1
    printed, err = capsys.readouterr()
    assert printed == ""
    assert err.startswith("suitably: ")
    assert str(users) in err
    assert told in err
    assert err.count("\n") == 1
    assert out.read_text() == "what was here before"
    assert not list(tmp_path.glob(".*"))


def test_ids_of_another_type(
    integers: tuple[st.Pipeline, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "l.csv")]
    users = put(pa.table({"user_id": ["7", "x"]}), tmp_path / "u.parquet")
    assert main(["recommend", integers[1], "--users", users, *out]) == 1
    assert "ids of type string, but the model's are int64" in capsys.readouterr().err
    users = put(pa.table({"user_id": ["7", "x"]}), tmp_path / "u.csv")
    assert main(["recommend", integers[1], "--users", users, *out]) == 1
    assert "cannot be read" in capsys.readouterr().err
    users = put(pa.table({"user_id": [0.5]}), tmp_path / "u.parquet")
    assert main(["recommend", integers[1], "--users", users, *out]) == 1
    assert "integers or text" in capsys.readouterr().err


def test_models_and_moments_that_cannot_be_used(
    text: tuple[st.Pipeline, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = put(pa.table({"user_id": ["u0"]}), tmp_path / "u.csv")
    rest = ["--users", users, "--out", str(tmp_path / "l.csv")]
    assert main(["recommend", str(tmp_path / "nowhere"), *rest]) == 1
    assert "manifest" in capsys.readouterr().err
    for moment in ("soon", "1999-01-01"):
        assert main(["recommend", text[1], *rest, "--as-of", moment]) == 1
        assert moment in capsys.readouterr().err
    far = ["--users", users, "--out", str(tmp_path / "no" / "folder" / "l.csv")]
    assert main(["recommend", text[1], *far]) == 1
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["m"],
        ["m", "--users", "u.csv"],
        ["m", "--users", "u.xlsx", "--out", "l.csv"],
        ["m", "--users", "u.csv", "--out", "l"],
        *(["m", "--users", "u.csv", "--out", "l.csv", "--k", k] for k in ("0", "-1", "2.5", "x")),
        ["m", "--users", "u.csv", "--out", "l.csv", "--verify", "none"],
    ],
)
def test_usage_of_recommend(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["recommend", *arguments])
    assert stopped.value.code == 2
    assert "usage: suitably recommend" in capsys.readouterr().err


# --- the program itself --------------------------------------------------------------------------


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"suitably {st.__version__}\n"


def test_as_a_module(tmp_path: Path) -> None:
    for arguments, code in ((["--version"], 0), ([], 2), (["policy", "check", "no-such"], 1)):
        done = subprocess.run(
            [sys.executable, "-m", "suitably", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


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


def test_lists_by_consent_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline, consent = consenting(tmp_path / "m")
    users = put(pa.table({"user_id": ["u0", "u1"]}), tmp_path / "users.csv")
    register = put(consent._table(), tmp_path / "consent.parquet")
    asked = ["recommend", str(tmp_path / "m"), "--users", users, "--out", str(tmp_path / "l.csv")]
    assert main(asked) == 1
    assert "give an engine consent=" in capsys.readouterr().err
    assert main([*asked, "--consent", register]) == 0
    assert rows(read(tmp_path / "l.csv")) == rows(pipeline.recommend(["u0", "u1"]).to_arrow())
    (tmp_path / "consent.csv").write_text("user_id,purpose\nu0,personalisation\n")
    assert main([*asked, "--consent", str(tmp_path / "consent.csv")]) == 1
    assert "no column 'granted_at'" in capsys.readouterr().err
