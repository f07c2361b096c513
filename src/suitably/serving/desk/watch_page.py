"""The state of the watch: alarms, versions, and what is switched off."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from suitably.data.frames import read_frame
from suitably.report.components import Figure, Short, Table
from suitably.serving.desk.parts import (
    Page,
    banner,
    code,
    disclosure,
    notice,
    section,
    stacked,
    tag,
)
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.switching import moment_text, switches_section
from suitably.serving.desk.visit import Visit
from suitably.utils.html import Markup, element

__all__ = ["Watched", "watch_page"]

_LATEST = 20


@dataclass(frozen=True)
class Watched:
    """What there is to see of a service.

    Attributes:
        version: The version that is served.
        since: From when.
        monitor: What watches the answers, None where nothing does.
        versions: All versions; empty where one pipeline is served.
        history: How versions became the current one, the first first.
        switches: What is off.
        problems: What else wants a look.
    """

    version: str
    since: datetime | None = None
    monitor: Any = None
    versions: Sequence[Any] = ()
    history: Sequence[Any] = ()
    switches: Sequence[Any] = ()
    problems: Sequence[str] = field(default_factory=tuple)


def watch_page(
    visit: Visit, reading: Reading, watched: Watched, refused: str | Markup = ""
) -> Page:
    """Return the page of the watch.

    Args:
        visit: For whom.
        reading: Of what.
        watched: What there is to see.
        refused: Why a switch was not turned, empty where nothing was asked or it was.
    """
    texts = visit.texts
    body = [
        *([section(texts.refused, notice(refused, tone="bad", role="alert"))] if refused else []),
        *_problems(visit, watched.problems),
        switches_section(visit, reading, watched.switches),
        *_monitor(visit, watched.monitor),
        *_versions(visit, watched),
    ]
    return Page(texts.watch, body, texts.watch_lead, "watch", 422 if refused else 200)


def _problems(visit: Visit, problems: Sequence[str]) -> Iterable[Markup]:
    if problems:
        items = [element("li", problem, lang="en") for problem in problems]
        yield section(visit.texts.problems, element("ul", *items, css="plain"))


def _monitor(visit: Visit, monitor: Any) -> Iterable[Markup]:
    texts = visit.texts
    if monitor is None:
        yield section(texts.alarms, texts.no_monitor)
        return
    alarms = monitor.alarms()
    series = read_frame(monitor.to_frame(), "series")[0].to_pylist()
    latest = {row["series"]: row for row in series}
    judged = [row for row in latest.values() if row["baseline"] is not None]
    if not judged:
        yield section(texts.alarms, banner(texts.learning, texts.learning_said))
    elif not alarms:
        said = texts.no_alarm_said.format(series=len(judged))
        yield section(texts.alarms, banner(texts.no_alarm, said, "good"))
    else:
        said = texts.alarms_said.format(count=len(alarms), series=len(judged))
        rows = [
            (
                code(one.series),
                Figure(_share(one.before)),
                Figure(_share(one.now)),
                Figure(str(one.since)),
                one.users,
                texts.over if one.over else texts.goes_on,
                one.texts[visit.language],
            )
            for one in alarms
        ]
        columns = (texts.series, texts.before, texts.now, texts.since_day, texts.users)
        table = Table((*columns, texts.state, texts.details), rows)
        yield section(texts.alarms, banner(texts.alarm, said, "bad"), table)
    if judged:
        yield _figures(visit, judged)


def _figures(visit: Visit, latest: Sequence[Mapping[str, Any]]) -> Markup:
    texts = visit.texts
    rows = [
        (
            code(row["series"]),
            Figure(str(row["day"])[:10]),
            row["users"],
            Figure(_share(row["mean"])),
            Figure(_share(row["baseline"])),
            Figure(f"{_share(row['low'])} – {_share(row['high'])}"),
            tag(texts.alarm, "bad") if row["alarm"] else tag(texts.holds, "good"),
        )
        for row in latest
    ]
    columns = (texts.series, texts.day, texts.users, texts.mean, texts.baseline)
    table = Table((*columns, texts.no_change, texts.state), rows, texts.figures_note)
    return section(texts.figures, disclosure(texts.all_series.format(count=len(rows)), table))


def _versions(visit: Visit, watched: Watched) -> Iterable[Markup]:
    texts = visit.texts
    since = "" if watched.since is None else f", {texts.since} {moment_text(watched.since)}"
    said = stacked(element("span", code(watched.version), since))
    rows = [
        (
            code(one.name),
            tag(texts.current, "good") if one.current else Markup(""),
            Short(one.digest) if one.digest else tag(texts.damaged, "bad"),
            moment_text(one.saved_at),
        )
        for one in reversed(watched.versions)
    ]
    columns = (texts.version, texts.state, texts.fingerprint, texts.saved)
    table = [Table(columns, rows)] if rows else [texts.no_versions]
    yield section(texts.versions, said, *table)
    if watched.history:
        lines = [
            (
                moment_text(one.at),
                texts.actions.get(one.action, one.action),
                code(one.version),
                code(one.previous) if one.previous else Markup("–"),
                element("bdi", one.by or "–"),
            )
            for one in reversed(watched.history[-_LATEST:])
        ]
        headings = (texts.when, texts.what, texts.version, texts.previous, texts.by)
        yield section(texts.history, Table(headings, lines))


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else f"{100 * value:.1f} %"
