"""Popularity: the contract, and counts by hand."""

from properties.worlds import rows_of
from ranking.contract import RankerContract, world
from suitably.ranking import Popularity


class TestPopularity(RankerContract):
    scores_strangers = True

    def make(self) -> Popularity:
        return Popularity()

    def test_scores_by_hand(self) -> None:
        recs = self.fitted_pipeline().recommend(["u5", "u4"], k=6)
        mine = [(row["product_id"], row["score"]) for row in rows_of(recs.for_user("u5"))]
        assert mine == [("p0", 4.0), ("p1", 3.0), ("p2", 1.0), ("p3", 1.0), ("p4", 1.0)]
        mine = [row["product_id"] for row in rows_of(recs.for_user("u4"))]
        assert mine == ["p0", "p2", "p3"]

    def test_a_repeated_purchase_counts_once(self) -> None:
        again = world().but(events=[*world().events, *world().events])
        assert self._lists(self.fitted_pipeline(again)) == self._lists(self.fitted_pipeline())
