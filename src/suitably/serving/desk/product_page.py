"""Why a product may or may not be offered to a customer, and what would change it."""

from collections.abc import Sequence
from typing import Any

from suitably.errors import PolicyError
from suitably.profiles.shown import shown_value
from suitably.report.components import Facts, Table
from suitably.serving.desk.customer_page import product_link
from suitably.serving.desk.parts import (
    Page,
    banner,
    code,
    form,
    given,
    link,
    notice,
    section,
    stacked,
    submit,
    text_field,
)
from suitably.serving.desk.question import Asked, Question
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.said import rule_name, shown_inputs, shown_text, verdict_tag
from suitably.serving.desk.visit import Visit
from suitably.suitability.verdicts import RuleVerdict
from suitably.utils.html import Markup, element

__all__ = ["product_page", "products_page"]

_ELSEWHERE = ("pipeline:", "service:")  # what is no rule's verdict


def product_page(visit: Visit, question: Question, product: int) -> Page:
    """Return the page of a customer and a product.

    Args:
        visit: For whom.
        question: About whom, and the list that the product may be missing from.
        product: The product's position.

    Raises:
        DataError: A moment that cannot be asked about.
    """
    texts, reading, asked = visit.texts, question.reading, question.asked
    name, product_id = question.name, reading.product_id(product)
    found = question.answers.why_not(question.user_id, product_id, as_of=question.moment, k=asked.k)
    ruled = [one for one in found if not one.rule.startswith(_ELSEWHERE)]
    columns = (texts.rule, texts.verdict, texts.says, texts.inputs)
    rows = [
        (
            stacked(
                rule_name(visit, one.rule, one.policy),
                element("small", one.article) if one.article else "",
            ),
            verdict_tag(visit, one),
            shown_text(visit, reading, one),
            shown_inputs(visit, reading, one),
        )
        for one in found
    ]
    called = reading.called(product)
    back = link(f"← {texts.customer} {name[:12]}", visit.url("customer", name, **asked.query))
    lead = stacked(element("bdi", called) if called else "", back)
    table = Table(columns, rows) if rows else texts.no_rules
    body = [
        section(texts.in_short, _off(visit, question.state, product_id), _verdict(visit, found)),
        section(texts.rules, table),
        _what_if(visit, question, product_id, ruled),
        section(texts.about_product, _about(reading, product)),
        section(texts.another_product, _search(visit, name, asked)),
    ]
    title = texts.why_title.format(product=product_id)
    return Page(title, [part for part in body if part], lead, "find")


def products_page(visit: Visit, question: Question, text: str, found: Sequence[int]) -> Page:
    """Return the products that a text may mean, to choose from."""
    texts, reading, asked, name = visit.texts, question.reading, question.asked, question.name
    back = link(f"← {texts.customer} {name[:12]}", visit.url("customer", name, **asked.query))
    items = [
        element("li", product_link(visit, reading, name, reading.product_id(one), asked))
        for one in found
    ]
    listed = (
        given(
            element("p", texts.products_found.format(count=len(items))),
            element("ul", *items, css="plain"),
        )
        if items
        else notice(texts.no_product, tone="bad")
    )
    parts = section(texts.which_product, _search(visit, name, asked, text), listed)
    return Page(texts.which_product, [parts], back, "find", 200 if items else 404)


def _off(visit: Visit, state: Any, product_id: Any) -> Markup:
    if state is None:
        return Markup("")
    if state.everything:
        return notice(visit.texts.everything_off, tone="bad")
    off = str(product_id) in state.products
    return notice(visit.texts.product_off, tone="bad") if off else Markup("")


def _verdict(visit: Visit, found: Sequence[RuleVerdict]) -> Markup:
    texts = visit.texts
    barred = [one for one in found if one.verdict == "fail"]
    unknown = [one for one in found if one.verdict == "unknown"]
    ruled = [one for one in (*barred, *unknown) if not one.rule.startswith(_ELSEWHERE)]
    if ruled:
        said = texts.barred_said.format(count=len(ruled))
        return banner(texts.barred, said, "bad")
    if barred or unknown:
        why = " ".join(one.text.get(visit.language, "") for one in (*barred, *unknown))
        return banner(texts.allowed_not_listed, why, "open")
    return banner(texts.listed, texts.listed_said, "good")


def _what_if(
    visit: Visit, question: Question, product_id: Any, ruled: Sequence[RuleVerdict]
) -> Markup:
    texts = visit.texts
    if all(one.verdict == "pass" for one in ruled):
        return Markup("")
    try:
        found = question.answers.what_if(question.user_id, product_id, as_of=question.moment)
    except PolicyError as error:
        return section(texts.what_if, notice(element("span", str(error), lang="en")))
    if not found:
        return section(texts.what_if, texts.what_if_none)
    items = [
        element(
            "li",
            stacked(
                one.text.get(visit.language, ""),
                element("small", *(given(code(change), " ") for change in one.changes)),
            ),
        )
        for one in found
    ]
    return section(texts.what_if, texts.what_if_said, element("ul", *items, css="plain"))


def _about(reading: Reading, product: int) -> object:
    fields = reading.product_fields(product)
    return Facts({name: element("bdi", shown_value(value)) for name, value in fields.items()})


def _search(visit: Visit, name: str, asked: Asked, text: str = "") -> Markup:
    texts = visit.texts
    kept = [
        element("input", type="hidden", name=key, value=str(value))
        for key, value in asked.query.items()
        if value is not None
    ]
    return form(
        visit,
        visit.url("customer", name, "product"),
        text_field("id", texts.product, text, texts.product_hint, autocomplete="off"),
        *kept,
        submit(texts.why_not),
        css="line",
    )
