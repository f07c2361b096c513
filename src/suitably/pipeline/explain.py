"""Explaining a place in a list: the facts of one user and one product, put in words."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from suitably.pipeline.explanation import Explanation, PastProduct, ProfileField, tightest
from suitably.pipeline.generate import ListGenerator
from suitably.pipeline.opt_out import OWNERS
from suitably.ranking.contributions import AskedPair, Contributions, contributions
from suitably.ranking.hybrid.feature_columns import Now
from suitably.ranking.protocol import AskedUsers, DrawingRanker, Ranker
from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.types import Scale
from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.place_in_list import (
    ListPlace,
    ScoreReason,
    explain_place,
    explain_risk,
)
from suitably.suitability.verdicts import RuleVerdict
from suitably.utils import bitset

__all__ = ["explain_listed"]

_NAMED = 3
_MARGINS = 2
_LEAST = 0.005  # what rounds to no percent is not worth a word
_ROUNDING = 1e-3
_RISK_FIELDS = ("product.risk_level", "product.issuer_rating", "product.seller_rating")


def explain_listed(
    generator: ListGenerator,
    user: tuple[Any, int],
    product: tuple[Any, int],
    rank: int,
    score: float,
    stood_in: bool,
) -> Explanation:
    """Say why a product is in a user's list.

    Args:
        generator: What drew the list up.
        user: The user's id and position.
        product: The product's id and place in the catalogue.
        rank: Its place in the list, from 1.
        score: Its score.
        stood_in: Whether the fallback ranked.
    """
    (user_id, row), (product_id, code) = user, product
    eligibility = generator.snapshot.eligibility
    verdicts = eligibility.explain(row, code)
    main, ranker = generator.rankers[0], generator.rankers[stood_in]
    personal = not generator.opted_out(np.array([row])).item()
    name, shown = (type(ranker).__name__, repr(ranker)) if personal else (OWNERS, OWNERS)
    made = _contributions(generator, ranker, row, code, score) if personal else None
    speaks = [] if made is None else _reasons(generator, made, row)
    pro = [one for one in speaks if one.contribution > 0]
    against = [one for one in reversed(speaks) if one.contribution < 0]
    place = ListPlace(
        rank=rank,
        eligible=_eligible(generator, row, stood_in, personal),
        ranker=name,
        stood_in_for=type(main).__name__ if stood_in else None,
        rerankers=[type(reranker).__name__ for reranker in generator.rerankers],
        ruled=bool(verdicts),
        speaks_for=_worth_naming(pro),
        speaks_against=_worth_naming(against),
        standing=None if made is None else made.standing,
        personal=personal,
        elsewhere=not stood_in and _is_learned_elsewhere(ranker),
    )
    risk = _risk(generator, verdicts, code)
    policies = {policy.id: policy for policy in eligibility.policies}
    notes = {language: _notes(verdicts, policies, risk, language) for language in LANGUAGES}
    return Explanation(
        user_id=user_id,
        product_id=product_id,
        rank=rank,
        score=score,
        ranker=shown,
        stood_in=stood_in,
        verdicts=tuple(verdicts),
        text=_for_user(place, verdicts, notes),
        adviser_text=_for_adviser(place, verdicts, risk),
        eligible=place.eligible,
        history=tuple(one for one in pro if isinstance(one, PastProduct))[:_NAMED],
        profile=tuple(one for one in pro if isinstance(one, ProfileField))[:_NAMED],
        against=tuple(against[:_NAMED]),
        standing=None if made is None else made.standing,
        notes=MappingProxyType(notes),
    )


def _for_user(
    place: ListPlace, verdicts: Sequence[RuleVerdict], notes: Mapping[str, Sequence[str]]
) -> Mapping[str, str]:
    margins = tightest(one for one in verdicts if not one.is_told_apart)[:_MARGINS]
    return MappingProxyType(
        {
            language: explain_place(place, language, [one.text[language] for one in margins], told)
            for language, told in notes.items()
        }
    )


def _for_adviser(
    place: ListPlace, verdicts: Sequence[RuleVerdict], risk: Mapping[str, str]
) -> Mapping[str, str]:
    margins = tightest(verdicts)[:_MARGINS]
    flags: dict[str, bool] = {}
    for one in verdicts:
        if one.flag:  # policies may share a rule id: what is known outweighs what is not
            flags[one.rule] = flags.get(one.rule, True) and one.unknown
    texts = {}
    for language in LANGUAGES:
        told = [risk[language]] if risk else []
        told += [one.adviser_text[language] for one in verdicts if one.flag]
        words = [one.text[language] for one in margins]
        texts[language] = explain_place(place, language, words, told, flags)
    return MappingProxyType(texts)


def _notes(
    verdicts: Sequence[RuleVerdict],
    policies: Mapping[str, PolicyDocument],
    risk: Mapping[str, str],
    language: str,
) -> tuple[str, ...]:
    """Return what to tell the customer in a language: a rule's text, never its name."""
    told = [risk[language]] if risk else []
    for one in verdicts:
        if one.flag:
            rules = policies[one.policy].rules
            texts = next(rule.texts.user for rule in rules if rule.id == one.rule)
            written = language in texts and not one.unknown
            told.append(one.text[language] if written else LANGUAGES[language].to_mind)
    return tuple(dict.fromkeys(told))


