"""Audit trails as a monitor reads them: decisions block by block, under pseudonyms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.governance.audit_trail import AuditTrail, open_store
from suitably.governance.decision_rows import OPTED_OUT, STOOD_IN, UNKNOWN, DecisionRows
from suitably.governance.verification import catalogue_digests, catalogue_ids
from suitably.monitoring.bins import Bins, number_bins
from suitably.monitoring.days import day_number
from suitably.monitoring.series import Sums, sums_of
from suitably.monitoring.versions import catalogue_version, policy_version
from suitably.monitoring.watch_state import WatchState

__all__ = ["DecidedBlock", "count_decisions", "read_decisions"]


@dataclass(frozen=True)
class DecidedBlock:
    """A block of decisions on record.

    Attributes:
        day: Of the decisions.
        rows: The decisions.
        exclusions: How many pairs each rule kept out.
        product_ids: The catalogue.
        candidates: How many of its products were asked about.
        versions: Of policies and the catalogue.
    """

    day: date
    rows: DecisionRows
    exclusions: Mapping[str, int]
    product_ids: list[Any]
    candidates: int
    versions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def scores(self) -> NDArray[np.float32]:
        """The scores of all that is listed."""
        arrays = self.rows.arrays
        listed = np.arange(arrays["scores"].shape[1]) < arrays["lengths"][:, None]
        return np.asarray(arrays["scores"][listed], np.float32)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each product was listed."""
        codes = self.rows.arrays["products"].astype(np.int64).ravel() + 1
        return np.bincount(codes, minlength=len(self.product_ids) + 1)[1:]

    def sums(self, bins: Bins) -> Sums:
        """Return what a monitor counts of it."""
        arrays, k = self.rows.arrays, int(self.rows.header["k"])
        flags, lengths = arrays["flags"], arrays["lengths"]
        known = (flags & UNKNOWN) == 0
        found = {
            "abstention": sums_of(1 - lengths[known] / k),
            "empty": sums_of(lengths[known] == 0),
            "unknown-user": sums_of(~known),
            "stood-in": sums_of((flags[known] & STOOD_IN) > 0),
            "opted-out": sums_of((flags[known] & OPTED_OUT) > 0),
        }
        some = lengths > 0
        codes = bins.codes(arrays["scores"][some])
        inside = np.arange(codes.shape[1]) < lengths[some][:, None]
        for code, name in enumerate(bins.names if some.any() else ()):
            shares = ((codes == code) & inside).sum(axis=1) / lengths[some]
            found[f"score:{name}"] = sums_of(shares)
        users = float(known.sum())
        for rule, pairs in self.exclusions.items():
            share = pairs / self.candidates if self.candidates else 0.0
            found[f"exclusion:{rule}"] = np.array([users, share, share])  # squares at their most
        return found


def count_decisions(state: WatchState, trail: Any, by: str) -> int:
    """Count the decisions of a trail that were not read yet; return how many they are.

    Args:
        state: What they are counted in.
        trail: An `AuditTrail`, its file or address.
        by: `"as_of"` or `"recorded"`.

    Raises:
        ArtifactError: It is no audit trail.
        FileNotFoundError: There is no such file.
    """
    count = 0
    for block in read_decisions(trail, state.read, by):
        day = day_number(block.day)
        if state.score_bins is None:
            state.score_bins = number_bins(block.scores)
        state.notice(day)
        state.count(day, block.sums(state.score_bins), len(block))
        state.versions.add(day, block.versions)
        state.listed.add(day, block.product_ids, block.counts)
        count += len(block)
    return count


def read_decisions(trail: Any, read: dict[str, int], by: str) -> Iterator[DecidedBlock]:
    """Yield the blocks of a trail that were not read yet, and note which were.

    Args:
        trail: An `AuditTrail`, its file or address.
        read: The next record to read, by the trail's first hash; it is changed.
        by: `"as_of"` or `"recorded"`.

    Raises:
        ArtifactError: It is no audit trail.
        FileNotFoundError: There is no such file.
    """
    where = trail.path if isinstance(trail, AuditTrail) else trail
    if "://" not in str(where) and not Path(where).is_file():
        raise FileNotFoundError(f"{where}: no such file")
    store = open_store(where, read_only=True)
    name = next((record.hash.hex() for record in store.records(0, 1)), "")
    named: dict[int, Any] = {}
    for record in store.records(read.get(name, 0), kinds=("catalogue", "decisions")):
        if record.kind == "decisions" and record.body is not None:
            yield _block(store, record, named, by)
        read[name] = record.seq + 1


def _block(store: Any, record: Any, named: dict[int, Any], by: str) -> DecidedBlock:
    facts = record.facts
    header = facts["header"]
    place = int(header["catalogue"])
    if place not in named:
        named[place] = next(iter(store.records(place, place + 1)))
    catalogue = named[place]
    digests = catalogue_digests(catalogue)
    ids = catalogue_ids(catalogue).to_pylist()
    narrowed = facts["narrowed"]
    moment = datetime.fromtimestamp(record.at / 1e6, UTC)
    if by == "as_of" and header["as_of"] is not None:
        moment = datetime.fromisoformat(header["as_of"])
    versions = [policy_version(*policy) for policy in header["policies"]]
    versions.append(catalogue_version(ids))
    return DecidedBlock(
        day=moment.date(),
        rows=DecisionRows.unpacked(header, facts["arrays"], record.payload or b"", digests),
        exclusions=facts["exclusions"],
        product_ids=ids,
        candidates=len(ids) if narrowed is None else len(narrowed),
        versions=tuple(versions),
    )
