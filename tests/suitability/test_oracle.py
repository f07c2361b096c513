"""The judge is judged by hand first."""

from datetime import date, datetime
from typing import Any

import pytest

from support.oracle import Pair, Refused, fields_of, judge, value_of

AS_OF = datetime(2024, 2, 29, 12)
POLICY: dict[str, Any] = {
    "scales": {"mood": ["low", "mid", "high"], "other": ["low"]},
    "fields": {"user.mood": "mood", "product.mood": "mood", "user.other": "other"},
}
USER: dict[str, Any] = {
    "mood": "mid",
    "other": "low",
    "n": 3,
    "zero": 0.0,
    "nan": float("nan"),
    "huge": 1e308,
    "yes": True,
    "no": False,
    "text": "a",
    "born": date(2000, 2, 29),
    "tomorrow": datetime(2024, 2, 29, 12, 0, 0, 1),
    "tags": ["a", None, "b"],
    "ab": ["a", "b"],
    "empty": [],
    "map": {"x": 2.5, "hole": None},
}
PRODUCT: dict[str, Any] = {"mood": "high", "end": datetime(2023, 1, 31), "key": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user.n + 1", 4),
        ("-user.n / 2", -1.5),
        ("user.n / user.zero", None),
        ("user.huge * 10", None),
        ("user.huge * 10 - user.huge * 10", None),
        ("user.nan + 1", None),
        ("1 < user.n < 3", False),
        ("1 < user.n <= 3", True),
        ("1 > user.n < user.nan", False),
        ("1 < user.n < user.nan", None),
        ("user.absent == user.absent", None),
        ("user.yes and user.absent", None),
        ("user.no and user.absent", False),
        ("user.yes or user.absent", True),
        ("user.no or user.absent", None),
        ("not user.absent", None),
        ("user.yes != user.no", True),
        ("user.mood < product.mood", True),
        ("user.mood == 'mid'", True),
        ("'low' < user.mood", True),
        ("rank(product.mood) - rank(user.mood)", 1),
        ("rank(max(user.mood, product.mood))", 3),
        ("user.mood in ['low', 'mid']", True),
        ("user.text in []", False),
        ("user.absent in []", None),
        ("user.absent not in []", None),
        ("user.text in [user.absent, 'a']", True),
        ("user.text in [user.absent, 'b']", None),
        ("user.text not in [user.absent, 'a']", False),
        ("user.text in user.tags", True),
        ("contains(user.tags, 'c')", None),
        ("contains(user.ab, 'c')", False),
        ("contains(user.empty, 'c')", False),
        ("contains(user.empty, user.absent)", None),
        ("subset(user.ab, user.tags)", True),
        ("subset(user.tags, user.ab)", None),
        ("subset(user.ab, user.empty)", False),
        ("subset(user.empty, user.absent)", None),
        ("subset(user.empty, user.empty)", True),
        ("lookup(user.map, product.key)", 2.5),
        ("lookup(user.map, 'hole')", None),
        ("lookup(user.map, 'y')", None),
        ("lookup(user.absent, 'y')", None),
        ("missing(user.n / 0)", True),
        ("missing(user.n)", False),
        ("age(user.born)", 24),
        ("age(user.tomorrow)", None),
        ("product.end + months(1)", datetime(2023, 2, 28)),
        ("product.end + months(13)", datetime(2024, 2, 29)),
        ("product.end - months(2)", datetime(2022, 11, 30)),
        ("user.born + years(1)", datetime(2001, 2, 28)),
        ("product.end + months(0.5)", None),
        ("product.end + days(1e9)", None),
        ("product.end + years(9999)", None),
        ("as_of - product.end > days(394)", True),
        ("as_of - product.end <= days(394)", False),
        ("user.tomorrow - as_of > days(0)", True),
        ("min(3, user.n, 2)", 2),
        ("max(3, user.absent)", None),
        ("min(as_of, product.end)", datetime(2023, 1, 31)),
        ("abs(-user.n)", 3),
    ],
)
def test_values(text: str, expected: Any) -> None:
    value = value_of(text, Pair(POLICY, USER, PRODUCT, AS_OF))
    assert value == expected
    assert type(value) is type(expected) or not isinstance(expected, bool | None)


@pytest.mark.parametrize(
    "text",
    [
        "user.mood < 2",
        "user.mood == user.other",
        "user.mood == 'LOW'",
        "user.text < 'b'",
        "user.yes < user.no",
        "user.yes + 1",
        "user.n and user.yes",
        "user.tags == user.tags",
        "months(1) < months(2)",
        "user.born == 'a'",
        "user.n ** 2",
        "len(user.tags)",
        "user.text.upper()",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(Refused):
        value_of(text, Pair(POLICY, USER, PRODUCT, AS_OF))


def rule(name: str, require: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "require": require, **more}


def test_judgement() -> None:
    policy: dict[str, Any] = POLICY | {
        "policy": {"id": "p", "effective": date(2024, 2, 29), "governs": "product.mood == 'high'"},
        "rules": [
            rule("passes", "user.yes"),
            rule("fails", "user.no"),
            rule("unknown", "user.absent > 3"),
            rule("not-for-them", "user.no", applies="user.no"),
            rule("perhaps", "user.yes", applies="user.absent"),
            rule("not-yet", "user.no", effective=datetime(2024, 2, 29, 12, 0, 0, 1)),
            rule("since-now", "user.yes", effective=AS_OF),
            rule("until-now", "user.no", expires=AS_OF),
        ],
    }
    found = judge(policy, USER, PRODUCT, AS_OF)
    assert found.verdicts == [
        ("passes", "pass"),
        ("fails", "fail"),
        ("unknown", "unknown"),
        ("perhaps", "unknown"),
        ("since-now", "pass"),
    ]
    assert not found.eligible
    assert judge({"rules": policy["rules"][:1]}, USER, PRODUCT, AS_OF).eligible
    assert not judge({"rules": policy["rules"][:3:2]}, USER, PRODUCT, AS_OF).eligible
    assert judge(policy, USER, {"mood": "low"}, AS_OF).verdicts == [("policy:governs", "fail")]
    assert judge(policy, USER, {}, AS_OF).verdicts[0] == ("policy:governs", "unknown")
    early = judge(policy, USER, PRODUCT, datetime(2024, 2, 28, 23, 59))
    assert early.verdicts == [("policy:effective", "fail")]
    assert not early.eligible


def test_fields_of() -> None:
    assert fields_of("user.a < product.b and as_of > user.c") == {"user.a", "product.b", "user.c"}
