"""Profiles of a million customers, beside what one would write by hand."""

from benchmarks.runner import Row


def run() -> list[Row]:
    """Measure every builder in memory, and one from files."""
    from benchmarks.profiles.files import from_files
    from benchmarks.profiles.lines import in_memory

    return in_memory() + from_files()
