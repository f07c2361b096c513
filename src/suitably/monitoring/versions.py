"""Versions: under which policies and with which catalogue a day's answers were given."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from suitably.data.vocabulary import Vocabulary
from suitably.monitoring.answers import Answers
from suitably.monitoring.days import day_of
from suitably.suitability.messages.alarms import since_told

__all__ = ["Versions", "catalogue_version", "policy_version", "versions_of"]

_SHOWN = 12
_MOST_DAYS = 800
_BEFORE = -(10**6)


def policy_version(policy_id: str, version: str, fingerprint: str) -> str:
    """Return what a policy's version is called."""
    return f"policy {f'{policy_id} {version}'.strip()} ({fingerprint[:_SHOWN]})"


def versions_of(answers: Answers) -> tuple[str, ...]:
    """Return the versions that answers were given by."""
    policies = answers.snapshot.eligibility.policies
    named = [policy_version(p.id, p.version, p.fingerprint) for p in policies]
    return (*named, _catalogue(answers.state.catalogue.ids))


def catalogue_version(product_ids: list[Any]) -> str:
    """Return what a catalogue is called, by its ids in their order."""
    digest = sha256("\n".join(map(str, product_ids)).encode("utf-8", "surrogatepass")).hexdigest()
    return f"catalogue of {len(product_ids):,} products ({digest[:_SHOWN]})"


@lru_cache(maxsize=4)
def _catalogue(ids: Vocabulary) -> str:
    return catalogue_version(ids.array.to_pylist())


class Versions:
    """The versions of every day."""

    def __init__(self) -> None:
        self._days: dict[int, set[str]] = {}

    def add(self, day: int, versions: Iterable[str]) -> None:
        """Note the versions of a day."""
        self._days.setdefault(day, set()).update(versions)
        while len(self._days) > _MOST_DAYS:
            del self._days[sorted(self._days)[1]]  # the first one is the baseline's

    def add_before(self, versions: Iterable[str]) -> None:
        """Note versions of a baseline, which are new on no day."""
        self.add(_BEFORE, versions)

    @property
    def all(self) -> set[str]:
        """Every version there was."""
        return set().union(*self._days.values())

    def between(self, first: int, last: int) -> tuple[str, ...]:
        """Return the versions that were new on the days from one to another, with the first day.

        What came the day before the first counts too: a change may show only once enough users of
        a day are under the new version. What was there on the very first day is not new.
        """
        known: set[str] = set()
        found = []
        for day in sorted(self._days):
            if known and first - 1 <= day <= last:
                found += [since_told(one, day_of(day)) for one in sorted(self._days[day] - known)]
            known |= self._days[day]
        return tuple(found)

    def merge(self, other: "Versions") -> None:
        """Add what another process noted."""
        for day, versions in other._days.items():
            self.add(day, versions)

    def state(self) -> dict[str, Any]:
        """Return everything JSON-ready."""
        return {str(day): sorted(some) for day, some in sorted(self._days.items())}

    @staticmethod
    def from_state(state: dict[str, Any]) -> "Versions":
        """Take back what `state` gave."""
        made = Versions()
        for day, some in state.items():
            made.add(int(day), some)
        return made
