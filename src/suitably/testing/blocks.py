"""Blocks of lists with ties, gaps and every length, and the fields that rerankers read."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from suitably.ranking import Lists
from suitably.reranking import RerankContext

__all__ = ["CATALOGUE", "MAP", "block", "by_user", "context", "lists_of", "rows", "same"]

CATALOGUE = 12
MAP = pa.map_(pa.string(), pa.float64())


def context(users: int, owned: list[list[int]] | None = None, **columns: Any) -> RerankContext:
    """Return a context: columns of products by name, of users as `user_<name>`."""
    mine = {name[5:]: values for name, values in columns.items() if name.startswith("user_")}
    theirs = {name: values for name, values in columns.items() if not name.startswith("user_")}
    catalogue = len(next(iter(theirs.values())))
    pairs = [(user, code) for user, codes in enumerate(owned or []) for code in codes]
    matrix = sparse.csr_array(
        (np.ones(len(pairs)), tuple(np.array(pairs, np.int64).reshape(-1, 2).T)),
        shape=(users, catalogue),
    )
    fields = pa.table({"x": pa.nulls(users), **mine})
    return RerankContext(
        np.arange(users), fields, np.arange(catalogue), pa.table(theirs), owned=matrix
    )


def lists_of(*products: list[int], scores: list[list[float]] | None = None) -> Lists:
    """Return lists by hand; without scores, falling ones."""
    lists = Lists.empty(len(products), max(map(len, products), default=0))
    for user, codes in enumerate(products):
        mine = list(range(len(codes), 0, -1)) if scores is None else scores[user]
        lists.products[user, : len(codes)] = codes
        lists.scores[user, : len(codes)] = mine
        lists.lengths[user] = len(codes)
    return lists


def by_user(lists: Lists) -> list[list[int]]:
    """Return the products of each list, without what is past its end."""
    return [
        codes[:length].tolist() for codes, length in zip(lists.products, lists.lengths, strict=True)
    ]


def block(
    seed: int, users: int, depth: int = 8, shuffled: bool = False
) -> tuple[Lists, RerankContext]:
    """Draw lists and fields: many equal scores, groups missing, some own nothing, some no map."""
    rng = np.random.default_rng(seed)
    kinds = np.array(["a", "b", "c", None], object)
    lists = Lists.empty(users, depth)
    lists.lengths[:] = rng.integers(0, depth + 1, users)
    for user, length in enumerate(lists.lengths):
        scores = rng.choice(np.arange(-4, 5) / 4, length).astype(np.float32)
        order = np.sort(rng.permutation(CATALOGUE)[:length])
        if not shuffled:
            order = order[np.argsort(-scores, kind="stable")]
            scores = np.sort(scores)[::-1]
        lists.products[user, :length], lists.scores[user, :length] = order, scores
    issuers = [None if rng.random() < 0.2 else f"i{rng.integers(4)}" for _ in range(CATALOGUE)]
    owned = [rng.permutation(CATALOGUE)[: rng.integers(7)].tolist() for _ in range(users)]
    held = [rng.permutation(6)[: rng.integers(6)] for _ in range(users)]
    maps = [
        None if rng.random() < 0.2 else [(f"i{i}", float(rng.integers(4) * 100)) for i in mine]
        for mine in held
    ]
    amounts = [None if rng.random() < 0.2 else float(rng.integers(1, 9) * 50) for _ in issuers]
    found = context(
        users, owned,
        category=pa.array([rng.choice(kinds) for _ in issuers], pa.string()),
        issuer=pa.array(issuers, pa.string()),
        min_amount=pa.array(amounts, pa.float64()),
        term_months=pa.array([None if rng.random() < 0.2 else int(rng.integers(60))
                              for _ in issuers], pa.int64()),
        user_exposure=pa.array(maps, MAP),
    )  # fmt: skip
    return lists, found


def rows(found: RerankContext, chosen: Any) -> RerankContext:
    """Return the context of some of the users."""
    return replace(
        found,
        user_ids=found.user_ids[chosen],
        user_fields=found.user_fields.take(pa.array(chosen)),
        owned=found.owned[chosen],
    )


def same(a: Lists, b: Lists) -> bool:
    """Return whether two blocks of lists are equal, types and all."""
    return all(
        x.dtype == y.dtype and np.array_equal(x, y)
        for x, y in ((a.products, b.products), (a.scores, b.scores), (a.lengths, b.lengths))
    )
