"""Pseudonyms: what stands for a user where an id must not be read, under a key."""

import hmac
import os
import secrets
from typing import Any

import numpy as np

__all__ = ["KEY_VARIABLE", "keyed_digest", "pseudonym", "set_pseudonym_key"]

KEY_VARIABLE = "SUITABLY_PSEUDONYM_KEY"
_SHORTEST = 16
_SHOWN = 12
_key: bytes | None = None


def set_pseudonym_key(key: bytes | str | None) -> None:
    """Choose the key of the pseudonyms that reports and pages show from now on in this process.

    Without one it is the text in the environment variable `SUITABLY_PSEUDONYM_KEY`; without that
    either, it is drawn at random for each process, so that pages of two processes cannot be joined.
    To rotate a key is to choose another one: pseudonyms of before are not found again without the
    key of before.

    Args:
        key: 16 bytes or more, or such a text; None: as if none had been chosen.

    Raises:
        ValueError: A shorter one.
    """
    global _key
    _key = None if key is None else checked_key(key)


def checked_key(key: bytes | str) -> bytes:
    """Return a key as bytes.

    Raises:
        ValueError: It is too short to keep anything from being guessed.
    """
    octets = key.encode() if isinstance(key, str) else bytes(key)
    if len(octets) < _SHORTEST:
        raise ValueError(f"key: has {len(octets)} bytes, and must have {_SHORTEST} or more")
    return octets


def keyed_digest(user_id: Any, key: bytes) -> bytes:
    """Return the HMAC-SHA-256 of an id under a key, 32 bytes; a number is no text of its digits.

    Source:
        RFC 2104.

    Example:
        >>> keyed_digest(7, b"k" * 16) == keyed_digest("7", b"k" * 16)
        False
        >>> keyed_digest("ann", b"k" * 16).hex()[:12]
        '4916ba1cbf5b'
    """
    whole = isinstance(user_id, int | np.integer)
    octets = (
        f"i{int(user_id)}".encode() if whole else f"s{user_id}".encode("utf-8", "surrogatepass")
    )
    return hmac.digest(key, octets, "sha256")


def pseudonym(user_id: Any) -> str:
    """Return twelve hexadecimal digits for an id, the same every time under the same key.

    Nobody without the key can tell whose it is, all ids in hand.

    Example:
        >>> pseudonym("ann") == pseudonym("ann"), len(pseudonym(7))
        (True, 12)
    """
    return keyed_digest(user_id, _current_key()).hex()[:_SHOWN]


def _current_key() -> bytes:
    global _key
    if _key is None:
        said = os.environ.get(KEY_VARIABLE, "")
        _key = checked_key(said) if said else secrets.token_bytes(32)
    return _key
