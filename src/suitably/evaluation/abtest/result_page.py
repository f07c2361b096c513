"""A test result as sections of a page: the decision first, then its figures and their ground."""

from collections.abc import Callable, Sequence

from suitably.evaluation.abtest.decision import Decision
from suitably.evaluation.abtest.guardrails import Outcome
from suitably.evaluation.abtest.records import COLUMNS, Comparison, MetricRow, SplitRecord
from suitably.report import Block, DecisionBanner, Facts, Interval, Table

__all__ = ["comparison_blocks", "decision_blocks", "guardrail_table"]

_RELEVANT = {"all": "all acquisitions", "suitable": "suitable acquisitions only"}
_DRAWN = ("low", "high", "p_value")


def decision_blocks(
    decision: Decision,
    reason: str,
    rows: Sequence[MetricRow],
    decides: Callable[[MetricRow], bool],
    alpha: float,
) -> list[Block]:
    """Return the decision, and the figures as a table with a drawing of every interval."""
    confidence = f"{100 * (1 - alpha):g} %"
    plain = [name for name in COLUMNS if name not in _DRAWN]
    return [
        DecisionBanner(decision, reason),
        Table(
            (*plain, f"{confidence} interval", "", "p"),
            [_figures(row, plain, decides(row)) for row in rows],
            f"Means over n users, or over n splits without an interval; difference is treatment "
            f"less control, paired by user, with its {confidence} interval. ★ decides; the other "
            f"intervals are not adjusted for being several. Every plot has a scale of its own; the "
            f"upright mark is no difference.",
        ),
    ]


def guardrail_table(outcomes: Sequence[Outcome]) -> Table:
    """Return what became of every guardrail."""
    kinds = {True: "hard", False: "soft"}
    return Table(
        ("guardrail", "kind", "verdict", "figures"),
        [(o.guardrail.text, kinds[o.guardrail.hard], o.verdict, o.text) for o in outcomes],
    )


def comparison_blocks(what: Comparison) -> list[Block]:
    """Return what was compared, and on which splits."""
    facts: dict[str, object] = {
        "judging policy": ", ".join(what.policies),
        "policy fingerprint": ", ".join(what.fingerprints),
        "relevant": _RELEVANT[what.relevant],
        "convention of metrics": what.convention,
        "products asked for per user": what.depth,
        "seed": what.seed,
    }
    return [
        Facts(facts),
        Table(
            ("split", "cut", "end of window", "users", "evaluable", "candidates", "refitted"),
            [_split(number, record) for number, record in enumerate(what.splits)],
            "Violations and coverage are measured on all users of a split, accuracy on the "
            "evaluable ones. A pipeline fitted after a cut is refitted on a copy.",
        ),
    ]


def _figures(row: MetricRow, plain: Sequence[str], decides: bool) -> tuple[object, ...]:
    found = row.result
    interval = Interval(found.difference, found.low, found.high, row.direction)
    cells: list[object] = [row.value(name) for name in plain]
    if decides:
        cells[0] = f"{row.metric} ★"
    return (*cells, interval.text, interval, found.p_value)


def _split(number: int, record: SplitRecord) -> tuple[object, ...]:
    return (
        number,
        "–" if record.at is None else str(record.at),
        "–" if record.end is None else str(record.end),
        record.users,
        record.evaluable,
        record.candidates,
        " and ".join(record.refitted) or "neither",
    )
