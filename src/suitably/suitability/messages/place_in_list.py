"""Why a product is where it is in a list, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suitably.suitability.messages import LANGUAGES, show_value
from suitably.suitability.messages.sentences import Sentences

__all__ = ["ListPlace", "ScoreReason", "explain_place", "explain_risk"]


@dataclass(frozen=True)
class ScoreReason:
    """What has a say in a score.

    Attributes:
        name: A product, or a field.
        share: Of all that speaks for the product.
        is_field: Whether it is a field.
        value: The field's value.
        turned_down: Whether it is a product that the user turned down.
    """

    name: str
    share: float
    is_field: bool = False
    value: Any = None
    turned_down: bool = False


@dataclass(frozen=True)
class ListPlace:
    """The facts of a place in a list.

    Attributes:
        rank: The place, from 1.
        eligible: How many products may be offered and have a score.
        ranker: The name of what ranked.
        stood_in_for: The name of the ranker that knows nothing of the user; None: it knows them.
        rerankers: The names of what reordered the list.
        ruled: Whether any rule applies.
        speaks_for: What speaks for the product, the largest first.
        speaks_against: What speaks against it.
        personal: Whether it is made from the user's own behaviour at all.
        elsewhere: Whether another system has learned what it is ranked by.
        standing: Its place by popularity, how many have one, and what those who are counted share
            with the user: a field and its value, or None.
    """

    rank: int
    eligible: int
    ranker: str
    stood_in_for: str | None
    rerankers: Sequence[str]
    ruled: bool
    speaks_for: Sequence[ScoreReason]
    speaks_against: Sequence[ScoreReason]
    standing: tuple[int, int, str | None, str | None] | None
    personal: bool = True
    elsewhere: bool = False

    @property
    def is_popular(self) -> bool:
        """Whether its popularity is worth a sentence: it speaks for it, or nothing else does."""
        if self.standing is None:
            return False
        rank, products, *_ = self.standing
        return 2 * rank <= products or not self.speaks_for


def explain_place(
    place: ListPlace,
    language: str,
    margins: Sequence[str] = (),
    notes: Sequence[str] = (),
    flags: Mapping[str, bool] | None = None,
) -> str:
    """Say why a product is where it is in a list.

    Args:
        place: The facts.
        language: Such as `"en"`.
        margins: The rules that are passed by the least, in words.
        notes: What to mind, in words.
        flags: The rules that flag it, and whether that is unknown, for who may read their names.
    """
    said = LANGUAGES[language]
    closest = said.closest.format(margins=said.between_margins.join(margins)) if margins else ""
    basis = said.by_history if place.stood_in_for is None else said.by_others
    if place.elsewhere:
        basis = said.by_elsewhere
    if not place.personal:
        basis = said.by_owners
    names = said.and_.join(place.rerankers)
    text = said.ranked.format(
        ruled=said.ruled.format(closest=closest) if place.ruled else said.unruled,
        rank=place.rank,
        eligible=place.eligible,
        ranker=place.ranker,
        reordered=said.reordered.format(rerankers=names) if place.rerankers else "",
        basis=basis.format(ranker=place.stood_in_for),
    )
    sides = (said.for_it, place.speaks_for), (said.against_it, place.speaks_against)
    for sentence, reasons in sides:
        if reasons:
            text += sentence.format(reasons=_listed(reasons, said, language))
    if place.standing is not None and place.is_popular:
        rank, products, field, value = place.standing
        words = said.popular if field is None else said.popular_alike
        text += words.format(rank=rank, products=products, field=field, value=value)
    text += "".join(f"{said.between_sentences}{note}" for note in notes)
    if not flags:
        return text
    raised = (said.unsure.format(rule=rule) if flags[rule] else rule for rule in flags)
    return text + said.flags.format(rules=", ".join(raised))


def explain_risk(level: Any, position: int, levels: int, language: str) -> str:
    """Say what a product's level of risk means, by its position on the scale.

    Args:
        level: Its name.
        position: From 1, the lowest.
        levels: How many there are.
        language: Such as `"en"`.

    Example:
        >>> explain_risk("R3", 3, 5, "en")
        'Risk level R3, number 3 of 5 from the lowest: you may lose part of what you invest.'
    """
    said = LANGUAGES[language]
    words = {1: said.risk_lowest, levels: said.risk_highest}.get(position, said.risk_between)
    shown = show_value(level, language)
    return words.format(level=shown, position=position, levels=levels)


def _listed(reasons: Sequence[ScoreReason], said: Sentences, language: str) -> str:
    written = []
    for one in reasons:
        share = f"{abs(one.share):.0%}"
        if one.is_field:
            value = show_value(one.value, language)
            written.append(said.profile_field.format(field=one.name, value=value, share=share))
        else:
            words = said.turned_down if one.turned_down else said.past_product
            written.append(words.format(product=one.name, share=share))
    return said.between_reasons.join(written)
