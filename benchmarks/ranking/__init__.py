"""Lists for everybody, beside peers, the bare product and the machine's peak."""

from benchmarks.runner import Row


def run() -> list[Row]:
    """Measure every line at full size."""
    # Here, since a peer's environment imports this package and lacks what the lines need.
    from benchmarks.ranking.lines import USERS, lines

    return lines(USERS)