def _risk(
    generator: ListGenerator, verdicts: Sequence[RuleVerdict], code: int
) -> Mapping[str, str]:
    """Say what the product's level of risk means, on the scales of the policies that govern it.

    Of ratings by several, the highest counts.
    """
    governing = {one.policy for one in verdicts}
    fields = generator.state.catalogue.fields
    found = []
    for policy in generator.snapshot.eligibility.policies:
        for name in _RISK_FIELDS if policy.id in governing else ():
            scale, column = policy.fields.get(name), name.removeprefix("product.")
            if isinstance(scale, Scale) and column in fields.column_names:
                level = fields[column][code].as_py()
                if level in scale.levels:
                    position = scale.levels.index(level) + 1
                    found.append((position / len(scale.levels), level, position, len(scale.levels)))
    if not found:
        return {}
    _, level, position, levels = max(found, key=lambda one: one[0])
    return {language: explain_risk(level, position, levels, language) for language in LANGUAGES}


def _contributions(
    generator: ListGenerator, ranker: Ranker, row: int, code: int, score: float
) -> Contributions | None:
    """Ask the ranker what its score is made of; what does not add up to the score is not said."""
    state, snapshot = generator.state, generator.snapshot
    user = AskedUsers(state.users.ids, np.array([row]))
    now = None if snapshot.as_of is None else Now(snapshot.as_of, state.clock)
    product, fields = int(state.positions[code]), partial(snapshot.fields_of, row)
    pair = AskedPair(user, product, fields, now)
    made = contributions(ranker, pair)
    if made is None or generator.rerankers:  # a reranker may have changed the score
        return made
    size = np.abs(made.by_product).sum() + sum(abs(v) for _, v in made.by_field) + abs(made.rest)
    return made if abs(made.score - score) <= _ROUNDING * size else None


def _reasons(
    generator: ListGenerator, made: Contributions, row: int
) -> list[PastProduct | ProfileField]:
    """Return what has a say in a score, the largest first; of the past, what may be named."""
    gains = made.gains or 1.0
    order = np.argsort(-made.by_product, kind="stable")
    if len(order) > 2 * _NAMED:  # to look up ids costs more than to order
        order = np.concatenate([order[:_NAMED], order[-_NAMED:]])
    ids = generator.state.products.ids.decode(made.products[order]).to_pylist()
    refused = np.isin(made.products[order], made.turned_down).tolist()
    past = zip(ids, made.by_product[order].tolist(), refused, strict=True)
    found: list[PastProduct | ProfileField] = [
        PastProduct(product, value, value / gains, refused) for product, value, refused in past
    ]
    if made.by_field:
        fields = generator.snapshot.fields_of(row)
        for name, value in made.by_field:
            found.append(ProfileField(name, fields[name][0].as_py(), value, value / gains))
    return sorted(found, key=lambda one: -one.contribution)


def _worth_naming(reasons: Sequence[PastProduct | ProfileField]) -> list[ScoreReason]:
    return [
        ScoreReason(str(one.product_id), one.share, turned_down=one.turned_down)
        if isinstance(one, PastProduct)
        else ScoreReason(one.field, one.share, True, one.value)
        for one in reasons[:_NAMED]
        if abs(one.share) >= _LEAST
    ]


def _is_learned_elsewhere(ranker: Ranker) -> bool:
    scoring = ranker.scoring_ranker() if isinstance(ranker, DrawingRanker) else ranker
    return bool(getattr(type(scoring), "learned_elsewhere", False))


def _eligible(generator: ListGenerator, row: int, stood_in: bool, personal: bool) -> int:
    """Count the products that may be offered to a user and have a score."""
    user = AskedUsers(generator.state.users.ids, np.array([row]))
    # What a ranker knows can be told without working out scores.
    known = generator.scorers[stood_in].known(user) if personal else generator.scorable(user.rows)
    return bitset.count(generator.allowed(user.rows) & known)
