"""Profiles of all customers of FAR-Trans, as tables in Markdown.

`python -m benchmarks.far_trans_profiles` needs SUITABLY_DATA.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import suitably as st
from suitably.data.datasets.far_trans import FarTrans
from suitably.profiles import Population

__all__ = ["AS_OF", "page", "profiles"]

AS_OF = "2022-06-01"
LEVELS = ["Conservative", "Income", "Balanced", "Aggressive"]
COUNTED = ["rfv_segment", "lifecycle_stage", "risk_level", "predicted_risk_level",
           "revealed_risk_level", "risk_review_reason"]  # fmt: skip


def profiles(bank: FarTrans) -> Population:
    """Return what is known of the bank's customers; of amounts, terms and fees nothing is."""
    builders = [
        st.profiles.RecencyFrequencyValue(),
        st.profiles.Lifecycle(),
        st.profiles.RiskAppetite(
            scale=LEVELS, predicted="predicted_risk_level", weigh="products", valid_months=24
        ),
        st.profiles.Holdings(issuer=None, weigh="products"),
        st.profiles.Preferences(novelty="category", fee=None, term=None),
        st.profiles.Churn(),
    ]
    return st.profiles.population(builders, bank, AS_OF)


def page(found: Population) -> str:
    """Return what the docs show: counts, which are the same on every machine."""
    kinds = {name: origin for name, origin, *_ in found.summary}
    rows = [
        (name, kinds[name], value, users, f"{share:.1%}")
        for name, value, users, share in found.values
        if name in COUNTED
    ]
    lines = [*_table(("field", "how", "value", "customers", "share"), rows), ""]
    levels = [level for level in LEVELS if any(level in row[:2] for row in found.stated)]
    counts = {row[:2]: row[2] for row in found.stated}
    crossed = [(one, *(counts.get((one, other), 0) for other in levels)) for one in levels]
    lines += [*_table(("stated \\ revealed", *levels), crossed), ""]
    years = len(found.cohorts[0]) - 3
    columns = ("joined", "customers", "that year", *(f"+{n}" for n in range(1, years + 1)))
    return "\n".join([*lines, *_table(columns, found.cohorts)])


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(profiles(st.data.far_trans())))
