"""Policy files and frames that are refused."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from support.one_pair import AS_OF, HEAD, PRODUCT, USER, evaluate, rule, table, verdict

OK = HEAD + rule("user.t")
BAD_FILES = {
    "not TOML": "[policy",
    "empty": "",
    "null byte": OK + "\x00",
    "no policy": rule("user.t"),
    "no id": OK.replace('id = "test"\n', ""),
    "empty id": OK.replace('id = "test"', 'id = ""'),
    "id is a number": OK.replace('id = "test"', "id = 3"),
    "no rules": HEAD,
    "unknown table": OK + "[more]\nx = 1\n",
    "unknown key of policy": OK.replace('version = "1"', 'version = "1"\ncolour = "red"'),
    "misspelt key of policy": OK.replace('version = "1"', 'version = "1"\neffectve = 2020-01-01'),
    "unknown key of rule": OK + 'requires = "user.t"\n',
    "duplicate rule": OK + rule("user.f"),
    "rule without id": OK + '[[rules]]\nrequire = "user.t"\n',
    "rule without require": OK + '[[rules]]\nid = "x"\n',
    "require is no text": OK + '[[rules]]\nid = "x"\nrequire = true\n',
    "require is a list": OK + '[[rules]]\nid = "x"\nrequire = ["user.t"]\n',
    "require is empty": HEAD + rule(""),
    "require is blank": HEAD + rule("  "),
    "applies is no text": OK + "applies = 1\n",
    "rule id like a pseudo-rule": OK + rule("user.t", "policy:governs"),
    "rules is a table": HEAD + '[rules]\nid = "x"\nrequire = "user.t"\n',
    "unknown scale": OK.replace('"user.level" = "investor"', '"user.level" = "investors"'),
    "scale is no list": OK.replace('product = ["R1", "R2", "R3"]', 'product = "R1"'),
    "scale of two types": OK.replace('product = ["R1", "R2", "R3"]', 'product = ["R1", 2]'),
    "scale is empty": OK.replace('product = ["R1", "R2", "R3"]', "product = []"),
    "level twice": OK.replace('product = ["R1", "R2", "R3"]', 'product = ["R1", "R1"]'),
    "scale called like a type": OK.replace("product = [", "number = [").replace(
        '"product.level" = "product"', ""
    ),
    "field without a side": OK.replace('"user.level"', '"level"'),
    "field of a third side": OK.replace('"user.level"', '"customer.level"'),
    "effective is text": OK.replace('version = "1"', 'version = "1"\neffective = "soon"'),
    "expires before effective": OK.replace(
        'version = "1"', 'version = "1"\neffective = 2020-01-01\nexpires = 2019-01-01'
    ),
    "rule expires before effective": OK + "effective = 2020-01-01\nexpires = 2019-01-01\n",
    "because is a number": OK + "because = 3\n",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(name: str) -> None:
    with pytest.raises(st.PolicyError) as error:
        st.Policy.from_toml(BAD_FILES[name])
    assert str(error.value)


def test_invalid_toml_names_line_and_column() -> None:
    with pytest.raises(st.PolicyError, match=r"(?i)line 3.*column \d+"):
        st.Policy.from_toml('[policy]\nid = "x"\nversion = = 1\n')


def test_good_file() -> None:
    policy = st.Policy.from_toml(OK)
    assert (policy.id, policy.version) == ("test", "1")
    assert [one.id for one in policy.rules] == ["rule"]


@pytest.mark.parametrize("source", [None, 3, b"[policy]", ["x"]])
def test_not_text(source: Any) -> None:
    with pytest.raises((st.PolicyError, TypeError)):
        st.Policy.from_toml(source)


# --- values that the policy refuses ----------------------------------------------------------


@pytest.mark.parametrize("level", ["C9", "c3", "C3 ", " C3", "", "NaN", "Ｃ３", "C3\u200b"])
@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_value_off_its_scale(level: str, build: Any) -> None:
    users = build({"user_id": ["a", "b"], "level": ["C1", level]})
    text = HEAD.replace('"user.lower" = "investor"\n"user.no_level" = "investor"\n', "")
    text = text.replace('"user.no_number" = "number"\n', "")
    with pytest.raises(st.DataError) as error:
        evaluate(text + rule("rank(user.level) >= rank(product.level)"), users)
    assert "level" in str(error.value)
    assert "investor" in str(error.value) or "C1" in str(error.value)


def test_level_as_a_number_is_refused() -> None:
    with pytest.raises((st.DataError, st.PolicyError)):
        verdict("rank(user.level) > 1", {"level": 3})


@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_nan_and_none_are_missing(build: Any) -> None:
    users = build({"user_id": [1, 2, 3], "n": [1.0, float("nan"), None]})
    text = HEAD.split("[scales]", maxsplit=1)[0] + rule("user.n > 0")
    assert evaluate(text, users).mask().tolist() == [[True], [False], [False]]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "12"),
        ("number", True),
        ("number", datetime(2024, 1, 1)),
        ("text", 12.0),
        ("text", True),
        ("date", "2024-01-01"),
        ("date", 20240101),
        ("boolean", 1),
        ("boolean", "true"),
        ("list", "a"),
        ("list", 1.0),
        ("map", "a"),
        ("map", ["a"]),
    ],
)
def test_column_against_its_declared_type(kind: str, value: Any) -> None:
    text = HEAD + f'"user.x" = "{kind}"\n' + rule("missing(user.x)")
    with pytest.raises(st.DataError) as error:
        evaluate(text, {"x": value})
    assert "x" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", 1),
        ("number", 1.5),
        ("text", "a"),
        ("date", date(2024, 1, 1)),
        ("date", datetime(2024, 1, 1)),
        ("boolean", True),
        ("list", ["a"]),
        ("map", {"a": 1.0}),
        *((kind, None) for kind in ("number", "text", "date", "boolean", "list", "map")),
    ],
)
def test_column_of_its_declared_type(kind: str, value: Any) -> None:
    text = HEAD + f'"user.x" = "{kind}"\n' + rule("missing(user.x)")
    (found,) = evaluate(text, {"x": value}).verdicts("u", "p")
    assert found.verdict == ("pass" if value is None else "fail")


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 2**53 + 1, -(2**53) - 1])
def test_number_that_is_no_double(value: float) -> None:
    with pytest.raises(st.DataError):
        verdict("user.n > 0", {"n": value})


def test_duplicate_rows() -> None:
    with pytest.raises(st.DataError):
        evaluate(OK, product=table(PRODUCT, PRODUCT))
    with pytest.raises(st.DataError):
        evaluate(OK, user=table(USER, USER))


@pytest.mark.parametrize("side", ["user", "product"])
def test_null_ids(side: str) -> None:
    with pytest.raises(st.DataError):
        evaluate(OK, **{side: {f"{side}_id": None}})


def test_no_id_column() -> None:
    with pytest.raises(st.DataError):
        evaluate(OK, user=table(USER).drop_columns(["user_id"]))


@pytest.mark.parametrize("frame", [None, 3, "frame", [{"user_id": "u"}], {"user_id": ["u"]}])
def test_no_frame(frame: Any) -> None:
    with pytest.raises(st.DataError):
        st.Policy.from_toml(OK).evaluate(frame, table(PRODUCT), AS_OF)


def test_time_zones_do_not_mix() -> None:
    aware = AS_OF.replace(tzinfo=UTC)
    text = HEAD.split("[scales]", maxsplit=1)[0] + rule(
        "user.day <= as_of and user.day < product.end"
    )
    naive_user = pa.table({"user_id": ["u"], "day": [AS_OF]})
    aware_user = pa.table({"user_id": ["u"], "day": [aware]})
    naive_product = pa.table({"product_id": ["p"], "end": [AS_OF + timedelta(1)]})
    aware_product = pa.table({"product_id": ["p"], "end": [aware + timedelta(1)]})
    assert evaluate(text, naive_user, naive_product, AS_OF).mask().all()
    assert evaluate(text, aware_user, aware_product, aware).mask().all()
    for user, product, as_of in [
        (naive_user, naive_product, aware),
        (aware_user, aware_product, AS_OF),
        (naive_user, aware_product, AS_OF),
        (aware_user, naive_product, aware),
    ]:
        with pytest.raises(st.DataError):
            evaluate(text, user, product, as_of)


@pytest.mark.parametrize("as_of", [None, "yesterday", 3, float("nan"), "2024-13-01"])
def test_as_of_is_no_moment(as_of: Any) -> None:
    with pytest.raises(st.DataError):
        st.Policy.from_toml(OK).evaluate(table(USER), table(PRODUCT), as_of)
