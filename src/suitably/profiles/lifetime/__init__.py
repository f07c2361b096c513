"""How long will they go on buying, and for how much? Models of purchases without a contract."""

from suitably.profiles.lifetime.beta_geo import BetaGeo, BetaGeoParams
from suitably.profiles.lifetime.gamma_gamma import GammaGamma, GammaGammaParams
from suitably.profiles.lifetime.pareto_nbd import ParetoNBD, ParetoNBDParams
from suitably.profiles.lifetime.purchase_model import PurchaseModel

__all__ = [
    "BetaGeo",
    "BetaGeoParams",
    "GammaGamma",
    "GammaGammaParams",
    "ParetoNBD",
    "ParetoNBDParams",
    "PurchaseModel",
]
