"""One derivation: masks, counts and verdicts of random policies, under any dates and scopes."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst

from suitably.suitability import eligibility as module
from support.agreement import MOMENTS, assert_as_judged, evaluated, instant
from support.oracle import judge
from support.random_policies import Case, cases


@pytest.mark.parametrize("tabulated", [False, True])
@settings(max_examples=60)
@given(case=cases(policies=2, scoped=True, most=6), later=hst.sampled_from(MOMENTS))
def test_one_eligibility_at_two_moments(
    tabulated: bool, case: Case, later: datetime | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_WORTH_TABULATING", 0 if tabulated else 10**9)
        found = evaluated(case)
        assert_as_judged(found, case, case.as_of)
        assert_as_judged(found.at(instant(later)), case, later)
        assert_as_judged(found, case, case.as_of)


@settings(max_examples=60)
@given(
    case=cases(policies=2, scoped=True, most=5),
    steps=hst.lists(hst.sampled_from([-400, -1, 0, 1, 400]), min_size=1, max_size=3),
)
def test_a_raw_row_at_several_moments(case: Case, steps: list[int]) -> None:
    found, products = evaluated(case), case.visible("product")
    for user_id, row in case.visible("user").items():
        for step in steps:
            moment = case.as_of + timedelta(days=step)
            expected = [
                judge(case.policies, row, products[product], moment).eligible
                for product in found.product_ids
            ]
            raw = {**row, "user_id": user_id}
            assert found.judge(raw, moment).tolist() == expected
