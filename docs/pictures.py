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
ROOMS = {
    "Dataset": "data",
    "Preferences": "profile",
    "encode, 12 rules": "rules: encode",
    "mask, 12 rules": "rules: masks",
    "ItemKNN": "fit ItemKNN",
    "IALS": "fit IALS",
    "lists": "lists",
    "lists, audited": "lists, audited",
    "save": "save",
    "load, full": "load, checked",
    "update, 1 % more events": "update by 1 %",
    "watch": "watch",
}
DAILY = {"lists", "lists, audited", "rules: masks"}  # what is done for every customer every day
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
    lines = {}
    for name in dict.fromkeys(row["ranker"] for row in rows):
        mine = [(float(row["size"]), float(row["fit_s"])) for row in rows if row["ranker"] == name]
        lines[name] = mine
    title = "Seconds to fit, by users and products (as many of both)"
    _growth(axis, lines, {"EASE", "ItemKNN", "Blend"}, title, _APART)
    _write(figure, "sizes.svg")


def scale() -> None:
    """Draw the processor time of every room as customers grow, and as products do."""
    with (HERE / "scale.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["cpu_s"]]
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 5.2), sharey=True)
    figure.subplots_adjust(left=0.06, right=0.87, top=0.92, bottom=0.1, wspace=0.42)
    titles = {
        "customers": "Seconds of processor, by customers",
        "products": "The same, by products",
    }
    for axis, (side, title) in zip(axes, titles.items(), strict=True):
        lines = {
            name: [
                (float(row[side]), _of_all(side, row))
                for row in rows
                if row["axis"] == side and row["room"] == room
            ]
            for room, name in ROOMS.items()
        }
        lines = {name: points for name, points in lines.items() if len(points) > 1}
        _growth(axis, lines, DAILY, title, 0.27)
        axis.set_xlabel(side, color=TEXT)
        axis.tick_params(labelleft=True)
    _write(figure, "scale.svg")


def _of_all(side: str, row: dict[str, str]) -> float:
    """Return seconds for all customers, also where some of them were asked about."""
    asked = side == "customers" and row["room"].startswith(("lists", "watch"))
    return float(row["cpu_s"]) * (float(row["customers"]) / float(row["asked"]) if asked else 1)


def _growth(
    axis: plt.Axes,
    lines: dict[str, list[tuple[float, float]]],
    blue: set[str],
    title: str,
    apart: float,
) -> None:
    """Draw costs against sizes, each line with its name at its end."""
    lowest: dict[float, float] = {}
    for name, points in sorted(lines.items(), key=lambda line: line[1][-1]):
        colour = BLUE if name in blue else GREY
        axis.loglog(*zip(*points, strict=True), color=colour, marker="o", markersize=3, linewidth=1)
        size, seconds = points[-1]
        # No name stands on another.
        lowest[size] = max(math.log10(seconds), lowest.get(size, -math.inf) + apart)
        at = size * 1.15, 10 ** lowest[size]
        axis.annotate(name, points[-1], at, va="center", fontsize=9, color=TEXT)
    axis.set_title(title, fontsize=11, loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[:].set_color(GREY)


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
    scale()
