"""What comes in: frames, checked and seen as of a moment."""

from suitably.data.clock import Clock
from suitably.data.columns import Columns
from suitably.data.dataset import Dataset, View
from suitably.data.events import Events
from suitably.data.ids import Ids

__all__ = ["Clock", "Columns", "Dataset", "Events", "Ids", "View"]
