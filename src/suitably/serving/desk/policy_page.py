"""The policies in force as readable tables, with what each rule keeps out."""

from collections.abc import Mapping

from suitably.report.components import Facts, Short, Table
from suitably.serving.desk.parts import (
    Page,
    code,
    disclosure,
    link,
    notice,
    section,
    stacked,
    tag,
)
from suitably.serving.desk.reading import Counted, Reading
from suitably.serving.desk.said import anchor, rule_name
from suitably.serving.desk.visit import Visit
from suitably.suitability.policy import Policy, Rule
from suitably.utils.html import Markup, element

__all__ = ["policy_page"]


def policy_page(visit: Visit, reading: Reading, patience: float = 2.0) -> Page:
    """Return the page of the policies in force.

    Args:
        visit: For whom.
        reading: Of what.
        patience: For how many seconds to wait until rules are counted.
    """
    texts = visit.texts
    counted = reading.counts(patience)
    body = [_state(visit, reading, counted)]
    for policy in reading.policies:
        body.append(_policy(visit, policy, counted))
    return Page(texts.policy, body, texts.policy_lead, "policy", waits=counted is None)


def _state(visit: Visit, reading: Reading, counted: Counted | None) -> Markup:
    texts = visit.texts
    users, products = len(reading.eligibility.users), reading.product_count
    facts: dict[str, object] = {texts.users: users, texts.products: products}
    if reading.eligibility.as_of is not None:
        facts[texts.judged] = f"{reading.eligibility.moment:%Y-%m-%d %H:%M:%S}"
    if counted is None:
        again = link(texts.reload, visit.here())
        return section(
            texts.counts, Facts(facts), notice(texts.counting, " ", again, role="status")
        )
    if counted.problem:
        return section(texts.counts, Facts(facts), notice(texts.not_counted, tone="bad"))
    own = [
        (rule_name(visit, rule), figures["failed"], figures["unknown"], figures["only"])
        for rule, figures in counted.rules.items()
        if ":" in rule
    ]
    columns = (texts.reason, texts.failed, texts.unknown, texts.only)
    table = [Table(columns, own)] if own else []
    return section(texts.counts, Facts(facts), texts.counts_note, *table)


def _policy(visit: Visit, policy: Policy, counted: Counted | None) -> Markup:
    texts = visit.texts
    about: dict[str, object] = {
        texts.name: code(policy.id),
        texts.version: element("bdi", policy.version or "–"),
        texts.in_force: _dates(visit, policy),
        texts.governs: code(policy.governs) if policy.governs else texts.every_pair,
        texts.fingerprint: Short(policy.fingerprint),
    }
    title = _in(visit, policy.title) or policy.id
    columns = [texts.rule, texts.says]
    counts = counted.rules if counted is not None and not counted.problem else None
    if counts is not None:
        columns += [texts.failed, texts.unknown, texts.only, texts.flags]
    rows = [_rule(visit, policy, rule, counts) for rule in policy.rules]
    named = {
        _declared(visit, what): element("bdi", said)
        for what, said in [*_scales(policy), *policy.named.items()]
    }
    more = [disclosure(texts.definitions, Facts(named))] if named else []
    note = [element("p", policy.note)] if policy.note else []
    change = element("p", link(texts.try_this, visit.url("try", policy=policy.id)))
    table = Table(columns, rows) if rows else texts.no_rules
    return section(element("bdi", title), *note, Facts(about), table, *more, change)


def _rule(
    visit: Visit, policy: Policy, rule: Rule, counts: Mapping[str, Mapping[str, int]] | None
) -> tuple[object, ...]:
    texts = visit.texts
    name = element(
        "div",
        stacked(
            code(rule.id),
            tag(f"⚑ {texts.only_flags}") if rule.effect == "flag" else "",
            element("small", rule.article) if rule.article else "",
        ),
        id=anchor(policy.id, rule.id),
    )
    told = [_in(visit, rule.texts.user)]
    adviser = _in(visit, rule.texts.adviser)
    dated = rule.effective or rule.expires
    says = stacked(
        element("span", element("small", texts.requires), " ", code(rule.require)),
        element("span", element("small", texts.applies), " ", code(rule.applies))
        if rule.applies
        else "",
        element("span", element("small", texts.in_force), " ", _dates(visit, rule))
        if dated
        else "",
        *(element("span", element("small", texts.when_not), " ", text) for text in told if text),
        element("span", element("small", texts.to_adviser), " ", adviser)
        if adviser and adviser not in told
        else "",
        element("small", rule.note) if rule.note else "",
    )
    if counts is None:
        return name, says
    none = {"failed": 0, "unknown": 0, "only": 0, "flagged": 0}
    found = counts.get(rule.id, none)
    return name, says, found["failed"], found["unknown"], found["only"], found["flagged"]


def _in(visit: Visit, texts: Mapping[str, str]) -> str:
    """Return a text of a policy in the page's language, or in one that it has."""
    return texts.get(visit.language) or next(iter(texts.values()), "")


def _scales(policy: Policy) -> list[tuple[str, str]]:
    return [
        (f"scale {scale.name}", " < ".join(map(str, scale.levels)))
        for scale in policy.scales.values()
    ]


def _declared(visit: Visit, what: str) -> str:
    """Return a kind of declaration and its name, such as `term loss`, in the page's language."""
    kind, _, name = what.partition(" ")
    return f"{visit.texts.declared[kind]} {name}"


def _dates(visit: Visit, part: Policy | Rule) -> str:
    texts = visit.texts
    said = [texts.from_day.format(day=part.effective)] if part.effective else []
    said += [texts.before_day.format(day=part.expires)] if part.expires else []
    return texts.between.join(said) or texts.always
