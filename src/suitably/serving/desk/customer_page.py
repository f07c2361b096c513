"""One customer: the list with its reasons, why it is short, what would open more, the profile."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from suitably.pipeline.explanation import Explanation
from suitably.pipeline.user_list import UserList
from suitably.profiles.card import card_groups
from suitably.profiles.shown import shown_value
from suitably.report.components import Facts, Table
from suitably.serving.desk.parts import (
    Page,
    banner,
    code,
    disclosure,
    form,
    link,
    notice,
    section,
    stacked,
    submit,
    tag,
    text_field,
)
from suitably.serving.desk.question import MOST_LISTED, Asked, Question
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.said import rule_name
from suitably.serving.desk.switching import switch_off_form
from suitably.serving.desk.visit import Visit
from suitably.utils.html import Markup, element
from suitably.utils.masking import masked

__all__ = ["customer_page", "product_link"]

_SAYS = 3
_SILENCE = re.compile(r"(?P<count>[\d.]+) days of silence")
_MONTHS = re.compile(r"(?P<count>\d+) months after (?P<since>.+)")


def customer_page(visit: Visit, question: Question) -> Page:
    """Return the page of a customer.

    Args:
        visit: For whom.
        question: About whom.

    Raises:
        DataError: A moment that cannot be asked about.
    """
    texts, reading, answers = visit.texts, question.reading, question.answers
    user_id, name = question.user_id, question.name
    asked, moment, state = question.asked, question.moment, question.state
    recs = answers.recommend([user_id], k=asked.k, as_of=moment)
    (listed,) = recs
    explained = [recs.explain(user_id, product) for product in listed.product_ids]
    trace = answers.trace(user_id, k=asked.k, as_of=moment)
    dated = (
        "" if recs.as_of is None else texts.as_of.format(moment=f"{recs.as_of:%Y-%m-%d %H:%M:%S}")
    )
    lead = stacked(
        dated,
        element("span", f"{texts.customer_id}: ", code(user_id)) if visit.may("identify") else "",
    )
    off = state is not None and str(user_id) in state.users
    body = [
        _off(visit, state, off),
        _asking(visit, name, asked, visit.may("admin") and not off),
        _list(visit, reading, name, asked, listed, explained, bool(recs.stood_in[0])),
        _short(visit, reading, asked, listed, trace.stages),
        _lessons(visit, question),
        _profile(visit, reading, trace),
    ]
    return Page(f"{texts.customer} {name[:12]}", [part for part in body if part], lead, "find")


def product_link(visit: Visit, reading: Reading, name: str, product: Any, asked: Asked) -> Markup:
    """Return a product, linked to why it may or may not be offered to a customer."""
    query = {"id": product, **asked.query}
    called = reading.called_by_id(product)
    shown = element("small", element("bdi", called)) if called else ""
    return stacked(link(code(product), visit.url("customer", name, "product", **query)), shown)


def _off(visit: Visit, state: Any, off: bool) -> Markup:
    texts = visit.texts
    if state is not None and state.everything:
        return element("section", notice(texts.everything_off, tone="bad"))
    return element("section", notice(texts.off_banner, tone="bad")) if off else Markup("")


def _asking(visit: Visit, name: str, asked: Asked, may_turn_off: bool) -> Markup:
    texts = visit.texts
    whole = element("p", f"{texts.pseudonym}: ", code(name))
    search = form(
        visit,
        visit.url("customer", name, "product"),
        text_field("id", texts.product, hint=texts.product_hint, autocomplete="off"),
        *_kept(asked),
        submit(texts.why_not),
        css="line",
    )
    narrow = form(
        visit,
        visit.url("customer", name),
        text_field("k", texts.how_many, str(asked.k), kind="number", min="1", max=str(MOST_LISTED)),
        text_field("as_of", texts.moment, asked.as_of or "", texts.moment_hint, "date"),
        submit(texts.show),
        css="line",
    )
    turning = [switch_off_form(visit, name)] if may_turn_off else []
    return section(texts.ask, whole, search, disclosure(texts.another_list, narrow), *turning)


def _kept(asked: Asked) -> Iterator[Markup]:
    for name, value in asked.query.items():
        if value is not None:
            yield element("input", type="hidden", name=name, value=str(value))


def _list(
    visit: Visit,
    reading: Reading,
    name: str,
    asked: Asked,
    listed: UserList,
    explained: list[Explanation],
    stood_in: bool,
) -> Markup:
    texts = visit.texts
    if not len(listed):
        return section(texts.list, banner(texts.nothing, texts.nothing_said, "open"))
    rows = [
        (
            str(one.rank),
            product_link(visit, reading, name, one.product_id, asked),
            _why(visit, one),
            _to_mind(visit, one),
        )
        for one in explained
    ]
    by = explained[0].ranker
    stood = notice(texts.stood_in.format(ranker=by), tone="open") if stood_in else ""
    columns = (texts.rank, texts.product, texts.why, texts.to_mind)
    return section(texts.list, stood, Table(columns, rows, texts.list_note))


def _why(visit: Visit, one: Explanation) -> Markup:
    """Return what decided in a few words, and all that is said when it is asked for."""
    texts, whole = visit.texts, one.texts_for("adviser").get(visit.language, "")
    past = [f"{part.product_id} {part.share:.0%}" for part in one.history[:_SAYS]]
    fields = [f"{part.field} {part.share:.0%}" for part in one.profile[:_SAYS]]
    closest = [margin.text.get(visit.language, "") for margin in one.margins[:1]]
    lines = (
        (texts.closest, closest),
        (texts.past, past),
        (texts.fields, fields),
    )
    brief = [
        element("span", element("small", name), " ", element("bdi", texts.between.join(said)))
        for name, said in lines
        if said
    ]
    return stacked(*brief, disclosure(texts.in_full, whole)) if brief else element("span", whole)


def _to_mind(visit: Visit, one: Explanation) -> Markup:
    flags = (
        element(
            "span",
            tag(f"⚑ {flag.rule}", "open"),
            *([f" {visit.texts.flag_unknown}"] if flag.unknown else []),
        )
        for flag in one.flags
    )
    notes = getattr(one, "notes", {}).get(visit.language, ())
    return stacked(*flags, *(element("span", note) for note in notes)) or Markup("–")


def _short(
    visit: Visit, reading: Reading, asked: Asked, listed: UserList, stages: Mapping[str, int]
) -> Markup:
    texts = visit.texts
    by_rule = {rule.id: policy.id for policy in reading.policies for rule in policy.rules}
    parts: list[object] = []
    if listed.reasons:
        said = texts.short.format(listed=len(listed), asked=asked.k)
        rows = [
            (rule_name(visit, reason, by_rule.get(reason, "")), count)
            for reason, count in sorted(listed.reasons.items(), key=lambda one: -one[1])
        ]
        parts += [said, Table((texts.reason, texts.products), rows, texts.short_note)]
    steps = {texts.stages.get(stage, stage): left for stage, left in stages.items()}
    title = texts.why_short if listed.reasons else texts.how_made
    return section(title, *parts, Facts(steps))


def _lessons(visit: Visit, question: Question) -> Markup:
    texts, reading, name = visit.texts, question.reading, question.name
    found = question.answers.lessons(question.user_id, as_of=question.moment)
    if not found:
        return Markup("")
    rows = [
        (
            element("span", lesson.text.get(visit.language, "")),
            element(
                "ul",
                *(
                    element("li", product_link(visit, reading, name, product, question.asked))
                    for product in lesson.product_ids[:5]
                ),
                css="plain",
            ),
            f"{lesson.share:.0%}",
        )
        for lesson in found
    ]
    columns = (texts.to_do, texts.opens, texts.share)
    return section(texts.lessons, Table(columns, rows, texts.lessons_note))


def _profile(visit: Visit, reading: Reading, trace: Any) -> Markup:
    texts = visit.texts
    columns = (texts.field, texts.value, texts.origin, texts.counts_until)
    builders = [b for b in reading.pipeline.profiles if hasattr(b, "provenance")]
    tables: list[object] = []
    for builder, rows in card_groups(builders, trace.profile).items():
        shown = [
            (element("span", field), value, _origin(visit, how), _until(visit, until))
            for field, value, how, until in rows
        ]
        tables += [element("h3", builder), Table(columns, shown)]
    facts = {
        name: element("bdi", shown_value(masked(name, value)))
        for name, value in trace.fields.items()
    }
    if facts:
        tables += [element("h3", texts.on_file), Facts(facts)]
    return section(texts.profile, *(tables or [texts.no_profile]))


def _until(visit: Visit, said: str) -> object:
    """Say until when a field counts, which the library's builders tell in one of two ways."""
    texts = visit.texts
    for pattern, text in ((_SILENCE, texts.days_of_silence), (_MONTHS, texts.months_after)):
        found = pattern.fullmatch(said)
        if found:
            return text.format(**found.groupdict())
    return element("span", said, lang="en") if said else ""


def _origin(visit: Visit, how: str) -> Markup:
    """Say how a field came about; one that a model guessed is marked, since no rule takes it."""
    texts = visit.texts
    origin, _, sources = how.partition(": ")
    word = texts.origins.get(origin, origin)
    shown = tag(word, "bad") if origin == "imputed" else element("span", word)
    return stacked(shown, element("small", sources) if sources else "")
