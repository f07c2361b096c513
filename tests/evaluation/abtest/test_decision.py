"""From figures to a word: every branch, and which comes first."""

import math

import numpy as np
import pytest

from suitably.evaluation import Estimate, Guardrail
from suitably.evaluation.abtest.decision import decide
from suitably.evaluation.abtest.guardrails import SAFETY, parse_guardrails

NAN = math.nan


def found(low=NAN, high=NAN, n=100, omitted=0, treatment=0.5):
    middle = 0.1 if math.isnan(low) else (low + high) / 2
    return Estimate(n, omitted, 0.5, treatment, middle, low, high, p_value=0.5)


SAFE, UNSAFE = found(0, 0, treatment=0.0), found(0, 0, treatment=0.001)
SOFT = Guardrail("coverage")


@pytest.mark.parametrize(
    ("primary", "rates", "coverage", "expected"),
    [
        (found(0.1, 0.2), SAFE, found(0, 0), "ship"),
        (found(0.1, 0.2), SAFE, found(-0.2, 0.1), "ship"),
        (found(0.1, 0.2), SAFE, found(-0.2, -0.1), "inconclusive"),
        (found(0.1, 0.2), SAFE, found(), "inconclusive"),
        (found(0.1, 0.2), UNSAFE, found(0, 0), "do not ship"),
        (found(0.0, 0.2), SAFE, found(0, 0), "inconclusive"),
        (found(-0.1, 0.2), UNSAFE, found(0, 0), "do not ship"),
        (found(-0.1, 0.0), SAFE, found(0, 0), "inconclusive"),
        (found(-0.2, -0.1), SAFE, found(0, 0), "do not ship"),
        (found(n=1), SAFE, found(0, 0), "not evaluable"),
        (found(n=5), SAFE, found(0, 0), "not evaluable"),
        (found(n=0), found(n=0, treatment=NAN), found(n=0), "not evaluable"),
        (found(0.1, 0.2, omitted=1), SAFE, found(0, 0), "not evaluable"),
        (found(n=0, omitted=5), SAFE, found(0, 0), "not evaluable"),
        (found(n=0, omitted=5), UNSAFE, found(0, 0), "do not ship"),
    ],
)
def test_decisions(primary, rates, coverage, expected):
    outcomes = [SAFETY.check(rates, higher_is_better=False), SOFT.check(coverage, True)]
    decision, reason = decide("dcg@10", primary, outcomes, alpha=0.05)
    assert decision == expected
    assert reason.endswith(".")
    assert "nan" not in reason


def test_limits_and_directions():
    assert Guardrail.parse("coverage >= 0.9").check(found(treatment=0.9), True).verdict == "holds"
    assert Guardrail.parse("coverage<=0.9").check(found(treatment=0.91), True).verdict == "breached"
    rounded = found(treatment=np.mean([0.1 + 0.2] * 2 + [0.3]))
    assert rounded.treatment > 0.3
    assert Guardrail.parse("coverage<=0.3").check(rounded, True).verdict == "holds"
    assert Guardrail("latency").check(found(0.1, 0.2), False).verdict == "breached"
    assert Guardrail("latency").check(found(-0.2, -0.1), False).verdict == "holds"


def test_safety_is_always_first_and_once():
    assert parse_guardrails([]) == (SAFETY,)
    assert parse_guardrails(["violation_rate", Guardrail("violation_rate")]) == (SAFETY,)
    assert parse_guardrails(["coverage", "coverage"]) == (SAFETY, Guardrail("coverage"))


@pytest.mark.parametrize(
    "half",
    [{"relation": ">="}, {"limit": 0.5}, {"relation": "==", "limit": 1.0}],
)
def test_half_a_limit_is_refused(half):
    with pytest.raises(ValueError, match="guardrail on 'coverage'"):
        Guardrail("coverage", **half)
