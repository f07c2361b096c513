"""Guardrails about groups: gaps, segments that lose, those who are reported apart."""

import numpy as np
import pandas as pd
import pytest

from suitably.data import Dataset
from suitably.evaluation import ABTest, Estimate, Guardrail, TimeSplit
from suitably.evaluation.abtest.guardrails import check_segments
from suitably.evaluation.abtest.segments import segment_labels

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


def found(difference, p_value, treatment=0.5):
    return Estimate(99, 0, 0.5, treatment, difference, -1.0, 1.0, p_value)


class TestSegments:
    def test_one_that_loses_stops_a_ship(self, bank):
        """Thirty customers gain all there is, ten lose what they had."""
        scores = {user: {product: 2.0} for user, product in bank.bought.items()}
        premium = [f"u{n}" for n in range(30, 40)]
        control = bank.pipeline(
            {user: scores[user] if user in premium else {"p9": 1.0} for user in bank.bought}
        )
        worst = {product: 9.0 - n for n, product in enumerate(["p5", "p6", "p7", "p8", "p9"])}
        treatment = bank.pipeline(
            {user: worst if user in premium else scores[user] for user in bank.bought}
        )
        common = {"metrics": ["dcg@1"], "min_segment": 5}
        plain = bank.run(control, treatment, **common)
        assert plain.decision == "ship"
        stopped = bank.run(control, treatment, segments="segment", **common)
        assert stopped.decision == "inconclusive"
        assert "significantly worse in segment=Premium" in stopped.reason

    def test_one_loser_among_many_by_chance_is_none(self):
        twenty = {f"s={n}": found(-0.1, 0.03 if not n else 0.5) for n in range(20)}
        assert check_segments("m", twenty, 0.05).verdict == "holds"
        assert check_segments("m", {"s=0": twenty["s=0"]}, 0.05).verdict == "breached"

    def test_a_winner_is_no_loser(self):
        assert check_segments("m", {"s=0": found(0.1, 0.001)}, 0.05).verdict == "holds"


class TestGap:
    def test_groups_that_fare_alike(self, bank):
        guardrail = "gap(dcg@10, segment) <= 0.1"
        result = bank.run(bank.poor(), bank.good(), guardrails=[guardrail], min_segment=5)
        assert result.decision == "ship"
        assert [o.verdict for o in result.guardrails] == ["holds", "holds"]
        # A field of a guardrail is no segment to report.
        assert set(result.to_frame()["segment"]) == {"all"}

    def test_groups_that_do_not(self, bank):
        scores = {user: {product: 2.0} for user, product in bank.bought.items() if user < "u30"}
        worst = {product: 9.0 - n for n, product in enumerate(["p5", "p6", "p7", "p8", "p9"])}
        scores |= {f"u{n}": worst for n in range(30, 40)}
        guardrails = [Guardrail("dcg@1", "<=", 0.2, hard=True, field="segment")]
        result = bank.run(bank.poor(), bank.pipeline(scores), guardrails=guardrails, min_segment=5)
        assert result.decision == "do not ship"
        assert "segment=Mass 1.0000" in result.reason

    def test_too_few_groups_cannot_be_told(self, bank):
        result = bank.run(bank.poor(), bank.good(), guardrails=["gap(dcg@10, segment)<=1"])
        assert result.decision == "inconclusive"
        assert "fewer than two groups" in result.reason

    @pytest.mark.parametrize("text", ["gap(dcg@10, segment)", "gap(dcg@10, segment)>=0.1"])
    def test_it_needs_an_upper_limit(self, text):
        with pytest.raises(ValueError, match="a gap needs an upper limit"):
            Guardrail.parse(text) if "=" in text else Guardrail("dcg@10", field="segment")


class TestApart:
    def test_old_customers_and_the_lowest_class(self, bank):
        """Half of the bank's customers are of the low class; ten are 65 and over."""
        births = ["1950-01-01"] * 10 + ["1990-01-01"] * 30
        users = bank.data.users.assign(birth_date=pd.to_datetime(births))
        data = Dataset(users, bank.data.products, bank.data.interactions)
        result = ABTest(bank.poor(), bank.good(), min_segment=5).run(data, SPLIT)
        frame = result.to_frame(by="apart")
        overall = frame[frame["metric"] == "dcg@10"].set_index("segment")
        assert overall["n"].to_dict() == {"65 and over": 10, "lowest class (low)": 20}
        assert set(result.to_frame()["segment"]) == {"all"}

    def test_not_where_there_are_too_few(self, bank):
        result = bank.run(bank.poor(), bank.good(), min_segment=21)
        assert len(result.to_frame(by="apart")) == 0


class TestLabels:
    def users(self, bank, **columns):
        users = bank.data.users.assign(**columns)
        return Dataset(users, bank.data.products, bank.data.interactions).view("2021-01-01")

    def test_ages(self, bank):
        births = ["1990-06-01", "2000-01-01", "1975-01-01", "1956-01-02", None] * 8
        view = self.users(bank, birth_date=pd.to_datetime(births))
        labels = segment_labels(view, "birth_date", view.user_ids[:5])
        assert labels.tolist() == [
            "birth_date=25 to 44",
            "birth_date=under 25",
            "birth_date=45 to 64",
            "birth_date=45 to 64",
            "birth_date=(missing)",
        ]

    def test_numbers_make_thirds(self, bank):
        view = self.users(bank, income=np.append(np.arange(39.0), np.nan))
        labels = segment_labels(view, "income", view.user_ids)
        names, counts = np.unique(labels.astype(str), return_counts=True)
        assert dict(zip(names, counts.tolist(), strict=True)) == {
            "income=(missing)": 1,
            "income=high": 13,
            "income=low": 13,
            "income=middle": 13,
        }

    def test_few_numbers_are_groups(self, bank):
        view = self.users(bank, children=[0, 1, 2, 3] * 10)
        labels = segment_labels(view, "children", view.user_ids)
        assert set(labels) == {f"children={n}" for n in range(4)}
