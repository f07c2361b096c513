"""In what order? Rerankers reorder or drop; they never add."""

from suitably.reranking.diversity import Diversity
from suitably.reranking.protocol import RerankContext, Reranker

__all__ = ["Diversity", "RerankContext", "Reranker"]
