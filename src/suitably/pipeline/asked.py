"""What a call asks for: whose lists, how long, over which products."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.pipeline.switched_off import SwitchState

__all__ = ["asked_products", "asked_users", "check_k", "kind_of"]


def check_k(k: Any) -> int:
    """Return how many products a list may have.

    Raises:
        ValueError: It is no positive integer.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k={k!r}: must be a positive integer")
    return int(k)


def kind_of(k: int, as_of: Any, exclude_owned: Any, off: SwitchState | None) -> Any:
    """Return what is asked for, whoever it is for; None where it cannot be told from others."""
    if type(exclude_owned) is not bool or not (as_of is None or type(as_of) is str):
        return None
    return k, as_of, exclude_owned, off


def asked_users(users: Vocabulary, user_ids: Any) -> tuple[pa.Array | None, NDArray[np.int64]]:
    """Return ids in the caller's type, None for those of their rows, and the rows.

    Raises:
        DataError: An id is missing, of another type, or there twice.
    """
    if user_ids is None:
        return None, np.arange(len(users))
    one = users.code_of_one(user_ids)
    if one >= 0:
        return None, np.array([one])
    asked = _present(users.read(user_ids, "user_ids"), "user_ids")
    if len(asked) > 1 and len(asked.unique()) < len(asked):
        counts = asked.value_counts()
        repeated = [c["values"] for c in counts.to_pylist() if c["counts"] > 1][:3]
        raise DataError(f"user_ids: the same id twice, such as {repeated}")
    return users.cast_like(asked), users.codes(asked).astype(np.int64)


def asked_products(catalogue: Vocabulary, product_ids: Any) -> NDArray[np.int64] | None:
    """Return the positions of products in the catalogue, which others are not in; None: all.

    Raises:
        DataError: An id is missing, or of another type.
    """
    if product_ids is None:
        return None
    codes = catalogue.codes(_present(catalogue.read(product_ids, "product_ids"), "product_ids"))
    return codes[codes >= 0].astype(np.int64)


def _present(ids: pa.Array, name: str) -> pa.Array:
    if ids.null_count:
        raise DataError(f"{name}: {ids.null_count} of {len(ids)} are missing")
    return ids
