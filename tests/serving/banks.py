"""Small saved pipelines to promote: good ones, and ones with a fault of their own."""

from pathlib import Path
from typing import Any

import suitably as st
from suitably.ranking import Popularity
from suitably.serving import ModelFolder

__all__ = ["POLICY", "Own", "fitted", "folder_of", "tight"]

POLICY = """
[policy]
id = "levels"
version = "1"
[[rules]]
id = "level"
require = "product.level <= user.level"
"""
FUNDS = """
[policy]
id = "funds"
version = "1"
governs = "product.kind == 'fund'"
[[rules]]
id = "adult"
require = "user.age >= 18"
"""


class Own(Popularity):
    """A ranker that no list of the library's own holds."""


def fitted(policy: Any = POLICY, users: int = 40, **options: Any) -> st.Pipeline:
    """Fit on a bank in which everybody of level 3 may have everything."""
    import pandas as pd

    people = pd.DataFrame(
        {
            "user_id": [f"u{n:02}" for n in range(users)],
            "level": [1 + n % 3 for n in range(users)],
            "age": [17 + n for n in range(users)],
        }
    )
    shelf = pd.DataFrame(
        {
            "product_id": [f"p{n}" for n in range(9)],
            "level": [1 + n % 3 for n in range(9)],
            "kind": ["fund" if n < 4 else "loan" for n in range(9)],
        }
    )
    log = pd.DataFrame(
        {
            "user_id": [f"u{n % users:02}" for n in range(60)],
            "product_id": [f"p{(n * n + n // 7) % 9}" for n in range(60)],
            "timestamp": "2024-01-01",
        }
    )
    texts = [policy] if isinstance(policy, str) else policy
    made = [st.Policy.from_toml(text) for text in texts]
    given = {"policy": made, "ranker": Popularity(), **options}
    return st.Pipeline(**given).fit(st.Dataset(people, shelf, log), as_of="2024-02-01")


def tight() -> st.Pipeline:
    """Fit a pipeline under which nobody may have anything."""
    return fitted(POLICY.replace("<= user.level", "> 99"))


def folder_of(path: Path, *names: str, **options: Any) -> ModelFolder:
    """Save the same pipeline under some names; the first is the current one, linked by hand."""
    pipeline = fitted()
    for name in names:
        pipeline.save(path / name)
    if names:
        (path / "current").symlink_to(names[0])
    return ModelFolder(path, **options)
