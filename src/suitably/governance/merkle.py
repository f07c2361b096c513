"""Merkle trees as in Certificate Transparency: a root over a log, and short proofs of entry."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

__all__ = ["MerkleFrontier", "inclusion_path", "leaf_hash", "merkle_root", "prefix_roots"]
__all__ += ["root_by_path", "root_by_sides", "sided_path"]

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry: SHA-256(0x00 ‖ entry).

    Source:
        RFC 9162, section 2.1.1.
    """
    return sha256(_LEAF + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


class MerkleFrontier:
    """A tree that grows at its end: the hashes of its whole subtrees, and no leaf.

    Attributes:
        size: How many leaves there are.

    Source:
        RFC 9162, section 2.1.2: verifying a tree head given entries.

    Example:
        >>> tree = MerkleFrontier()
        >>> tree.add(leaf_hash(b""))
        >>> tree.root.hex()[:16]
        '6e340b9cffb37a98'
    """

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of an entry."""
        self._whole.append(leaf)
        size = self.size
        while size & 1:
            right = self._whole.pop()
            self._whole.append(_node(self._whole.pop(), right))
            size >>= 1
        self.size += 1

    @property
    def root(self) -> bytes:
        """The hash of the tree; that of nothing without leaves."""
        if not self._whole:
            return sha256(b"").digest()
        root = self._whole[-1]
        for left in reversed(self._whole[:-1]):
            root = _node(left, root)
        return root


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of entries, level by level.

    A last one without a partner goes up as it is, which gives the tree of RFC 9162.
    """
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    # As `_node` does, whose call costs a sixth of the hash.
    above = [sha256(_NODE + left + right).digest() for left, right in pairs]
    if len(level) % 2:
        above.append(level[-1])
    return above


def prefix_roots(leaves: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the root after each leaf: what the head was when the log was so long."""
    tree = MerkleFrontier()
    for leaf in leaves:
        tree.add(leaf)
        yield tree.root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, from the bottom up.

    Raises:
        IndexError: There is no such leaf.

    Source:
        RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} of {len(leaves)}")
    path, level = [], list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level, index = _above(level), index >> 1
    return path


def sided_path(leaves: Sequence[bytes], index: int) -> list[tuple[bool, bytes]]:
    """Return the path of a leaf, each hash with whether it stands on the left.

    It leads to the root without anything being known of the size of the tree.
    """
    sides, level = [], len(leaves)
    place = index
    while level > 1:
        if place ^ 1 < level:
            sides.append(bool(place & 1))
        place, level = place >> 1, (level + 1) >> 1
    return list(zip(sides, inclusion_path(leaves, index), strict=True))


def root_by_sides(leaf: bytes, path: Sequence[tuple[bool, bytes]]) -> bytes:
    """Return the root that a leaf and a path with sides lead to.

    Example:
        >>> leaves = [leaf_hash(bytes([n])) for n in range(5)]
        >>> root_by_sides(leaves[4], sided_path(leaves, 4)) == merkle_root(leaves)
        True
    """
    root = leaf
    for on_the_left, other in path:
        root = _node(other, root) if on_the_left else _node(root, other)
    return root


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its path lead to; None where the path has another length.

    Source:
        RFC 9162, section 2.1.3.2.

    Example:
        >>> leaves = [leaf_hash(bytes([n])) for n in range(5)]
        >>> root_by_path(leaves[4], 4, 5, inclusion_path(leaves, 4)) == merkle_root(leaves)
        True
    """
    if not 0 <= index < size:
        return None
    last, root, steps = size - 1, leaf, iter(path)
    while last:
        if index & 1:
            left = next(steps, None)
            if left is None:
                return None
            root = _node(left, root)
        elif index < last:
            right = next(steps, None)
            if right is None:
                return None
            root = _node(root, right)
        index, last = index >> 1, last >> 1
    return None if next(steps, None) is not None else root
