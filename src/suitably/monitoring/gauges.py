"""Gauges in the text format of Prometheus."""

from collections.abc import Sequence

from suitably.monitoring.alarm import Alarm
from suitably.monitoring.listed import ListedProducts
from suitably.monitoring.table import SeriesTable, Weighed

__all__ = ["prometheus_text"]

_PREFIX = "suitably_monitor"


def prometheus_text(
    table: SeriesTable,
    weighed: Weighed,
    alarms: Sequence[Alarm],
    listed: ListedProducts,
    counters: dict[str, int],
) -> str:
    """Return the latest day's figures, the baselines, evidence and alarms, a line each.

    Source:
        Prometheus, "Exposition formats", text-based format 0.0.4.
    """
    places = {name: index for index, name in enumerate(weighed.names)}
    raised = {alarm.series for alarm in alarms}
    means, users, bounds, evidence, state = [], [], [], [], []
    for one in table.series.values():
        label = f'{{series="{_escaped(one.name)}"}}'
        days = one.days or one.baseline
        if days:
            n, total, _ = days[max(days)].tolist()
            users.append(f"{label} {n:.0f}")
            means += [f"{label} {total / n:.9g}"] if n else []
        if one.name in places:
            index = places[one.name]
            for end, values in (("low", weighed.low), ("high", weighed.high)):
                name = f'{{series="{_escaped(one.name)}",end="{end}"}}'
                bounds.append(f"{name} {float(values[index]):.9g}")
            if len(weighed.days):
                log = float(weighed.evidence.log[-1, :, index].max())
                evidence.append(f"{label} {log - float(weighed.bounds[index]):.6g}")
            state.append(f"{label} {int(one.name in raised)}")
    families = [
        ("mean", "Mean of the latest day.", means),
        ("users", "Users that it rests on.", users),
        ("no_change", "Ends of the interval that is no change.", bounds),
        ("evidence", "Logarithm of the evidence for a change; an alarm from 0 on.", evidence),
        ("alarm", "Whether the series has an alarm.", state),
        *_listed(listed),
    ]
    lines = []
    for name, help_text, samples in families:
        if samples:
            lines += [f"# HELP {_PREFIX}_{name} {help_text}", f"# TYPE {_PREFIX}_{name} gauge"]
            lines += [f"{_PREFIX}_{name}{sample}" for sample in samples]
    for name, count in counters.items():
        lines += [f"# TYPE {_PREFIX}_{name} gauge", f"{_PREFIX}_{name} {count}"]
    return "\n".join(lines) + "\n"


def _listed(listed: ListedProducts) -> list[tuple[str, str, list[str]]]:
    figures = listed.figures()
    if not figures:
        return []
    _, _, coverage, gini, top = figures[-1]
    said = (
        ("catalogue_coverage", "Share of the catalogue in any list of the latest day.", coverage),
        ("catalogue_gini", "Gini coefficient of list places over products.", gini),
        ("catalogue_top_tenth", "Share of list places of the top tenth of products.", top),
    )
    return [(name, text, [f" {value:.9g}"] * (value == value)) for name, text, value in said]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
