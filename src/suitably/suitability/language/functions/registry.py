"""The registry of rule functions: what each takes and gives, what it means, how it is computed.

Parser, evaluator, engine, lint and documentation know of a function only what is written here.
"""

from suitably.suitability.language.functions.collections import COLLECTIONS
from suitably.suitability.language.functions.dates import DATES
from suitably.suitability.language.functions.model import Function
from suitably.suitability.language.functions.money import MONEY
from suitably.suitability.language.functions.numbers import NUMBERS
from suitably.suitability.language.functions.peers import PEERS
from suitably.suitability.language.functions.tables import TABLES
from suitably.suitability.language.nodes import AsOf, Call, Node, walk

__all__ = ["REGISTRY", "called", "is_dated", "moments"]

REGISTRY: dict[str, Function] = {
    function.name: function
    for function in (*DATES, *NUMBERS, *COLLECTIONS, *TABLES, *PEERS, *MONEY)
}


def called(node: Node) -> Function | None:
    """Return the function that a node calls, None where it is no call."""
    return REGISTRY[node.function] if isinstance(node, Call) else None


def moments(node: Node) -> int:
    """Count how often an expression asks about the moment."""
    parts = ((part, called(part)) for part in walk(node))
    return sum(
        isinstance(part, AsOf) or (function is not None and function.dated)
        for part, function in parts
    )


def is_dated(node: Node) -> bool:
    """Return whether an expression depends on the moment."""
    return moments(node) > 0
