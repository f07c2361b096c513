"""Examples: the lists of a few users side by side, with what the judging policy says of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.view import View
from suitably.evaluation.abtest.arms import JudgingPolicy
from suitably.evaluation.ranked_frames import RankedLists, RelevantPairs
from suitably.utils.record import Record

__all__ = ["ListExample", "ListedProduct", "list_examples"]

_USERS = 3
_LOOKED_AT = 1_000
_SHOWN = 5


@dataclass(frozen=True)
class ListedProduct(Record):
    """A place in a list.

    Attributes:
        product: Its name, or its id where the data have no names.
        acquired: Whether the user acquired it in the window.
        reasons: Why the judging policy does not pass it, in English; empty where it passes.
    """

    product: str
    acquired: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ListExample(Record):
    """The lists of one user, who is not named.

    Attributes:
        lists: The first products of every arm's list, control first.
    """

    lists: Mapping[str, tuple[ListedProduct, ...]]


def list_examples(
    lists: Mapping[str, RankedLists], evaluable: RelevantPairs, judging: JudgingPolicy, view: View
) -> tuple[ListExample, ...]:
    """Return the lists of the first users whose lists differ, among the first thousand evaluable.

    Args:
        lists: By arm, control first.
        evaluable: Who is judged, and what they acquired.
        judging: Says what of a list does not pass.
        view: Has the products' names.
    """
    users = evaluable.user_ids.values[:_LOOKED_AT]
    codes = {arm: one.user_ids.codes(users) for arm, one in lists.items()}
    names = _names(view)
    found: list[ListExample] = []
    for place, user in enumerate(users):
        tops = {arm: _top(one, int(codes[arm][place])) for arm, one in lists.items()}
        if len({tuple(products) for products in tops.values()}) < 2:
            continue
        rows = evaluable.users == place
        acquired = set(evaluable.product_ids.values[evaluable.products[rows]].tolist())
        found.append(
            ListExample(
                {
                    arm: tuple(_listed(user, p, acquired, judging, names) for p in products)
                    for arm, products in tops.items()
                }
            )
        )
        if len(found) == _USERS:
            break
    return tuple(found)


def _top(lists: RankedLists, code: int) -> list[Any]:
    """Return the first products of a list; none of a user without one, whose code is -1."""
    if code < 0:
        return []
    start = int(lists.first[code])
    end = start + min(int(lists.counts[code]), _SHOWN)
    products: list[Any] = lists.product_ids.values[lists.products[start:end]].tolist()
    return products


def _listed(
    user: Any,
    product: Any,
    acquired: set[Any],
    judging: JudgingPolicy,
    names: Mapping[Any, str],
) -> ListedProduct:
    reasons: Sequence[str] = ()
    if not judging.passes(_one(user), _one(product))[0]:
        verdicts = judging.verdicts(user, product)
        reasons = [verdict.text["en"] for verdict in verdicts if verdict.verdict != "pass"]
    return ListedProduct(names.get(product, str(product)), product in acquired, tuple(reasons))


def _one(value: Any) -> NDArray[Any]:
    """Return an array of one id, of the type that it has."""
    return np.array([value], dtype=object if isinstance(value, str) else None)


def _names(view: View) -> dict[Any, str]:
    if "name" not in view.product_fields.column_names:
        return {}
    pairs = zip(view.product_ids.tolist(), view.product_fields["name"].to_pylist(), strict=True)
    return {product: f"{name}" for product, name in pairs if name is not None}
