"""What is shown of a watch: a page, gauges, and a line."""

import pyarrow as pa

from suitably.monitoring.figures import concentration_table, drift_table
from suitably.monitoring.gauges import prometheus_text
from suitably.monitoring.page import MonitorPage
from suitably.monitoring.watch_state import WatchState

__all__ = ["counted_in_words", "drift_of", "gauges_of", "line_of", "page_of"]


def drift_of(state: WatchState) -> pa.Table:
    """Return how far the distributions of the last days are from those of baselines."""
    return drift_table(state.table, state.score_bins, state.field_bins)


def page_of(state: WatchState) -> MonitorPage:
    """Return the sections of a report."""
    weighed = state.table.weigh()
    facts = {
        "false alarms, ever": f"at most {100 * state.table.alpha:g} %",
        "tolerance": f"{100 * state.table.tolerance:g} percentage points",
        "days of a learned baseline": state.table.baseline_days,
        "users looked at closely at a time": state.sample,
        "batches repeated": state.repeated,
        "answers set aside": state.set_aside,
    }
    return MonitorPage(
        state.alarms(weighed),
        weighed,
        state.learning,
        drift_of(state),
        concentration_table(state.listed),
        facts,
    )


def gauges_of(state: WatchState) -> str:
    """Return gauges in Prometheus' text format."""
    weighed = state.table.weigh()
    counters = {"batches_repeated": state.repeated, "answers_set_aside": state.set_aside}
    made_of = (weighed, state.alarms(weighed), state.listed, counters)
    return prometheus_text(state.table, *made_of)


def line_of(state: WatchState) -> str:
    """Return a sentence: how many series, days and alarms there are."""
    weighed = state.table.weigh()
    learning = state.learning
    more = f", {learning} series are learning their baseline" if learning else ""
    alarms = len(state.alarms(weighed))
    return (
        f"{len(weighed.names)} series watched on {counted_in_words(len(weighed.days), 'day')}"
        f"{more}: {counted_in_words(alarms, 'alarm') if alarms else 'no alarms'}"
    )


def counted_in_words(number: int, noun: str) -> str:
    """Return a number with a noun.

    Example:
        >>> counted_in_words(1, "day"), counted_in_words(0, "alarm")
        ('1 day', '0 alarms')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
