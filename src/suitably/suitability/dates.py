"""From when to when a policy or rule is in force."""

from suitably.data.clock import Clock, Instant
from suitably.errors import PolicyError
from suitably.suitability.policy import Policy, Rule

__all__ = ["within"]


def within(part: Policy | Rule, as_of: Instant | None, clock: Clock) -> bool:
    """Say whether a moment lies in `[effective, expires)`; a bare date is midnight.

    Raises:
        PolicyError: There are dates, but no moment to judge them by.
    """
    if part.effective is None and part.expires is None:
        return True
    where = f"{type(part).__name__.lower()} {part.id!r}"
    if as_of is None:
        raise PolicyError(f"{where}: has dates, but the data has no timestamps to judge them by")
    begun = part.effective is None or clock.instant(part.effective, f"{where}: effective") <= as_of
    ended = part.expires is not None and clock.instant(part.expires, f"{where}: expires") <= as_of
    return bool(begun and not ended)
