"""Room for a dense matrix: the least of what machine, container and limits leave."""

import sys
from pathlib import Path

import pytest

import suitably
from suitably.ranking.solvers import memory


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with 8 GB to spare, in the files of its kernel."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_GROUP", tmp_path / "group")
    monkeypatch.setitem(sys.modules, "resource", None)
    write(tmp_path / "proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_machine(machine: Path) -> None:
    assert memory.available() == 8_192_000_000


def test_a_container_counts_its_cache_of_files_as_free(machine: Path) -> None:
    write(machine / "group/memory.max", "3000000000\n")
    write(machine / "group/memory.current", "2000000000\n")
    write(machine / "group/memory.stat", "anon 1500000000\ninactive_file 500000000\n")
    assert memory.available() == 1_500_000_000
    write(machine / "group/memory.max", "max\n")
    assert memory.available() == 8_192_000_000


def test_a_container_of_the_first_kind(machine: Path) -> None:
    write(machine / "group/memory/memory.limit_in_bytes", "3000000000\n")
    write(machine / "group/memory/memory.usage_in_bytes", "3500000000\n")
    write(machine / "group/memory/memory.stat", "total_inactive_file 100\n")
    assert memory.available() == 0


def test_a_limit_of_addresses(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "resource")
    limits = pytest.importorskip("resource")
    write(machine / "proc/self/statm", "1000 500 0 0 0 0 0\n")
    monkeypatch.setitem(sys.modules, "resource", limits)
    monkeypatch.setattr(limits, "getrlimit", lambda kind: (10**9, 10**9))
    assert memory.available() == 10**9 - 1000 * limits.getpagesize()


def test_nobody_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("_PROC", "_GROUP"):
        monkeypatch.setattr(memory, name, tmp_path / "nothing")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory.available() is None
    memory.check_room("EASE", 10**18, "ItemKNN needs less")
    assert memory.has_room(10**18)


def test_the_message_says_what_to_use(machine: Path) -> None:
    memory.check_room("EASE", 4_800_000_000, "ItemKNN needs less")
    assert memory.has_room(4_800_000_000)
    assert not memory.has_room(120_000_000_000)
    with pytest.raises(suitably.DataError, match=r"EASE: takes 120.0 GB .* 8.2 GB .* ItemKNN"):
        memory.check_room("EASE", 120_000_000_000, "ItemKNN needs less")
