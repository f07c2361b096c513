"""Every decision can be made once more from what is on record, to the last bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably as st
from governance.trails import POLICY, USERS, recorded, trail_pipeline
from suitably.cli import main
from suitably.governance import AuditTrail, Consent
from suitably.pipeline.generate import ListGenerator

FILE = "decisions.sqlite"
KEY = "a key of some length"
STEPS = """
[policy]
id = "steps"
[[rules]]
id = "issuer"
require = "held(product.issuer) + amount <= 300"
"""


def decisions(audit: AuditTrail) -> list[str]:
    records = audit._store.records(kinds=("decisions",))
    return [f"{one.seq}:{row}" for one in records for row in range(one.facts["arrays"][0][1][0])]


def test_every_decision_is_the_same_by_the_saved_model(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    pipeline.recommend(USERS[:3], exclude_owned=False, product_ids=[])
    pipeline.recommend(["nobody"], product_ids=["fund 1"])
    pipeline.save(tmp_path / "model")
    head = audit.head
    loaded = st.load(tmp_path / "model")
    for decision in decisions(audit):
        found = audit.replay(decision, loaded)
        assert found.same, found
    assert len(decisions(audit)) == 12 + 3 + 1 + 3 + 1
    made = audit.replay("2:4", pipeline)
    lists = pipeline.with_audit(None).recommend([USERS[4]], k=3).to_arrow()
    assert lists["product_id"].to_pylist() == list(made.product_ids)
    assert lists["score"].to_pylist() == list(made.scores)
    assert audit.head == head  # it has recorded nothing


@pytest.mark.parametrize(
    "ranker",
    [
        lambda: st.ranking.ALS(factors=4, iterations=3),
        lambda: st.ranking.Explore(st.ranking.Popularity(), temperature=2.0),
    ],
    ids=["als", "explore"],
)
def test_rankers_that_draw_or_learn(tmp_path: Path, ranker: Any) -> None:
    audit = AuditTrail(tmp_path / FILE, KEY)
    pipeline = trail_pipeline(audit, ranker=ranker(), seed=5)
    pipeline.recommend(k=3)
    pipeline.recommend(USERS[2:7], as_of="2024-02-09", k=2)
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    for decision in decisions(audit):
        assert audit.replay(decision, loaded).same


@pytest.mark.parametrize("stepwise", [False, True])
@pytest.mark.parametrize("field", ["amount_to_invest", "unread"])
@pytest.mark.parametrize("policy", [STEPS, POLICY], ids=["reads it", "does not"])
def test_amounts(tmp_path: Path, stepwise: bool, field: str, policy: str) -> None:
    people = pd.DataFrame(
        {"user_id": [3, 1, 2], field: [100.0, np.nan, 140.0], "level": 3.0, "region": "north",
         "birth_date": pd.Timestamp("1990-01-01", tz="Asia/Shanghai"), "topics": [[]] * 3,
         "careful": False}
    )  # fmt: skip
    shelf = pd.DataFrame({"product_id": [10, 20, 30, 40], "issuer": list("aabb"), "level": 1.0,
                          "topic": [None] * 3 + ["options"]})  # fmt: skip
    log = pd.DataFrame(
        {"user_id": [1, 2, 2], "product_id": [10, 10, 30], "amount": [150.0, 10.0, 20.0],
         "timestamp": pd.Timestamp("2024-01-01", tz="Asia/Shanghai")}
    )  # fmt: skip
    audit = AuditTrail(tmp_path / FILE, KEY)
    pipeline = st.Pipeline(
        policy=st.Policy.from_toml(policy), ranker=st.ranking.Popularity(), audit=audit
    ).fit(st.Dataset(people, shelf, log))
    some = pd.DataFrame({"user_id": [2], "amount": [125.5]})
    for amount in (None, 0, 90, 160.25, some):
        pipeline.recommend([3, 2, 7, 1], k=3, amount=amount, stepwise=stepwise)
    for decision in decisions(audit):
        found = audit.replay(decision, pipeline)
        assert found.same, (decision, found)


def test_user_who_had_opted_out(tmp_path: Path) -> None:
    granted = pd.DataFrame({"user_id": USERS[:8], "purpose": "personalisation",
                            "granted_at": "2023-01-01", "withdrawn_at": None})  # fmt: skip
    audit = AuditTrail(tmp_path / FILE, KEY)
    pipeline = trail_pipeline(audit, consent=Consent(granted))
    pipeline.recommend(k=3)
    withdrawn = granted.assign(withdrawn_at=["2024-02-15"] + [None] * 7)
    for register in (Consent(granted), Consent(withdrawn)):  # what came later is not asked
        for decision in ("2:0", "2:9"):
            assert audit.replay(decision, pipeline.with_consent(register)).same
    everybody = pd.DataFrame({"user_id": USERS, **granted.iloc[0, 1:]})
    found = audit.replay("2:9", pipeline.with_consent(Consent(everybody)))
    assert "opted_out: True on record, False now" in found.differences
    with pytest.raises(st.DataError, match="fitted with a register of consent"):
        audit.replay("2:0", pipeline.with_consent(None))


def test_policy_that_reads_nothing_of_users(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / FILE, KEY)
    pipeline = trail_pipeline(audit, policy=st.Policy.unrestricted())
    pipeline.recommend(USERS[:2])
    assert [audit.replay(one, pipeline).same for one in decisions(audit)] == [True, True]


def test_earlier_keys_find_their_users(tmp_path: Path) -> None:
    audit = AuditTrail(tmp_path / FILE)
    pipeline = trail_pipeline(audit)
    pipeline.recommend([USERS[0]])
    audit.rotate()
    pipeline.recommend([USERS[0]])
    assert [audit.replay(one, pipeline).same for one in decisions(audit)] == [True, True]
    latest = bytes.fromhex((tmp_path / f"{FILE}.key").read_text().split()[-1])
    with pytest.raises(st.ArtifactError, match="key of the decision's pseudonym is not here"):
        AuditTrail(tmp_path / FILE, latest).replay("2:0", pipeline)


def test_another_pipeline_is_refused(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    other = trail_pipeline(None, ranker=st.ranking.ItemKNN())
    with pytest.raises(st.ArtifactError, match=r"made by the model .{16}…, and this is .{16}…"):
        audit.replay("2:0", other)
    stricter = pipeline.under(st.Policy.from_toml(POLICY.replace(">= 18", ">= 21")))
    with pytest.raises(st.ArtifactError, match=r"made by the model|other policies"):
        audit.replay("2:0", stricter)
    with pytest.raises(st.NotFittedError):
        audit.replay("2:0", pipeline.clone())


@pytest.mark.parametrize("decision", ["9:0", "2:12", "1:0", "2", "2:-1", "two", "2:0 ", None])
def test_no_such_decision(tmp_path: Path, decision: Any) -> None:
    audit, pipeline = recorded(tmp_path)
    with pytest.raises(st.DataError, match="decision"):
        audit.replay(decision, pipeline)


def test_says_what_is_not_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit, pipeline = recorded(tmp_path)
    honest = ListGenerator.generate

    def higher(self: ListGenerator, rows: Any) -> Any:
        made = honest(self, rows)
        return replace(made, lists=replace(made.lists, scores=made.lists.scores * 1.5))

    def swapped(self: ListGenerator, rows: Any) -> Any:
        made = honest(self, rows)
        return replace(made, lists=replace(made.lists, products=made.lists.products[:, ::-1]))

    assert len(audit.replay("2:6", pipeline).product_ids) == 3
    monkeypatch.setattr(ListGenerator, "single", lambda self, rows: None)
    monkeypatch.setattr(ListGenerator, "generate", higher)
    (difference,) = audit.replay("2:6", pipeline).differences
    assert difference.startswith("scores: [")
    monkeypatch.setattr(ListGenerator, "generate", swapped)
    found = audit.replay("2:6", pipeline)
    assert found.differences[0].startswith("products: ['fund ")
    assert str(found).startswith("2:6: not the same:\nproducts: ")


def test_changed_record_is_not_replayed(tmp_path: Path) -> None:
    audit, pipeline = recorded(tmp_path)
    connection = audit._store._connection  # type: ignore[attr-defined]
    connection.execute("DROP TRIGGER fixed")
    connection.execute("UPDATE records SET at = at + 1 WHERE seq = 2")
    with pytest.raises(st.ArtifactError, match="has been changed; verify the trail"):
        audit.replay("2:0", pipeline)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, model = str(tmp_path / FILE), str(tmp_path / "model")
    granted = pd.DataFrame({"user_id": USERS[:8], "purpose": "personalisation",
                            "granted_at": "2023-01-01", "withdrawn_at": None})  # fmt: skip
    granted.to_parquet(tmp_path / "consent.parquet")
    pipeline = trail_pipeline(AuditTrail(path), consent=Consent(granted))
    pipeline.recommend(k=3)
    pipeline.save(model)

    def asked(decision: str, **options: str) -> tuple[int, str]:
        given = {"model": model, "audit": path, "consent": str(tmp_path / "consent.parquet")}
        named = [part for name, value in {**given, **options}.items() if value
                 for part in (f"--{name}", value)]  # fmt: skip
        status = main(["audit", "replay", decision, *named])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    for decision, count in (("2:6", 3), ("2:9", 0)):
        status, said = asked(decision)
        assert status == 0
        assert said.startswith(f"{decision}: the same {count} products, bit for bit\n")
        assert said.count("fund ") == count
    assert asked("2:6", consent="")[0] == 1
    granted[:1].to_parquet(tmp_path / "other.parquet")
    status, said = asked("2:6", consent=str(tmp_path / "other.parquet"))
    assert status == 1
    assert "opted_out: False on record, True now" in said
    assert asked("7:0") == (1, "suitably: decision 7:0: is not on record\n")
    assert "no such file" in asked("2:6", audit=path + "x")[1]
    key = tmp_path / f"{FILE}.key"
    key.rename(tmp_path / "elsewhere")
    assert "which has the keys of pseudonyms" in asked("2:6")[1]
    assert not key.exists()
    assert asked("2:6", key=str(tmp_path / "elsewhere"))[0] == 0
    assert "give --key" in asked("2:6", audit="postgresql+psycopg://nowhere/db")[1]
