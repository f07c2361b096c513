"""What sections of a page are made of; every text in them is escaped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["DecisionBanner", "Facts", "Interval", "Paragraph", "Table"]

_SHORT = 32
_TONES = {
    "ship": "good",
    "do not ship": "bad",
    "pass": "good",
    "fail": "bad",
    "holds": "good",
    "breached": "bad",
}


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few.

    Attributes:
        text: As it is to be read.

    Example:
        >>> Paragraph("Fees < 1 %").html()
        '<p>Fees &lt; 1 %</p>'
    """

    text: str

    def html(self) -> str:
        """Return the markup."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Facts:
    """Names and values, side by side.

    Attributes:
        facts: What is shown, in order.

    Example:
        >>> Facts({"users": 1200}).html()
        '<dl><div><dt>users</dt><dd>1,200</dd></div></dl>'
    """

    facts: Mapping[str, object]

    def html(self) -> str:
        """Return the markup."""
        pairs = (
            f"<div><dt>{escape(str(name))}</dt><dd>{_show(value)}</dd></div>"
            for name, value in self.facts.items()
        )
        return f"<dl>{''.join(pairs)}</dl>"


@dataclass(frozen=True)
class DecisionBanner:
    """A word that decides and the sentence that says why.

    Attributes:
        decision: The word; the known ones have a colour besides.
        reason: The sentence.

    Example:
        >>> DecisionBanner("ship", "It is better.").html()
        '<div class="decision good"><strong>ship</strong><p>It is better.</p></div>'
    """

    decision: str
    reason: str

    def html(self) -> str:
        """Return the markup."""
        tone = _TONES.get(self.decision, "open")
        return (
            f'<div class="decision {tone}"><strong>{escape(self.decision)}</strong>'
            f"<p>{escape(self.reason)}</p></div>"
        )


@dataclass(frozen=True)
class Interval:
    """An interval around a difference, drawn about zero on a scale of its own.

    Attributes:
        value: The difference.
        low: Lower end.
        high: Upper end.
        direction: 1 better, −1 worse, 0 open: the colour.

    Example:
        >>> Interval(0.5, 0.25, 0.75, direction=1).text
        '+0.2500 to +0.7500'
    """

    value: float
    low: float
    high: float
    direction: int

    @property
    def text(self) -> str:
        """The ends in figures, empty where there are none."""
        if not math.isfinite(self.low + self.high):
            return ""
        return f"{_number(self.low, sign=True)} to {_number(self.high, sign=True)}"

    def html(self) -> str:
        """Return the drawing as inline SVG."""
        if not self.text:
            return ""
        span = max(abs(self.low), abs(self.high)) or 1.0
        low, at, high = (60 + 54 * v / span for v in (self.low, self.value, self.high))
        tone = {1: "good", -1: "bad"}.get(self.direction, "open")
        return (
            f'<svg class="{tone}" width="120" height="20" viewBox="0 0 120 20" role="img" '
            f'stroke="currentColor" aria-label="{escape(self.text, quote=True)}">'
            '<line x1="60" x2="60" y1="1" y2="19" stroke-opacity=".45"/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="10" y2="10" stroke-width="3" '
            'stroke-linecap="round"/>'
            f'<circle cx="{at:.1f}" cy="10" r="3.5" fill="currentColor"/></svg>'
        )


@dataclass(frozen=True)
class Table:
    """Rows under headings; numbers are set to the right. On a phone every row is a card.

    Attributes:
        columns: The headings.
        rows: The cells: text, numbers, None, or drawings.
        caption: A note beneath it.

    Example:
        >>> '<td data-label="share" class="number">0.2500</td>' in Table(["share"], [[0.25]]).html()
        True
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""

    def html(self) -> str:
        """Return the markup."""
        numeric = [
            any(_is_number(row[i]) for row in self.rows)
            and all(_is_number(row[i]) or row[i] is None for row in self.rows)
            for i in range(len(self.columns))
        ]
        labels = [f' data-label="{escape(str(name), quote=True)}"' for name in self.columns]
        heads = "".join(
            f'<th scope="col"{_right(right)}>{escape(str(name))}</th>'
            for name, right in zip(self.columns, numeric, strict=True)
        )
        lines = "\n".join(
            "<tr>"
            + "".join(
                f"<td{label}{_style(cell, right)}>{_show(cell)}</td>"
                for cell, label, right in zip(row, labels, numeric, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        note = f'<p class="note">{escape(self.caption)}</p>' if self.caption else ""
        return (
            f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
            f"<tbody>{lines}</tbody></table></div>{note}"
        )


def _right(right: bool) -> str:
    return ' class="number"' if right else ""


def _style(cell: object, right: bool) -> str:
    """Keep figures and short texts on one line; sentences may wrap."""
    return ' class="text"' if isinstance(cell, str) and len(cell) > _SHORT else _right(right)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _show(cell: object) -> str:
    if isinstance(cell, Interval):
        return cell.html()
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}".replace("-", "−")
    text = str(cell)
    tone = _TONES.get(text)
    return f'<span class="tag {tone}">{escape(text)}</span>' if tone else escape(text)


def _number(value: float, sign: bool = False) -> str:
    if math.isnan(value):
        return "–"
    if value and abs(value) < 5e-5:
        return f"{value:.1e}".replace("-", "−")
    return format(value, "+.4f" if sign else ",.4f").replace("-", "−")
