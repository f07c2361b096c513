"""Verification: whether a log is whole, and where it is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import ArtifactError
from suitably.governance.audit_record import GENESIS, AuditRecord, canonical_json
from suitably.governance.decision_rows import DecisionRows
from suitably.governance.head_file import Head
from suitably.governance.merkle import MerkleFrontier, leaf_hash, merkle_root
from suitably.governance.row_bytes import DIGEST, value_digests
from suitably.governance.store import Store
from suitably.governance.switch_record import check_switch
from suitably.utils.record import Record

__all__ = ["Problem", "Verification", "verify_records"]


@dataclass(frozen=True)
class Problem(Record):
    """Something that is wrong with a trail.

    Attributes:
        seq: The record where it shows; None where it is none's.
        what: What is wrong.
    """

    seq: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.seq is None else f"record {self.seq}: {self.what}"


@dataclass(frozen=True)
class Verification(Record):
    """What looking through a trail has found.

    Attributes:
        count: How many records there are.
        root: The root of the tree over them, in hexadecimal digits.
        purged: How many records were purged, which a record of the trail says.
        truncation_checked: Whether there was a head or an anchor to hold the end against.
        problems: What is wrong, in the order of the records.
    """

    count: int
    root: str
    purged: int
    truncation_checked: bool
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(map(str, self.problems))
        purged = f", {self.purged:,} of them purged" if self.purged else ""
        end = "" if self.truncation_checked else "; there is no head and no anchor, so whether "
        end += "" if self.truncation_checked else "records are missing at the end was not checked"
        return f"{self.count:,} records are whole{purged}{end}"


def verify_records(store: Store, beside: Head | None, anchor: str | None) -> Verification:
    """Look through all records of a store.

    Args:
        store: The store.
        beside: The head kept beside it; None: there is none.
        anchor: The root of any head there has been, kept elsewhere; None: none was kept.
    """
    problems = [Problem(None, fault) for fault in store.faults()]
    walk = _Walk(beside, anchor)
    try:
        for record in store.records():
            problems += walk.step(record)
    except ArtifactError as error:  # a row that cannot be read as a record
        problems.append(Problem(walk.count, f"cannot be read: {error}"))
    problems += walk.end()
    checked = beside is not None or anchor is not None
    root = walk.tree.root.hex()
    return Verification(walk.count, root, len(walk.emptied), checked, tuple(problems))


class _Walk:
    """Goes through records in order, and remembers what later ones are held against."""

    def __init__(self, beside: Head | None, anchor: str | None) -> None:
        self.tree = MerkleFrontier()
        self.count = 0
        self.emptied: list[int] = []
        self._beside, self._anchor = beside, anchor
        self._met = {"head": False, "anchor": False}
        self._last = GENESIS
        self._purged: set[int] = set()
        self._decided: set[int] = set()
        self._held: dict[int, set[int]] = {}
        self._catalogues: dict[int, NDArray[np.uint8] | None] = {}

    def step(self, record: AuditRecord) -> Iterator[Problem]:
        """Yield what is wrong with a record."""
        seq = record.seq
        if seq != self.count:
            missing = f"{self.count}" if seq == self.count + 1 else f"{self.count} to {seq - 1}"
            yield Problem(
                self.count, f"is missing: {missing}" if seq > self.count else "is out of order"
            )
            self.count = max(seq, self.count)
        if record.previous != self._last:
            yield Problem(seq, "does not follow the record before it")
        whole = record.is_whole
        if not whole:
            yield Problem(seq, f"{_changed(record)} has been changed")
        if self.count == 0 and record.kind != "trail":
            yield Problem(seq, "is not the beginning of a trail")
        if record.kind == "decisions":
            self._decided.add(seq)
        if record.body is None or record.payload is None:
            self.emptied.append(seq)
        elif whole:
            yield from self._content(record)
        self.tree.add(leaf_hash(record.hash))
        self._last = record.hash
        self.count += 1
        self._meet()

    def end(self) -> Iterator[Problem]:
        """Yield what is wrong with the whole."""
        for seq in self.emptied:
            if seq not in self._purged:
                yield Problem(seq, "is empty, and no record says that it was purged")
        if not self.count:
            yield Problem(None, "there are no records")
        if self._beside is not None and not self._met["head"]:
            lost = self._beside.count - self.count
            yield Problem(
                None,
                f"the last {lost} records are missing, by the head beside it"
                if lost > 0
                else f"the first {self._beside.count} records are not those of the head beside it",
            )
        if self._anchor is not None and not self._met["anchor"]:
            yield Problem(None, "no state of the log has the root of the anchor: it was rewritten, "
                                "cut short, or the anchor is of another trail")  # fmt: skip

    def _meet(self) -> None:
        beside = self._beside
        if beside is not None and beside.count == self.count:
            self._met["head"] = beside.root == self.tree.root.hex()
        if self._anchor is not None and not self._met["anchor"]:
            self._met["anchor"] = self._anchor == self.tree.root.hex()

    def _content(self, record: AuditRecord) -> Iterator[Problem]:
        try:
            facts = record.facts
            if canonical_json(facts) != record.body:
                raise ValueError("it is not in the one form that a body has")
            if record.kind == "catalogue":
                self._catalogues[record.seq] = catalogue_digests(record)
            elif record.kind == "purge":
                yield from self._purge(record.seq, facts)
            elif record.kind == "hold":
                self._held[record.seq] = set(facts["records"])
            elif record.kind == "release":
                self._held.pop(facts["hold"], None)
            elif record.kind == "switch":
                check_switch(facts)
            elif record.kind == "decisions":
                yield from self._decisions(record, facts)
        except (ArtifactError, LookupError, OSError, TypeError, ValueError) as error:
            yield Problem(record.seq, f"its content cannot be read: {error}")

    def _purge(self, seq: int, facts: dict[str, Any]) -> Iterator[Problem]:
        """Take note of what a record says was purged; nothing but decisions, and none held."""
        for one in (one for some in facts["purged"] for one in some["records"]):
            if one not in self._decided:
                yield Problem(seq, f"purges record {one}, which is none of decisions before it")
            for hold, held in self._held.items():
                if one in held:
                    yield Problem(seq, f"purges record {one}, which record {hold} holds")
            self._purged.add(one)

    def _decisions(self, record: AuditRecord, facts: dict[str, Any]) -> Iterator[Problem]:
        digests = self._catalogues.get(facts["header"]["catalogue"])
        if digests is None:
            yield Problem(record.seq, "names a catalogue that is not there")
            return
        rows = DecisionRows.unpacked(
            facts["header"], facts["arrays"], record.payload or b"", digests
        )
        if merkle_root(rows.leaves) != record.root:
            yield Problem(record.seq, "its decisions do not make up its root")


def catalogue_digests(record: AuditRecord) -> NDArray[np.uint8]:
    """Return the digests of the product ids that a record names: uint8 (catalogue, 16)."""
    return value_digests(catalogue_ids(record)) if record.payload else np.zeros((0, DIGEST), "u1")


def catalogue_ids(record: AuditRecord) -> pa.Array:
    """Return the product ids that a record names.

    Raises:
        ArtifactError: It names none.
    """
    try:
        with pa.ipc.open_stream(pa.py_buffer(record.payload)) as reader:
            return reader.read_all()["product_id"].combine_chunks()
    except (LookupError, OSError, TypeError, pa.ArrowException) as error:
        raise ArtifactError(f"record {record.seq}: names no products: {error}") from None


def _changed(record: AuditRecord) -> str:
    """Name the column that does not fit, as far as it can be told."""
    import hashlib

    for name in ("body", "payload"):
        part, digest = getattr(record, name), getattr(record, f"{name}_digest")
        if part is not None and hashlib.sha256(part).digest() != digest:
            return name
    return "seq, kind, at, root, previous, hash or a digest"
