"""The builder of what rules ask of money keeps the contract of builders."""

import pytest

from suitably.model.positions import Positions
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank


class TestPositions(BuilderContract):
    def make(self) -> Positions:
        sums = ["portfolio()", "held(issuer)", "bought(product_id, months(12))"]
        return Positions([*sums, "bought(issuer, days(30))"])

    def bank(self) -> SmallBank:
        bank = super().bank()
        products = [
            {**row, "issuer": ["X", "Y", None][i % 3]} for i, row in enumerate(bank.products)
        ]
        return bank.but(products=products)


@pytest.mark.parametrize("name", ["held", "held()", "bought(issuer)", "portfolio", 3])
def test_what_is_no_sum(name: object) -> None:
    with pytest.raises(ValueError, match=r"Positions.*neither portfolio"):
        Positions([name]).check_params()  # type: ignore[list-item]
