"""Why a product is in a list: facts, sentences that bait nobody, a language a file."""

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably
from suitably.pipeline.explanation import Explanation
from suitably.ranking import ALS, EASE, Blend, Explore, ItemKNN, Popularity
from suitably.suitability.messages import LANGUAGES

WARNED = """
[policy]
id = "warned"
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
[[rules]]
id = "rule-of-levels"
require = "rank(product.risk_level) <= rank(user.risk_level) + 2"
[[rules]]
id = "told-to-customers"
effect = "flag"
require = "rank(product.risk_level) < 3"
[rules.because]
en = "Read the warning for level {product.risk_level}."
zh = "请阅读{product.risk_level}风险揭示。"
[[rules]]
id = "told-to-nobody"
effect = "flag"
require = "rank(product.risk_level) < 3"
"""


@pytest.fixture(scope="module")
def bank() -> Any:
    return suitably.data.simulate_bank(users=150, products=40, seed=2)


def explained(
    bank: Any, policy: Any, ranker: Any, k: int = 3, users: int = 60
) -> list[Explanation]:
    if isinstance(policy, str) and "[" in policy:
        policy = suitably.Policy.from_toml(policy)
    pipeline = suitably.Pipeline(policy=policy, ranker=ranker).fit(bank)
    lists = pipeline.recommend(pipeline.user_ids[:users], k=k)
    return [lists.explain(one.user_id, product) for one in lists for product in one.product_ids]


def everything_said(why: Explanation) -> list[tuple[str, str]]:
    said = [*why.text.items(), *why.adviser_text.items()]
    said += [(language, note) for language, notes in why.notes.items() for note in notes]
    for one in why.verdicts:
        said += [*one.text.items(), *one.adviser_text.items()]
        said += [*one.margin.text.items()] if one.margin is not None else []
    return said


@pytest.mark.parametrize("policy", ["cn-csrc-amac", "cn-nfra-2025", WARNED])
@pytest.mark.parametrize("ranker", [EASE(), Popularity(), ALS(factors=8, iterations=3)])
def test_no_sentence_promises_or_baits(bank: Any, policy: str, ranker: Any) -> None:
    found = explained(bank, policy, ranker)
    for why in found:
        for language, sentence in everything_said(why):
            barred = LANGUAGES[language].barred
            assert [word for word in barred if word in sentence.lower()] == [], sentence
    assert policy == "cn-nfra-2025" or len(found) > 50


def test_texts_differ_as_facts_do(bank: Any) -> None:
    found = explained(bank, "cn-csrc-amac", EASE())
    for language in LANGUAGES:
        reasons = {why.text[language].replace(str(why.rank), "") for why in found}
        assert len(reasons) > 0.9 * len(found)


@pytest.mark.parametrize("ranker", [EASE(), Blend([EASE(), ItemKNN()], weights=[1, 1])])
def test_history_speaks_for_it(bank: Any, ranker: Any) -> None:
    bought = pd.DataFrame(bank.interactions).groupby("user_id")["product_id"].agg(set)
    found = [why for why in explained(bank, WARNED, ranker) if not why.stood_in]
    for why in found:
        assert len(why.history) <= 3
        values = [one.contribution for one in why.history]
        assert values == sorted(values, reverse=True)
        assert all(value > 0 for value in values)
        assert {one.product_id for one in why.history} <= bought[why.user_id]
        assert sum(one.share for one in why.history) <= 1 + 1e-9
        for one in why.history:
            if one.share > 0.01:
                assert f"{one.product_id} ({one.share:.0%})" in why.text["en"]
                assert f"{one.product_id}（{one.share:.0%}）" in why.text["zh"]
        assert all(one.contribution < 0 for one in why.against)
    assert sum(bool(why.history) for why in found) > 0.9 * len(found) > 50


@pytest.mark.parametrize("k", [1, 3, 100])
def test_eligible_products_whatever_k_is(bank: Any, k: int) -> None:
    pipeline = suitably.Pipeline(policy="cn-csrc-amac", ranker=Popularity()).fit(bank)
    everybody = pipeline.recommend(k=40).to_frame().groupby("user_id").size()
    for why in explained(bank, "cn-csrc-amac", Popularity(), k):
        assert why.eligible == everybody[why.user_id]
        assert f"ranks {why.rank} of {why.eligible} eligible products" in why.text["en"]


def test_warnings_of_the_level_at_the_offer(bank: Any) -> None:
    level = dict(zip(bank.products["product_id"], bank.products["risk_level"], strict=True))
    seen = set()
    for why in explained(bank, WARNED, Popularity(), k=8):
        mine = level[why.product_id]
        seen.add(mine)
        first, *rest = why.notes["en"]
        assert first.startswith(f"Risk level {mine}, ")
        assert ("you may lose part or all" in first) == (mine == "R5")
        flagged = mine >= "R3"
        assert rest == [f"Read the warning for level {mine}.", LANGUAGES["en"].to_mind] * flagged
        assert all(note in why.text["en"] for note in why.notes["en"])
        assert (f"请阅读{mine}风险揭示。" in why.text["zh"]) == flagged
        for text in why.text.values():  # an adviser is told the names, a customer the words
            assert "told-to" not in text
        names = "Flagged: told-to-customers, told-to-nobody."
        assert why.adviser_text["en"].endswith(names) == flagged
    assert len(seen) > 2


