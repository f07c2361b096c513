"""One self-contained page: titled sections of sentences, facts, tables and results."""

from collections.abc import Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, Self

from suitably.data.frames import read_frame
from suitably.report.components import Paragraph, Table
from suitably.report.style import STYLE

__all__ = ["Block", "Report", "Sectioned"]


class Block(Protocol):
    """A part of a section.

    Example:
        >>> class Rule:
        ...     def html(self):
        ...         return "<p>–</p>"
        >>> "<p>–</p>" in Report("Friday").section("Reach", Rule()).html()
        True
    """

    def html(self) -> str:
        """Return its markup, all text escaped."""


class Sectioned(Protocol):
    """A result that can be shown: it knows its sections, the page knows nothing of it.

    Example:
        >>> class Reach:
        ...     def sections(self, title):
        ...         return [(title, [Paragraph("1,200 users")])]
        >>> "<p>1,200 users</p>" in Report("Friday").add_result(Reach(), "Reach").html()
        True
    """

    def sections(self, title: str) -> Sequence[tuple[str, Sequence[Block]]]:
        """Return titles and blocks, in order; the first section bears `title`."""


class Report:
    """A page that is built section by section.

    It loads nothing from elsewhere, runs no script, and follows the reader's light or dark scheme.
    Everything given to it is shown as text; give pseudonyms where a user appears.

    Args:
        title: The page's title.
        subtitle: A line beneath it.

    Example:
        >>> from suitably.report import Facts
        >>> page = Report("Friday").section("Reach", Facts({"users": 1200}))
        >>> "<dd>1,200</dd>" in page.html()
        True
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._sections: list[str] = []

    def section(self, title: str, *blocks: Block | str) -> Self:
        """Add a section; a text is a paragraph."""
        inner = "\n".join(
            Paragraph(block).html() if isinstance(block, str) else block.html() for block in blocks
        )
        self._sections.append(f"<section><h2>{escape(title)}</h2>\n{inner}\n</section>")
        return self

    def add_frame(self, title: str, frame: Any, caption: str = "") -> Self:
        """Add a section with a table of any kind of frame."""
        table, _ = read_frame(frame, title)
        rows = [tuple(row.values()) for row in table.to_pylist()]
        return self.section(title, Table(tuple(table.column_names), rows, caption))

    def add_result(self, result: Sectioned, title: str = "A/B evaluation") -> Self:
        """Add the sections of a result: of a test, its decision, figures and what was compared."""
        for name, blocks in result.sections(title):
            self.section(name, *blocks)
        return self

    def fragment(self) -> str:
        """Return the page's body with its style, for a notebook."""
        head = f"<header><h1>{escape(self.title)}</h1>"
        head += f"<p>{escape(self.subtitle)}</p></header>" if self.subtitle else "</header>"
        body = "\n".join(self._sections)
        return f'<div class="suitably"><style>{STYLE}</style>\n{head}\n{body}\n{_FOOTER}</div>'

    def html(self) -> str:
        """Return the page."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(self.title)}</title>"
            "<style>body{margin:0}.suitably{min-height:100vh}</style></head>\n"
            f"<body>{self.fragment()}</body></html>\n"
        )

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the page and say where."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.html(), encoding="utf-8")
        return target


_FOOTER = (
    "<footer>Made by Suitably. Offline evidence about past choices: it shows how lists compare on "
    "one log, not what a product will return, and it replaces no suitability assessment.</footer>"
)
