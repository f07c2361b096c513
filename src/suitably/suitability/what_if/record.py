"""One answer: what would have to change, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from suitably.utils.record import Record

__all__ = ["WhatIf"]


@dataclass(frozen=True, repr=False)
class WhatIf(Record):
    """Facts that, changed together, turn every rule to pass; none of them can be left out.

    Attributes:
        changes: Keys of `[changeable]`, sorted.
        text: What to do about them, in that order, in English (`"en"`) and Chinese (`"zh"`).

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "tested"
        ... [changeable]
        ... "user.passed" = { en = "Take the test.", zh = "请参加测试。" }
        ... [[rules]]
        ... id = "test"
        ... require = "user.passed"
        ... ''')
        >>> users = pd.DataFrame({"user_id": ["a"], "passed": [False]})
        >>> products = pd.DataFrame({"product_id": ["x"]})
        >>> (found,) = policy.evaluate(users, products, "2026-01-01").what_if("a", "x")
        >>> found
        WhatIf('user.passed')
        >>> found.text["en"]
        'Take the test.'
    """

    changes: tuple[str, ...]
    text: Mapping[str, str]

    def __repr__(self) -> str:
        return f"WhatIf({', '.join(map(repr, self.changes))})"
