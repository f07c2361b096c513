"""Canaries: what they count, against what was counted by hand, and which faults they find."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably as st
from serving.banks import POLICY, fitted, tight
from suitably.governance import AuditTrail, Consent
from suitably.pipeline.generate import ListGenerator
from suitably.ranking import Popularity, Precomputed
from suitably.serving import Canary, SwitchState

ALL = Canary(users=1000, k=5)
REGISTER = pd.DataFrame({"user_id": ["u01", "u02"], "purpose": "personalisation",
                         "granted_at": "2023-01-01", "withdrawn_at": None})  # fmt: skip


def test_counts_are_those_of_the_lists() -> None:
    pipeline = fitted()
    lengths = pipeline.recommend(k=5).lists.lengths
    report = ALL.check(pipeline)
    assert report.ok
    assert (report.users, report.listed, report.violations) == (40, lengths.sum(), 0)
    assert report.abstention == pytest.approx(float((1 - lengths / 5).mean()))
    assert report.empty == (lengths == 0).mean()
    assert (report.abstention_before, report.empty_before) == (None, None)
    assert report.to_dict()["ok"] is True
    assert str(report).startswith("40 customers, ")


def test_a_generator_that_forgets_the_rules_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = fitted()
    whole = ListGenerator.allowed

    def everything(self: ListGenerator, rows: Any) -> Any:
        return np.full_like(whole(self, rows), (1 << 9) - 1)

    monkeypatch.setattr(ListGenerator, "allowed", everything)
    made = pipeline.recommend(k=5)
    levels = {f"u{n:02}": 1 + n % 3 for n in range(40)}
    wrong = sum(
        1 + int(product[1:]) % 3 > levels[one.user_id]
        for one in made
        for product in one.product_ids
    )
    report = ALL.check(pipeline)
    assert wrong > 0
    assert (report.violations, report.listed) == (wrong, 200)
    assert report.problems == (f"{wrong} of 200 listed products break a rule",)


def test_the_same_customers_every_time_and_others_by_another_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    whole = st.Pipeline.recommend

    def noting(self: Any, user_ids: Any, **options: Any) -> Any:
        asked.append(list(user_ids))
        return whole(self, user_ids, **options)

    monkeypatch.setattr(st.Pipeline, "recommend", noting)
    pipeline = fitted()
    for seed in (0, 0, 1):
        Canary(users=7, k=2, seed=seed).check(pipeline)
    assert asked[0] == asked[1] != asked[2]
    assert all(len(set(some)) == 7 for some in asked)


def test_limits() -> None:
    some = fitted(POLICY.replace("<= user.level", "< user.level"))  # a third may have nothing
    empty = float((some.recommend(k=5).lists.lengths == 0).mean())
    assert 0.3 < empty < 0.4
    assert Canary(users=1000, k=5, max_abstention=empty).check(some).ok
    found = Canary(users=1000, k=5, max_abstention=empty - 0.01).check(some)
    assert found.problems == ("35.0% of the customers get no product, and 34.0% may",)
    more = ALL.check(some).abstention - ALL.check(fitted()).abstention
    lax = Canary(users=1000, k=5, max_new_abstention=round(more + 0.001, 3))
    assert lax.check(some, fitted()).ok
    strict = Canary(users=1000, k=5, max_new_abstention=round(more - 0.001, 3))
    assert "more of the places are empty" in str(strict.check(some, fitted()))
    assert strict.check(fitted(), some).ok  # less is no fault
    assert not ALL.check(tight()).ok


def test_customers_who_are_lost_count() -> None:
    fewer = fitted(users=10)
    kept = int((fewer.recommend(k=5).lists.lengths > 0).sum())
    report = ALL.check(fewer, fitted(users=40))
    assert report.users == 40
    assert report.empty == 1 - kept / 40
    assert "of the customers get no product" in str(report)


def test_customers_who_are_new_are_not_held_against_those_before() -> None:
    report = ALL.check(fitted(users=40), fitted(users=10))
    before = fitted(users=10).recommend(k=5).lists.lengths
    assert report.users == 40
    assert report.abstention_before == pytest.approx(float((1 - before / 5).mean()))
    assert report.ok


def test_ids_of_another_type_share_no_customers() -> None:
    log = pd.DataFrame({"user_id": [7, 8], "product_id": ["a", "b"]})
    numbers = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Popularity())
    numbers.fit(st.Dataset(None, None, log))
    report = ALL.check(numbers, fitted())
    assert (report.users, report.abstention_before) == (2, None)


def test_nothing_is_recorded_and_what_is_off_does_not_matter(tmp_path: Any) -> None:
    audit = AuditTrail(tmp_path / "decisions.sqlite")
    pipeline = fitted(audit=audit)
    before = audit.head
    assert ALL.check(pipeline, pipeline).ok
    assert audit.head == before
    off = pipeline.switched(SwitchState(everything=True))
    assert ALL.check(off).empty == 0
    assert ALL.check(pipeline, off).abstention_before == ALL.check(pipeline).abstention


def test_a_register_of_consent() -> None:
    pipeline = fitted(consent=Consent(REGISTER))
    assert ALL.check(pipeline).ok
    silent = pipeline.with_consent(None)
    assert "fitted with a register of consent" in str(ALL.check(silent))
    assert ALL.check(silent, consent=Consent(REGISTER)).ok
    report = ALL.check(fitted(), silent)  # the version before cannot answer: no fault of the new
    assert (report.ok, report.abstention_before) == (True, None)


def test_a_version_that_cannot_answer() -> None:
    class Broken(Popularity):
        def scorer(self, user_ids: Any) -> Any:
            raise RuntimeError("out of order")

    report = ALL.check(fitted(ranker=Broken(), fallback=None))
    assert not report.ok
    assert (report.users, report.abstention) == (40, 1.0)


def test_scores_that_are_none() -> None:
    pairs = [(f"u{n:02}", f"p{m}", 1.0) for n in range(40) for m in range(9)]
    scores = pd.DataFrame(pairs, columns=["user_id", "product_id", "score"])
    pipeline = fitted(ranker=Precomputed(scores=scores))
    assert ALL.check(pipeline).ok
    made = pipeline.recommend(k=5)
    made.lists.scores[0, 0] = np.nan
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(st.Pipeline, "recommend", lambda *_, **__: made)
        assert ALL.check(pipeline).problems == ("some scores are not finite",)


def test_a_later_moment() -> None:
    pipeline = fitted(POLICY.replace('version = "1"', 'version = "1"\nexpires = 2024-03-01'))
    assert ALL.check(pipeline).ok
    later = Canary(users=1000, k=5, as_of="2024-04-01")
    assert later.check(pipeline).empty == 1.0


@pytest.mark.parametrize(
    "options",
    [
        {"users": 0}, {"users": 1.5}, {"k": 0}, {"k": True}, {"max_abstention": -0.1},
        {"max_abstention": 1.1}, {"max_new_abstention": float("nan")}, {"users": None},
    ],
)  # fmt: skip
def test_numbers_out_of_range(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Canary(**options)


def test_a_repr_says_what_differs() -> None:
    assert repr(Canary(users=5)) == "Canary(users=5)"


def test_customers_of_both_versions_are_drawn_once() -> None:
    report = Canary(users=25, k=2).check(fitted(users=40), fitted(users=30))
    assert report.users == 25
    assert Canary(users=99, k=2).check(fitted(users=30), fitted(users=40)).users == 40
