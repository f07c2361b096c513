"""The chain: data, profiles, suitability, ranking, reranking, in this order and no other."""

from suitably.pipeline.pipeline import Pipeline, load

__all__ = ["Pipeline", "load"]
