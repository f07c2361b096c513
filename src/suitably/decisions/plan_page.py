"""A plan as sections of a page: sums alone, no user."""

from typing import TYPE_CHECKING

import numpy as np

from suitably.decisions.prices import price_table
from suitably.report import Block, Facts, Paragraph, Table

if TYPE_CHECKING:
    from suitably.decisions.plan import Plan

__all__ = ["plan_sections"]

_MOST = 50


def plan_sections(plan: "Plan") -> list[tuple[str, list[Block]]]:
    """Return titles and blocks: what is planned, by channel and product, and the prices."""
    users = len(np.unique(plan.planned.users))
    facts = {
        "as of": plan.universe.eligibility.as_of_text or "no dates",
        "considered": len(plan.universe.rows),
        "held out": len(plan.universe.held),
        "approached": users,
        "offers": len(plan),
        "cost": float(plan.universe.costs[plan.planned.offers].sum()),
        "expected net": plan.net,
        "bound": plan.bound,
        "gap": f"{plan.gap:.2%}",
    }
    head = Paragraph(
        f"{len(plan):,} offers to {users:,} customers are expected to earn {plan.net:,.2f} after "
        f"costs; no plan within the limits earns more than {plan.bound:,.2f}."
    )
    sections: list[tuple[str, list[Block]]] = [("The plan", [head, Facts(facts)])]
    for heading, column in (("By channel", "channel"), ("By product", "product_id")):
        sums = plan.by(column)
        rows = [[str(row[column]), *list(row.values())[1:]] for row in sums.to_pylist()]
        note = f"The first {_MOST} of {len(rows)}." if len(rows) > _MOST else ""
        columns = [column, "offers", "cost", "expected purchases", "expected net"]
        sections.append((heading, [Table(columns, rows[:_MOST], note)]))
    prices = price_table(plan.limits, plan.constraints, plan.planned.allocation)
    if prices.num_rows:
        rows = [list(row.values()) for row in prices.to_pylist()]
        note = "Price: what one more unit of the limit would earn."
        sections.append(("Limits and prices", [Table(prices.column_names, rows, note)]))
    return sections
