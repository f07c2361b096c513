"""What would they want? Rankers, and the one engine that draws up lists."""

from suitably.ranking.als import ALS
from suitably.ranking.blend import Blend
from suitably.ranking.bpr import BPR
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.ease import EASE
from suitably.ranking.explore import Explore
from suitably.ranking.ials import IALS
from suitably.ranking.item_knn import ItemKNN
from suitably.ranking.lightfm import LightFM
from suitably.ranking.logistic_mf import LogisticMF
from suitably.ranking.popularity import Popularity
from suitably.ranking.precomputed import Precomputed
from suitably.ranking.protocol import Factors, FitContext, Ranker, Scores
from suitably.ranking.spectral import Spectral
from suitably.ranking.topk.lists import Lists

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "IALS",
    "AskedPair",
    "Blend",
    "Contributions",
    "Explore",
    "Factors",
    "FitContext",
    "ItemKNN",
    "LightFM",
    "Lists",
    "LogisticMF",
    "Popularity",
    "Precomputed",
    "Ranker",
    "Scores",
    "Spectral",
]
