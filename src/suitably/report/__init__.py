"""Pages for people: whole, self-contained, without scripts, readable on paper and on a phone."""

from suitably.report.components import (
    DecisionBanner,
    Entry,
    Facts,
    Figure,
    Interval,
    Paragraph,
    Shade,
    Short,
    Table,
)
from suitably.report.page import Block, Report, Sectioned
from suitably.report.plots import ForestPlot, Light, Lights, LinePlot, PointPlot

__all__ = [
    "Block",
    "DecisionBanner",
    "Entry",
    "Facts",
    "Figure",
    "ForestPlot",
    "Interval",
    "Light",
    "Lights",
    "LinePlot",
    "Paragraph",
    "PointPlot",
    "Report",
    "Sectioned",
    "Shade",
    "Short",
    "Table",
]
