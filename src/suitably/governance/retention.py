"""Retention: how long records are kept, by the rules that ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import pandas as pd

from suitably.utils.record import Record
from suitably.utils.suggest import nearest

__all__ = ["RETENTION_CLASSES", "Retention", "RetentionClass", "RetentionRules", "read_retention"]

Since = Literal["decision", "contract_end"]


@dataclass(frozen=True)
class RetentionClass(Record):
    """How long a decision is kept.

    Attributes:
        name: What records call it.
        years: How many years.
        since: From when: the decision, or the end of the customer's contract.
        source: What asks for it.

    Raises:
        ValueError: No positive number of years, or another beginning.
    """

    name: str
    years: int
    since: Since = "decision"
    source: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name: must not be empty")
        if isinstance(self.years, bool) or not isinstance(self.years, int) or self.years < 1:
            raise ValueError(f"years={self.years!r}: must be a positive integer")
        if self.since not in ("decision", "contract_end"):
            raise ValueError(f"since={self.since!r}: must be decision or contract_end")

    def cutoff(self, now: pd.Timestamp) -> pd.Timestamp:
        """Return the latest beginning whose years have passed.

        Example:
            >>> RetentionClass("house", 5).cutoff(pd.Timestamp("2031-03-01"))
            Timestamp('2026-03-01 00:00:00')
        """
        return now - pd.DateOffset(years=self.years)


RETENTION_CLASSES: Mapping[str, RetentionClass] = MappingProxyType({
    one.name: one
    for one in (
        RetentionClass(
            "cn-nfra", 5, "contract_end",
            "National Financial Regulatory Administration, Order 7 of 2025, Art. 17",
        ),
        RetentionClass(
            "cn-csrc", 20, "decision",
            "Securities Law of the People's Republic of China, Art. 137; China Securities "
            "Regulatory Commission, Measures for Suitability Management, Art. 32",
        ),
        RetentionClass(
            "eu-mifid", 7, "decision",
            "Directive 2014/65/EU, Art. 16(7): five years, seven where the authority asks for it",
        ),
        RetentionClass("us-sec", 6, "decision", "17 CFR 240.17a-4"),
    )
})  # fmt: skip
"""The classes that records have by the built-in policies that they were made under."""

_OF_POLICIES: Mapping[str, tuple[str, ...]] = {
    "cn-nfra-2025": ("cn-nfra",),
    "cn-nfra-2025-budget": ("cn-nfra",),
    "cn-insurance": ("cn-nfra",),
    "cn-csrc-amac": ("cn-csrc",),
    "qualified-investor": ("cn-csrc", "cn-nfra"),  # private funds and plans, and trusts
    "eu-mifid": ("eu-mifid",),
    "us-finra": ("us-sec",),
}

Classes = str | RetentionClass | Sequence[str | RetentionClass]
Retention = Classes | Mapping[str, Classes]
"""Classes for every decision, or for decisions under a policy, by the policy's id."""


class RetentionRules:
    """Which classes the decisions under some policies have."""

    def __init__(
        self,
        everywhere: tuple[RetentionClass, ...],
        by_policy: Mapping[str, tuple[RetentionClass, ...]],
    ) -> None:
        self._everywhere = everywhere
        self._by_policy = by_policy

    def of(self, policies: Sequence[str]) -> tuple[RetentionClass, ...]:
        """Return the classes, all of which must have run out; none where they are kept for good."""
        found = [*self._everywhere]
        for policy in policies:
            found += self._by_policy.get(policy, ())
        return tuple(sorted(dict.fromkeys(found), key=lambda one: one.name))


def read_retention(given: Retention | None) -> RetentionRules:
    """Read what a trail was given; None: by the built-in policies, and for good under others.

    Raises:
        ValueError: No class of that name.
    """
    if given is not None and not isinstance(given, Mapping):
        return RetentionRules(_classes(given), {})
    named = {policy: _classes(names) for policy, names in _OF_POLICIES.items()}
    own = {policy: _classes(classes) for policy, classes in (given or {}).items()}
    return RetentionRules((), {**named, **own})


def _classes(given: Classes) -> tuple[RetentionClass, ...]:
    some = [given] if isinstance(given, str | RetentionClass) else given
    return tuple(one if isinstance(one, RetentionClass) else _named(one) for one in some)


def _named(name: str) -> RetentionClass:
    if name not in RETENTION_CLASSES:
        hint = nearest(name, RETENTION_CLASSES)
        raise ValueError(f"retention={name!r}: no class of that name{hint}")
    return RETENTION_CLASSES[name]
