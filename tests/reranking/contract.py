"""What every reranker must do: one inherited class, a subclass per reranker."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import suitably
from reranking.blocks import block, by_user, context, lists_of, rows
from suitably.ranking import Lists
from suitably.reranking import RerankContext, Reranker
from support.banks import FREE, World, popular
from support.frames import rows_of

drawn = pytest.mark.parametrize("seed", range(14))


def same(a: Lists, b: Lists) -> bool:
    return all(
        x.dtype == y.dtype and np.array_equal(x, y)
        for x, y in ((a.products, b.products), (a.scores, b.scores), (a.lengths, b.lengths))
    )


def world() -> World:
    base = popular(9)
    products = [{**row, "category": "aabbcc"[i]} for i, row in enumerate(base.products)]
    return base.but(products=products, policies=(FREE,))


class RerankerContract:
    """Inherit it and give `made`: the reranker in its several forms, by a column each."""

    def made(self) -> list[Any]:
        raise NotImplementedError

    def in_a_pipeline(self) -> Any:
        """One that reads no more than the columns of the tests' worlds."""
        raise NotImplementedError

    def bad(self) -> list[Any]:
        """Rerankers with bad parameters."""
        raise NotImplementedError

    def unknown(self) -> list[Any]:
        """Rerankers that read a column `nowhere`."""
        raise NotImplementedError

    def test_it_is_one(self) -> None:
        assert all(isinstance(reranker, Reranker) for reranker in self.made())

    def test_parameters(self) -> None:
        for reranker in self.made():
            again = type(reranker)(**reranker.get_params())
            assert again.get_params() == reranker.get_params()
            assert repr(again) == repr(reranker)
            assert repr(reranker).startswith(f"{type(reranker).__name__}(")

    @drawn
    def test_it_reorders_or_drops(self, seed: int) -> None:
        users, k, shuffled = seed % 6, 1 + seed % 10, seed % 3 == 0
        lists, found = block(seed, users, shuffled=shuffled)
        before = lists.copy()
        for reranker in self.made():
            back = reranker.rerank(lists, found, k)
            assert same(lists, before), "it wrote into what it was given"
            assert back.products.dtype == back.lengths.dtype == np.int32
            assert back.scores.dtype == np.float32
            assert back.depth <= k
            assert len(back.lengths) == users
            for user in range(users):
                given_ = dict(zip(lists.products[user], lists.scores[user], strict=True))
                end = back.lengths[user]
                mine = back.products[user, :end].tolist()
                assert len(set(mine)) == len(mine)
                assert set(mine) <= set(lists.products[user, : lists.lengths[user]].tolist())
                assert [given_[code] for code in mine] == back.scores[user, :end].tolist()
                assert (back.products[user, end:] == -1).all()
                assert (back.scores[user, end:] == 0).all()

    @drawn
    def test_the_block_does_not_matter(self, seed: int) -> None:
        users, k, shuffled = 2 + seed % 5, 1 + seed % 7, seed % 3 == 0
        lists, found = block(seed, users, shuffled=shuffled)
        order = np.random.default_rng(seed).permutation(users)
        for reranker in self.made():
            whole = reranker.rerank(lists, found, k)
            assert same(whole, reranker.rerank(lists, found, k)), "not deterministic"
            turned = reranker.rerank(lists.take(order), rows(found, order), k)
            assert same(turned, whole.take(order))
            for user in range(users):
                alone = np.array([user])
                one = reranker.rerank(lists.take(alone), rows(found, alone), k)
                assert same(one, whole.take(alone))

    @drawn
    def test_a_large_block_is_many_small_ones(self, seed: int) -> None:
        """Large blocks may take a compiled path."""
        lists, found = block(seed, 4, shuffled=seed % 2 == 1)
        many, k = np.tile(np.arange(4), 100), 1 + seed % 7
        for reranker in self.made():
            few = reranker.rerank(lists, found, k)
            assert same(reranker.rerank(lists.take(many), rows(found, many), k), few.take(many))

    @drawn
    def test_room_past_the_end_does_not_matter(self, seed: int) -> None:
        lists, found = block(seed, 3)
        k, room = 1 + seed % 7, 1 + seed % 9
        wide = Lists.empty(3, lists.depth + room)
        wide.products[:, : lists.depth], wide.scores[:, : lists.depth] = (
            lists.products,
            lists.scores,
        )
        wide = replace(wide, lengths=lists.lengths)
        for reranker in self.made():
            narrow = reranker.rerank(lists, found, k)
            assert by_user(reranker.rerank(wide, found, k)) == by_user(narrow)

    @drawn
    def test_more_places_only_add_to_the_end(self, seed: int) -> None:
        lists, found = block(seed, 3)
        for reranker in self.made():
            whole = by_user(reranker.rerank(lists, found, 8))
            for k in (1, 3, 5):
                assert by_user(reranker.rerank(lists, found, k)) == [codes[:k] for codes in whole]

    def test_nobody_and_nothing(self) -> None:
        for users, depth in ((0, 3), (2, 0), (2, 3), (300, 0), (300, 4)):
            found = block(0, users)[1]
            for reranker in self.made():
                back = reranker.rerank(Lists.empty(users, depth), found, 2)
                assert back.lengths.tolist() == [0] * users
                assert (back.products == -1).all()

    def test_a_list_of_one(self) -> None:
        found = block(1, 1)[1]
        free = replace(found, owned=found.owned * 0, user_fields=_without_exposure(found))
        free.owned.eliminate_zeros()
        for reranker in self.made():
            for code in range(12):
                back = reranker.rerank(lists_of([code]), free, 3)
                assert by_user(back) in ([[code]], [[]])

    @drawn
    def test_without_a_group_nothing_changes(self, seed: int) -> None:
        lists, found = block(seed, 3)
        nothing = {name: pa.nulls(12, found.product_fields[name].type)
                   for name in found.product_fields.column_names}  # fmt: skip
        for fields in (nothing, {name: pa.nulls(12) for name in nothing}):
            blank = replace(found, product_fields=pa.table(fields))
            for reranker in self.made():
                back = reranker.rerank(lists, blank, 5)
                assert by_user(back) == [codes[:5] for codes in by_user(lists)]

    def test_bad_parameters(self) -> None:
        lists, found = block(0, 2)
        for reranker in self.bad():
            told = rf"{type(reranker).__name__}.*(must|name a column|go together)"
            with pytest.raises(ValueError, match=told):
                reranker.rerank(lists, found, 2)
            with pytest.raises(ValueError, match=told):
                reranker.check_params()

    def test_unknown_columns(self) -> None:
        lists, found = block(0, 2)
        name = type(self.in_a_pipeline()).__name__
        for reranker in self.unknown():
            with pytest.raises(suitably.DataError, match=f"no column 'nowhere' for {name}; it has"):
                reranker.rerank(lists, found, 2)

    def test_columns_that_make_no_groups(self) -> None:
        lists = lists_of([0, 1])
        listed = context(1, issuer=[["a"], ["b"]], category=[["a"], ["b"]],
                         min_amount=["x", "y"], term_months=["x", "y"])  # fmt: skip
        for reranker in self.made():
            with pytest.raises(suitably.DataError, match=r"makes no groups|not numbers"):
                reranker.rerank(lists, listed, 2)

    def test_saved_and_loaded(self, tmp_path: Path) -> None:
        pipeline = world().fitted(rerankers=[self.in_a_pipeline()])
        pipeline.save(tmp_path / "model")
        loaded = suitably.load(tmp_path / "model")
        assert repr(loaded.rerankers[0]) == repr(pipeline.rerankers[0])
        for k in (1, 3):
            first, second = (rows_of(p.recommend(k=k).to_frame()) for p in (pipeline, loaded))
            assert first
            assert first == second
        assert rows_of(pipeline.clone().fit(world().dataset(), world().as_of)
                       .recommend(k=3).to_frame()) == first  # fmt: skip


def _without_exposure(found: RerankContext) -> pa.Table:
    users = found.user_fields.num_rows
    kind = found.user_fields["exposure"].type
    return found.user_fields.set_column(
        found.user_fields.column_names.index("exposure"), "exposure", pa.array([[]] * users, kind)
    )
