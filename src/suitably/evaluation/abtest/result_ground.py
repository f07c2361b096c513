"""What a result rests on, as sections of a page: splits, lists, what was left out, versions."""

from collections.abc import Sequence

import pandas as pd

from suitably.evaluation.abtest.examples import ListedProduct, ListExample
from suitably.evaluation.abtest.records import Comparison, MetricRow, SplitRecord
from suitably.report import Block, Entry, Facts, LinePlot, Paragraph, Short, Table

__all__ = [
    "confidence",
    "day",
    "example_blocks",
    "ground_blocks",
    "line_blocks",
    "split_blocks",
    "version_blocks",
]

_RELEVANT = {"all": "all acquisitions", "suitable": "suitable acquisitions only"}
_EXAMPLES = (
    "The first users of the last split whose lists differ, and the first places of these. "
    "Acquired: in the window. Where the judging policy does not pass a product, its reasons "
    "follow; any other passes every rule that applies."
)


def line_blocks(what: Comparison, rows: Sequence[MetricRow], primary: str) -> list[Block]:
    """Return the primary metric of every arm as lines over the splits; none of a single one."""
    if len(what.splits) < 2:
        return []
    places = [day(record.at, f"split {n}") for n, record in enumerate(what.splits)]
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
        "coverage of intervals": confidence(what),
    }
    sentences = [Paragraph(text) for text in dict.fromkeys(said)]
    return [
        Facts(facts),
        Paragraph(what.windows),
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


def confidence(what: Comparison) -> str:
    """Return the coverage of intervals as pages write it."""
    return f"{100 * (1 - what.alpha):g} %"


def day(moment: pd.Timestamp | None, otherwise: str) -> str:
    """Return the day of a moment, with its time where that is no midnight."""
    if moment is None or pd.isna(moment):
        return otherwise
    midnight = moment == moment.normalize()
    return str(moment.date()) if midnight else str(moment.floor("s"))


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


def _split(place: int, record: SplitRecord) -> tuple[object, ...]:
    window = f"{day(record.begins or record.at, '–')} to {day(record.end, '–')}"
    return (
        place,
        day(record.at, "–"),
        window,
        record.users,
        record.evaluable,
        record.candidates,
    )


def _refits(record: SplitRecord, arms: int) -> str:
    return "all" if len(record.refitted) == arms else ", ".join(record.refitted) or "none"
