"""Contract of rerankers: they reorder or drop, whoever else is in the block."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import suitably
from suitably.ranking import Lists
from suitably.reranking import Reranker
from suitably.testing.bank import SmallBank, rows_of, seven_users
from suitably.testing.blocks import block, by_user, rows, same
from suitably.testing.params import ParamsContract
from suitably.utils.state import undeclared_state

__all__ = ["RerankerContract"]

drawn: pytest.MarkDecorator = pytest.mark.parametrize("seed", range(14))


class RerankerContract(ParamsContract):
    """Inherit it and say how your reranker is made.

    Lists come in blocks drawn at random. Products have a `category`, an `issuer`, a `min_amount`
    and a number of `term_months`, each missing here and there; users have a map `exposure` from
    issuer to money, and some own products. A pipeline is tried on a bank of seven users, whose
    products have all of these but the term.

    Attributes:
        trusted: Classes besides the reranker's own that a saved pipeline is made of.

    Example:
        >>> from suitably.reranking import Caps
        >>> class TestMyReranker(RerankerContract):
        ...     def make(self):
        ...         return Caps(by="category", most=1)
        >>> TestMyReranker().test_nobody_and_nothing()
    """

    trusted: tuple[type, ...] = ()

    def bank(self) -> SmallBank:
        """Return the bank that a pipeline is tried on."""
        return seven_users()

    def test_it_is_one(self) -> None:
        """It has the method of a reranker."""
        assert all(isinstance(reranker, Reranker) for reranker in self.made())

    @drawn
    def test_it_reorders_or_drops(self, seed: int) -> None:
        """Nothing is added, repeated or rescored, nor written into what it was given."""
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
                scores = dict(zip(lists.products[user], lists.scores[user], strict=True))
                end = back.lengths[user]
                mine = back.products[user, :end].tolist()
                assert len(set(mine)) == len(mine)
                assert set(mine) <= set(lists.products[user, : lists.lengths[user]].tolist())
                assert [scores[code] for code in mine] == back.scores[user, :end].tolist()
                assert (back.products[user, end:] == -1).all()
                assert (back.scores[user, end:] == 0).all()

    @drawn
    def test_the_block_does_not_matter(self, seed: int) -> None:
        """A list comes out the same alone, in company, and in another order."""
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
        """What is past the end of a list is no product."""
        lists, found = block(seed, 3)
        k, room = 1 + seed % 7, 1 + seed % 9
        wide = Lists.empty(3, lists.depth + room)
        wide.products[:, : lists.depth] = lists.products
        wide.scores[:, : lists.depth] = lists.scores
        wide = replace(wide, lengths=lists.lengths)
        for reranker in self.made():
            narrow = reranker.rerank(lists, found, k)
            assert by_user(reranker.rerank(wide, found, k)) == by_user(narrow)

    def test_nobody_and_nothing(self) -> None:
        """No users, no places and no products give empty lists."""
        for users, depth in ((0, 3), (2, 0), (2, 3), (300, 0), (300, 4)):
            found = block(0, users)[1]
            for reranker in self.made():
                back = reranker.rerank(Lists.empty(users, depth), found, 2)
                assert back.lengths.tolist() == [0] * users
                assert (back.products == -1).all()

    def test_parameters_out_of_range(self) -> None:
        """They are refused by the name of the class: asked first, and in any case when used."""
        lists, found = block(0, 2)
        for reranker in self.bad():
            name = type(reranker).__name__
            with pytest.raises(ValueError, match=name):
                reranker.rerank(lists, found, 2)
            if hasattr(reranker, "check_params"):
                with pytest.raises(ValueError, match=name):
                    reranker.check_params()

    def test_saved_and_loaded(self, tmp_path: Path) -> None:
        """A loaded pipeline has an equal reranker and gives the same lists; so does a clone."""
        bank = self.bank()
        pipeline = bank.fitted(rerankers=[self.make()])
        (reranker,) = pipeline.rerankers
        assert undeclared_state(reranker) == []
        pipeline.save(tmp_path / "model")
        trusted = (type(reranker), *self.trusted)
        loaded = suitably.load(tmp_path / "model", trusted=trusted)
        assert type(loaded.rerankers[0]) is type(reranker)
        cloned = pipeline.clone().fit(bank.dataset(), bank.as_of)
        for k in (1, 3):
            lists = rows_of(pipeline.recommend(k=k).to_frame())
            assert lists
            assert all(rows_of(p.recommend(k=k).to_frame()) == lists for p in (loaded, cloned))
