"""Lists in a notebook: the first products of the first users."""

from collections.abc import Sequence

from suitably.pipeline.user_list import UserList
from suitably.utils.html import box, element, table

__all__ = ["SHOWN", "lists_html"]

SHOWN = 10
"""How many users, and how many products of each."""

_FLAGS = "⚑ flagged by a rule that bars nothing, with ? where that is unknown; flags() has all."


def lists_html(title: str, first: Sequence[UserList], all_shown: bool) -> str:
    """Return lists as HTML.

    Args:
        title: What they are.
        first: Those of the first users.
        all_shown: Whether there is nothing beside what is shown.
    """
    ranks = range(min(SHOWN, max(map(len, first), default=0)))
    rows = [
        (
            str(one.user_id),
            *(one.shown(rank) if rank < len(one) else "" for rank in ranks),
            one.kept_out,
        )
        for one in first
    ]
    columns = ("user_id", *(rank + 1 for rank in ranks), "kept out")
    notes = [f"The first {SHOWN} products of the first {SHOWN} users; to_frame() has all."]
    notes = notes * (not all_shown) + [_FLAGS] * any(one.flags for one in first)
    return box(title, table(columns, rows), *(element("p", note, css="soft") for note in notes))
