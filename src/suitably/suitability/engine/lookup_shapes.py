"""Which comparisons look the product's key up in a map of the user, and how."""

from dataclasses import dataclass

from suitably.suitability.engine.skeleton import Skeleton, replaced
from suitably.suitability.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    Field,
    Negative,
    Node,
    sides,
    walk,
)

__all__ = ["FOUND", "Further", "Lookup"]

_STRICT = ("min", "max", "abs")
FOUND = Field("user", "found")


@dataclass(frozen=True)
class Further:
    """A look-up beside that whose entries are gone through.

    Attributes:
        found: The slot for what is found.
        map: The slot of the map.
        key: The slot of the key.
        default: What stands in where the key is absent; None: nothing.
    """

    found: Field
    map: Field
    key: Field
    default: float | None


@dataclass(frozen=True)
class Lookup:
    """How a comparison looks the product's key up in a map of the user.

    Attributes:
        skeleton: The comparison, over slots, with more of the user's for what is found.
        map: The slot of the map.
        key: The slot of the key.
        absent: The comparison where the key is absent; None: it is unknown.
        further: What else it looks up.
    """

    skeleton: Skeleton
    map: Field
    key: Field
    absent: Node | None
    further: tuple[Further, ...]

    @staticmethod
    def of(node: Node, skeleton: Skeleton) -> "Lookup | None":
        """Find such look-ups of a comparison that is unknown wherever one of them is."""
        mixed = [part for part in walk(node) if _is_mixed(part)]
        found = [part for part in walk(skeleton.node) if _is_lookup(part)]
        distinct = len({*mixed}) == len(mixed) == len({*found}) == len(found) > 0
        if not distinct or not isinstance(node, Compare):
            return None
        rest, read = skeleton.node, []
        for number, (there, here) in enumerate(zip(mixed, found, strict=True)):
            mapping, key, *default = here.children
            if not isinstance(mapping, Field) or not isinstance(key, Field):
                return None
            if (mapping.side, key.side) != ("user", "product") or not _is_strict(node, there):
                return None
            standing_in = _number(default[0]) if default else None
            if number and default and standing_in is None:
                return None
            slot = Field("user", f"found {number}") if number else FOUND
            rest = replaced(rest, here, slot)
            read.append(Further(slot, mapping, key, standing_in))
        slots = [part for part in walk(rest) if isinstance(part, Field)]
        if any(one.map in slots for one in read):
            return None
        parts = {slot: part for slot, part in skeleton.parts.items() if slot in slots}
        first, *further = read
        stands_in = mixed[0].children[2:]
        absent = replaced(node, mixed[0], stands_in[0]) if stands_in else None
        made = Skeleton(rest, parts)
        return Lookup(made, first.map, first.key, absent, tuple(further))

    @property
    def is_of_one_key(self) -> bool:
        """Whether all that it looks up is known of an entry, whatever the product."""
        return all(one.key == self.key for one in self.further)


def _number(node: Node) -> float | None:
    if isinstance(node, Constant) and isinstance(node.value, float):
        return node.value
    return None


def _is_lookup(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "lookup"


def _is_mixed(node: Node) -> bool:
    return _is_lookup(node) and len(sides(node)) == 2


def _is_strict(node: Node, part: Node) -> bool:
    """Return whether a node is unknown wherever a part of it is."""
    while node is not part:
        strict = isinstance(node, Compare | Arithmetic | Negative)
        if not strict and not (isinstance(node, Call) and node.function in _STRICT):
            return False
        node = next(child for child in node.children if part in walk(child))
    return True
