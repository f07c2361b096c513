"""One user through every step of a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.pipeline.generate import ListGenerator
from suitably.utils import bitset

__all__ = ["Trace", "trace"]


@dataclass(frozen=True)
class Trace:
    """One user through every step.

    Attributes:
        fields: The columns of the users frame, as they stand.
        profile: The profile fields.
        stages: How many products are left after each step: catalogue, candidates, eligible,
            not owned, scored, listed.
        products: The list: rank, product_id and score.
    """

    fields: Mapping[str, Any]
    profile: Mapping[str, Any]
    stages: Mapping[str, int]
    products: pa.Table

    def __repr__(self) -> str:
        def lines(title: str, facts: Mapping[str, Any]) -> str:
            width = max((len(name) for name in facts), default=0)
            rows = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
            return "\n".join([title, *rows])

        listed = {
            str(row["rank"]): f"{row['product_id']}  {row['score']:.4g}"
            for row in self.products.to_pylist()
        }
        parts = [("fields", self.fields), ("profile", self.profile)]
        parts += [("products left", self.stages), ("list", listed)]
        return "\n".join(lines(title, facts) for title, facts in parts if facts)


def trace(generator: ListGenerator, row: int) -> Trace:
    """Follow one user.

    Args:
        generator: What draws up the lists.
        row: The user's position.
    """
    rows = np.array([row])
    eligible = generator.snapshot.eligibility.bits(rows)
    allowed = generator.allowed(rows)
    scored = allowed & generator.scorable(rows)
    lists = generator.generate(rows).lists
    codes = lists.products[0, : lists.lengths[0]]
    from_frame, profiles = generator.state.users.fields, generator.snapshot.profiles
    return Trace(
        fields={name: from_frame[name][row].as_py() for name in from_frame.column_names},
        profile={name: profiles[name][row].as_py() for name in profiles.column_names},
        stages={
            "catalogue": len(generator.state.positions),
            "candidates": bitset.count(generator.narrowed),
            "eligible": bitset.count(eligible & generator.narrowed),
            "not owned": bitset.count(allowed),
            "scored": bitset.count(scored),
            "listed": len(codes),
        },
        products=pa.table(
            {
                "rank": pa.array(np.arange(1, len(codes) + 1), pa.int32()),
                "product_id": generator.state.catalogue.ids.decode(codes),
                "score": pa.array(lists.scores[0, : len(codes)], pa.float32()),
            }
        ),
    )
