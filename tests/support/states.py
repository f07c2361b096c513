"""Rankers made again from their states."""

from typing import Any


def revived(ranker: Any, **changes: Any) -> Any:
    """Make a fitted ranker from its state, of which some parts are changed, as loading does."""
    made = type(ranker).from_state({**ranker.state(), **changes})
    return made.attach(ranker._user_ids, ranker.shared_interactions())
