"""Plots of a test result, drawn by Matplotlib where the extra `viz` is installed."""

import math
from collections.abc import Sequence
from typing import Any

from suitably.evaluation.abtest.records import MetricRow
from suitably.utils.extras import PYPLOT, import_extra
from suitably.utils.suggest import nearest

__all__ = ["plot_rows"]

_COLOURS = {1: "#0b6e4f", 0: "#56606b", -1: "#a8321f"}
_INCHES_PER_ROW = 0.35


def plot_rows(
    rows: Sequence[MetricRow],
    primary: str,
    confidence: float,
    metrics: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw the differences of some rows with their intervals, and return Matplotlib's Axes."""
    names = list(dict.fromkeys(row.metric for row in rows))
    for name in metrics or ():
        if name not in names:
            raise ValueError(f"metrics: the result has no {name!r}{nearest(str(name), names)}")
    asked = names if metrics is None else metrics
    shown = [r for r in rows if r.metric in asked and math.isfinite(r.result.low + r.result.high)]
    if not shown:
        raise ValueError("metrics: none of them has an interval to draw")
    several = len({row.arm for row in rows}) > 1
    if ax is None:
        size = (7, 1.2 + _INCHES_PER_ROW * len(shown))
        _, ax = import_extra(*PYPLOT).subplots(figsize=size, layout="constrained")
    ax.axvline(0, color="#9ba5af", linewidth=1, zorder=0)
    for place, row in enumerate(shown):
        found, colour = row.result, _COLOURS[row.direction]
        ax.hlines(place, found.low, found.high, color=colour, linewidth=2)
        ax.plot(found.difference, place, "o", color=colour)
    ax.set_yticks(range(len(shown)), [_label(row, primary, several) for row in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel(f"treatment less control, {100 * confidence:g} % interval")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return ax


def _label(row: MetricRow, primary: str, several: bool) -> str:
    name = f"{row.metric} · {row.arm}" if several else row.metric
    if row.split is not None:
        return f"{name}, split {row.split}"
    if not row.is_overall:
        return f"{name}, {row.segment}"
    return f"{name} ★" if row.metric == primary else name
