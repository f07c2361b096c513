"""Every registered metric keeps the contract that ships, and so do objects of the caller's own."""

from typing import Any

import numpy as np
import pytest

from suitably.metrics.catalogue import ACCURACY
from suitably.metrics.registry import REGISTRY
from suitably.testing import MetricContract
from suitably.testing.metric import TREC, drawn


def _contract(given: Any, base: type[MetricContract] = MetricContract) -> type[MetricContract]:
    return type("Contract", (base,), {"make": lambda self: given})


class _UnderAnyConvention(MetricContract):
    """For metrics that read no convention: one is as good as three."""

    @drawn
    def test_a_value_per_user(self, seed: int) -> None:  # type: ignore[override]
        super().test_a_value_per_user(TREC, seed)

    @drawn
    def test_others_do_not_matter(self, seed: int) -> None:  # type: ignore[override]
        super().test_others_do_not_matter(TREC, seed)

    @drawn
    def test_room_past_the_end_does_not_matter(self, seed: int) -> None:  # type: ignore[override]
        super().test_room_past_the_end_does_not_matter(TREC, seed)


_OPTIONS = {"violation_rate_at": "[level:R1]"}
for _name, _spec in REGISTRY.items():
    _written = _name + _OPTIONS.get(_name, "") + "@4" * _spec.at_k
    if _name.removeprefix("suitable_") not in ACCURACY or _name in {*ACCURACY, "suitable_ndcg"}:
        _base = MetricContract if "convention" in _spec.needs else _UnderAnyConvention
        globals()[f"Test_{_written}"] = _contract(_written, _base)


class Upper:
    """The share of hits in the upper half."""

    label, k, higher_is_better = "upper", 3, True

    def per_user(self, hits: Any, convention: Any) -> Any:
        return hits.top(3).sum(axis=1) / 3


class MeanFee:
    """The mean fee of what is listed, missing where nothing is."""

    label, k, higher_is_better = "mean_fee@2", 2, False
    needs = ("products", "product_fields")

    def measure(self, seen: Any) -> Any:
        fees = np.append(seen.product_fields["fee"].to_numpy(), np.nan)[seen.products[:, : self.k]]
        counts = (~np.isnan(fees)).sum(axis=1)
        return np.where(counts, np.nansum(fees, axis=1) / np.maximum(counts, 1), np.nan)


class TestUpper(MetricContract):
    def make(self) -> Any:
        return Upper()


class TestMeanFee(MetricContract):
    def make(self) -> Any:
        return MeanFee()


class LooksAtTheOthers(Upper):
    def per_user(self, hits: Any, convention: Any) -> Any:
        return super().per_user(hits, convention) - hits.relevance.mean()


class LooksTooDeep(Upper):
    def per_user(self, hits: Any, convention: Any) -> Any:
        return hits.top(4).sum(axis=1) / 3


class WrongWayRound(Upper):
    higher_is_better = False


class CountsTheRoom(Upper):
    def per_user(self, hits: Any, convention: Any) -> Any:
        return hits.relevance.mean(axis=1)


class NeedsMore(MeanFee):
    needs = ("products",)


class OutOfRange(Upper):
    range = 0.0, 0.1


class WritesIntoTheLists(MeanFee):
    def measure(self, seen: Any) -> Any:
        seen.products[:, 0] = 0
        return super().measure(seen)


@pytest.mark.parametrize(
    ("metric", "test", "given"),
    [
        (LooksAtTheOthers, "test_others_do_not_matter", {"convention": TREC, "seed": 1}),
        (LooksTooDeep, "test_what_is_below_its_depth_does_not_matter", {"seed": 1}),
        (WrongWayRound, "test_it_says_which_way_is_better", {}),
        (CountsTheRoom, "test_room_past_the_end_does_not_matter", {"convention": TREC, "seed": 1}),
        (NeedsMore, "test_it_needs_no_more_than_it_says", {}),
        (OutOfRange, "test_a_value_per_user", {"convention": TREC, "seed": 1}),
        (WritesIntoTheLists, "test_a_value_per_user", {"convention": TREC, "seed": 1}),
    ],
)
def test_a_fault_is_caught(metric: Any, test: str, given: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, TypeError)):
        getattr(_contract(metric())(), test)(**given)
