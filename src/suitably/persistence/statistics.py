"""Data statistics of a model: how much it has learned from, and nothing of anybody."""

from collections.abc import Mapping
from typing import Any

from suitably.data.entities import Entities
from suitably.model.model import Model

__all__ = ["data_statistics", "missing_shares"]

_FEW = 10  # of users who share something, fewer are not counted


def data_statistics(model: Model) -> dict[str, Any]:
    """Return counts, and shares of what is missing: the same of the model once saved and loaded.

    Returns:
        users, products: How many ids are known.
        catalogue: How many of the products can be recommended.
        owned: Pairs of a user and a product owned.
        interactions: Pairs of a user and a product with a weight, by weighting, in their order.
        missing: By side and field, the share of ids without a value; of users it is None where
            those with, or those without, are fewer than ten, but some.
    """
    state = model.state
    return {
        "users": len(state.users),
        "products": len(state.products),
        "catalogue": len(state.positions),
        "owned": int(state.owned.nnz),
        "interactions": [int(one.weights.nnz) for one in model.interactions.values()],
        "missing": {
            "users": missing_shares(_nulls(state.users), len(state.users)),
            "products": missing_shares(_nulls(state.products), len(state.products), 1),
        },
    }


def _nulls(entities: Entities) -> dict[str, int]:
    fields = entities.fields
    return {name: fields[name].null_count for name in fields.column_names}


def missing_shares(nulls: Mapping[str, int], rows: int, few: int = _FEW) -> dict[str, float | None]:
    """Return the share of ids without a value, by field.

    Args:
        nulls: How many have none.
        rows: How many ids there are.
        few: Of fewer than so many, with or without, the share is None, unless there are none.
    """
    shares: dict[str, float | None] = {}
    for name, missing in nulls.items():
        telling = min(missing, rows - missing)
        shares[name] = None if 0 < telling < few else missing / max(rows, 1)
    return shares
