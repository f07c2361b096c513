"""Draw the pictures of the docs from the figures beside them: `python docs/pictures.py`.

Needs `suitably[viz]`. Text stays text, in greys that can be read on a light and on a dark page; the
two colours are of the Okabe-Ito palette, which most colour-blind readers can tell apart.
"""

import csv
import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
BLUE, GREY, TEXT = "#0072b2", "#737373", "#7d7d7d"
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


def _write(figure: plt.Figure, name: str) -> None:
    """Write a figure without what changes from run to run or is never read."""
    drawn = io.StringIO()
    empty = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    figure.savefig(drawn, format="svg", transparent=True, metadata=empty)
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", drawn.getvalue(), flags=re.DOTALL)
    (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    choosing()
