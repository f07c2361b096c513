"""Trees and proofs against the published test vectors, and against each other."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some

from suitably.governance.merkle import (
    MerkleFrontier,
    inclusion_path,
    leaf_hash,
    merkle_root,
    prefix_roots,
    root_by_path,
    root_by_sides,
    sided_path,
)

# Entries and roots of the test vectors that implementations of Certificate Transparency share.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def test_published_roots() -> None:
    assert merkle_root([]).hex() == sha256(b"").hexdigest() == MerkleFrontier().root.hex()
    assert [merkle_root(LEAVES[:n]).hex() for n in range(1, 9)] == ROOTS
    assert [root.hex() for root in prefix_roots(LEAVES)] == ROOTS


def test_published_path() -> None:
    path = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [one.hex() for one in inclusion_path(LEAVES, 0)] == path


@given(size=some.integers(1, 70), data=some.data())
def test_every_path_leads_to_the_root_and_no_other_does(size: int, data: some.DataObject) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    root = merkle_root(leaves)
    assert list(prefix_roots(leaves))[-1] == root
    index = data.draw(some.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], index, size, path) == root
    assert root_by_sides(leaves[index], sided_path(leaves, index)) == root
    other = data.draw(some.integers(0, size))
    if other != index:
        assert root_by_path(leaves[index], other, size, path) != root
    assert root_by_path(leaves[index], index, size, [*path, root]) is None
    if path:
        assert root_by_path(leaves[index], index, size, path[:-1]) != root
        place = data.draw(some.integers(0, len(path) - 1))
        path[place] = bytes(32)
        assert root_by_path(leaves[index], index, size, path) != root


def test_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        inclusion_path(LEAVES, 8)
    assert root_by_path(LEAVES[0], 0, 0, []) is None
