"""What comes in: frames, checked and seen as of a moment; loaders; the simulated bank."""

from suitably.data.clock import Clock
from suitably.data.columns import Columns
from suitably.data.dataset import Dataset, View
from suitably.data.events import Events
from suitably.data.far_trans import FarTrans, far_trans
from suitably.data.ids import Ids
from suitably.data.open_bandit import BanditLog, open_bandit
from suitably.data.scf2019 import Scf2019, scf2019
from suitably.data.simulated_bank import SimulatedBank, simulate_bank
from suitably.data.splits import Split

__all__ = [
    "BanditLog",
    "Clock",
    "Columns",
    "Dataset",
    "Events",
    "FarTrans",
    "Ids",
    "Scf2019",
    "SimulatedBank",
    "Split",
    "View",
    "far_trans",
    "open_bandit",
    "scf2019",
    "simulate_bank",
]
