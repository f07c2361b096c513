"""Why a product is in a user's list: the facts, and a sentence made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from suitably.suitability.verdicts import RuleVerdict
from suitably.utils.html import box, element, facts, table
from suitably.utils.record import Record

__all__ = ["Explanation", "rank_sentence"]


@dataclass(frozen=True, repr=False)
class Explanation(Record):
    """Why a product is in a user's list.

    Attributes:
        user_id: The user.
        product_id: The product.
        rank: Its place, from 1.
        score: The ranker's score, comparable within the list only.
        ranker: What ranked it: the pipeline's ranker, or its fallback.
        stood_in: Whether it was the fallback, since the ranker knows nothing of the user.
        verdicts: What every applicable rule says of the pair; all pass.
        text: A sentence made from facts, in English (`"en"`) and Chinese (`"zh"`).

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> lists = pipeline.fit(st.Dataset(None, None, log)).recommend(["ann"])
        >>> why = lists.explain("ann", "etf")
        >>> why.text["en"]
        'No rule applies to it and ranks 1 of 1 by Popularity on past behaviour.'
        >>> why.to_dict()["product_id"]
        'etf'
    """

    user_id: Any
    product_id: Any
    rank: int
    score: float
    ranker: str
    stood_in: bool
    verdicts: tuple[RuleVerdict, ...]
    text: Mapping[str, str]

    def __repr__(self) -> str:
        rules = len(self.verdicts)
        passed = f"{rules} rule{'s' * (rules != 1)} passed"
        return f"Explanation(rank {self.rank}, score {self.score:.4g}, by {self.ranker}, {passed})"

    def _repr_html_(self) -> str:
        by = f"{self.ranker}, which stood in" if self.stood_in else self.ranker
        values = {"rank": self.rank, "score": self.score, "ranked by": by}
        verdicts = [
            (one.rule, one.verdict, one.article, one.text["en"], one.text["zh"])
            for one in self.verdicts
        ]
        columns = ("rule", "verdict", "article", "in English", "中文")
        return box(
            f"Why {self.product_id} is in the list of {self.user_id}",
            *(element("p", sentence) for sentence in self.text.values()),
            facts(values),
            table(columns, verdicts, "Rules that apply") if verdicts else "",
        )


def rank_sentence(
    rank: int,
    length: int,
    ranker: str,
    stood_in_for: str | None,
    rerankers: Sequence[str],
    verdicts: Sequence[RuleVerdict],
) -> Mapping[str, str]:
    """Say in a sentence per language why a product is where it is.

    Args:
        rank: Its place, from 1.
        length: How many products the list has.
        ranker: The name of what ranked it.
        stood_in_for: The name of the ranker that knows nothing of the user; None: it knows them.
        rerankers: The names of what reordered the list.
        verdicts: What the applicable rules say.
    """
    rules = ", ".join(verdict.rule for verdict in verdicts)
    reordered = f", reordered by {' and '.join(rerankers)}," if rerankers else ""
    after = f"、经{'、'.join(rerankers)}调整后" if rerankers else ""
    passed = f"It passes every rule that applies ({rules})" if rules else "No rule applies to it"
    reason = f"符合全部适用规则（{rules}）" if rules else "没有适用的规则"
    if stood_in_for is not None:
        basis = f"the behaviour of others, since {stood_in_for} knows nothing of this customer yet"
        ground = f"因{stood_in_for}对该客户尚无了解，按其他客户的行为"
    else:
        basis, ground = "past behaviour", "按历史行为"
    return MappingProxyType(
        {
            "en": f"{passed} and ranks {rank} of {length} by {ranker}{reordered} on {basis}.",
            "zh": f"该产品{reason}，{ground}由{ranker}{after}排在{length}个中的第{rank}位。",
        }
    )
