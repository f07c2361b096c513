"""What a customer is given proves their own decision, and nothing of it can be changed."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from governance.trails import USERS, recorded
from suitably.cli import main
from suitably.governance import AuditTrail, check_receipt
from suitably.governance.audit_record import canonical_json

LAYOUTS: list[dict[str, Any]] = [
    {}, {"separators": (",", ":")}, {"indent": 1}, {"indent": 4}, {"ensure_ascii": False}
]  # fmt: skip


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> AuditTrail:
    return recorded(tmp_path_factory.mktemp("trail"))[0]


def test_every_decision_has_a_receipt_that_holds(trail: AuditTrail) -> None:
    anchor = trail.head[1]
    checked = 0
    for user in [*USERS, "nobody"]:
        for decision in trail.decisions(user):
            receipt = trail.receipt(user, decision)
            assert receipt["decision"] == decision
            for layout in LAYOUTS:
                text = json.dumps(receipt, **layout)
                assert check_receipt(text, anchor) == check_receipt(text.encode(), anchor)
                assert check_receipt(json.loads(text), anchor) == receipt
            checked += 1
    assert checked == len(USERS) + 3 + 1


def test_it_shows_what_was_decided_and_nobody_else(tmp_path: Path) -> None:
    trail, pipeline = recorded(tmp_path)
    recs = pipeline.recommend([USERS[0], USERS[5]], k=3)
    receipt = trail.receipt(USERS[5])
    listed = recs.for_user(USERS[5])
    assert [one[0] for one in receipt["list"]] == listed["product_id"].tolist()
    assert [one[1] for one in receipt["list"]] == listed["score"].tolist()
    assert receipt["facts"] == [2, "1980-05-07T00:00:00", ["options", "funds"], "süd", False]
    assert receipt["candidates"] >= len(receipt["list"]) > 0
    text = json.dumps(receipt, ensure_ascii=False)
    assert "kunde" not in text
    assert trail.receipt(USERS[0])["customer"] not in text
    assert "may lose value" in receipt["words"]["en"]
    assert "可能亏损" in receipt["words"]["zh"]


def test_heads_of_other_states_do_not_take_it(trail: AuditTrail, tmp_path: Path) -> None:
    receipt = trail.receipt(USERS[0])
    other, pipeline = recorded(tmp_path)
    mine, before = other.receipt(USERS[0]), other.head[1]
    pipeline.recommend([USERS[1]])
    assert check_receipt(mine, before)
    for anchor in (other.head[1], before.upper(), before[:-1], "", trail.head[1]):
        with pytest.raises(st.ArtifactError, match="not on record under this head"):
            check_receipt(mine, anchor)
    with pytest.raises(st.ArtifactError, match="not on record under this head"):
        check_receipt(receipt, before)
    assert check_receipt(other.receipt(USERS[0]), other.head[1])


@settings(deadline=None, max_examples=400)
@given(data=some.data(), layout=some.sampled_from(LAYOUTS))
def test_any_changed_missing_or_extra_character_is_refused(
    trail: AuditTrail, data: some.DataObject, layout: dict[str, Any]
) -> None:
    text = json.dumps(trail.receipt(USERS[4], "2:4"), **layout)
    place = data.draw(some.integers(0, len(text) - 1))
    letter = data.draw(some.sampled_from([*'0123456789abcdefAZ {}[]",:.-_', "ü", "\u200b", "\n"]))
    ways = [text[:place] + text[place + 1 :], text[:place] + letter + text[place:],
            text[:place] + letter + text[place + 1 :], text + letter]  # fmt: skip
    for changed in ways:
        if changed != text:
            with pytest.raises(st.ArtifactError):
                check_receipt(changed, trail.head[1])


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for key, one in value.items() for p in _leaves(one, (*path, key))]
    if isinstance(value, list):
        return [p for place, one in enumerate(value) for p in _leaves(one, (*path, place))]
    return [path]


def test_any_other_value_of_any_key_is_refused(trail: AuditTrail) -> None:
    """Also where it is written as a receipt is: the words are made of what is shown."""
    receipt = trail.receipt(USERS[4], "2:4")
    for path in _leaves(receipt):
        for other in (None, True, 0, 1, 2.5, "x", [], {}):
            changed = json.loads(json.dumps(receipt))
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            if json.dumps(inner[path[-1]]) == json.dumps(other):
                continue
            inner[path[-1]] = other
            with pytest.raises(st.ArtifactError):
                check_receipt(changed, trail.head[1])
    for key in receipt:
        less = {name: value for name, value in receipt.items() if name != key}
        with pytest.raises(st.ArtifactError):
            check_receipt(less, trail.head[1])
    with pytest.raises(st.ArtifactError):
        check_receipt({**receipt, "more": 1}, trail.head[1])


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "[" * 100_000, "\ud800", '{"proof": 1}'])
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(st.ArtifactError, match="receipt: "):
        check_receipt(text, "0" * 64)


def test_ten_products_of_a_long_policy_fit_in_four_kilobytes(tmp_path: Path) -> None:
    bank = st.data.simulate_bank(users=4200, products=300, seed=0)
    trail = AuditTrail(tmp_path / "decisions.sqlite")
    for name in ("cn-csrc-amac", "consumer-loan"):
        pipeline = st.Pipeline(policy=name, ranker=st.ranking.Explore(), audit=trail)
        recs = pipeline.fit(bank, as_of="2024-06-01").recommend(k=10)
        full = bank.user_ids[recs.lists.lengths == 10][:20]
        assert len(full) == 20
        for _ in range(20):
            trail.rotate()
        sizes = []
        for user in [*full, *bank.user_ids[:10]]:
            receipt = trail.receipt(user)
            assert check_receipt(receipt, trail.head[1])
            sizes.append(
                len(json.dumps(receipt, ensure_ascii=False, separators=(",", ":")).encode())
            )
        assert max(sizes) <= 4096


def test_facts_that_do_not_fit_are_told_by_digests(tmp_path: Path) -> None:
    trail, pipeline = recorded(tmp_path)
    import pandas as pd

    long = [f"a topic with a long name, number {n}" for n in range(200)]
    frame = {"user_id": ["new"], "level": 2.0, "birth_date": pd.Timestamp("1990-01-01"),
             "topics": [long], "region": "north", "careful": False}  # fmt: skip
    pipeline.update(users=pd.DataFrame(frame))
    pipeline.recommend(["new"])
    receipt = trail.receipt("new")
    assert list(receipt["facts"][2]) == ["digest"]
    assert receipt["facts"][3] == "north"
    assert len(canonical_json(receipt)) <= 4096
    assert check_receipt(receipt, trail.head[1])
    receipt["facts"][2]["digest"] = "00" * 16
    with pytest.raises(st.ArtifactError):
        check_receipt(receipt, trail.head[1])


def test_unknown_users_and_decisions(trail: AuditTrail) -> None:
    with pytest.raises(st.DataError, match="no decision about this user"):
        trail.receipt("somebody")
    with pytest.raises(st.DataError, match="no decision '2:0'"):
        trail.receipt(USERS[4], "2:0")  # another customer's


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trail, _ = recorded(tmp_path)
    file, receipt = str(tmp_path / "decisions.sqlite"), tmp_path / "receipt.json"
    anchor = trail.head[1]
    receipt.write_text(json.dumps(trail.receipt(USERS[4])), encoding="utf-8")
    assert main(["audit", "check-receipt", str(receipt), "--anchor", anchor]) == 0
    assert "Decision 4:0" in capsys.readouterr().out
    assert main(["audit", "check-receipt", str(receipt), "--anchor", "0" * 64]) == 1
    assert "not on record" in capsys.readouterr().err
    receipt.write_bytes(b" " * 100_000)
    assert main(["audit", "check-receipt", str(receipt), "--anchor", anchor]) == 1
    assert "too long" in capsys.readouterr().err
    assert main(["audit", "verify", file]) == 0
    assert capsys.readouterr().out == "5 records are whole\n"
    assert main(["audit", "verify", file, "--anchor", anchor]) == 0
    assert main(["audit", "verify", file, "--anchor", "1" * 64]) == 1
    assert "no state of the log has the root" in capsys.readouterr().out
    (tmp_path / "decisions.sqlite.head").unlink()
    assert main(["audit", "verify", file]) == 0
    assert "at the end was not checked" in capsys.readouterr().out
    assert main(["audit", "verify", str(tmp_path / "none.sqlite")]) == 1
    assert not (tmp_path / "none.sqlite").exists()
    trail.close()
    sqlite3.connect(file, isolation_level=None).execute("DROP TRIGGER keep")
    assert main(["audit", "verify", file]) == 1
    assert "a table or trigger of the trail is gone" in capsys.readouterr().out
