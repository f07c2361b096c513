"""Functions of a product among its peers: those of the catalogue that share a value with it."""

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.suitability.language.functions.model import Function, Refuse, takes
from suitably.suitability.language.nodes import Call, Field, Node

__all__ = ["PEERS", "among_peers", "peers_of"]

_NAME = re.compile(r"(cheapest|rank_within)\((\w+), by=(\w+)\)")


def _field(call: Call, refuse: Refuse) -> Node:
    """Write it as a field of the product, which is worked out once for the whole catalogue."""
    for argument in call.arguments:
        if not isinstance(argument, Field) or argument.side != "product":
            refuse(argument, f"{call.function} takes fields of the product")
    value, by = (argument.name for argument in call.arguments if isinstance(argument, Field))
    name = f"{call.function}({value}, by={by})"
    return Field("product", name, **call.place)


def peers_of(name: str) -> tuple[str, str, str] | None:
    """Return function, value and group of a field that `_field` made; None for any other."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], found[2], found[3])


def among_peers(
    function: str, values: NDArray[np.float64], known: NDArray[np.bool_], groups: pa.Array
) -> pa.Array:
    """Work out a column of a catalogue.

    Args:
        function: `cheapest` or `rank_within`.
        values: float64 (products,).
        known: bool (products,), where there is a value.
        groups: What peers share; null: a product has no peers that are known.

    Returns:
        float64, null where the group is, and for a rank also where the value is missing; the least
        value of a group leaves out those that are missing.
    """
    encoded = groups.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    there = known & (codes >= 0)
    order = np.lexsort((values, codes, ~there))[: int(there.sum())]
    first = np.append(True, codes[order][1:] != codes[order][:-1])[: len(order)]
    starts = np.flatnonzero(first)
    if function == "cheapest":
        least = np.full(len(encoded.dictionary) + 1, np.nan)
        least[codes[order[starts]]] = values[order[starts]]
        least[-1] = np.nan
        found = least[codes]
    else:
        tied = first.copy()
        tied[1:] |= values[order][1:] != values[order][:-1]
        places = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        ranks = np.maximum.accumulate(np.where(tied, np.arange(len(order)), 0))
        found = np.full(len(codes), np.nan)
        found[order] = 1 + places[ranks]
    return pa.array(found, mask=np.isnan(found))


PEERS = (
    Function(
        "cheapest",
        takes(x="product field", by="product field"),
        "number",
        "the least number in that field among the products of the catalogue with the same `by`",
        named=True,
        expand=_field,
    ),
    Function(
        "rank_within",
        takes(x="product field", by="product field"),
        "number",
        "position of the product's number among those of the products of the catalogue with the "
        "same `by`, the lowest is 1; equal ones share the lowest",
        named=True,
        expand=_field,
    ),
)
