"""What comes in: frames, checked and seen as of a moment; loaders; the simulated bank."""

from suitably.data.clock import Clock
from suitably.data.columns import Columns
from suitably.data.dataset import Dataset
from suitably.data.datasets.far_trans import FarTrans, far_trans
from suitably.data.datasets.open_bandit import BanditLog, open_bandit
from suitably.data.datasets.scf2019 import Scf2019, scf2019
from suitably.data.events import Events
from suitably.data.simulation.bank import SimulatedBank, simulate_bank
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary

__all__ = [
    "BanditLog",
    "Clock",
    "Columns",
    "Dataset",
    "Events",
    "FarTrans",
    "Scf2019",
    "SimulatedBank",
    "Split",
    "View",
    "Vocabulary",
    "far_trans",
    "open_bandit",
    "scf2019",
    "simulate_bank",
]
