"""Who ranks: the pipeline's ranker, and what stands in for it where it knows nothing."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from suitably.ranking.popularity import Popularity
from suitably.ranking.protocol import DrawingRanker, Ranker

__all__ = ["check_draws_last", "rankers_with_fallback"]

_SEGMENTS = ("tier", "client_category", "risk_level")


def rankers_with_fallback(ranker: Any, fallback: Any, fields: pa.Table) -> tuple[Ranker, ...]:
    """Return the unfitted rankers, in the order in which they are asked.

    Args:
        ranker: The pipeline's.
        fallback: Another one, None, or `"popularity"`: that of the segment a user is in, by
            the first of tier, client_category and risk_level that is a field of text.
        fields: The fields of users.

    Raises:
        ValueError: One of them is no ranker, or the fallback draws at random.
    """
    _check("ranker", ranker)
    if fallback is None:
        return (ranker,)
    if isinstance(fallback, str) and fallback == "popularity":
        texts = [field.name for field in fields.schema if pa.types.is_string(field.type)]
        segment = next((name for name in _SEGMENTS if name in texts), None)
        return (ranker, Popularity(by=segment))
    _check("fallback", fallback)
    if isinstance(fallback, DrawingRanker):
        raise ValueError(f"fallback={fallback!r:.60}: stands in as it is, and draws nothing")
    return (ranker, fallback)


def check_draws_last(ranker: Any, rerankers: Sequence[Any]) -> None:
    """Refuse to reorder what is drawn: the propensities would no longer be those of the lists.

    Raises:
        ValueError: A ranker that draws at random, with rerankers.
    """
    if rerankers and isinstance(ranker, DrawingRanker):
        raise ValueError(
            f"rerankers={list(rerankers)!r:.60}: {type(ranker).__name__} draws last, so that what "
            f"it says of its lists is true; leave them out"
        )


def _check(name: str, ranker: Any) -> None:
    if isinstance(ranker, type) or not isinstance(ranker, Ranker):
        raise ValueError(f"{name}={ranker!r:.60}: must be one, such as Popularity()")
