"""The command line for the watch: `suitably watch AUDIT`."""

import argparse
from pathlib import Path
from typing import Any

from suitably.utils.arguments import positive_int

__all__ = ["add_watch_command", "run_watch_command"]


def add_watch_command(commands: Any) -> None:
    """Add the parser of the command."""
    watch = commands.add_parser(
        "watch",
        help="tell from an audit trail what has changed and since when",
        description="Reads the decisions of an audit trail by day and holds later days against the "
        "first. Exits with 1 where there is an alarm, and with 0 where there is none.",
    )
    watch.add_argument("trail", metavar="AUDIT", help="a file, or the address of a database")
    watch.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="what is known from the last time, written anew: only newer decisions are read",
    )
    watch.add_argument(
        "--baseline-days",
        type=positive_int,
        metavar="N",
        default=7,
        help="how many days the baseline is learned from (default: 7)",
    )
    watch.add_argument(
        "--by",
        choices=("as_of", "recorded"),
        default="as_of",
        help="the day of a decision: as of when, or when it was recorded (default: as_of)",
    )
    watch.add_argument("--report", type=Path, metavar="FILE", help="write a page")
    watch.add_argument("--prometheus", type=Path, metavar="FILE", help="write gauges")


def run_watch_command(asked: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    from suitably.monitoring.monitor import Monitor
    from suitably.utils.files import replacing

    if asked.state is not None and asked.state.exists():
        monitor = Monitor.load(asked.state)
    else:
        monitor = Monitor(baseline_days=asked.baseline_days)
    new = monitor.observe_audit(asked.trail, by=asked.by)
    if asked.state is not None:
        monitor.save(asked.state)
    if asked.report is not None:
        monitor.report().write(asked.report)
    if asked.prometheus is not None:
        with replacing(asked.prometheus) as partial:
            partial.write_text(monitor.to_prometheus(), encoding="utf-8")
    alarms = monitor.alarms()
    print(f"{asked.trail}: {new:,} new decisions")
    print(monitor.summary())
    for alarm in alarms:
        print(alarm.text)
    return 1 if alarms else 0
