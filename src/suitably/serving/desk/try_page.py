"""What an edited policy would do before it goes live: findings, then whom it affects."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from suitably.data.frames import read_frame
from suitably.errors import DataError, PolicyError
from suitably.report.components import Facts, Table
from suitably.serving.desk.parts import (
    Page,
    choice,
    code,
    form,
    link,
    notice,
    section,
    stacked,
    submit,
    tag,
)
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.said import rule_name
from suitably.serving.desk.visit import Visit
from suitably.suitability.impact import Impact, compare_eligibilities
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.lint import check_policy
from suitably.suitability.messages.told import texts_of
from suitably.suitability.policy import Policy
from suitably.utils.html import Markup, element

__all__ = ["MOST_TEXT", "Tried", "try_page", "try_policy"]

MOST_TEXT = 200_000
"""How many bytes a policy may have here; the longest that is built in has a tenth of it."""

_EXAMPLES = 10
_PLACE = re.compile(r"line (\d+), column (\d+)")
_TONES = {"error": "bad", "warning": "open", "note": "open"}


@dataclass(frozen=True)
class Tried:
    """What came of trying an edited policy; nothing of it is kept.

    Attributes:
        text: The TOML.
        problem: Why it cannot be used, empty where it can.
        findings: What a check found.
        impact: What it would change, None where it cannot be used.
    """

    text: str
    problem: str = ""
    findings: Sequence[Finding] = ()
    impact: Impact | None = None

    @property
    def place(self) -> tuple[int, int] | None:
        """The line and the column that the problem names, None where it names none."""
        found = _PLACE.findall(self.problem)
        if not found:
            return None
        line, column = found[-1]  # one before it is a place in a sentence
        return int(line), int(column)


def try_policy(reading: Reading, replaced: str, text: str) -> Tried:
    """Try a policy in place of one in force, on the same users, products and moment.

    Args:
        reading: What is served.
        replaced: The id of the policy that it takes the place of.
        text: The TOML.
    """
    text = text.replace("\r\n", "\n")  # what forms send
    try:
        policy = Policy.from_toml(text)
    except PolicyError as error:
        return Tried(text, error.args[0])
    findings = check_policy(policy)
    policies: list[Policy | str] = [
        policy if one.id == replaced else one for one in reading.policies
    ]
    try:
        after = reading.pipeline.eligibility(reading.moment, policy=[*policies])
        impact = compare_eligibilities(reading.eligibility, after)
    except (PolicyError, DataError) as error:
        return Tried(text, error.args[0], findings)
    return Tried(text, "", findings, impact)


def try_page(
    visit: Visit, reading: Reading, replaced: str = "", tried: Tried | None = None
) -> Page:
    """Return the page on which a policy is edited, with what came of it.

    Args:
        visit: For whom.
        reading: What is served.
        replaced: The id of the policy in place of which it is tried; empty: the first.
        tried: What came of it, None before.
    """
    texts = visit.texts
    ids = [policy.id for policy in reading.policies]
    replaced = replaced if replaced in ids else ids[0]
    chosen = next(policy for policy in reading.policies if policy.id == replaced)
    body: list[Markup] = []
    if tried is not None:
        body += _came_of(visit, reading, tried)
    text = chosen.text if tried is None else tried.text
    body.append(_editor(visit, ids, replaced, text, tried))
    status = 200 if tried is None or tried.impact is not None else 422
    return Page(texts.try_title, body, texts.try_lead, "try", status)


def _editor(
    visit: Visit, ids: Sequence[str], replaced: str, text: str, tried: Tried | None
) -> Markup:
    texts = visit.texts
    other = (
        form(
            visit,
            visit.url("try"),
            choice("policy", texts.which_policy, [(one, one) for one in ids], replaced),
            submit(texts.show),
            css="line",
        )
        if len(ids) > 1
        else ""
    )
    invalid = {"aria-invalid": "true"} if tried is not None and tried.problem else {}
    area = element(
        "textarea",
        # A browser leaves the first line break out.
        Markup("\n"),
        text,
        id="toml",
        name="toml",
        rows=str(min(max(text.count("\n") + 2, 12), 40)),
        spellcheck="false",
        autocapitalize="off",
        autocomplete="off",
        wrap="off",
        maxlength=str(MOST_TEXT),
        lang="en",
        **invalid,
    )
    edit = form(
        visit,
        visit.url("try"),
        element("input", type="hidden", name="policy", value=replaced),
        element("div", element("label", texts.toml, **{"for": "toml"}), area, css="field wide"),
        submit(texts.try_it),
        post=True,
    )
    return section(texts.editor, other, edit)


def _came_of(visit: Visit, reading: Reading, tried: Tried) -> list[Markup]:
    texts = visit.texts
    parts = []
    if tried.problem:
        shown = _problem(visit, tried)
        parts.append(section(texts.cannot_use, shown, name="result"))
    elif tried.impact is not None:
        parts.append(_impact(visit, reading, tried.impact))
    if tried.impact is not None or tried.findings:
        parts.append(_findings(visit, tried.findings))
    return parts


def _problem(visit: Visit, tried: Tried) -> Markup:
    told = texts_of(tried.problem).get(visit.language)
    problem = element("span", tried.problem, lang="en") if told is None else told
    said = notice(problem, tone="bad", role="alert")
    if tried.place is None:
        return said
    line, column = tried.place
    lines = tried.text.split("\n")
    if not 1 <= line <= len(lines):
        return said
    row = lines[line - 1]
    at = element("mark", row[column - 1 : column] or " ")
    excerpt = element("code", row[: column - 1], at, row[column:])
    place = visit.texts.place.format(line=line, column=column)
    return stacked(said, element("p", place), element("pre", excerpt, tabindex="0"))


def _findings(visit: Visit, findings: Sequence[Finding]) -> Markup:
    texts = visit.texts
    if not findings:
        return section(texts.findings, texts.no_findings)
    rows = [
        (
            tag(texts.severities[one.severity], _TONES[one.severity]),
            code(one.rule or one.policy),
            one.texts[visit.language],
        )
        for one in findings
    ]
    return section(texts.findings, Table((texts.severity, texts.rule, texts.finding), rows))


def _impact(visit: Visit, reading: Reading, impact: Impact) -> Markup:
    texts = visit.texts
    per_user, per_product = impact.user_counts, impact.product_counts
    before, after = (int(total) for total in per_user[:, 2:].sum(axis=0))
    facts = {
        texts.pairs: f"{before:,} → {after:,}",
        texts.gained: impact.gained,
        texts.lost: impact.lost,
        texts.affected_users: texts.of.format(
            part=f"{int(per_user[:, :2].any(axis=1).sum()):,}", whole=f"{len(per_user):,}"
        ),
        texts.affected_products: texts.of.format(
            part=f"{int(per_product[:, :2].any(axis=1).sum()):,}", whole=f"{len(per_product):,}"
        ),
        texts.left_without: int(((per_user[:, 2] > 0) & (per_user[:, 3] == 0)).sum()),
        texts.no_longer_without: int(((per_user[:, 2] == 0) & (per_user[:, 3] > 0)).sum()),
    }
    if not impact.gained and not impact.lost:
        return section(texts.effect, texts.no_effect, Facts(facts), name="result")
    figures = ("failed", "unknown", "only", "flagged")
    columns = (texts.rule, texts.failed, texts.unknown, texts.only, texts.flags)
    rows = []
    for row in read_frame(impact.rules(), "rules")[0].to_pylist():
        cells = [
            f"{row[f'{figure}_before']:,}"
            if row[f"{figure}_before"] == row[f"{figure}_after"]
            else f"{row[f'{figure}_before']:,} → {row[f'{figure}_after']:,}"
            for figure in figures
        ]
        rows.append((rule_name(visit, row["rule"]), *cells))
    return section(
        texts.effect,
        Facts(facts),
        element("h3", texts.by_rule),
        Table(columns, rows),
        element("h3", texts.examples),
        _examples(visit, reading, impact),
        name="result",
    )


def _examples(visit: Visit, reading: Reading, impact: Impact) -> Table:
    texts = visit.texts
    found = read_frame(impact.pairs(_EXAMPLES), "pairs")[0].to_pylist()
    rows = []
    for pair in found:
        row = reading.people.row_of_id(str(pair["user_id"]))
        name = "" if row is None else reading.people.name_of(row)
        rules = [rule_name(visit, rule) for rule in pair["rules"]]
        rows.append(
            (
                link(code(name[:12]), visit.url("customer", name)),
                link(
                    code(pair["product_id"]),
                    visit.url("customer", name, "product", id=pair["product_id"]),
                ),
                tag(texts.gained_one, "good")
                if pair["change"] == "gained"
                else tag(texts.lost_one, "bad"),
                stacked(*rules),
            )
        )
    columns = (texts.customer, texts.product, texts.change, texts.because)
    return Table(columns, rows, texts.examples_note)
