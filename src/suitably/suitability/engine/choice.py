"""Which way an atom goes to its bits: by what it names, and by whether it is monotone."""

from dataclasses import replace

import numpy as np

from suitably.suitability.engine.atoms import Atom, ProductAtom, UserAtom
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.comparisons import MonotoneAtom, ThresholdAtom
from suitably.suitability.engine.lookup_shapes import FOUND, Lookup
from suitably.suitability.engine.lookups import LookupAtom
from suitably.suitability.engine.monotone import Monotone, monotone_in
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.engine.skeleton import Skeleton, SlotScope
from suitably.suitability.language.evaluator import evaluate
from suitably.suitability.language.functions import is_dated
from suitably.suitability.language.functions.collections import held_in
from suitably.suitability.language.nodes import And, Compare, Node, Not, sides
from suitably.suitability.language.types import ANY, NUMBER, Values

__all__ = ["make_atom", "ordered"]

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def make_atom(node: Node, scope: EvalScope) -> Atom:
    """Choose an atom's way by what it names."""
    named = sides(node)
    if "product" in named and isinstance(node, Compare) and _plain(node, scope):
        for one, operator, other in (
            (node.left, node.operator, node.right),
            (node.right, _TURNED[node.operator], node.left),
        ):
            # A moment has a place among the products' dates as a user's value has.
            of_user = sides(one) == {"user"} or (not sides(one) and is_dated(one))
            if of_user and sides(other) == {"product"}:
                return ThresholdAtom(one, operator, other, scope)
    if "user" not in named:
        return ProductAtom(node, scope)
    if "product" not in named:
        return UserAtom(node, scope)
    skeleton = Skeleton.of(node)
    lookup = Lookup.of(node, skeleton)
    if lookup is not None:
        return _of_lookup(node, scope, skeleton, lookup)
    along_user, along_product = _along(skeleton, scope)
    if along_user is None and along_product is None:
        return PairAtom(node, scope, skeleton)
    return MonotoneAtom(node, scope, skeleton, along_user, along_product)


def ordered(node: Compare, scope: EvalScope) -> Node | None:
    """Return an equality that mixes the sides as two comparisons that can be searched, if so.

    `a == b` is `a <= b and a >= b` for all that has an order, and `a != b` is not.
    """
    if node.operator not in ("==", "!=") or all(
        len(sides(part)) < 2 for part in (node.left, node.right)
    ):
        return None
    both = [replace(node, operator=operator) for operator in ("<=", ">=")]
    if not _plain(node, scope) or _along(Skeleton.of(both[0]), scope) == (None, None):
        return None
    equal = And(tuple(both), **node.place)
    return equal if node.operator == "==" else Not(equal, **node.place)


def _of_lookup(node: Node, scope: EvalScope, skeleton: Skeleton, lookup: Lookup) -> Atom:
    """Choose the way of a comparison with what maps of the user hold."""
    dry = scope.without_rows()
    rest = lookup.skeleton
    columns = {**rest.columns("user", dry), **rest.columns("product", dry)}
    found = {FOUND: lookup.map} | {one.found: one.map for one in lookup.further}
    for slot, map_slot in found.items():
        mapping = evaluate(skeleton.parts[map_slot], dry)
        kind = held_in(mapping.type) if isinstance(mapping, Values) else ANY
        if kind == ANY:
            return PairAtom(node, scope, skeleton)
        nothing = np.zeros((0, 1), np.float64 if kind == NUMBER else np.int64)
        columns[slot] = Values(kind, nothing, nothing > 0)
    shape = monotone_in(rest, "product", SlotScope(dry, columns))
    absent = None if lookup.absent is None else make_atom(lookup.absent, scope)
    return LookupAtom(node, scope, skeleton, lookup, shape, absent)


def _along(skeleton: Skeleton, scope: EvalScope) -> tuple[Monotone | None, Monotone | None]:
    """Return how it is monotone along its only user's slot, and along its only product's."""
    types = scope.without_rows()
    users, products = skeleton.columns("user", types), skeleton.columns("product", types)
    dry = SlotScope(types, {**users, **products})
    return monotone_in(skeleton, "user", dry), monotone_in(skeleton, "product", dry)


def _plain(node: Compare, scope: EvalScope) -> bool:
    """Return whether it compares values; conditions have no order to be placed in."""
    dry = scope.without_rows()
    return all(isinstance(evaluate(part, dry), Values) for part in (node.left, node.right))
