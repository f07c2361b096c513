"""In what order? Rerankers reorder or drop; they never add."""

from suitably.reranking.calibration import Calibration
from suitably.reranking.caps import Caps
from suitably.reranking.concentration import ConcentrationLimit
from suitably.reranking.determinantal import Determinantal
from suitably.reranking.diversity import Diversity
from suitably.reranking.protocol import RerankContext, Reranker

__all__ = [
    "Calibration",
    "Caps",
    "ConcentrationLimit",
    "Determinantal",
    "Diversity",
    "RerankContext",
    "Reranker",
]
