"""A pair that a built-in policy lets through, and what one change to it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

import suitably as st

__all__ = ["Baseline", "Case"]

Case = tuple[str, dict[str, Any], str | None]
"""A rule, what is changed, and the rule's verdict then; None: it does not apply."""


@dataclass(frozen=True)
class Baseline:
    """An eligible pair.

    Attributes:
        policy: The policy's name.
        as_of: The moment.
        user: The user's fields.
        product: The product's fields.
        optional: Fields that may be missing without keeping the pair out.
    """

    policy: str
    as_of: datetime
    user: Mapping[str, Any]
    product: Mapping[str, Any]
    optional: frozenset[str] = frozenset()

    def judge(self, changes: Mapping[str, Any]) -> tuple[bool, dict[str, str]]:
        """Give eligibility and the verdicts by rule when fields or `as_of` change."""
        sides: dict[str, dict[str, Any]] = {"user": dict(self.user), "product": dict(self.product)}
        as_of = changes.get("as_of", self.as_of)
        for name, value in changes.items():
            if name != "as_of":
                side, field = name.split(".")
                assert field in sides[side], f"{name} is not in the baseline"
                sides[side][field] = value
        users = pa.table({"user_id": ["u"], **{k: [v] for k, v in sides["user"].items()}})
        products = pa.table({"product_id": ["p"], **{k: [v] for k, v in sides["product"].items()}})
        eligibility = st.Policy.load(self.policy).evaluate(users, products, as_of)
        verdicts = eligibility.verdicts("u", "p")
        for verdict in verdicts:
            for language in ("en", "zh"):
                assert verdict.text[language].strip()
                assert "{" not in verdict.text[language]
        return bool(eligibility.mask()[0, 0]), {v.rule: v.verdict for v in verdicts}

    def check(self, case: Case) -> None:
        """Compare a rule's verdict with a case's, and eligibility with all verdicts."""
        rule, changes, expected = case
        eligible, verdicts = self.judge(changes)
        assert verdicts.get(rule) == expected
        assert eligible == (set(verdicts.values()) == {"pass"})
        if expected == "pass":
            assert eligible, verdicts

    def check_complete(self, cases: list[Case]) -> None:
        """Check that every rule has a case on either side, and that every field is in the pair."""
        assert self.judge({})[0]
        policy = st.Policy.load(self.policy)
        tested = {(rule, verdict) for rule, _, verdict in cases}
        wanted = {(rule.id, verdict) for rule in policy.rules for verdict in ("pass", "fail")}
        assert wanted <= tested, wanted - tested
        have = {f"user.{name}" for name in self.user} | {f"product.{n}" for n in self.product}
        assert have == {str(field) for field in policy.reads}

    def check_missing(self) -> None:
        """Check that without any one field nothing is offered, but for the optional ones."""
        policy = st.Policy.load(self.policy)
        passing = {str(f) for f in policy.reads if self.judge({str(f): None})[0]}
        assert passing == self.optional
