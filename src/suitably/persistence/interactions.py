"""Interactions as files: sparse matrices, their weights and what these are made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant, micros
from suitably.data.vocabulary import Vocabulary
from suitably.persistence.reader import Reader
from suitably.persistence.writer import Writer
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.strongest import Strongest

__all__ = ["read_instant", "read_interactions", "read_matrix", "write_interactions"]
__all__ += ["write_matrix"]


def write_interactions(writer: Writer, one: WeightedInteractions) -> dict[str, Any]:
    """Write the interactions of users by one weighting, and return where they are."""
    kinds = one.weighting.event_weights
    return {
        "half_life_days": one.weighting.half_life_days,
        "event_weights": None if kinds is None else dict(kinds),
        "origin": micros(one.origin),
        "shift": one.shift,
        "width": int(one.weights.shape[1]),
        "weights": _write_weights(writer, one.weights.data),
        **write_matrix(writer, "interactions", one.weights),
        **_write_decisive(writer, one.decisive),
    }


def read_interactions(
    reader: Reader, record: Mapping[str, Any], users: Vocabulary, products: int
) -> WeightedInteractions:
    """Read the interactions of users by one weighting.

    Raises:
        ValueError: Their parts do not fit each other, or the users and products.
    """
    weighting = Weighting(record["half_life_days"], record["event_weights"])
    weights = record["weights"]
    data = reader.array(weights) if isinstance(weights, str) else np.float32(weights)
    if data.dtype != np.float32 or not np.isfinite(data).all():
        raise ValueError("weights of interactions are not finite numbers")
    width = record["width"]
    if not 0 <= width <= products:
        raise ValueError("interactions and products do not fit")
    matrix = read_matrix(reader, record, data, (len(users), width))
    origin, shift = read_instant(record["origin"]), int(record.get("shift", 0))
    decisive = _read_decisive(reader, record, matrix.data) if weighting.against else None
    return WeightedInteractions(weighting, users, matrix, origin, shift, decisive)


def _write_decisive(writer: Writer, one: Strongest | None) -> dict[str, Any]:
    """Write what pairs weigh by, where kinds speak against products: weights and times."""
    if one is None:
        return {}
    times = None
    if one.times is not None:
        times = writer.array("decisive-times", one.times.astype(np.int64))
    return {"decisive": writer.array("decisive", one.weights), "decisive_times": times}


def _read_decisive(reader: Reader, record: Mapping[str, Any], data: NDArray[Any]) -> Strongest:
    weights, times = reader.array(record["decisive"]), None
    if record["decisive_times"] is not None:
        times = reader.array(record["decisive_times"])
        if times.dtype != np.int64 or times.shape != weights.shape:
            raise ValueError("interactions and their times do not fit")
        times = times.view("datetime64[us]")
    same = weights.dtype == np.float64 and weights.shape == data.shape
    if not same or not (np.isfinite(weights) & (np.sign(weights) == np.sign(data))).all():
        raise ValueError("interactions and what they weigh by do not fit")
    return Strongest(weights, times)


def _write_weights(writer: Writer, weights: NDArray[np.float32]) -> str | float:
    """Write weights, or return the one that all of them are."""
    if len(weights) and (weights == weights[0]).all():
        return float(weights[0])
    return writer.array("weights", weights)


def write_matrix(writer: Writer, name: str, matrix: sparse.csr_array) -> dict[str, str]:
    """Write where a matrix has something stored, and return where that is."""
    return {
        "starts": writer.array(f"{name}-starts", matrix.indptr),
        "columns": writer.array(f"{name}-products", matrix.indices),
    }


def read_matrix(
    reader: Reader,
    files: Mapping[str, Any],
    data: NDArray[Any] | np.generic,
    shape: tuple[int, int],
) -> sparse.csr_array:
    """Read where a matrix has something stored.

    Raises:
        ValueError: It is no matrix.
    """
    starts, columns = (reader.array(files[part]) for part in ("starts", "columns"))
    data = data if isinstance(data, np.ndarray) else np.full(len(columns), data)
    fits = (
        starts.ndim == columns.ndim == 1
        and starts.dtype.kind == columns.dtype.kind == "i"
        and len(starts) == shape[0] + 1
        and starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(columns) == len(data)
        and bool(((columns >= 0) & (columns < shape[1])).all())
    )
    if not fits:
        raise ValueError("users, products and what they have to do with each other do not fit")
    return sparse.csr_array((data, columns, starts), shape=shape)


def read_instant(micros: int | None) -> Instant | None:
    """Return an instant as it was saved, None where there is none."""
    return None if micros is None else np.datetime64(micros, "us")
