"""One user through every step of a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.arrow_columns import plain_value
from suitably.pipeline.flagged import flags_of_lists
from suitably.pipeline.generate import ListGenerator
from suitably.utils import bitset
from suitably.utils.html import box, facts, table
from suitably.utils.record import Record

__all__ = ["Trace", "trace"]


@dataclass(frozen=True, repr=False)
class Trace(Record):
    """One user through every step.

    Attributes:
        user_id: The user.
        fields: The columns of the users frame, as they stand.
        profile: The profile fields.
        stages: How many products are left after each step: catalogue, candidates, not switched
            off (where something is), eligible, not owned, not rejected (where events may mean
            that), scored, listed.
        products: The list: rank, product_id and score.
        flags: The rules that flag its products: rank, product_id, rule and unknown.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> pipeline.fit(st.Dataset(None, None, log)).trace("ann")
        Trace(catalogue 2, candidates 2, eligible 2, not owned 1, scored 1, listed 1)
    """

    user_id: Any
    fields: Mapping[str, Any]
    profile: Mapping[str, Any]
    stages: Mapping[str, int]
    products: pa.Table
    flags: pa.Table

    def __repr__(self) -> str:
        return f"Trace({', '.join(f'{stage} {left:,}' for stage, left in self.stages.items())})"

    def _repr_html_(self) -> str:
        listed = [
            (row["rank"], str(row["product_id"]), row["score"]) for row in self.products.to_pylist()
        ]
        columns = ("rank", "product_id", "rule", "unknown")
        flags = [
            (row["rank"], str(row["product_id"]), row["rule"], "yes" if row["unknown"] else "")
            for row in self.flags.to_pylist()
        ]
        return box(
            f"{self.user_id}, step by step",
            facts(self.stages, "Products left"),
            table(("rank", "product_id", "score"), listed, "List"),
            table(columns, flags, "Flags, which bar nothing") if flags else "",
            facts(self.profile, "Profile") if self.profile else "",
            facts(self.fields, "Fields") if self.fields else "",
        )


def trace(generator: ListGenerator, row: int) -> Trace:
    """Follow one user.

    Args:
        generator: What draws up the lists.
        row: The user's position.
    """
    rows = np.array([row])
    switched_on = generator.without_switched_off(generator.narrowed.copy(), rows)
    eligible = generator.snapshot.eligibility.bits(rows) & switched_on
    allowed = generator.allowed(rows)
    open_to = generator.without_owned(eligible.copy(), rows)
    rejects = bool(generator.state.schema.kinds.rejected)
    scored = allowed & generator.scorable(rows)
    lists = generator.generate(rows).lists
    codes = lists.products[0, : lists.lengths[0]]
    return Trace(
        user_id=generator.state.users.ids.decode(rows)[0].as_py(),
        fields=_row(generator.state.users.fields, row),
        profile=_row(generator.snapshot.profiles, row),
        stages={
            "catalogue": len(generator.state.positions),
            "candidates": bitset.count(generator.narrowed),
            **({} if generator.off is None else {"not switched off": bitset.count(switched_on)}),
            "eligible": bitset.count(eligible),
            "not owned": bitset.count(open_to),
            **({"not rejected": bitset.count(allowed)} if rejects else {}),
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
        flags=flags_of_lists(generator, rows, lists)[1],
    )


def _row(table: pa.Table, row: int) -> dict[str, Any]:
    """Return a row by name, maps as dictionaries as in the evidence of a rule."""
    return {f.name: plain_value(table[f.name][row].as_py(), f.type) for f in table.schema}
