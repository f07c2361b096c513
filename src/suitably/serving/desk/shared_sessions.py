"""Sessions that several processes of one machine know: a small file each, in a folder of theirs."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from suitably.serving.desk.sessions import MOST, Session, Sessions

__all__ = ["SharedSessions"]

_SECRET = "secret"
_SECOND = 1_000_000_000


class SharedSessions(Sessions):
    """Remembers sessions in files, by a digest of their random ids.

    What was shown is written under a stream of the id's own, which only the browser has: whoever
    reads the folder finds neither ids nor tokens. When a session was last used is the time of its
    file, so that one that has been ended is never brought back by a page that was under way.

    Args:
        folder: One that nobody else may read, the same for all processes.
        hours: As for `Sessions`.
        idle_minutes: Likewise.
        clock: Likewise; the same for all processes.
    """

    def __init__(
        self,
        folder: Path,
        hours: float = 8,
        idle_minutes: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(hours, idle_minutes, clock)
        self._folder = folder
        self._secret = _shared_secret(folder)

    def begin(self, authorization: str) -> str:
        """Remember a header; return the session's id, 256 random bits."""
        key, now = secrets.token_urlsafe(32), self._clock()
        self._clear(now)
        file = self._file(key)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(f"{now!r}\n".encode("ascii") + _hidden(authorization.encode(), key))
        _use(file, now)
        return key

    def find(self, key: str) -> Session | None:
        """Return a session that has not run out, and note that it was used."""
        now, file = self._clock(), self._file(key)
        try:
            begun, _, hidden = file.read_bytes().partition(b"\n")
            seen = file.stat().st_mtime_ns / _SECOND
            found = Session(_hidden(hidden, key).decode(), float(begun), seen)
            if self._over(found, now):
                file.unlink()
                return None
            _use(file, now)
        except (OSError, ValueError):  # it has been ended, or never begun
            return None
        return Session(found.authorization, found.begun, now)

    def end(self, key: str) -> None:
        """Forget a session."""
        self._file(key).unlink(missing_ok=True)

    def _clear(self, now: float) -> None:
        """Forget those that have run out, and the longest unused ones of too many."""
        used: list[tuple[int, str]] = []
        for entry in os.scandir(self._folder):
            if entry.name != _SECRET:
                try:
                    used.append((entry.stat().st_mtime_ns, entry.path))
                except FileNotFoundError:  # another process was sooner
                    continue
        used.sort(reverse=True)
        for place, (seen, path) in enumerate(used, 1):
            if place >= MOST or now - seen / _SECOND > self._idle:
                Path(path).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _use(file: Path, now: float) -> None:
    moment = int(now * _SECOND)
    os.utime(file, ns=(moment, moment))


def _hidden(octets: bytes, key: str) -> bytes:
    """Return octets under a stream of a key that hides nothing else; of what is hidden, what was.

    Source:
        FIPS 202, SHAKE256 as a function of any length.
    """
    stream = hashlib.shake_256(b"suitably session\0" + key.encode("utf-8", "replace"))
    pairs = zip(octets, stream.digest(len(octets)), strict=True)
    return bytes(one ^ other for one, other in pairs)


def _shared_secret(folder: Path) -> bytes:
    """Return what forms are signed by: drawn by the first process, read by the others."""
    file = folder / _SECRET
    made = folder / f".{secrets.token_hex(8)}"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(secrets.token_bytes(32))
    try:
        os.link(made, file)  # whole, or not at all
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return file.read_bytes()
