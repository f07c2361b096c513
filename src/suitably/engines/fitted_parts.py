"""Which pipelines can be fitted group of users by group, and which cannot."""

from typing import Any

from suitably.errors import DataError
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking.protocol import JoinedRanker

__all__ = ["refuse_what_has_no_parts"]


def refuse_what_has_no_parts(pipeline: Any, engine: str) -> None:
    """Refuse a pipeline that cannot be fitted group of users by group, before anything starts.

    Raises:
        DataError: Not a pipeline, or a builder or ranker that only learns from everybody at once.
    """
    if not isinstance(pipeline, Pipeline):
        raise DataError(f"{engine}: expected a Pipeline, got {type(pipeline).__name__}")
    for builder in pipeline.profiles:
        if not hasattr(builder, "joined") or not hasattr(builder, "of_users"):
            raise DataError(
                f"{engine}: {type(builder).__name__} cannot be made group of users by group: give "
                f"it of_users(state, kept) and joined(parts), which returns the arrays of the "
                f"state of all from those of each, or leave it out"
            )
    for role in ("ranker", "fallback"):
        ranker = getattr(pipeline, role)
        if ranker is not None and not isinstance(ranker, str):
            _refuse_ranker(ranker, engine)


def _refuse_ranker(ranker: Any, engine: str) -> None:
    if not isinstance(ranker, JoinedRanker):
        raise DataError(
            f"{engine}: {type(ranker).__name__} cannot be learned from some users and take in the "
            f"others: ALS, IALS, BPR, LogisticMF, EASE, ItemKNN, Spectral, Popularity and blends "
            f"of these can; one of your own needs fold_in, of_users and joined"
        )
    inner = getattr(ranker, "rankers", None) or [getattr(ranker, "ranker", None)]
    for one in inner:
        if one is not None:
            _refuse_ranker(one, engine)
