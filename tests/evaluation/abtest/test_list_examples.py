"""A few lists side by side: whose, and what is said of every product."""

from suitably.evaluation import ABTest, TimeSplit
from suitably.evaluation.abtest.examples import ListedProduct
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


def test_only_users_whose_lists_differ(bank):
    assert bank.run(bank.poor(), bank.poor()).examples == ()
    assert len(bank.run(bank.poor(), bank.good()).examples) == 3


def test_what_is_said_of_a_product(bank):
    free = Policy.unrestricted()
    result = bank.run(bank.poor(free), bank.good(free), policy=bank.policy)
    # u01 may take little risk; p9, p8 and p7 come first in the control, and p4 is owned already.
    second = result.examples[1].lists
    assert [one.product for one in second["control"]] == ["p9", "p8", "p7", "p0", "p1"]
    assert [len(one.reasons) for one in second["control"]] == [1, 1, 1, 0, 0]
    assert second["treatment"][0] == ListedProduct("p1", acquired=True, reasons=())
    assert [one.acquired for one in second["control"]] == [False] * 4 + [True]
    # u00 may take much
    assert not any(one.reasons for one in result.examples[0].lists["control"])


def test_only_the_last_split_is_looked_at(bank):
    test = ABTest(bank.poor(), bank.good(), policy=bank.policy)
    alone = test.run(bank.data, TimeSplit("2021-01-15", 100)).examples
    assert test.run(bank.data, [SPLIT, TimeSplit("2021-01-15", 100)]).examples == alone
