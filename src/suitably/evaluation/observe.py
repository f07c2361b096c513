"""What metrics see, put together: lists, relevance, verdicts, and what is known beside them."""

from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.vocabulary import Vocabulary
from suitably.evaluation.known import Known
from suitably.evaluation.pairs import refuse_other_ids
from suitably.evaluation.ranked_frames import RankedLists, RelevantPairs
from suitably.metrics import Convention, Hits, MetricInput

__all__ = ["observe"]


def observe(
    lists: RankedLists,
    users: Vocabulary,
    depth: int,
    convention: Convention,
    needs: set[str],
    known: Known,
    relevant: RelevantPairs | None = None,
) -> MetricInput:
    """Lay out what metrics see of the lists of some users.

    Args:
        lists: The lists.
        users: The users, in the order of the answer's rows.
        depth: How deep metrics look.
        convention: How metrics are defined.
        needs: The attributes that some metric reads; others are left out.
        known: What is known beside the lists.
        relevant: What users acquired, of whom others than `users` are left aside.
    """
    products, size = _axis(lists, known)
    made: dict[str, Any] = {}
    if "products" in needs:
        codes = np.asarray(products.codes(lists.product_ids.values), dtype=np.int64)
        made["products"] = lists.grid(users, codes[lists.products], depth, -1)
    passes = None
    if known.passes is not None and needs & {"passes", "suitable_hits"}:
        verdicts = np.asarray(known.passes(*lists.ids()), dtype=bool)
        passes = lists.grid(users, verdicts, depth, False)
        made["passes"] = passes
    if relevant is not None and needs & {"hits", "suitable_hits"}:
        hits = made["hits"] = lists.hits(relevant, users, depth)
        if passes is not None and known.passes is not None and "suitable_hits" in needs:
            rows = users.codes(relevant.user_ids.array)[relevant.users]
            counted = (rows >= 0) & np.asarray(known.passes(*relevant.ids()), dtype=bool)
            suitable = np.bincount(rows[counted], minlength=len(users)).astype(np.int64)
            made["suitable_hits"] = Hits(hits.relevance & passes, hits.lengths, suitable)
    if known.rejected is not None and "rejected" in needs:
        made["rejected"] = lists.grid(users, lists.among(known.rejected), depth, False)
    if known.spent is not None and "spent" in needs:
        made["spent"] = lists.grid(users, lists.sums(*known.spent), depth, np.nan)
    if "events" in needs:
        made["events"] = {
            kind: lists.grid(users, lists.among(pairs), depth, False)
            for kind, pairs in known.events.items()
        }
    if known.users is not None and "user_fields" in needs:
        made["user_fields"] = known.users.of(users)
    if known.products is not None and "product_fields" in needs:
        made["product_fields"] = known.products.of(products)
    if "user_levels" in needs:
        made["user_levels"] = known.levels("user", users)
    if "product_levels" in needs:
        made["product_levels"] = known.levels("product", products)
    if known.returns is not None and "returns" in needs:
        made["returns"] = known.returns.of(products)
    return MetricInput(
        lengths=np.minimum(lists.lengths(users), depth),
        convention=convention,
        size=size,
        **_before(known, users, products, needs),
        **{"products": np.empty((len(users), 0), np.int64), **made},
    )


def _axis(lists: RankedLists, known: Known) -> tuple[Vocabulary, int | None]:
    """Return the axis of products, first what was on offer, and how many were."""
    axis = lists.product_ids if known.on_offer is None else known.on_offer
    # Where nothing was on offer nothing was shown either, and no share of it is 0 / 0.
    size = None if known.on_offer is None else max(len(known.on_offer), 1)
    others = [lists.product_ids, *([known.history.products] if known.history else [])]
    for one in others:
        refuse_other_ids(axis, one, "products")
        fresh = one.array.take(pa.array(np.flatnonzero(axis.codes(one.values) < 0)))
        if len(fresh):
            axis = axis.grown(fresh)
    return axis, size


def _before(
    known: Known, users: Vocabulary, products: Vocabulary, needs: set[str]
) -> dict[str, Any]:
    history = known.history
    if history is None:
        return {}
    made: dict[str, Any] = {}
    if "history" in needs:
        made["history"] = history.of(users, products)
    if "newcomers" in needs:
        made["newcomers"] = history.newcomers(users)
    if "owners" in needs:
        made["owners"] = history.owners(products)
    if "audience" in needs:
        made["audience"] = history.audience
    return made
