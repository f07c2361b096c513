"""Head file: how long the log was, and its root, kept beside it to find out if it is cut short."""

from dataclasses import dataclass
from pathlib import Path

from suitably.errors import ArtifactError
from suitably.utils.files import replace_synced

__all__ = ["Head", "head_path", "read_head", "write_head"]

_ROOT = 64
_MOST = 256


@dataclass(frozen=True)
class Head:
    """A state of the log.

    Attributes:
        count: How many records there were.
        root: The root over them, in hexadecimal digits.
    """

    count: int
    root: str


def head_path(path: Path) -> Path:
    """Return where the head of a trail is kept."""
    return path.with_name(f"{path.name}.head")


def read_head(path: Path) -> Head | None:
    """Read a head; None where there is none.

    Raises:
        ArtifactError: It is damaged.
    """
    try:
        text = path.read_bytes()[:_MOST].decode("ascii")
        count, root = text.split()
        head = Head(int(count), root)
        if len(root) != _ROOT or bytes.fromhex(root).hex() != root or text != _written(head):
            raise ValueError("it is no head")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ArtifactError(f"{path}: is damaged: {error}") from None
    return head


def write_head(path: Path, head: Head) -> None:
    """Replace a head by a later one, at once; an earlier one leaves it as it is."""
    try:
        present = read_head(path)
    except ArtifactError:
        present = None
    if present is not None and present.count > head.count:
        return  # another process has been faster
    replace_synced(path, _written(head).encode("ascii"))


def _written(head: Head) -> str:
    return f"{head.count} {head.root}\n"
