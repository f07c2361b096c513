"""A test result as sections of a page: the decision first, then the figures it rests on."""

import math
from collections.abc import Mapping, Sequence

from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.abtest.records import Comparison, MetricRow
from suitably.evaluation.abtest.result_ground import confidence, day
from suitably.metrics import parse_metrics
from suitably.report import (
    Block,
    DecisionBanner,
    Figure,
    ForestPlot,
    Interval,
    Light,
    Lights,
    Paragraph,
    PointPlot,
    Shade,
    Table,
)
from suitably.report.numbers import ends, number, p_value

__all__ = [
    "decision_blocks",
    "figures_blocks",
    "frontier_blocks",
    "guardrail_blocks",
    "segment_blocks",
]

_KINDS = {True: "hard", False: "soft"}
_SHARES = frozenset({"share", "discounts", "probability", "coefficient", "index", ""})
_VIOLATIONS = "violation_rate"
_HOLM = ", at Holm's level, which its sentence names"
_HEAT = (
    "Differences, treatment less control. Green is better and red worse where the interval "
    "excludes no difference, the deeper the larger in its column; intervals are not adjusted for "
    "being many. Segments of few users are pooled."
)


def decision_blocks(
    what: Comparison,
    rows: Sequence[MetricRow],
    decisions: Mapping[str, str],
    reasons: Mapping[str, str],
) -> list[Block]:
    """Return each treatment's decision with its sentence, and a line of what was compared."""
    banners: list[Block] = []
    for arm, decision in decisions.items():
        word = decision if len(decisions) == 1 else f"{decision}: {arm}"
        banners.append(DecisionBanner(decision, reasons[arm], word))
    return [*banners, Paragraph(_line(what, rows))]


def figures_blocks(
    what: Comparison,
    rows: Sequence[MetricRow],
    primary: str,
    outcomes: Mapping[str, Sequence[Outcome]],
) -> list[Block]:
    """Return the guardrails' lights, the differences as a forest, and all figures of all users."""
    overall = [row for row in rows if row.is_overall]
    metrics = list(dict.fromkeys(row.metric for row in overall))
    overall.sort(key=lambda row: metrics.index(row.metric))
    several = len(what.arms) > 1
    plots = [
        ForestPlot({_name(row, primary, several): _interval(row) for row in some})
        for some in _by_scale(overall)
    ]
    level = confidence(what)
    columns = ["metric", "n", "control", "treatment", "difference", f"{level} interval", "p"]
    left_out = any(row.result.omitted for row in overall)
    table = Table(
        [*columns, *["left out"] * left_out],
        [
            (_name(row, primary, several), *_figures(row), *[row.result.omitted] * left_out)
            for row in overall
        ],
        f"Means over n users, or over n splits without an interval; the difference is treatment "
        f"less control, paired by user, with its {level} interval. ★ decides{_HOLM * several}; "
        f"the other intervals are not adjusted for being several.",
    )
    return [*guardrail_blocks(outcomes), *plots, table]


def guardrail_blocks(outcomes: Mapping[str, Sequence[Outcome]]) -> list[Block]:
    """Return a light for every guardrail, of each treatment."""
    several = len(outcomes) > 1
    return [
        Lights([_light(one) for one in some], f"Guardrails of {arm}" if several else "Guardrails")
        for arm, some in outcomes.items()
    ]


def frontier_blocks(what: Comparison, rows: Sequence[MetricRow], primary: str) -> list[Block]:
    """Return accuracy of every arm against its violations, and the arms' figures beside it."""
    overall = {(row.metric, row.arm): row for row in rows if row.is_overall}
    suitable = f"suitable_{primary}"
    names = [primary, *[suitable] * ((suitable, what.arms[0]) in overall), _VIOLATIONS, "coverage"]
    cells: dict[str, list[float]] = {"control": []}
    for name in names:
        for arm in what.arms:
            result = overall[name, arm].result
            cells.setdefault(arm, []).append(result.treatment)
        cells["control"].append(overall[name, what.arms[0]].result.control)
    place = names.index(_VIOLATIONS)
    points = {arm: (found[place], found[0]) for arm, found in cells.items()}
    rates = [x for x, _ in points.values()]
    table = Table(["arm", *names], [(arm, *found) for arm, found in cells.items()])
    if not any(math.isfinite(rate) for rate in rates):
        return [Paragraph("No list was judged."), table]
    if any(rate > 0 for rate in rates):
        said = "Up is more accurate, left is less of what the judging policy bars."
        return [Paragraph(said), PointPlot(points, _VIOLATIONS, primary), table]
    said = "No list of any arm holds what the judging policy bars, so none buys accuracy with it."
    if suitable not in names:
        return [Paragraph(said), table]
    points = {arm: (found[1], found[0]) for arm, found in cells.items()}
    return [Paragraph(said), PointPlot(points, suitable, primary), table]


