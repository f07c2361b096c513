"""What is unknown for its size is named, also where a policy says what it governs."""

import datetime as dt

import pyarrow as pa

import suitably as st


def test_what_overflows_in_governs_is_named() -> None:
    policy = st.Policy.from_toml(
        '[policy]\nid = "p"\ngoverns = "user.x + days(30) > as_of"\n'
        '[[rules]]\nid = "r"\nrequire = "product.a > 1"\n'
    )
    users = pa.table({"user_id": ["u", "w"], "x": [dt.date(9999, 12, 31), None]})
    found = policy.evaluate(users, pa.table({"product_id": ["p"], "a": [2]}), "2024-01-01")
    [large], [missing] = found.verdicts("u", "p"), found.verdicts("w", "p")
    assert (large.rule, large.verdict) == ("policy:governs", "unknown")
    assert large.text["en"].endswith("can hold: user.x + days(30).")
    assert large.text["zh"].endswith("user.x + days(30)。")
    assert "Overflow" not in missing.text["en"]
