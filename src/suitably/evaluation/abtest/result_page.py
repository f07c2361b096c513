"""A test result as sections of a page: the decision first, then its figures and their ground."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from suitably.evaluation.abtest.examples import ListedProduct, ListExample
from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.abtest.records import Comparison, MetricRow, SplitRecord
from suitably.metrics import parse_metrics
from suitably.report import (
    Block,
    DecisionBanner,
    Entry,
    Facts,
    Figure,
    ForestPlot,
    Interval,
    Light,
    Lights,
    LinePlot,
    Paragraph,
    PointPlot,
    Shade,
    Short,
    Table,
)
from suitably.report.numbers import ends, number, p_value

__all__ = [
    "decision_blocks",
    "example_blocks",
    "figures_blocks",
    "frontier_blocks",
    "ground_blocks",
    "guardrail_blocks",
    "line_blocks",
    "segment_blocks",
    "split_blocks",
    "version_blocks",
]

_RELEVANT = {"all": "all acquisitions", "suitable": "suitable acquisitions only"}
_KINDS = {True: "hard", False: "soft"}
_SHARES = frozenset({"share", "discounts", "probability", "coefficient", "index", ""})
_VIOLATIONS = "violation_rate"
_EXAMPLES = (
    "The first users of the last split whose lists differ, and the first places of these. "
    "Acquired: in the window. Where the judging policy does not pass a product, its reasons "
    "follow; any other passes every rule that applies."
)
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
    confidence = _confidence(what)
    columns = ["metric", "n", "control", "treatment", "difference", f"{confidence} interval", "p"]
    left_out = any(row.result.omitted for row in overall)
    table = Table(
        [*columns, *["left out"] * left_out],
        [
            (_name(row, primary, several), *_figures(row), *[row.result.omitted] * left_out)
            for row in overall
        ],
        f"Means over n users, or over n splits without an interval; the difference is treatment "
        f"less control, paired by user, with its {confidence} interval. ★ decides; the other "
        f"intervals are not adjusted for being several.",
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
    if not any(rate > 0 for rate in rates):
        said = (
            "No list of any arm holds what the judging policy bars, so none buys accuracy with it."
        )
        return [Paragraph(said), table]
    said = "Up is more accurate, left is less of what the judging policy bars."
    return [Paragraph(said), PointPlot(points, _VIOLATIONS, primary), table]


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


def line_blocks(what: Comparison, rows: Sequence[MetricRow], primary: str) -> list[Block]:
    """Return the primary metric of every arm as lines over the splits; none of a single one."""
    if len(what.splits) < 2:
        return []
    places = [_day(record.at, f"split {n}") for n, record in enumerate(what.splits)]
    return [LinePlot(places, _by_split(what, rows, primary), primary)]


def split_blocks(what: Comparison, rows: Sequence[MetricRow], primary: str) -> list[Block]:
    """Return the splits as they were used, with the primary metric of every arm."""
    found = _by_split(what, rows, primary)
    table = Table(
        ("split", "cut", "window", "users", "evaluable", "candidates", *found, "refitted"),
        [
            (
                *_split(place, record),
                *(line[place] for line in found.values()),
                _refits(record, 1 + len(what.arms)),
            )
            for place, record in enumerate(what.splits)
        ],
        f"{primary} of every arm by split. Violations and coverage are measured on all users of a "
        f"split, accuracy on the evaluable ones. A pipeline fitted after a cut is refitted on a "
        f"copy.",
    )
    return [table]


def example_blocks(examples: Sequence[ListExample]) -> list[Block]:
    """Return the lists of a few users, a table each, every product with all that bars it."""
    blocks: list[Block] = []
    for place, example in enumerate(examples):
        arms = list(example.lists)
        rows = [
            (rank + 1, *(_entry(example.lists[arm], rank) for arm in arms))
            for rank in range(max(len(listed) for listed in example.lists.values()))
        ]
        note = _EXAMPLES if place == len(examples) - 1 else ""
        blocks.append(Table((f"customer {place + 1}, place", *arms), rows, note))
    return blocks


def ground_blocks(what: Comparison, rows: Sequence[MetricRow]) -> list[Block]:
    """Return what was assumed, and what was left out and why."""
    said = list(what.notes)
    users, evaluable = (
        sum(getattr(record, name) for record in what.splits) for name in ("users", "evaluable")
    )
    if users > evaluable:
        said.append(
            f"{users - evaluable:,} of {users:,} users of splits have nothing relevant left, as "
            f"only suitable acquisitions count: they are judged by violations and coverage alone."
        )
    empty = [str(n) for n, record in enumerate(what.splits) if not record.users]
    if empty:
        said.append(f"Without any user: split {', '.join(empty)}.")
    omitted: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.is_overall and row.result.omitted:
            omitted.setdefault(row.metric, {})[row.arm] = row.result.omitted
    for metric, by_arm in omitted.items():
        alike = len(set(by_arm.values())) == 1 and len(by_arm) == len(what.arms)
        for arm, count in list(by_arm.items())[: 1 if alike else None]:
            said.append(
                f"{metric if alike else f'{metric} of {arm}'}: {count:,} values of a user and a "
                f"split are missing and left out."
            )
    facts: dict[str, object] = {
        "relevant": _RELEVANT[what.relevant],
        "convention of metrics": what.convention,
        "products asked for per user": what.depth,
        "coverage of intervals": _confidence(what),
    }
    sentences = [Paragraph(text) for text in dict.fromkeys(said)]
    return [
        Facts(facts),
        *(sentences or [Paragraph("Nothing was left out: every user and every window counts.")]),
        Paragraph(
            "Users who acquired nothing in a window are not judged: a log does not say what they "
            "would have chosen from other lists. What counts suitable acquisitions is measured on "
            "users who have one, and what describes a list, such as its novelty, on users with a "
            "list under some arm."
        ),
    ]


def version_blocks(what: Comparison) -> list[Block]:
    """Return what it takes to do it again: policies with fingerprints, versions, the seed."""
    pairs = zip(what.policies, what.fingerprints, strict=True)
    versions = ", ".join(what.versions) or "–"
    return [
        Facts(
            {
                **{f"policy {name}": Short(digest) for name, digest in pairs},
                "versions": versions,
                "seed": what.seed,
            }
        )
    ]


def _line(what: Comparison, rows: Sequence[MetricRow]) -> str:
    """Say in a line when, which arms, how many users and under which policy."""
    days = [_day(record.at, "") for record in what.splits]
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


def _by_split(what: Comparison, rows: Sequence[MetricRow], primary: str) -> dict[str, list[float]]:
    """Return a metric of every arm, split by split."""
    mine = [row for row in rows if row.metric == primary and row.split is not None]
    first = [row.result.control for row in mine if row.arm == what.arms[0]]
    found = {arm: [row.result.treatment for row in mine if row.arm == arm] for arm in what.arms}
    return {"control": first, **found} if mine else {}


def _entry(listed: Sequence[ListedProduct], rank: int) -> Entry | None:
    if rank >= len(listed):
        return None
    one = listed[rank]
    return Entry(one.product, "acquired" if one.acquired else "", " ".join(one.reasons))


def _confidence(what: Comparison) -> str:
    return f"{100 * (1 - what.alpha):g} %"


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


def _split(place: int, record: SplitRecord) -> tuple[object, ...]:
    window = f"{_day(record.begins or record.at, '–')} to {_day(record.end, '–')}"
    return (
        place,
        _day(record.at, "–"),
        window,
        record.users,
        record.evaluable,
        record.candidates,
    )


def _refits(record: SplitRecord, arms: int) -> str:
    return "all" if len(record.refitted) == arms else ", ".join(record.refitted) or "none"


def _day(moment: pd.Timestamp | None, otherwise: str) -> str:
    if moment is None or pd.isna(moment):
        return otherwise
    midnight = moment == moment.normalize()
    return str(moment.date()) if midnight else str(moment.floor("s"))
