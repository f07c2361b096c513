"""Draw the pictures of the docs from the figures beside them: `python docs/pictures.py`.

Needs `suitably[viz]`. Text stays text, in greys that can be read on a light and on a dark page; the
two colours are of the Okabe-Ito palette, which most colour-blind readers can tell apart.
"""

import csv
import io
import math
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
BLUE, GREY, TEXT = "#0072b2", "#737373", "#7d7d7d"
_APART = 0.22  # of a power of ten
PANELS = {
    "suitable_buys": "FAR-Trans: nDCG@10, suitable buys",
    "bank": "Simulated bank: share of the best list",
}
STYLE = {
    "svg.hashsalt": "suitably",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
}


def choosing() -> None:
    """Draw the quality of every ranker on both data sets, popularity as the line to pass."""
    with (HERE / "choosing.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: float(row["suitable_buys"]))
    names = [row["ranker"] for row in rows]
    colours = [GREY if name == "Popularity" else BLUE for name in names]
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    figure.subplots_adjust(left=0.1, right=0.99, top=0.9, bottom=0.02, wspace=0.06)
    for axis, (column, title) in zip(axes, PANELS.items(), strict=True):
        values = [float(row[column]) for row in rows]
        axis.barh(names, values, color=colours, height=0.78)
        labels = [f"{value:.3f}".lstrip("0") for value in values]
        axis.bar_label(axis.containers[0], labels, padding=-32, color="white")
        axis.axvline(
            values[names.index("Popularity")], color=GREY, linewidth=1, linestyle=":", zorder=0
        )
        axis.set_xlim(0, max(values) * 1.02)
        axis.set_title(title, fontsize=11, loc="left")
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0, labelbottom=False)
    _write(figure, "choosing.svg")


def sizes() -> None:
    """Draw how long each ranker takes to fit as users and products grow together."""
    with (HERE / "sizes.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["fit_s"]]
    plt.rcParams.update(STYLE)
    figure, axis = plt.subplots(figsize=(7, 4))
    figure.subplots_adjust(left=0.11, right=0.8, top=0.92, bottom=0.12)
    labels = []
    for name in dict.fromkeys(row["ranker"] for row in rows):
        mine = [(float(row["size"]), float(row["fit_s"])) for row in rows if row["ranker"] == name]
        colour = BLUE if name in {"EASE", "ItemKNN", "Blend"} else GREY
        axis.loglog(*zip(*mine, strict=True), color=colour, marker="o", markersize=3, linewidth=1)
        labels.append((mine[-1], name))
    lowest: dict[float, float] = {}
    for (size, seconds), name in sorted(labels):
        # No name stands on another.
        lowest[size] = max(math.log10(seconds), lowest.get(size, -math.inf) + _APART)
        at = size * 1.1, 10 ** lowest[size]
        axis.annotate(name, (size, seconds), at, va="center", fontsize=9, color=TEXT)
    axis.set_title(
        "Seconds to fit, by users and products (as many of both)", fontsize=11, loc="left"
    )
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[:].set_color(GREY)
    _write(figure, "sizes.svg")


def _write(figure: plt.Figure, name: str) -> None:
    """Write a figure without what changes from run to run or is never read."""
    drawn = io.StringIO()
    empty = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    figure.savefig(drawn, format="svg", transparent=True, metadata=empty)
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", drawn.getvalue(), flags=re.DOTALL)
    (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    choosing()
    sizes()