def test_the_tightest_rules_come_first(bank: Any) -> None:
    for why in explained(bank, "cn-csrc-amac", Popularity()):
        found = [one.tightness for one in why.margins]
        assert found == sorted(found)
        (level,) = (one for one in why.margins if one.rule == "risk-level")
        (verdict,) = (one for one in why.verdicts if one.rule == "risk-level")
        mine, its = (int(verdict.inputs[f"{side}.risk_level"][1]) for side in ("user", "product"))
        assert level.spare == mine - its
        for one in why.margins[:2]:
            assert one.text["en"] in why.text["en"]


def test_what_only_advisers_are_told(bank: Any) -> None:
    apart = """
[policy]
id = "p"
[fields]
"user.horizon_months" = "number"
[[rules]]
id = "hush"
require = "user.horizon_months >= 0"
because = { en = "No.", adviser = { en = "{user.horizon_months}" } }
"""
    why = explained(bank, apart, Popularity())[0]
    assert "hush" not in why.text["en"]
    assert "hush, with" in why.adviser_text["en"]
    assert why.texts_for("adviser") == why.adviser_text
    assert why.to_dict("customer")["margins"] == []
    assert "adviser_text" not in why.to_dict("customer")
    assert why.to_dict("adviser")["text"] == dict(why.adviser_text)
    assert [one["rule"] for one in why.to_dict("adviser")["margins"]] == ["hush"]
    with pytest.raises(ValueError, match="audience: must be one of"):
        why.texts_for("client")  # type: ignore[arg-type]


@pytest.mark.parametrize("ranker", [EASE(), Explore(EASE()), Popularity(by="risk_level")])
def test_sent_and_shown(bank: Any, ranker: Any) -> None:
    for why in explained(bank, WARNED, ranker)[:5]:
        sent = json.loads(json.dumps(why.to_dict(), allow_nan=False))
        assert sent["eligible"] == why.eligible
        assert [one["product_id"] for one in sent["history"]] == [
            one.product_id for one in why.history
        ]
        assert sent["notes"]["en"] == list(why.notes["en"])
        for back in (pickle.loads(pickle.dumps(why)), copy.copy(why), copy.deepcopy(why)):
            assert back == why
            assert back.to_dict() == why.to_dict()
        html = why._repr_html_()
        assert f"{why.rank} of {why.eligible}" in html
        assert all(str(one.product_id) in html for one in why.history)
        assert str(why.user_id) not in repr(why)


def test_a_newcomer_is_told_what_others_like(bank: Any) -> None:
    users = pd.DataFrame(bank.users).iloc[:1].assign(user_id="new")
    pipeline = suitably.Pipeline(policy="cn-csrc-amac", ranker=EASE()).fit(bank)
    pipeline.update(users=users)
    lists = pipeline.recommend(["new"], k=1)
    products = lists.to_frame()["product_id"].tolist()
    for product in products:
        why = lists.explain("new", product)
        assert why.stood_in
        assert why.history == why.against == ()
        assert why.standing is not None
        assert "EASE knows nothing of this customer yet" in why.text["en"]
        assert "by popularity" in why.text["en"]


def test_after_an_update_and_a_load(bank: Any, tmp_path: Path) -> None:
    pipeline = suitably.Pipeline(
        policy=suitably.Policy.from_toml(WARNED), ranker=ALS(factors=8, iterations=3)
    )
    pipeline.fit(bank)
    log = pd.DataFrame(bank.interactions)
    user = log["user_id"].value_counts().index[-1]  # few purchases, so that each has a say
    news = log[log["user_id"] == user].iloc[:1]
    mine = set(log.loc[log["user_id"] == user, "product_id"])
    other = next(one for one in pipeline.product_ids if one not in mine)
    moment = pipeline.as_of_ + pd.Timedelta(days=1)
    if "event_id" in news:
        news = news.assign(event_id="news")
    pipeline.update(interactions=news.assign(product_id=other, timestamp=moment))
    pipeline.save(tmp_path / "model")
    told = []
    for one in (pipeline, suitably.load(tmp_path / "model")):
        lists = one.recommend([user], k=20)
        told.append([lists.explain(user, p) for p in lists.to_frame()["product_id"]])
        parts = [part for why in told[-1] for part in (*why.history, *why.against)]
        assert other in {part.product_id for part in parts}
    assert told[0] == told[1]


def test_adding_a_language_is_adding_a_file(tmp_path: Path) -> None:
    """A copy of the package with one file more speaks one language more."""
    package = Path(suitably.__file__).parent
    shutil.copytree(package, tmp_path / "suitably", ignore=shutil.ignore_patterns("__pycache__"))
    languages = tmp_path / "suitably" / "suitability" / "messages" / "languages"
    text = (languages / "en.py").read_text(encoding="utf-8")
    text = text.replace('name="English"', 'name="Toy"').replace("eligible products", "toys")
    (languages / "xx.py").write_text(text, encoding="utf-8")
    script = """
import suitably as st
bank = st.data.simulate_bank(users=40, products=20, seed=2)
pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
lists = pipeline.recommend(k=1)
first = next(one for one in lists if len(one))
why = lists.explain(first.user_id, first.product_ids[0])
assert list(why.text) == list(why.verdicts[0].text) == ["en", "xx", "zh"], why.text
assert list(why.notes) == list(why.margins[0].text) == ["en", "xx", "zh"]
assert "toys" in why.text["xx"] and "toys" not in why.text["en"]
assert "Toy" in why._repr_html_()
assert "xx" in lists.flags(texts=True).columns
said = '[policy]\\nid = "p"\\ntitle = { xx = "T" }\\n[[rules]]\\nid = "r"\\nrequire = "False"\\n'
policy = st.Policy.from_toml(said + 'because = { xx = "N" }')
assert policy.rules[0].because["xx"] == "N"
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env=environment, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
