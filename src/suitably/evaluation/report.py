"""One self-contained page: titled sections of sentences, facts, tables and test results."""

from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, Self

from suitably.data.frames import read_frame
from suitably.evaluation.blocks import Facts, Interval, Paragraph, Table, Verdict
from suitably.evaluation.result import ABResult, MetricRow, SplitRecord
from suitably.evaluation.style import STYLE

__all__ = ["Block", "Facts", "Paragraph", "Report", "Table", "Verdict"]


class Block(Protocol):
    """A part of a section."""

    def html(self) -> str:
        """Return its markup, all text escaped."""


class Report:
    """A page that is built section by section.

    It loads nothing from elsewhere, runs no script, and follows the reader's light or dark scheme.
    Everything given to it is shown as text; give pseudonyms where a user appears.

    Args:
        title: The page's title.
        subtitle: A line beneath it.

    Example:
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

    def add_result(self, result: ABResult, title: str = "A/B evaluation") -> Self:
        """Add the decision of a test, its figures, and what was compared."""
        confidence = f"{100 * (1 - result.comparison.alpha):g} %"
        self.section(
            title,
            Verdict(result.decision, result.reason),
            Table(
                (
                    "metric",
                    "segment",
                    "control",
                    "treatment",
                    "difference",
                    f"{confidence} interval",
                    "",
                    "p",
                ),
                [_figures(row, result.decides(row)) for row in result.rows],
                f"Means over users; difference is treatment less control, paired by user, with its "
                f"{confidence} interval. ★ decides; the other intervals are not adjusted for being "
                f"several. Every plot has a scale of its own; the upright mark is no difference.",
            ),
        )
        self.section(
            "Guardrails",
            Table(
                ("guardrail", "kind", "verdict", "figures"),
                [
                    (
                        outcome.guardrail.text,
                        "hard" if outcome.guardrail.hard else "soft",
                        outcome.verdict,
                        outcome.text,
                    )
                    for outcome in result.guardrails
                ],
            ),
        )
        return self._add_comparison(result)

    def _add_comparison(self, result: ABResult) -> Self:
        what = result.comparison
        facts: dict[str, object] = {
            "judging policy": ", ".join(what.policies),
            "policy fingerprint": ", ".join(what.fingerprints),
            "relevant": {"all": "all acquisitions", "suitable": "suitable acquisitions only"}[
                what.relevant
            ],
            "convention of metrics": what.convention,
            "products asked for per user": what.depth,
            "seed": what.seed,
        }
        return self.section(
            "What was compared",
            Facts(facts),
            Table(
                ("split", "cut", "end of window", "users", "evaluable", "candidates", "refitted"),
                [_split(number, record) for number, record in enumerate(what.splits)],
                "Violations and coverage are measured on all users of a split, accuracy on the "
                "evaluable ones. A pipeline fitted after a cut is refitted on a copy.",
            ),
        )

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


def _figures(row: MetricRow, decides: bool) -> tuple[object, ...]:
    found = row.result
    return (
        row.metric + (" ★" if decides else ""),
        row.segment,
        found.control,
        found.treatment,
        found.difference,
        Interval(found.difference, found.low, found.high, row.direction).text,
        Interval(found.difference, found.low, found.high, row.direction),
        found.p_value,
    )


def _split(number: int, record: SplitRecord) -> tuple[object, ...]:
    return (
        number,
        "–" if record.at is None else str(record.at),
        "–" if record.end is None else str(record.end),
        record.users,
        record.evaluable,
        record.candidates,
        " and ".join(record.refitted) or "neither",
    )
