"""Promotions: which version became the current one, when and by whom, a line each, never changed.

The pointer is the truth, and the lines say how it came to be: a line is written once the pointer
has moved. What moved it without a line – an operator by hand, a process that was ended in between –
is found by the next writer, who says so in a line of its own. Lines count in their order, whatever
clocks said when they were written.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from suitably.errors import ArtifactError, SuitablyError
from suitably.persistence.folder import open_regular
from suitably.serving.canary import CanaryReport
from suitably.serving.pointer import is_version_name
from suitably.utils.files import sync_folder
from suitably.utils.record import Record

__all__ = ["Promotion", "PromotionRefused", "append_promotion", "read_promotions", "version_before"]

PROMOTIONS = "promotions.jsonl"
"""What the lines are kept in."""

Action = Literal["promote", "rollback", "found"]


class PromotionRefused(SuitablyError):  # noqa: N818 – what callers catch says what has happened
    """A version does not become the current one; the one before goes on.

    Attributes:
        report: What the canary found; None where it was not asked.

    Example:
        >>> PromotionRefused("2026-07-01: another promotion is under way").report is None
        True
    """

    def __init__(self, message: str, report: CanaryReport | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Promotion(Record):
    """How a version became the current one.

    Attributes:
        at: When, by the clock of who wrote it, UTC.
        action: `"promote"`, `"rollback"`, or `"found"` where the pointer had been moved by
            something else.
        version: Which is the current one since.
        previous: Which was before; None: there was none.
        by: Who asked for it.
        digest: Of the version's manifest, where it was known.
    """

    at: datetime
    action: Action
    version: str
    previous: str | None
    by: str
    digest: str | None = None


def append_promotion(folder: Path, made: Promotion) -> None:
    """Write a line; when this returns, it outlasts a loss of power.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / PROMOTIONS
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    fresh = not path.exists()
    descriptor = os.open(path, flags, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        # A line that a writer was ended in is closed first, or it would swallow this one.
        torn = size > 0 and _last_byte(descriptor, size) != b"\n"
        line = json.dumps(made.to_dict(), ensure_ascii=True, sort_keys=True)
        octets = memoryview(b"\n" * torn + f"{line}\n".encode("ascii"))
        while octets:
            octets = octets[os.write(descriptor, octets) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if fresh:
        sync_folder(folder)


def read_promotions(folder: Path) -> list[Promotion]:
    """Return the lines in their order; torn ones are left out.

    Raises:
        ArtifactError: The file cannot be read.
    """
    try:
        with open_regular(folder / PROMOTIONS) as file:
            lines = file.read().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ArtifactError(f"{folder / PROMOTIONS}: cannot be read: {error}") from None
    return [made for line in lines if (made := _promotion(line)) is not None]


def version_before(promotions: Sequence[Promotion]) -> str | None:
    """Return the version that was promoted before the current one; None where none was.

    What was rolled back does not count: after two promotions and a rollback it is what was before
    the first.

    Args:
        promotions: In their order; the last one says which is the current one.
    """
    stack: list[str] = []
    for one in promotions:
        if one.action == "rollback" and one.version in stack[:-1]:
            stack.pop()
            while stack[-1] != one.version:
                stack.pop()
            continue
        if not stack and one.previous is not None:
            stack.append(one.previous)
        if not stack or stack[-1] != one.version:
            stack.append(one.version)
    return stack[-2] if len(stack) > 1 else None


def _promotion(line: bytes) -> Promotion | None:
    try:
        said: dict[str, Any] = json.loads(line)
        at = datetime.fromisoformat(said["at"])
        made = Promotion(
            at=at if at.tzinfo is not None else at.replace(tzinfo=UTC),
            action=said["action"],
            version=said["version"],
            previous=said["previous"],
            by=str(said["by"]),
            digest=said.get("digest"),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    names = [made.version] if made.previous is None else [made.version, made.previous]
    known = made.action in get_args(Action) and all(map(is_version_name, names))
    return made if known else None


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
