"""Differential terms: where rules would offer the same thing to people at different prices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.entities import Entities
from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.suitability.eligibility import Eligibility
from suitably.utils import bitset
from suitably.utils.suggest import nearest

__all__ = ["personal_terms"]

_BLOCK = 4096

Choosing = dict[tuple[bool, ...], tuple[int, int]]
"""By which terms may be chosen among: how many users, and the row of one of them."""


def personal_terms(
    eligibility: Eligibility, offer: str, terms: Sequence[str], grade: str | None = None
) -> Any:
    """Return where the rules offer the same thing to some at other terms than to others.

    A list holds no prices of its own: a product has the same ones for everybody. But where one
    offer is on the shelf at several prices, rules that let some people see the dear one only make
    the price depend on the person. People who may not have the offer at all are not counted; that
    is suitability.

    Args:
        eligibility: Who may be offered what: `Policy.evaluate`, or `pipeline.eligibility()`.
        offer: The column of products that those share which are the same but for their terms;
            products without a value are each an offer of their own.
        terms: The columns of products that are prices or terms, such as `fee_rate`.
        grade: The field of users by which the firm publishes that terms differ, such as a credit
            grade; None: by none. Users of one grade are compared with each other alone.

    Returns:
        A frame with a row per offer, grade and choice of terms, none where nobody is treated
        unlike: `offer`, `grade`, `terms`, the terms that some may choose among as text, `users`,
        how many they are, and `rules`, what keeps one of them from the terms of the others. It has
        counts of people however few, and is not for publication.

    Raises:
        DataError: A column that products or users do not have.
        ValueError: No terms.

    Source:
        Personal Information Protection Law of the People's Republic of China, Art. 24: no
        unreasonable differential treatment in price or other terms by automated decisions.

    Example:
        >>> import pandas as pd
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "loans"
        ... [[rules]]
        ... id = "cheap-for-the-young"
        ... applies = "product.fee_rate < 0.02"
        ... require = "user.age < 40"
        ... ''')
        >>> users = pd.DataFrame({"user_id": ["ann", "bob"], "age": [30, 50]})
        >>> loans = pd.DataFrame({
        ...     "product_id": ["a1", "a2"], "loan": ["a", "a"], "fee_rate": [0.01, 0.03]})
        >>> eligibility = policy.evaluate(users, loans, "2026-01-01")
        >>> print(personal_terms(eligibility, "loan", ["fee_rate"]).to_string(index=False))
        offer grade                           terms  users                 rules
            a  None fee_rate 0.01; fee_rate 0.03      1                    []
            a  None                 fee_rate 0.03      1 [cheap-for-the-young]
    """
    if isinstance(terms, str) or not len(terms):
        raise ValueError(f"terms={terms!r:.60}: must be a list of columns of products")
    shelf, users = eligibility.products, eligibility.users
    names = _column(shelf, offer, "products").to_pylist()
    columns = [_column(shelf, name, "products").to_pylist() for name in terms]
    priced = list(zip(*columns, strict=True))
    grades = _grades(users, grade)
    variants = _variants(names, priced)
    options = {
        name: sorted({priced[place] for place in places}, key=repr)
        for name, places in variants.items()
    }
    asked = {
        name: (places, [options[name].index(priced[place]) for place in places])
        for name, places in variants.items()
    }
    found: list[dict[str, Any]] = []
    for name, groups in _groups(eligibility, grades[0], asked).items():
        places, choices = variants[name], options[name]
        for code, choosing in groups.items():
            if len(choosing) < 2:
                continue
            for chosen, (count, row) in sorted(choosing.items(), reverse=True):
                kept_from = [p for p in places if not chosen[choices.index(priced[p])]]
                found.append(
                    {
                        "offer": name,
                        "grade": grades[1][code],
                        "terms": _in_words(terms, choices, chosen),
                        "users": count,
                        "rules": _rules(eligibility, row, kept_from),
                    }
                )
    fields = [("offer", pa.array(names).type), ("grade", grades[2]), ("terms", pa.string()),
              ("users", pa.int64()), ("rules", pa.list_(pa.string()))]  # fmt: skip
    return write_frame(pa.Table.from_pylist(found, schema=pa.schema(fields)), eligibility.kind)


def _column(side: Entities, name: str, table: str) -> pa.ChunkedArray:
    if name not in side.fields.column_names:
        raise DataError(f"{table}: no column {name!r}{nearest(name, side.fields.column_names)}")
    return side.fields[name]


def _grades(users: Entities, grade: str | None) -> tuple[NDArray[np.int64], list[Any], pa.DataType]:
    """Return each user's grade as a code, what the codes mean, and its type; none is one too."""
    if grade is None:
        return np.zeros(len(users), np.int64), [None], pa.null()
    column = _column(users, grade, "users").combine_chunks()
    encoded = column.dictionary_encode(null_encoding="encode")
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist(), column.type


def _variants(names: list[Any], priced: list[tuple[Any, ...]]) -> dict[Any, list[int]]:
    """Return the products of each offer that is on the shelf at several terms."""
    found: dict[Any, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            found.setdefault(name, []).append(place)
    return {
        name: places
        for name, places in found.items()
        if len({priced[place] for place in places}) > 1
    }


def _groups(
    eligibility: Eligibility,
    grades: NDArray[np.int64],
    asked: Mapping[Any, tuple[list[int], list[int]]],
) -> dict[Any, dict[int, Choosing]]:
    """Count the users of each grade by the terms they may choose among, offer by offer.

    Args:
        eligibility: Who may be offered what: asked once for every block of users.
        grades: int64 (users,), as codes.
        asked: Of each offer, its products and which of its terms each has.
    """
    found: dict[Any, dict[int, Choosing]] = {name: {} for name in asked}
    for start in range(0, len(grades), _BLOCK) if asked else ():
        rows = np.arange(start, min(start + _BLOCK, len(grades)))
        eligible = bitset.unpack(eligibility.bits(rows), len(eligibility.product_ids))
        for name, (places, choice) in asked.items():
            open_to = np.zeros((len(rows), max(choice) + 1), bool)
            for column, place in zip(places, choice, strict=True):
                open_to[:, place] |= eligible[:, column]
            some = open_to.any(axis=1)
            keys = np.column_stack([grades[rows], open_to])[some]
            unlike, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
            at = rows[some][first].tolist()
            for (code, *open_), one, count in zip(
                unlike.tolist(), at, counts.tolist(), strict=True
            ):
                choosing = found[name].setdefault(code, {})
                chosen = tuple(map(bool, open_))
                before, row = choosing.get(chosen, (0, one))
                choosing[chosen] = (before + count, row)
    return found


def _in_words(terms: Sequence[str], choices: list[Any], chosen: tuple[bool, ...]) -> str:
    said = [
        ", ".join(f"{name} {value}" for name, value in zip(terms, values, strict=True))
        for values, there in zip(choices, chosen, strict=True)
        if there
    ]
    return "; ".join(said)


def _rules(eligibility: Eligibility, row: int, columns: list[int]) -> list[str]:
    """Return the rules that keep a user from some products, in the order of the policies."""
    verdicts = [one for column in columns for one in eligibility.explain(row, column)]
    return list(dict.fromkeys(one.rule for one in verdicts if one.verdict != "pass"))
