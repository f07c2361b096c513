"""Dates in force that cannot be judged: the error says where the policy says them."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.data.clock import Clock
from suitably.suitability.language.document import PolicyDocument, in_force

HEAD = '[policy]\nid = "p"\n'
RULE = '[[rules]]\nid = "r"\nrequire = "user.age > 2"\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{HEAD}effective = 2024-01-01T00:00:00Z\n{RULE}", "line 3, column 1 of the policy"),
        (f"{HEAD}{RULE}expires = 2024-01-01T00:00:00Z\n", "line 6, column 1 of the policy"),
    ],
)
def test_a_date_of_another_convention_is_shown_where_it_is_written(text: str, place: str) -> None:
    users, products = pd.DataFrame({"user_id": [1], "age": [3]}), pd.DataFrame({"product_id": [1]})
    with pytest.raises(st.DataError, match="is time-zone aware, but the data is naive") as caught:
        st.Policy.from_toml(text).evaluate(users, products, datetime(2024, 2, 1))
    assert place in str(caught.value)


def test_a_bare_date_is_shown_where_it_is_written_if_no_zone_is_known() -> None:
    text = f"{HEAD}{RULE}effective = 2024-01-01\n"
    policy = PolicyDocument(text)
    clock = Clock("+02:00", stated=False)
    assert clock.asks
    with pytest.raises(st.PolicyError, match="a date begins at midnight") as caught:
        in_force(policy, policy.rules[0], np.datetime64("2024-02-01", "us"), clock)
    assert "line 6, column 1 of the policy" in str(caught.value)
