"""Pictures as inline SVG that fit a phone: forests of intervals, lights, points and lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from suitably.report.components import Interval, tone_of
from suitably.report.numbers import number, typeset

__all__ = ["ForestPlot", "Light", "Lights", "LinePlot", "PointPlot"]

_SIGNS = {"good": "✓", "bad": "✗", "open": "?"}
_WIDE, _HIGH = 320, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 34
_SERIES = 4
_DOT, _MANY = 7, 20


@dataclass(frozen=True)
class ForestPlot:
    """Differences with their intervals, one above the other on one scale.

    Attributes:
        intervals: By name, in order; those without ends are left out.

    Example:
        >>> plot = ForestPlot({"ndcg@10": Interval(0.2, 0.1, 0.3, 1)})
        >>> '<span class="ends">+0.1000 to +0.3000</span>' in plot.html()
        True
    """

    intervals: Mapping[str, Interval]

    def html(self) -> str:
        """Return the markup; empty without any interval."""
        shown = {name: one for name, one in self.intervals.items() if one.text}
        if not shown:
            return ""
        first = min(0.0, *(one.low for one in shown.values()))
        last = max(0.0, *(one.high for one in shown.values()))
        if first == last:
            first, last = -1.0, 1.0
        lines = [
            f'<div class="row"><span class="name">{escape(name)}</span>'
            f"{replace(one, scale=(first, last)).html()}"
            f'<span class="ends">{escape(one.text)}</span></div>'
            for name, one in shown.items()
        ]
        zero = 100 * (0 - first) / (last - first)
        ticks = f'<span style="left:{zero:.1f}%">0</span>'
        for at, place in ((first, 0.0), (last, 100.0)):
            if abs(place - zero) > 12:  # in % of the width: nearer, two labels overlap
                end = ' class="end"' if place else ""
                ticks += f'<span{end} style="left:{place:g}%">{number(at, sign=True)}</span>'
        axis = f'<div class="row axis" aria-hidden="true"><i></i><div>{ticks}</div><i></i></div>'
        return f'<div class="forest">{"".join(lines)}{axis}</div>'


@dataclass(frozen=True)
class Light:
    """What became of a condition.

    Attributes:
        name: The condition.
        verdict: A word; the known ones have a colour and a sign besides.
        kind: Such as hard or soft.
        text: The figures.
    """

    name: str
    verdict: str
    kind: str
    text: str


@dataclass(frozen=True)
class Lights:
    """Conditions, each with a light.

    Attributes:
        lights: In order.
        title: A heading, empty for none.

    Example:
        >>> "✓" in Lights([Light("coverage>=0.9", "holds", "soft", "0.95")]).html()
        True
    """

    lights: Sequence[Light]
    title: str = ""

    def html(self) -> str:
        """Return the markup."""
        head = f"<h3>{escape(self.title)}</h3>" if self.title else ""
        return f'{head}<ul class="lights">{"".join(map(self._light, self.lights))}</ul>'

    def _light(self, light: Light) -> str:
        tone = tone_of(light.verdict)
        said = f"<p>{escape(typeset(light.text))}</p>" if light.text else ""
        return (
            f'<li class="{tone}"><span class="lamp" aria-hidden="true">{_SIGNS[tone]}</span>'
            f"<div><strong>{escape(light.name)}</strong> "
            f'<span class="tag {tone}">{escape(light.verdict)}</span> '
            f"<small>{escape(light.kind)}</small>{said}</div></li>"
        )


@dataclass(frozen=True)
class PointPlot:
    """Named points by two figures.

    Attributes:
        points: x and y by name.
        x: What is to the right.
        y: What is upwards.

    Example:
        >>> "als" in PointPlot({"als": (0.0, 0.3)}, "violations", "ndcg@10").html()
        True
    """

    points: Mapping[str, tuple[float, float]]
    x: str
    y: str

    def html(self) -> str:
        """Return the markup; empty without points."""
        known = {name: at for name, at in self.points.items() if math.isfinite(sum(at))}
        if not known:
            return ""
        across = _Axis.of([x for x, _ in known.values()], _LEFT, _WIDE - _RIGHT)
        up = _Axis.of([y for _, y in known.values()], _HIGH - _BOTTOM, _TOP)
        marks = "".join(
            f'<path class="s{place % _SERIES}" stroke-width="11" stroke-linecap="round" '
            f'd="M{across.at(x):.1f} {up.at(y):.1f}h.01"/>'
            for place, (x, y) in enumerate(known.values())
        )
        frame = _frame(up, self.y) + "".join(
            f'<text x="{across.at(value):.1f}" y="{_HIGH - _BOTTOM + 14}" '
            f'text-anchor="{anchor}">{number(value)}</text>'
            for value, anchor in ((across.low, "start"), (across.high, "end"))
        )
        frame += (
            f'<text x="{(_LEFT + _WIDE - _RIGHT) / 2}" y="{_HIGH - 5}" text-anchor="middle">'
            f"{escape(self.x)}</text>"
        )
        said = "; ".join(f"{n}: {self.x} {x:.4f}, {self.y} {y:.4f}" for n, (x, y) in known.items())
        return _figure(frame + marks, said, list(known))


@dataclass(frozen=True)
class LinePlot:
    """Lines over the same places, such as the dates of splits.

    Attributes:
        places: Names of the places, in order.
        lines: A figure per place, by name; NaN where there is none.
        y: What the figures are.

    Example:
        >>> "2024-01-01" in LinePlot(["2024-01-01", "2024-04-01"], {"a": [1, 2]}, "n").html()
        True
    """

    places: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    y: str

    def html(self) -> str:
        """Return the markup; empty without figures."""
        finite = [v for line in self.lines.values() for v in line if math.isfinite(v)]
        if not finite or not self.places:
            return ""
        up = _Axis.of(finite, _HIGH - _BOTTOM, _TOP)
        across = _Axis(0, max(len(self.places) - 1, 1), _LEFT + 6, _WIDE - _RIGHT - 6)
        drawn = "".join(
            self._line(place, line, across, up) for place, line in enumerate(self.lines.values())
        )
        frame = _frame(up, self.y)
        for place, anchor in ((0, "start"), (len(self.places) - 1, "end")):
            if place or anchor == "start":
                frame += (
                    f'<text x="{across.at(place):.1f}" y="{_HIGH - _BOTTOM + 16}" '
                    f'text-anchor="{anchor}">{escape(self.places[place])}</text>'
                )
        return _figure(frame + drawn, f"{self.y} by split", list(self.lines))

    def _line(self, series: int, line: Sequence[float], across: "_Axis", up: "_Axis") -> str:
        known = [(across.at(x), up.at(y)) for x, y in enumerate(line) if math.isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        size = _DOT if len(self.places) <= _MANY else _DOT / 2
        dots = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in known)
        return (
            f'<polyline class="s{series % _SERIES}" points="{path}" stroke-width="2"/>'
            f'<path class="s{series % _SERIES}" d="{dots}" stroke-width="{size}" '
            'stroke-linecap="round"/>'
        )


@dataclass(frozen=True)
class _Axis:
    """Values from low to high on places from first to last."""

    low: float
    high: float
    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float], first: float, last: float) -> "_Axis":
        """Begin at zero where all values are on one side of it."""
        low, high = min(0.0, *values), max(0.0, *values)
        return cls(low, high if high > low else low + 1, first, last)

    def at(self, value: float) -> float:
        """Return where a value lies."""
        return self.first + (self.last - self.first) * (value - self.low) / (self.high - self.low)


def _frame(up: _Axis, name: str) -> str:
    """Draw the two lines that figures are read from, and their ends."""
    left, right, bottom = _LEFT - 6, _WIDE - _RIGHT + 6, _HIGH - _BOTTOM
    ticks = "".join(
        f'<text x="{left - 4}" y="{up.at(value) + 4:.1f}" text-anchor="end">{number(value)}</text>'
        for value in (up.low, up.high)
    )
    return (
        f'<path class="frame" d="M{left} {_TOP}V{bottom}H{right}"/>{ticks}'
        f'<text transform="translate(12 {(_TOP + bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(name)}</text>'
    )


def _figure(inner: str, said: str, names: Sequence[str]) -> str:
    legend = "".join(
        f'<li class="s{place % _SERIES}">{escape(name)}</li>' for place, name in enumerate(names)
    )
    return (
        f'<div class="chart"><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        f'aria-label="{escape(typeset(said), quote=True)}">{inner}</svg>'
        f'<ul class="legend">{legend}</ul></div>'
    )
