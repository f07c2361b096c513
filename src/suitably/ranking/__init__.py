"""What would they want? Rankers, and the one engine that draws up lists."""

from suitably.ranking.als import ALS
from suitably.ranking.lists import Lists
from suitably.ranking.popularity import Popularity
from suitably.ranking.protocol import Factors, FitContext, Ranker, Scores

__all__ = ["ALS", "Factors", "FitContext", "Lists", "Popularity", "Ranker", "Scores"]
