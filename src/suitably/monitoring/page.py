"""A monitor's report: alarms first, then the figures they rest on."""

import pyarrow as pa

from suitably.monitoring.alarm import Alarm
from suitably.monitoring.table import Weighed
from suitably.report import Block, DecisionBanner, Facts, Figure, Light, Lights, Table

__all__ = ["MonitorPage"]

_KINDS = {
    "exclusion": "What rules keep out",
    "abstention": "Lists",
    "empty": "Lists",
    "unknown-user": "Lists",
    "stood-in": "Lists",
    "opted-out": "Lists",
    "unfiltered-violation": "Lists",
    "score": "Scores",
    "field": "Users' fields",
    "missing": "Dates",
    "stale": "Dates",
    "event": "What users did since",
}


class MonitorPage:
    """Sections of a page about a monitor, as `Report.add_result` takes them.

    Args:
        alarms: The alarms.
        weighed: The series that have a baseline.
        learning: How many have none yet.
        drift: The drift of distributions.
        concentration: How widely products are listed.
        facts: What the monitor was told.
    """

    def __init__(
        self,
        alarms: list[Alarm],
        weighed: Weighed,
        learning: int,
        drift: pa.Table,
        concentration: pa.Table,
        facts: dict[str, object],
    ) -> None:
        self._alarms, self._weighed, self._learning = alarms, weighed, learning
        self._drift, self._concentration, self._facts = drift, concentration, facts

    def sections(self, title: str) -> list[tuple[str, list[Block]]]:
        """Return titles and blocks, alarms first."""
        found = [(title, self._state())]
        if self._alarms:
            lights = [Light(one.series, "fail", f"since {one.since}", one.text)
                      for one in self._alarms]  # fmt: skip
            found.append(("Alarms", [Lights(lights)]))
        found += self._tables()
        if len(self._drift):
            note = "The last seven days against the baseline. A PSI below 0.1 is usually read as "
            note += "stable, above 0.25 as another population; the Wasserstein distance is how far "
            note += "values have moved on average, in their own unit."
            found.append(("Drift", [_frame(self._drift, note)]))
        if len(self._concentration):
            note = "The share of the catalogue that is in any list, how unevenly list places are "
            note += "spread over products (Gini), and the share of the most listed tenth."
            found.append(("Catalogue", [_frame(self._concentration, note)]))
        found.append(("How it is watched", [Facts(self._facts)]))
        return found

    def _state(self) -> list[Block]:
        watched = f"{len(self._weighed.names)} series on {len(self._weighed.days)} days"
        more = f" {self._learning} more are learning their baseline." if self._learning else ""
        if not self._weighed.names:
            said = "No series has a baseline yet." + more
            return [DecisionBanner("unknown", said, "learning")]
        if not self._alarms:
            said = f"{watched}: nothing has changed that chance does not explain.{more}"
            return [DecisionBanner("holds", said, "it holds")]
        count = len(self._alarms)
        said = f"{watched}: {count} ha{'s' if count == 1 else 've'} changed.{more}"
        return [DecisionBanner("fail", said, f"{count} alarm{'s' * (count != 1)}")]

    def _tables(self) -> list[tuple[str, list[Block]]]:
        weighed = self._weighed
        raised = {alarm.series for alarm in self._alarms}
        groups: dict[str, list[tuple[object, ...]]] = {}
        for index, name in enumerate(weighed.names):
            days = [d for d in range(len(weighed.days)) if weighed.sums[d, 0, index] > 0]
            cells: list[object] = [None, None]
            if days:
                n, total, _ = weighed.sums[days[-1], :, index].tolist()
                cells = [int(n), _percent(total / n)]
            interval = f"{100 * weighed.low[index]:.1f} to {100 * weighed.high[index]:.1f} %"
            state = "fail" if name in raised else "holds"
            title = _KINDS.get(name.partition(":")[0], "Others")
            before = _percent(float(weighed.means[index]))
            groups.setdefault(title, []).append((name, *cells, before, interval, state))
        columns = ["series", "users", "latest day", "baseline", "no change", "state"]
        return [(title, [Table(columns, rows)]) for title, rows in groups.items()]


def _percent(share: float) -> Figure:
    return Figure(f"{100 * share:.2f} %" if share == share else "–")


def _frame(table: pa.Table, note: str) -> Table:
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return Table(tuple(table.column_names), rows, note)
