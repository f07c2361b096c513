"""What sections of a page are made of; every text in them is escaped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from suitably.report.numbers import ends, number, typeset
from suitably.utils.html import Markup

__all__ = [
    "DecisionBanner",
    "Entry",
    "Facts",
    "Figure",
    "Interval",
    "Paragraph",
    "Shade",
    "Short",
    "Table",
    "tone_of",
]

_SHORT = 32
_LONG = 12
_TONES = {
    "ship": "good",
    "do not ship": "bad",
    "pass": "good",
    "fail": "bad",
    "holds": "good",
    "breached": "bad",
}
_DIRECTIONS = {1: "good", -1: "bad"}
_STROKE = 'vector-effect="non-scaling-stroke"'


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
        return f"<p>{escape(typeset(self.text))}</p>"


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
        heading: What is shown for the word; empty: itself.

    Example:
        >>> DecisionBanner("ship", "It is better.").html()
        '<div class="decision good"><strong>ship</strong><p>It is better.</p></div>'
    """

    decision: str
    reason: str
    heading: str = ""

    def html(self) -> str:
        """Return the markup."""
        tone = tone_of(self.decision)
        return (
            f'<div class="decision {tone}"><strong>{escape(self.heading or self.decision)}</strong>'
            f"<p>{escape(typeset(self.reason))}</p></div>"
        )


@dataclass(frozen=True)
class Interval:
    """An interval around a difference, drawn with a mark at zero.

    Attributes:
        value: The difference.
        low: Lower end.
        high: Upper end.
        direction: 1 better, −1 worse, 0 open: the colour.
        scale: Ends of the scale, zero within; None: one of its own, about zero.

    Example:
        >>> Interval(0.5, 0.25, 0.75, direction=1).text
        '+0.2500 to +0.7500'
    """

    value: float
    low: float
    high: float
    direction: int
    scale: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """The ends in figures, empty where there are none."""
        return ends(self.low, self.high)

    def html(self) -> str:
        """Return the drawing as inline SVG, which may be stretched to any width."""
        if not self.text:
            return ""
        span = max(abs(self.low), abs(self.high)) or 1.0
        first, last = self.scale or (-span, span)
        zero, low, at, high = (
            6 + 108 * (v - first) / (last - first) for v in (0, self.low, self.value, self.high)
        )
        tone = _DIRECTIONS.get(self.direction, "open")
        return (
            f'<svg class="{tone}" width="120" height="20" viewBox="0 0 120 20" role="img" '
            'preserveAspectRatio="none" stroke="currentColor" stroke-linecap="round" '
            f'aria-label="{escape(self.text, quote=True)}">'
            f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="20" stroke-opacity=".4" {_STROKE}/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="10" y2="10" stroke-width="3" {_STROKE}/>'
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="10" y2="10" stroke-width="9" {_STROKE}/></svg>'
        )


@dataclass(frozen=True)
class Figure:
    """A number that is written out already, such as one with its sign: set to the right.

    Attributes:
        text: As it is to be read.

    Example:
        >>> Figure("< 0.0001").html()
        '&lt; 0.0001'
    """

    text: str

    def html(self) -> str:
        """Return the markup."""
        return escape(self.text)


@dataclass(frozen=True)
class Shade:
    """A number in a cell whose colour says which way it goes, and how far.

    Attributes:
        value: The number, written with its sign.
        direction: 1 better, −1 worse, 0 open: the colour.
        strength: How deep the colour is, 0 to 1.

    Example:
        >>> Shade(-0.25, direction=-1, strength=1).html()
        '<span class="shade bad" style="--depth:30%">−0.2500</span>'
    """

    value: float
    direction: int
    strength: float

    def html(self) -> str:
        """Return the markup."""
        tone = _DIRECTIONS.get(self.direction, "open")
        depth = 6 + 24 * min(max(self.strength, 0.0), 1.0)
        shown = number(self.value, sign=True)
        return f'<span class="shade {tone}" style="--depth:{depth:.0f}%">{shown}</span>'


@dataclass(frozen=True)
class Short:
    """A digest of which the beginning is shown; the whole appears under the pointer.

    Attributes:
        text: The whole.
        length: How much is shown.

    Example:
        >>> Short("0123456789abcdef").html()
        '<code title="0123456789abcdef">0123456789ab…</code>'
    """

    text: str
    length: int = 12

    def html(self) -> str:
        """Return the markup."""
        shown = escape(self.text[: self.length])
        more = "…" * (len(self.text) > self.length)
        return f'<code title="{escape(self.text, quote=True)}">{shown}{more}</code>'


@dataclass(frozen=True)
class Entry:
    """A name in a cell, with what is good about it and what is against it.

    Attributes:
        name: What it is.
        good: A word for it, empty for none.
        against: Sentences, empty for none.

    Example:
        >>> Entry("bond", against="Too long.").html()
        '<span class="entry">bond<span class="against">✗ Too long.</span></span>'
    """

    name: str
    good: str = ""
    against: str = ""

    def html(self) -> str:
        """Return the markup."""
        good = f' <span class="tag good">✓ {escape(self.good)}</span>' if self.good else ""
        against = f'<span class="against">✗ {escape(typeset(self.against))}</span>'
        shown = against if self.against else ""
        return f'<span class="entry">{escape(self.name)}{good}{shown}</span>'


@dataclass(frozen=True)
class Table:
    """Rows under headings; numbers are set to the right. On a phone every row is a card.

    Attributes:
        columns: The headings.
        rows: The cells: text, numbers, None, drawings, or markup.
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
            f'<th scope="col"{_right(right)}>{_heading(str(name))}</th>'
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


def _heading(name: str) -> str:
    """Let the long name of a metric break where its words end."""
    shown = escape(name).replace(" ★", "\u00a0★")
    return re.sub(r"(_|(?=@))", "\\1\u200b", shown) if len(name) > _LONG else shown


def _right(right: bool) -> str:
    return ' class="number"' if right else ""


def _style(cell: object, right: bool) -> str:
    """Keep figures and short texts on one line; sentences may wrap."""
    text = isinstance(cell, Entry | Markup) or (isinstance(cell, str) and len(cell) > _SHORT)
    return ' class="text"' if text else _right(right)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float | Figure | Shade) and not isinstance(cell, bool)


def _show(cell: object) -> str:
    if isinstance(cell, Markup):
        return cell
    if isinstance(cell, Entry | Figure | Interval | Shade | Short):
        return cell.html()
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return number(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}".replace("-", "−")
    text = str(cell)
    tone = _TONES.get(text)
    return f'<span class="tag {tone}">{escape(text)}</span>' if tone else escape(typeset(text))


def tone_of(word: str) -> str:
    """Return the colour of a word that judges: good, bad or open.

    Example:
        >>> tone_of("holds"), tone_of("unknown")
        ('good', 'open')
    """
    return _TONES.get(word, "open")
