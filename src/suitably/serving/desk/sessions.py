"""Sessions: who has shown a token in this browser; kept in memory, ended by time."""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from suitably.utils.fork import ForkLock

__all__ = ["MOST", "Session", "Sessions"]

MOST = 10_000
"""How many sessions there are at a time."""


@dataclass(frozen=True, repr=False)
class Session:
    """Somebody who has shown a token.

    Attributes:
        authorization: What was shown, as a header `Authorization`: it is asked with every page
            what that is still good for, so that a token that is withdrawn ends the session.
        begun: When, in seconds of a clock that never jumps.
        seen: When it was last used, likewise.
    """

    authorization: str
    begun: float
    seen: float


class Sessions:
    """Remembers sessions by a random id, which is all that a browser keeps of a token.

    Args:
        hours: How long a session lasts at most.
        idle_minutes: How long it lasts unused.
        clock: Seconds, never backwards.

    Example:
        >>> sessions = Sessions()
        >>> key = sessions.begin("Bearer secret")
        >>> sessions.find(key).authorization, "secret" in key
        ('Bearer secret', False)
        >>> sessions.end(key)
        >>> sessions.find(key) is None
        True
    """

    def __init__(
        self,
        hours: float = 8,
        idle_minutes: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._longest, self._idle, self._clock = hours * 3600, idle_minutes * 60, clock
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = ForkLock()
        self._secret = secrets.token_bytes(32)

    def begin(self, authorization: str) -> str:
        """Remember a header; return the session's id, 256 random bits."""
        key, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._kept[key] = Session(authorization, now, now)
            while len(self._kept) > MOST or self._over(next(iter(self._kept.values())), now):
                self._kept.popitem(last=False)
        return key

    def find(self, key: str) -> Session | None:
        """Return a session that has not run out, and note that it was used."""
        now = self._clock()
        with self._lock:
            found = self._kept.pop(key, None)
            if found is None or self._over(found, now):
                return None
            self._kept[key] = Session(found.authorization, found.begun, now)
        return found

    def end(self, key: str) -> None:
        """Forget a session."""
        with self._lock:
            self._kept.pop(key, None)

    def form_token(self, key: str) -> str:
        """Return what forms of a browser carry, which only this process can make."""
        return hmac.digest(self._secret, key.encode("utf-8", "replace"), "sha256").hex()

    def is_form_token(self, key: str, token: str) -> bool:
        """Return whether a form was made here, for this browser."""
        said = token.encode("utf-8", "replace")
        return bool(key) and hmac.compare_digest(self.form_token(key).encode("ascii"), said)

    def _over(self, session: Session, now: float) -> bool:
        return now - session.begun > self._longest or now - session.seen > self._idle
