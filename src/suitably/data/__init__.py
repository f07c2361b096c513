"""What comes in: frames, checked and seen as of a moment; loaders; the simulated bank."""

from suitably.data.clock import Clock
from suitably.data.columns import Columns
from suitably.data.dataset import Dataset, View
from suitably.data.events import Events
from suitably.data.far_trans import far_trans
from suitably.data.ids import Ids
from suitably.data.open_bandit import open_bandit
from suitably.data.scf2019 import scf2019
from suitably.data.splits import Split

__all__ = [
    "Clock",
    "Columns",
    "Dataset",
    "Events",
    "Ids",
    "Split",
    "View",
    "far_trans",
    "open_bandit",
    "scf2019",
]
