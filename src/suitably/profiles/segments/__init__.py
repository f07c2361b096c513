"""Which customers are alike? Strata by rules, segments by k-means, and what tells them apart."""

from suitably.profiles.segments.adjusted_rand import adjusted_rand
from suitably.profiles.segments.k_means_segments import Segments
from suitably.profiles.segments.segmentation import Segmentation
from suitably.profiles.segments.strata import Strata

__all__ = ["Segmentation", "Segments", "Strata", "adjusted_rand"]
