"""All minimal sets with a property that no superset loses, by asking about few sets.

Minimal sets that have the property are the minimal hitting sets of the complements of those that
lack it: each set asked about is one or the other, and adds to what is known (dualize and advance:
D. Gunopulos, R. Khardon, H. Mannila, S. Saluja, H. Toivonen and R. S. Sharma, "Discovering all most
specific sentences", ACM Transactions on Database Systems 28(2), 2003).
"""

from collections.abc import Callable, Iterable

__all__ = ["minimal_sets"]

Names = frozenset[str]


def minimal_sets(
    names: Iterable[str], has: Callable[[Names], bool], must_hit: Iterable[Names] = ()
) -> list[Names]:
    """Return the minimal sets that have a property, smallest first, then by name.

    Args:
        names: What sets are made of.
        has: Whether a set has the property; every superset of one that does must too.
        must_hit: Sets of which each set with the property is known to hold a member.

    Example:
        >>> def pays(coins):
        ...     return "gold" in coins or {"copper", "silver"} <= coins
        >>> [sorted(found) for found in minimal_sets(["gold", "silver", "copper"], pays)]
        [['gold'], ['copper', 'silver']]
    """
    everything = frozenset(names)
    if not has(everything):
        return []
    hitting: list[Names] = [frozenset()]
    for hit in must_hit:
        hitting = _hitting(hitting, hit)
    found: set[Names] = set()
    while True:
        untried = next((one for one in hitting if one not in found), None)
        if untried is None:
            return sorted(found, key=lambda one: (len(one), sorted(one)))
        if has(untried):
            found.add(untried)
            continue
        lacking = untried
        for name in sorted(everything - untried):
            if not has(lacking | {name}):
                lacking |= {name}
        hitting = _hitting(hitting, everything - lacking)


def _hitting(hitting: list[Names], more: Names) -> list[Names]:
    """Return the minimal sets that hit one set more (C. Berge, "Hypergraphs", 1989)."""
    kept = [one for one in hitting if one & more]
    grown = {one | {name} for one in hitting if not one & more for name in more}
    return kept + [one for one in grown if not any(other <= one for other in kept)]
