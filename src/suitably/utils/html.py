"""HTML of elements, and for notebooks: small tables in neutral colours; every text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from numbers import Integral, Real

__all__ = ["Markup", "box", "element", "facts", "shown", "table"]

_STYLE = """
.suitably-box{font:13px/1.5 system-ui,sans-serif;overflow-x:auto;padding:.2rem 0}
.suitably-box header{font-weight:600;margin-bottom:.3rem}
.suitably-box p{margin:.3rem 0;max-width:75ch}
.suitably-box table{border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums}
.suitably-box caption{text-align:left;font-weight:600;padding:.2rem 0}
.suitably-box th,.suitably-box td{text-align:left;vertical-align:top;padding:.2rem .9rem .2rem 0;
border:0;border-bottom:1px solid rgba(128,128,128,.3);background:none;max-width:40rem}
.suitably-box thead th{font-weight:600;opacity:.7;vertical-align:bottom}
.suitably-box tbody th{font-weight:600}
.suitably-box .number{text-align:right}
.suitably-box .soft{opacity:.7}
.suitably-flow{display:flex;flex-wrap:wrap;align-items:stretch;gap:.35rem;margin:.4rem 0}
.suitably-flow section{border:1px solid rgba(128,128,128,.45);border-radius:6px;
padding:.4rem .6rem;max-width:13rem;font-size:12px}
.suitably-flow section.idle{border-style:dashed;opacity:.7}
.suitably-flow h4{margin:0 0 .2rem;font-size:12px;font-weight:600;opacity:.7}
.suitably-flow code{background:none;padding:0;overflow-wrap:anywhere}
.suitably-flow .arrow{align-self:center;opacity:.6}
"""


_EMPTY = frozenset({"input", "link", "meta"})  # what has no end in HTML


class Markup(str):
    """HTML that was made here, so that it is not escaped again."""

    __slots__ = ()


def element(tag: str, *parts: object, css: str = "", **attributes: str) -> Markup:
    """Return an element around its parts, escaped unless they are markup.

    Example:
        >>> element("p", "1 < 2, ", element("b", "truly"))
        '<p>1 &lt; 2, <b>truly</b></p>'
        >>> element("input", name="k")
        '<input name="k">'
    """
    given = {"class": css, **attributes} if css else attributes
    written = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    if tag in _EMPTY:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{''.join(map(_safe, parts))}</{tag}>")


def box(title: object, *parts: object) -> str:
    """Return what a notebook shows of an object: its title, and parts that are markup or text."""
    style = Markup(f"<style>{_STYLE}</style>")
    return str(element("div", style, element("header", title), *parts, css="suitably-box"))


def table(
    columns: Sequence[object], rows: Iterable[Sequence[object]], caption: object = ""
) -> Markup:
    """Return a table; the first cell of a row is its head, and numbers stand to the right."""
    body = [list(row) for row in rows]
    numeric = [
        bool(body) and all(_is_number(row[place]) or row[place] is None for row in body)
        for place in range(len(columns))
    ]
    css = ["number" if number else "" for number in numeric]
    head = [element("th", name, css=c) for name, c in zip(columns, css, strict=True)]
    lines = [
        element(
            "tr",
            *(
                element("td" if place else "th", shown(cell), css=css[place])
                for place, cell in enumerate(row)
            ),
        )
        for row in body
    ]
    titled = [element("caption", caption)] if caption else []
    top = [element("thead", element("tr", *head))] if any(map(str, columns)) else []
    return element("table", *titled, *top, element("tbody", *lines))


def facts(values: Mapping[str, object], caption: object = "") -> Markup:
    """Return names and their values as a table without a head."""
    return table(("", ""), list(values.items()), caption)


def shown(value: object) -> object:
    """Return a value as a person reads it: missing is a dash, a number has few digits."""
    if value is None or value != value:
        return "–"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, list | tuple):
        return ", ".join(str(shown(item)) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    if isinstance(value, bool | Decimal) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral):
        return str(value)
    number = float(value)
    if not number or 1e-3 <= abs(number) < 1e15:
        return f"{number:,.4f}".rstrip("0").rstrip(".")
    return f"{number:.4g}"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _safe(part: object) -> str:
    return part if isinstance(part, Markup) else escape(str(part))
