"""Why a product is in a user's list: the facts, and sentences made from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from suitably.ranking.contributions import Standing
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.verdicts import Audience, Margin, RuleVerdict, check_audience
from suitably.utils.html import box, element, facts, table
from suitably.utils.json import jsonable
from suitably.utils.record import Record

__all__ = ["Explanation", "PastProduct", "ProfileField", "tightest"]


class PastProduct(NamedTuple):
    """A product of the user's past that has a say in a score.

    Attributes:
        product_id: Which.
        contribution: What it adds to the ranker's score; below 0: what it takes away.
        share: The same, by all that speaks for the product.
        turned_down: Whether the user turned it down; then it never speaks for another.
    """

    product_id: Any
    contribution: float
    share: float
    turned_down: bool = False


class ProfileField(NamedTuple):
    """A field of the user's profile that has a say in a score.

    Attributes:
        field: Which.
        value: The user's value of it.
        contribution: What it adds to the ranker's score; below 0: what it takes away.
        share: The same, by all that speaks for the product.
    """

    field: str
    value: Any
    contribution: float
    share: float


@dataclass(frozen=True, repr=False)
class Explanation(Record):
    r"""Why a product is in a user's list.

    Attributes:
        user_id: The user.
        product_id: The product.
        rank: Its place, from 1.
        score: The ranker's score, comparable within the list only.
        ranker: What ranked it: the pipeline's ranker, or its fallback.
        stood_in: Whether it was the fallback, since the ranker knows nothing of the user.
        verdicts: What every applicable rule says of the pair; all pass, and some may flag it.
        text: Sentences made from facts, for the customer, by language, such as English (`"en"`) and
            Chinese (`"zh"`). It names no rule that flags the product: what these say is in it.
        adviser_text: The same for the adviser, who may be told what the customer is not.
        eligible: How many products may be offered to the user and have a score, whatever k is.
        history: The products of the user's past that speak for it, by contribution; of rankers
            whose scores are sums over the past.
        profile: The fields of the user's profile that speak for it, likewise.
        against: What of both speaks against it, the largest first.
        standing: Its place by popularity, where that has a say.
        notes: What to tell the customer when it is offered, by language: its risk, and what rules
            that flag it say.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> lists = pipeline.fit(st.Dataset(None, None, log)).recommend(["ann"])
        >>> why = lists.explain("ann", "etf")
        >>> print(why.text["en"].replace(". ", ".\n"))
        No rule applies to it and ranks 1 of 1 eligible products by Popularity on past behaviour.
        It is number 1 of 2 products by popularity.
        >>> why.to_dict()["standing"]
        {'rank': 1, 'products': 2, 'field': None, 'value': None}
    """

    user_id: Any
    product_id: Any
    rank: int
    score: float
    ranker: str
    stood_in: bool
    verdicts: tuple[RuleVerdict, ...]
    text: Mapping[str, str]
    adviser_text: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    eligible: int = 0
    history: tuple[PastProduct, ...] = ()
    profile: tuple[ProfileField, ...] = ()
    against: tuple[PastProduct | ProfileField, ...] = ()
    standing: Standing | None = None
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def flags(self) -> tuple[RuleVerdict, ...]:
        """What to mind when the product is offered: the verdicts of rules that flag the pair."""
        return tuple(verdict for verdict in self.verdicts if verdict.flag)

    @property
    def margins(self) -> tuple[Margin, ...]:
        """By how much the rules are passed that have a distance, the tightest first."""
        return tightest(self.verdicts)

    def texts_for(self, audience: Audience) -> Mapping[str, str]:
        """Return the sentences that somebody may read, by language.

        Raises:
            ValueError: Neither `"customer"` nor `"adviser"`.
        """
        check_audience(audience)
        return self.text if audience == "customer" else self.adviser_text

    def to_dict(self, audience: Audience | None = None) -> dict[str, Any]:
        """Return the fields, `margins` and `flags` by name, JSON-ready.

        Args:
            audience: Who reads them, see `RuleVerdict.to_dict`.

        Raises:
            ValueError: Neither `"customer"` nor `"adviser"`.
        """
        said = super().to_dict()
        said["verdicts"] = [verdict.to_dict(audience) for verdict in self.verdicts]
        said["flags"] = [verdict.to_dict(audience) for verdict in self.flags]
        hidden = {one.rule for one in self.verdicts if one.is_told_apart}
        said["margins"] = [
            margin.to_dict()
            for margin in self.margins
            if audience != "customer" or margin.rule not in hidden
        ]
        for name in ("history", "profile", "against"):
            said[name] = [jsonable(part._asdict()) for part in getattr(self, name)]
        said["standing"] = None if self.standing is None else self.standing._asdict()
        if audience is not None:
            said["text"] = dict(self.texts_for(audience))
            del said["adviser_text"]
        return said

    def __repr__(self) -> str:
        rules = len(self.verdicts)
        passed = f"{rules} rule{'s' * (rules != 1)} passed"
        passed += f", {len(self.flags)} flagged" * bool(self.flags)
        place = f"rank {self.rank} of {self.eligible}"
        return f"Explanation({place}, score {self.score:.4g}, by {self.ranker}, {passed})"

    def _repr_html_(self) -> str:
        by = f"{self.ranker}, which stood in" if self.stood_in else self.ranker
        values = {"rank": f"{self.rank} of {self.eligible}", "score": self.score, "ranked by": by}
        if self.standing is not None:
            values["by popularity"] = f"{self.standing.rank} of {self.standing.products}"
        sides: tuple[tuple[str, Sequence[PastProduct | ProfileField]], ...] = (
            ("for it", [*self.history, *self.profile]),
            ("against", self.against),
        )
        said = [
            (sign, *_named(part), part.contribution, f"{part.share:.0%}")
            for sign, parts in sides
            for part in parts
        ]
        names = [language.name for language in LANGUAGES.values()]
        told = [
            [
                (one.rule, one.verdict, *_closest(one), one.article, *one.text.values())
                for one in some
            ]
            for some in (self.flags, [one for one in self.verdicts if not one.flag])
        ]
        columns = ("rule", "verdict", "to spare", "article", *names)
        titles = ("Flags, which bar nothing", "Rules that apply")
        reasons = ("", "what", "value", "adds", "share")
        return box(
            f"Why {self.product_id} is in the list of {self.user_id}",
            *(element("p", sentence) for sentence in self.text.values()),
            facts(values),
            *([table(reasons, said, "What has a say in the score")] if said else []),
            *(table(columns, *some) for some in zip(told, titles, strict=True) if some[0]),
        )


def tightest(verdicts: Iterable[RuleVerdict]) -> tuple[Margin, ...]:
    """Return the margins of verdicts, the tightest first."""
    found = (verdict.margin for verdict in verdicts if verdict.margin is not None)
    return tuple(sorted(found, key=lambda margin: margin.tightness))


def _named(part: PastProduct | ProfileField) -> tuple[str, str]:
    if isinstance(part, PastProduct):
        return "past product", str(part.product_id)
    return part.field, str(part.value)


def _closest(verdict: RuleVerdict) -> tuple[str]:
    margin = verdict.margin
    return (f"{margin.spare:.4g} {margin.unit}".strip() if margin is not None else "",)
