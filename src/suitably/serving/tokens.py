"""Tokens: who may ask for what, from a file of hashes."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suitably.errors import DataError
from suitably.utils.files import file_stamp
from suitably.utils.fork import ForkLock
from suitably.utils.suggest import nearest

__all__ = ["ROLES", "Token", "TokenFile", "new_token", "read_roles"]

ROLES = ("recommend", "explain", "identify", "admin")
"""Lists; reasons, traces and the desk by pseudonym; the desk by id; versions and switches."""

_BEARER = "bearer "
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST = 1_000


@dataclass(frozen=True)
class Token:
    """One that may be shown.

    Attributes:
        name: Whose it is, for the log and the history of versions.
        roles: What it is good for; `admin` implies all.
        digest: The sha256 of it, 64 hexadecimal digits.
    """

    name: str
    roles: frozenset[str]
    digest: str

    @property
    def line(self) -> str:
        """The line for the file."""
        return f"{self.name} {','.join(role for role in ROLES if role in self.roles)} {self.digest}"


def read_roles(text: str) -> frozenset[str]:
    """Return the roles of a list such as `recommend,explain`.

    Raises:
        DataError: One that there is not, or none.

    Example:
        >>> sorted(read_roles("recommend,explain"))
        ['explain', 'recommend']
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in ROLES:
            raise DataError(f"no role {name!r:.60}{nearest(name, ROLES)}")
    return frozenset(ROLES if "admin" in names else names)


def new_token(roles: Iterable[str], name: str) -> tuple[str, Token]:
    """Return a token of 256 random bits, and what the file keeps of it.

    Raises:
        DataError: A name that would not be read back, or a role that there is not.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"name={name!r:.80}: must be 1 to 64 of letters, digits, _ . and -")
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode("ascii")).hexdigest()
    return secret, Token(name, read_roles(",".join(roles)), digest)


class TokenFile:
    """The tokens of a file: `name roles sha256` a line, `#` begins a comment.

    It is looked at with every request and read again once it has changed. What cannot be read then
    leaves the tokens before in force, and `problem` says so: half a file must not shut everybody
    out, nor let anybody in.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read.
        OSError: Likewise.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = ForkLock()
        self._stamp = file_stamp(self._path)
        self._tokens = _read(path)
        self.problem: str | None = None
        """Why the file's latest state is not in force."""

    def find(self, authorization: str | bytes | None) -> Token | None:
        """Return the token that a header `Authorization` shows.

        All are compared, each in a time that does not depend on what they have in common.
        """
        if not authorization:
            return None
        said = (
            authorization.encode("latin-1", "replace")
            if isinstance(authorization, str)
            else (authorization)
        )
        if said[: len(_BEARER)].lower() != _BEARER.encode("ascii"):
            return None
        digest = hashlib.sha256(said[len(_BEARER) :].strip()).hexdigest()
        found = None
        for token in self._present():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _present(self) -> Sequence[Token]:
        if file_stamp(self._path) != self._stamp:
            with self._lock:
                self._reread()
        return self._tokens

    def _reread(self) -> None:
        stamp = file_stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            self._tokens, self.problem = _read(self._path), None
        except (DataError, OSError) as error:
            self.problem = f"the tokens of before are in force: {error}"
        self._stamp = stamp


def _read(path: Path) -> tuple[Token, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text") from None
    tokens = []
    for number, line in enumerate(lines, 1):
        parts = line.partition("#")[0].split()
        if not parts:
            continue
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _DIGEST.fullmatch(parts[2]):
            raise DataError(
                f"{path}, line {number}: must be a name, roles such as recommend,explain and a "
                f"sha256 in hexadecimal digits"
            )
        try:
            tokens.append(Token(parts[0], read_roles(parts[1]), parts[2]))
        except DataError as error:
            raise DataError(f"{path}, line {number}: {error}") from None
    if len(tokens) > _MOST:
        raise DataError(f"{path}: has {len(tokens):,} tokens, more than {_MOST:,}")
    return tuple(tokens)
