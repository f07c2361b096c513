"""What stands for a user where an id must not be read."""

import hashlib
from typing import Any

__all__ = ["pseudonym"]


def pseudonym(user_id: Any) -> str:
    """Return eight hexadecimal digits for an id, the same every time.

    It keeps a reader from meeting names and account numbers; who holds all ids can find whose it
    is.

    Example:
        >>> pseudonym("ann") == pseudonym("ann"), len(pseudonym(7))
        (True, 8)
    """
    return hashlib.sha256(str(user_id).encode()).hexdigest()[:8]
