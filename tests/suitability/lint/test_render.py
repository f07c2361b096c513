"""A policy on a terminal: it fits, whatever it says, and shows everything."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as hst

from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.render import list_findings, list_policy, wrap
from suitably.suitability.policy import Policy
from support.random_policies import quote

TEXT = """
[policy]
id = "house"
version = "1"
title = { en = "House rules", zh = "内部规则" }
governs = "product.regime == 'csrc'"
effective = 2024-01-01
expires = 2025-01-01
[scales]
investor = ["C1", "C2"]
unused = [1, 2]
[fields]
"user.risk_level" = "investor"
[[rules]]
id = "level"
article = "CSRC suitability measures, Art. 18-22"
applies = "product.complex"
require = "rank(user.risk_level) >= 2"
because = { zh = "不适合" }
effective = 2024-06-01
note = "approximate"
[[rules]]
id = "bare"
require = "user.net_worth > 0"
"""


def columns(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def test_everything_is_shown() -> None:
    assert list_policy(Policy.from_toml(TEXT), 72).splitlines() == [
        "house 1",
        "en        House rules",
        "zh        内部规则",
        "in force  from 2024-01-01 before 2025-01-01",
        "governs   product.regime == 'csrc'",
        "scale     investor: C1 < C2 (user.risk_level)",
        "scale     unused: 1 < 2 (unused)",
        f"sha256    {Policy.from_toml(TEXT).fingerprint[:62]}",
        f"          {Policy.from_toml(TEXT).fingerprint[62:]}",
        "",
        "rule   what it says",
        "-----  -----------------------------------------------------------------",
        "level  applies   product.complex",
        "       requires  rank(user.risk_level) >= 2",
        "       article   CSRC suitability measures, Art. 18-22",
        "       in force  from 2024-06-01",
        "       note      approximate",
        "       texts     zh",
        "",
        "bare   applies   to every pair",
        "       requires  user.net_worth > 0",
        "       article   none",
        "       texts     none",
    ]


def test_a_policy_without_rules() -> None:
    assert list_policy(Policy.unrestricted()).endswith("none: it bars nothing")


def test_findings() -> None:
    some = [
        Finding("error", "type", "cannot compare " * 5, "level", "house"),
        Finding("note", "unused", "declares user.x", "", "house"),
    ]
    assert list_findings(some, 48).splitlines() == [
        "error     level: cannot compare cannot compare",
        "          cannot compare cannot compare cannot",
        "          compare",
        "note      house: declares user.x",
        "1 error, 0 warnings, 1 note",
    ]
    assert list_findings([]) == "Nothing found."


@pytest.mark.parametrize("width", [0, 1, 40, 63, 80, 120, 1000])
def test_every_line_fits(width: str) -> None:
    hostile = quote("规则" * 30 + "x" * 200 + " \x1b[31m\u0301é")
    text = TEXT.replace('id = "bare"', f"id = {hostile}\narticle = {hostile}")
    policy = Policy.from_toml(text)
    shown = list_policy(policy, width).splitlines()  # type: ignore[arg-type]
    assert max(map(columns, shown)) <= min(max(int(width), 40), 120)
    assert "\x1b" not in "".join(shown)
    findings = [Finding("error", "k", policy.rules[1].id, policy.rules[1].id, "house")]
    lines = list_findings(findings, int(width)).splitlines()
    assert max(map(columns, lines)) <= min(max(int(width), 40), 120)


@given(hst.text(), hst.integers(4, 60))
def test_wrapping_loses_nothing_but_space(text: str, width: int) -> None:
    lines = wrap(text, width)
    kept = "".join("".join(lines).split())
    expected = "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text)
    assert kept == "".join(expected.split())
    assert lines
    assert not any("\n" in line or "\r" in line for line in lines)


@given(hst.text(alphabet="ab ，。基金x\u0301", max_size=80), hst.integers(4, 30))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    assert all(columns(line) <= width for line in wrap(text, width))
