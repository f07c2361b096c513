"""Near misses: what the caller may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Continue an error message with the nearest names, or with all of them.

    Example:
        >>> nearest("ndgc", ["dcg", "ndcg", "recall"])
        '; did you mean ndcg or dcg?'
    """
    choices = sorted(known)
    close = get_close_matches(name.lower(), choices, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are {', '.join(choices)}"
