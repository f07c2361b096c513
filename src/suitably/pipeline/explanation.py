"""Why a product is in a user's list: the facts, and a sentence made from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suitably.suitability.verdicts import Audience, RuleVerdict
from suitably.utils.html import box, element, facts, table
from suitably.utils.record import Record

__all__ = ["Explanation"]


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
        verdicts: What every applicable rule says of the pair; all pass, and some may flag it.
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

    @property
    def flags(self) -> tuple[RuleVerdict, ...]:
        """What to mind when the product is offered: the verdicts of rules that flag the pair."""
        return tuple(verdict for verdict in self.verdicts if verdict.flag)

    def to_dict(self, audience: Audience | None = None) -> dict[str, Any]:
        """Return the fields and `flags` by name, JSON-ready.

        Args:
            audience: Who reads the verdicts, see `RuleVerdict.to_dict`.

        Raises:
            ValueError: Neither `"customer"` nor `"adviser"`.
        """
        verdicts = [verdict.to_dict(audience) for verdict in self.verdicts]
        flags = [verdict.to_dict(audience) for verdict in self.flags]
        return {**super().to_dict(), "verdicts": verdicts, "flags": flags}

    def __repr__(self) -> str:
        rules = len(self.verdicts)
        passed = f"{rules} rule{'s' * (rules != 1)} passed"
        passed += f", {len(self.flags)} flagged" * bool(self.flags)
        return f"Explanation(rank {self.rank}, score {self.score:.4g}, by {self.ranker}, {passed})"

    def _repr_html_(self) -> str:
        by = f"{self.ranker}, which stood in" if self.stood_in else self.ranker
        values = {"rank": self.rank, "score": self.score, "ranked by": by}
        tables = [
            [(one.rule, one.verdict, one.article, one.text["en"], one.text["zh"]) for one in some]
            for some in (self.flags, [one for one in self.verdicts if not one.flag])
        ]
        columns = ("rule", "verdict", "article", "in English", "中文")
        titles = ("Flags, which bar nothing", "Rules that apply")
        return box(
            f"Why {self.product_id} is in the list of {self.user_id}",
            *(element("p", sentence) for sentence in self.text.values()),
            facts(values),
            *(table(columns, *some) for some in zip(tables, titles, strict=True) if some[0]),
        )
