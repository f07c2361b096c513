"""The builders keep the contract that ships, and so does one of the caller's own."""

from typing import Any

from suitably.profiles import RecencyFrequencyValue, RiskAppetite
from suitably.testing import BuilderContract


class TestRecencyFrequencyValue(BuilderContract):
    def make(self) -> Any:
        return RecencyFrequencyValue(frequent=2, high_value=20)

    def made(self) -> list[Any]:
        return [self.make(), RecencyFrequencyValue(["buy"]), RecencyFrequencyValue()]

    def bad(self) -> list[Any]:
        limits = [("active_days", 0), ("frequent", "two"), ("high_value", float("nan"))]
        return [RecencyFrequencyValue(events="buy")] + [
            RecencyFrequencyValue(**{name: value}) for name, value in limits
        ]


class TestOfOneKindOfEvent(BuilderContract):
    def make(self) -> Any:
        return RecencyFrequencyValue(events=("view",))


class TestRiskAppetite(BuilderContract):
    def make(self) -> Any:
        return RiskAppetite()

    def made(self) -> list[Any]:
        return [self.make(), RiskAppetite("income", None, None), RiskAppetite(valid_months=3)]

    def bad(self) -> list[Any]:
        return [RiskAppetite(valid_months=m) for m in (0, True, 1.5, "1")] + [
            RiskAppetite(date=None)
        ]


class TestWithoutDates(BuilderContract):
    def make(self) -> Any:
        return RiskAppetite(date=None, valid_months=None)
