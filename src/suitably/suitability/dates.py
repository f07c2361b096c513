"""From when to when a policy or rule is in force."""

from suitably.data.clock import Clock, Instant
from suitably.suitability.policy import Policy, Rule

__all__ = ["within"]


def within(part: Policy | Rule, as_of: Instant | None, clock: Clock) -> bool | None:
    """Return whether a moment lies in `[effective, expires)`; a bare date is midnight.

    Returns:
        None where there are dates but no moment to judge them by: that is unknown, never a pass.

    Raises:
        DataError: The dates and the moment differ in time-zone awareness.
    """
    if part.effective is None and part.expires is None:
        return True
    if as_of is None:
        return None
    where = f"{type(part).__name__.lower()} {part.id!r}"
    begun = part.effective is None or clock.instant(part.effective, f"{where}: effective") <= as_of
    ended = part.expires is not None and clock.instant(part.expires, f"{where}: expires") <= as_of
    return bool(begun and not ended)
