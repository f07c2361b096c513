"""Draw the pictures of the docs from the figures beside them: `python docs/pictures.py`."""

import csv
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
PANELS = {
    "suitable_buys": "FAR-Trans, filter on: nDCG@10 on suitable buys",
    "bank": "simulated bank: share of the best possible suitable list",
}


def choosing() -> None:
    """Draw quality of every ranker on both data sets, popularity as the line to pass."""
    with (HERE / "choosing.csv").open() as file:
        rows = list(csv.DictReader(file))
    plt.rcParams.update({"svg.hashsalt": "suitably", "font.size": 9})
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    names = [row["ranker"] for row in rows]
    for axis, (column, title) in zip(axes, PANELS.items(), strict=True):
        values = [float(row[column]) for row in rows]
        axis.barh(names, values, color=["#b8b8b8", *["#2f6f8f"] * (len(rows) - 1)])
        axis.axvline(values[0], color="#b8b8b8", linewidth=1, linestyle=":")
        axis.bar_label(axis.containers[0], fmt="%.3f", padding=3)
        axis.set_xlim(0, max(values) * 1.15)
        axis.set_title(title, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE / "choosing.svg", metadata={"Date": None})


if __name__ == "__main__":
    choosing()
