"""What the library's rerankers keep besides the contract that ships: they go by groups."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

import suitably
from suitably.reranking import RerankContext
from suitably.testing import RerankerContract
from suitably.testing.blocks import CATALOGUE, block, by_user, context, lists_of
from suitably.testing.reranker import drawn


class GroupRerankerContract(RerankerContract):
    """Inherit it and give `make`, `made`, `bad` and `unknown`."""

    def unknown(self) -> list[Any]:
        """Rerankers that read a column `nowhere`."""
        raise NotImplementedError

    @drawn
    def test_more_places_only_add_to_the_end(self, seed: int) -> None:
        lists, found = block(seed, 3)
        for reranker in self.made():
            whole = by_user(reranker.rerank(lists, found, 8))
            for k in (1, 3, 5):
                assert by_user(reranker.rerank(lists, found, k)) == [codes[:k] for codes in whole]

    def test_a_list_of_one(self) -> None:
        found = block(1, 1)[1]
        free = replace(found, owned=found.owned * 0, user_fields=_without_exposure(found))
        free.owned.eliminate_zeros()
        for reranker in self.made():
            for code in range(CATALOGUE):
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

    def test_the_message_says_what_is_wrong(self) -> None:
        for reranker in self.bad():
            with pytest.raises(ValueError, match=r"must|name a column|go together"):
                reranker.check_params()

    def test_a_pipeline_refuses_at_its_fit(self) -> None:
        for reranker in self.bad():
            with pytest.raises(ValueError, match=type(reranker).__name__):
                self.bank().fitted(rerankers=[reranker])

    def test_unknown_columns(self) -> None:
        lists, found = block(0, 2)
        name = type(self.make()).__name__
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


def taken_from(found: RerankContext, column: str) -> list[Any]:
    """Return a column of the products."""
    return found.product_fields[column].to_pylist()


def _without_exposure(found: RerankContext) -> pa.Table:
    users = found.user_fields.num_rows
    kind = found.user_fields["exposure"].type
    return found.user_fields.set_column(
        found.user_fields.column_names.index("exposure"), "exposure", pa.array([[]] * users, kind)
    )
