"""Pages for people: whole, self-contained, without scripts, readable on paper and on a phone."""

from suitably.report.components import DecisionBanner, Facts, Interval, Paragraph, Table
from suitably.report.page import Block, Report, Sectioned

__all__ = [
    "Block",
    "DecisionBanner",
    "Facts",
    "Interval",
    "Paragraph",
    "Report",
    "Sectioned",
    "Table",
]
