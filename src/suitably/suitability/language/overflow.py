"""What is unknown though nothing is missing: dates, durations and numbers that overflow."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from suitably.suitability.language.evaluator import Scope, evaluate
from suitably.suitability.language.nodes import Arithmetic, Call, Field, Node, walk, written
from suitably.suitability.language.types import DATE, DURATION, NUMBER, PERIOD, Values

__all__ = ["PairScope", "overflows"]


class PairScope(Scope, Protocol):
    """The scope of one pair, which also shows its values as they were read."""

    def cell(self, node: Field) -> Any:
        """Return a field as a Python object, None where missing."""
        ...


def overflows(node: Node, text: str, scope: PairScope) -> Iterator[str]:
    """Find the parts of a sentence that overflow for a pair, as they are written.

    Args:
        node: The sentence, as parsed.
        text: As written.
        scope: One user and one product.
    """
    for part in walk(node):
        if isinstance(part, Field):
            found = scope.day(part)
            beyond = isinstance(found, Values) and found.type == DATE and not found.known.any()
            beyond = beyond and scope.cell(part) is not None
        else:
            beyond = _overflows(part, scope)
        if beyond:
            yield written(part, text)


def _overflows(node: Node, scope: Scope) -> bool:
    if not isinstance(node, Arithmetic | Call):
        return False
    result = evaluate(node, scope)
    if not isinstance(result, Values) or result.known.any():
        return False
    parts = [evaluate(child, scope) for child in node.children]
    if not all(part.known.any() for part in parts):
        return False
    last = parts[-1]
    if result.type == NUMBER:  # nothing divided by zero is too large
        by_zero = isinstance(last, Values) and not last.data.any()
        return isinstance(node, Arithmetic) and not (node.operator == "/" and by_zero)
    if isinstance(node, Call):  # days(1.5) is unknown, but not for its size
        whole = isinstance(last, Values) and bool((np.floor(last.data) == last.data).all())
        return result.type in (DURATION, PERIOD) and whole
    return result.type in (DATE, DURATION, PERIOD)