def segment_blocks(
    what: Comparison, rows: Sequence[MetricRow], apart: Sequence[MetricRow], primary: str
) -> list[Block]:
    """Return a heat map of differences by segment and metric, and the primary metric's figures."""
    groups = [row for row in (*rows, *apart) if not row.is_overall and row.split is None]
    several = len(what.arms) > 1
    blocks: list[Block] = []
    for arm in what.arms:
        mine = [row for row in groups if row.arm == arm]
        if not mine:
            continue
        metrics = list(dict.fromkeys(row.metric for row in mine))
        cells = {(row.segment, row.metric): row for row in mine}
        deepest = {
            name: max((abs(row.result.difference) for row in mine if row.metric == name), default=0)
            for name in metrics
        }
        lines = []
        for segment in dict.fromkeys(row.segment for row in mine):
            found = [cells.get((segment, name)) for name in metrics]
            users = max(row.result.n for row in found if row is not None)
            lines.append(
                (segment.replace("=", ": ", 1), users, *(_shade(row, deepest) for row in found))
            )
        title = "segment" if not several else f"{arm}, by segment"
        starred = [f"{name} ★" if name == primary else name for name in metrics]
        blocks.append(
            Table([title, "users", *starred], lines, _HEAT if arm == what.arms[-1] else "")
        )
    return blocks


def _line(what: Comparison, rows: Sequence[MetricRow]) -> str:
    """Say in a line when, which arms, how many users and under which policy."""
    days = [day(record.at, "") for record in what.splits]
    days = [day for day in days if day]
    count = len(what.splits)
    when = f"As of {days[0]}" if days else "On data without dates"
    if len(days) > 1:
        when = f"{count} splits from {min(days)} to {max(days)}"
    arms = " and ".join(what.arms)
    users = max((row.result.n for row in rows if row.metric == _VIOLATIONS), default=0)
    judges = " and ".join(what.policies)
    return f"{when} · {arms} against control · {users:,} users · judged by {judges}"


def _light(outcome: Outcome) -> Light:
    condition = outcome.guardrail.text
    said = outcome.text.removeprefix(condition).strip()
    if said.startswith("(") and said.endswith(")"):
        said = said[1:-1]
    return Light(condition, outcome.verdict, _KINDS[outcome.guardrail.hard], said)


def _name(row: MetricRow, primary: str, several: bool) -> str:
    name = f"{row.metric} ★" if row.metric == primary else row.metric
    return f"{name} · {row.arm}" if several else name


def _interval(row: MetricRow) -> Interval:
    found = row.result
    return Interval(found.difference, found.low, found.high, row.direction)


def _figures(row: MetricRow) -> tuple[object, ...]:
    found = row.result
    p = None if math.isnan(found.p_value) else Figure(p_value(found.p_value))
    interval = Figure(ends(found.low, found.high) or "–")
    difference = Figure(number(found.difference, sign=True))
    return (found.n, found.control, found.treatment, difference, interval, p)


def _by_scale(rows: Sequence[MetricRow]) -> list[list[MetricRow]]:
    """Group rows by what their figures count, so that money does not hide shares."""
    groups: dict[str, list[MetricRow]] = {}
    for row in rows:
        unit = _unit(row.metric)
        groups.setdefault("" if unit in _SHARES else unit, []).append(row)
    return list(groups.values())


def _unit(metric: str) -> str:
    try:
        return str(getattr(parse_metrics([metric])[0], "unit", ""))
    except ValueError:  # one of the caller's own
        return metric


def _shade(row: MetricRow | None, deepest: Mapping[str, float]) -> Shade | None:
    if row is None or math.isnan(row.result.difference):
        return None
    most = deepest[row.metric]
    strength = abs(row.result.difference) / most if most else 0.0
    return Shade(row.result.difference, row.direction, strength)
