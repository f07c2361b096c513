"""What a contender is once it has everything prepared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ranking.world import Lists

__all__ = ["Ready"]


@dataclass(frozen=True)
class Ready:
    """A contender that has everything prepared.

    Attributes:
        run: Does the work once.
        lists: Gives the lists in what `run` gave.
        note: What it is and how it was set up.
        took: Seconds of steps that are no part of `run`, by name; and other figures to report.
    """

    run: Callable[[], Any]
    lists: Callable[[Any], Lists]
    note: str
    took: dict[str, float] = field(default_factory=dict)
