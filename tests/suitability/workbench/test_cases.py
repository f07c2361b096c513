"""Tables of cases: how cells are read, what is refused, and what a run says."""

from datetime import date
from pathlib import Path

import pytest

import suitably as st
from suitably.suitability import CaseTable, run_cases
from suitably.suitability.workbench.sheet import list_run, signing_sheet

TEXT = """
[policy]
id = "p"
version = "3"
[scales]
investor = ["C1", "C2"]
sri = [1, 2, 3]
[fields]
"user.level" = "investor"
"product.sri" = "sri"
"user.born" = "date"
"user.tags" = "list"
"user.held" = "map"
"user.full" = "boolean"
"user.code" = "text"
[[rules]]
id = "level"
applies = "rank(product.sri) > 1"
require = "rank(product.sri) <= rank(user.level)"
[[rules]]
id = "adult"
require = "age(user.born) >= 18"
[[rules]]
id = "known"
require = "'a' in user.tags and lookup(user.held, user.code) < user.limit"
[[rules]]
id = "care"
effect = "flag"
require = "user.full"
"""
POLICY = st.Policy.from_toml(TEXT)
HEADER = (
    "name,as_of,user.level,product.sri,user.born,user.tags,user.held,user.full,user.code,"
    "user.limit,level,adult,known,care,eligible\n"
)
ROWS = (
    "all pass,2026-03-01,C2,2,2008-03-01,a;b,007=1;x=2,true,007,1.5,pass,pass,pass,pass,true\n"
    "young and careful,2026-03-01,C2,1,2008-03-02,a,007=1,false,007,1.5,omitted,fail,,flag,false\n"
    '"nothing known",2026-03-01,,3,,,,,,,unknown,unknown,unknown,flag,false\n'
)


def test_cells_are_read_by_the_types_of_the_policy() -> None:
    table = CaseTable.from_csv(HEADER + ROWS, POLICY)
    first, _, last = table.cases
    assert first.user["born"] == date(2008, 3, 1)
    assert (first.user["tags"], first.user["held"]) == (["a", "b"], {"007": 1.0, "x": 2.0})
    assert (first.user["full"], first.user["code"], first.user["limit"]) == (True, "007", 1.5)
    assert (first.product["sri"], first.eligible, first.line) == (2, True, 2)
    assert set(last.user.values()) == {None}
    assert last.expected == dict.fromkeys(("level", "adult", "known"), "unknown") | {"care": "flag"}


def test_a_run_in_which_all_is_as_expected() -> None:
    run = run_cases(POLICY, CaseTable.from_csv(HEADER + ROWS, POLICY))
    assert run.passed
    assert (run.cases, len(run.checks), run.version) == (3, 14, "3")
    assert dict(run.one_sided) == {"level": "no case fails", "known": "no case fails"}
    assert run.to_dict()["fingerprint"] == POLICY.fingerprint
    assert "14 of 14 verdicts as expected" in list_run(run)


def test_a_run_says_what_differs_and_why() -> None:
    wrong = ROWS.replace("1.5,pass,pass,pass,pass,true", "1.5,pass,fail,pass,flag,false")
    run = run_cases(POLICY, CaseTable.from_csv(HEADER + wrong, POLICY))
    assert not run.passed
    assert [(c.rule, c.expected, c.found) for c in run.failures] == [
        ("adult", "fail", "pass"),
        ("care", "flag", "pass"),
        ("eligible", "false", "true"),
    ]
    shown = list_run(run)
    assert "line 2: all pass" in shown
    assert "- adult: fail" in shown
    assert "+ adult: pass" in shown
    sheet = signing_sheet(run)
    assert run.digest in sheet
    assert "**pass**" in sheet
    assert "Signature" in sheet
    frame = run.to_frame()
    assert frame.columns.tolist() == ["case", "line", "rule", "expected", "found", "text"]
    assert len(frame) == len(run.checks)


def test_from_a_file_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + "\n" + ROWS).replace("\n", "\r\n").encode())
    assert run_cases(POLICY, path).passed


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("known,care", "knwon,care"), st.PolicyError,
         r"line 1, column 13: policy 'p' has no rule 'knwon'; did you mean known"),
        (("user.level", "user.levle"), st.DataError,
         r"line 1, column 3: .*reads no field 'user.levle'; did you mean user.level"),
        (("user.limit,level", "user.limit,name"), st.DataError, r"column 11: 'name' is there tw"),
        (("2008-03-02", "2008-13-02"), st.DataError,
         r"line 3, column 5: user.born is a date, which '2008-13-02' is not: write 2026-03-01"),
        (("a,007=1,false", "a,007,false"), st.DataError, r"line 3, column 7: .*k=1;j=2"),
        (("false,007", "no,007"), st.DataError, r"line 3, column 8: .*write true or false"),
        (("C2,1,", "C2,one,"), st.DataError, r"line 3, column 4: product.sri is a number"),
        (("omitted", "ommitted"), st.DataError, r"line 3, column 11: 'ommitted' is no verdict"),
        (("flag,false\n\"", "flag,perhaps\n\""), st.DataError, r"line 3, column 15: write true"),
        (("unknown,flag,false", "unknown,flag"), st.DataError, r"line 4, column 15: 14 cells"),
        (("C2,1,", "C9,1,"), st.DataError, r"line 3, column 3 \(young and.*off the scale"),
        (("2026-03-01,C2,1", ",C2,1"), st.DataError, r"line 3, column 2 .*a column as_of"),
        (("2026-03-01,C2,1", "someday,C2,1"), st.DataError, r"line 3, column 2 .*someday"),
        ((ROWS, ""), st.DataError, "line 2, column 1: has no cases"),
        (('"nothing known"', '"nothing'), st.DataError, r"line 4, column 1: .*close the quotes"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used(
    change: tuple[str, str], error: type[Exception], words: str
) -> None:
    text = (HEADER + ROWS).replace(*change, 1)
    assert text != HEADER + ROWS
    with pytest.raises(error, match=words):
        run_cases(POLICY, CaseTable.from_csv(text, POLICY))


def test_a_case_that_expects_nothing() -> None:
    with pytest.raises(st.DataError, match="line 2, column 3: expects nothing"):
        CaseTable.from_csv("name,user.limit,known\nx,1,\n", POLICY)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(st.DataError, match="no such file"):
        run_cases(POLICY, tmp_path / "none.csv")
    with pytest.raises(st.DataError, match="no table of cases ships for policy 'p'"):
        run_cases(POLICY)
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(st.DataError, match="UTF-8"):
        run_cases(POLICY, tmp_path / "bad.csv")


def test_money_and_peers_may_be_stated() -> None:
    policy = st.Policy.from_toml(
        '[policy]\nid = "m"\n[[rules]]\nid = "held"\n'
        'require = "held(product.issuer) + amount <= 100"\n[[rules]]\nid = "peers"\n'
        'require = "product.cost <= cheapest(product.cost, by=product.group)"\n'
    )
    text = (
        "name,user.held(issuer),product.issuer,user.amount_to_invest,product.cost,"
        '"product.cheapest(cost, by=group)",held,peers\n'
        "at the limit,X=60,X,40,2,2,pass,pass\nabove,X=61,X,40,2,1,fail,fail\n"
    )
    run = run_cases(policy, CaseTable.from_csv(text, policy))
    assert run.passed, list_run(run)
    assert not run.one_sided
