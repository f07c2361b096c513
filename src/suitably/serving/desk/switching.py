"""The off-switch at the desk: what is off, and the forms that turn it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from suitably.report.components import Table
from suitably.serving.desk.parts import (
    banner,
    choice,
    code,
    disclosure,
    form,
    link,
    section,
    submit,
    text_field,
)
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.visit import Visit
from suitably.utils.html import Markup, element

__all__ = ["moment_text", "switch_off_form", "switches_section", "what_lacks"]

_KINDS = ("product", "policy", "everything")  # a customer is turned off on their own page


def switches_section(visit: Visit, reading: Reading, switches: Sequence[Any]) -> Markup:
    """Return what is off, with the forms that turn it on again where one has the right."""
    texts = visit.texts
    rows = [
        (
            texts.kinds[one.kind],
            _which(visit, reading, one),
            element("bdi", one.reason),
            element("bdi", one.by),
            moment_text(one.at),
            *([_on_form(visit, reading, one, place)] if visit.may("admin") else []),
        )
        for place, one in enumerate(switches)
    ]
    columns = [texts.what, texts.which, texts.reason, texts.by, texts.since_day]
    columns += [texts.turn_on] * visit.may("admin")
    table: object = (
        Table(columns, rows) if rows else banner(texts.all_on, texts.all_on_said, "good")
    )
    turning = [_off_form(visit, reading)] if visit.may("admin") else []
    return section(texts.switches, table, *turning)


def _which(visit: Visit, reading: Reading, switch: Any) -> Markup:
    if switch.kind == "everything":
        return Markup("–")
    if switch.kind != "user":
        return code(switch.id)
    row = reading.people.row_of_id(str(switch.id))
    if row is None:
        return element("span", visit.texts.unknown_user)
    name = reading.people.name_of(row)
    return link(code(name[:12]), visit.url("customer", name))


def _on_form(visit: Visit, reading: Reading, switch: Any, place: int) -> Markup:
    """Return the form that turns one on again; a customer by pseudonym, or place if unknown."""
    texts = visit.texts
    which = "" if switch.id is None else str(switch.id)
    if switch.kind == "user":
        row = reading.people.row_of_id(which)
        which = f"place:{place}" if row is None else reading.people.name_of(row)
    name = f"reason-{place}"
    return form(
        visit,
        visit.url("switches"),
        _hidden("action", "on"),
        _hidden("kind", switch.kind),
        _hidden("id", which),
        element(
            "div",
            element("label", texts.why_on, **{"for": name}),
            element("input", type="text", id=name, name="reason", required="", maxlength="500"),
            css="field",
        ),
        submit(texts.turn_on, "small"),
        css="line",
        post=True,
    )


def _off_form(visit: Visit, reading: Reading) -> Markup:
    texts = visit.texts
    hint = texts.policies_are.format(ids=", ".join(policy.id for policy in reading.policies))
    asking = form(
        visit,
        visit.url("switches"),
        _hidden("action", "off"),
        choice("kind", texts.what, [(kind, texts.kinds[kind]) for kind in _KINDS], "product"),
        text_field("id", texts.which, hint=hint, autocomplete="off", maxlength="500"),
        text_field("reason", texts.reason, hint=texts.reason_hint, required="", maxlength="500"),
        submit(texts.turn_off, "danger"),
        post=True,
    )
    return disclosure(texts.turn_something_off, element("p", texts.off_said), asking)


def switch_off_form(visit: Visit, name: str) -> Markup:
    """Return the form that switches a customer off, for their own page."""
    texts = visit.texts
    asking = form(
        visit,
        visit.url("switches"),
        _hidden("action", "off"),
        _hidden("kind", "user"),
        _hidden("id", name),
        text_field("reason", texts.reason, hint=texts.reason_hint, required="", maxlength="500"),
        submit(texts.turn_off, "danger"),
        post=True,
    )
    return disclosure(texts.turn_user_off, element("p", texts.off_said), asking)


def what_lacks(visit: Visit, form: Mapping[str, str]) -> str:
    """Return what a form that turns a switch leaves out, in words; empty: nothing."""
    if form.get("kind") != "everything" and not form.get("id", ""):
        return visit.texts.which_lacks
    return "" if form.get("reason", "").strip() else visit.texts.reason_lacks


def _hidden(name: str, value: str) -> Markup:
    return element("input", type="hidden", name=name, value=value)


def moment_text(moment: Any) -> str:
    """Return a moment to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if isinstance(moment, datetime) else str(moment)
