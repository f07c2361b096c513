"""Memory asked for before the work that takes it begins."""

from pathlib import Path

from suitably.errors import DataError

__all__ = ["available", "check_room", "has_room", "has_room_for_pairs"]

_PAIRWISE = 10_000  # products, beyond which no matrix of all their pairs is made unasked
_PROC, _GROUP = Path("/proc"), Path("/sys/fs/cgroup")


def check_room(name: str, need: int, smaller: str) -> None:
    """Refuse what would not fit in memory.

    Args:
        name: The ranker's.
        need: How many bytes it takes at its worst moment.
        smaller: What to use instead.

    Raises:
        DataError: It needs more than there is.
    """
    free = available()
    if free is not None and need > free:
        raise DataError(
            f"{name}: takes {_gigabytes(need)} of memory, and {_gigabytes(free)} are available; "
            f"{smaller}"
        )


def has_room(need: int) -> bool:
    """Return whether so many bytes are available, or nobody says."""
    free = available()
    return free is None or need <= free


def has_room_for_pairs(side: int, cell: int) -> bool:
    """Return whether a matrix of all pairs of products is to be made: of up to 10,000, if it fits.

    Args:
        side: How many products there are.
        cell: Bytes that it takes for a pair at the worst moment.
    """
    return side <= _PAIRWISE and has_room(cell * side * side)


def available() -> int | None:
    """Return how many bytes this process may still take; None where nobody says.

    The least of what the machine has left, what the limits of a container leave, and what the
    process's own limit of addresses leaves.
    """
    found = [_machine(), _container(), _addresses()]
    return min((one for one in found if one is not None), default=None)


def _machine() -> int | None:
    for line in _read(_PROC / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _container() -> int | None:
    for limit, used, files in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, held = _read(_GROUP / limit).strip(), _read(_GROUP / used).strip()
        if most.isdigit() and held.isdigit():
            counts = _read((_GROUP / limit).parent / "memory.stat").splitlines()
            # The cache of files gives way to whoever needs memory.
            cached = [int(line.split()[1]) for line in counts if line.split()[0] == files]
            return max(0, int(most) - int(held) + sum(cached))
    return None


def _addresses() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no limits of this kind.
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read(_PROC / "self" / "statm").split()
    if limit == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, limit - int(pages[0]) * resource.getpagesize())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
