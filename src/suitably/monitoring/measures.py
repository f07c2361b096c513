"""Measures: what is watched of answers, as sums over their users."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.frames import take_rows
from suitably.model.state import Snapshot
from suitably.monitoring.answers import Answers
from suitably.monitoring.bins import Bins
from suitably.monitoring.series import Sums
from suitably.utils import bitset

__all__ = ["field_sums", "list_sums", "rule_sums", "score_sums", "stale_sums"]

_DAY = 86_400_000_000


def list_sums(answers: Answers, consent: bool) -> Sums:
    """Return what lists themselves tell: how short they are, and for whom.

    `abstention` is the share of the k places that is missing, `empty` and the others are 0 or 1.

    Args:
        answers: The answers.
        consent: Whether there is a register of consent, even where nobody has opted out.
    """
    known = answers.rows >= 0
    users = int(np.count_nonzero(known))
    # Few lengths, and many users of each.
    counts = np.bincount(answers.lists.lengths[known], minlength=answers.k + 1)
    missing = 1 - np.arange(len(counts)) / answers.k
    found = {
        "abstention": np.array([users, counts @ missing, counts @ missing**2]),
        "empty": _counted(users, int(counts[0])),
        "unknown-user": _counted(len(known), len(known) - users),
        "stood-in": _counted(users, int(np.count_nonzero(answers.stood_in & known))),
    }
    out = answers.opted_out
    if consent or out is not None:
        found["opted-out"] = _counted(users, 0 if out is None else int(np.count_nonzero(out)))
    return found


def rule_sums(answers: Answers, rows: NDArray[np.int64]) -> Sums:
    """Return, of every rule, the share of the catalogue that it keeps from each of some users."""
    eligibility = answers.snapshot.eligibility
    products = bitset.count(answers.narrowed)
    if not products:
        return {}
    shares = eligibility.exclusions(rows, answers.narrowed) / products
    totals = shares.sum(axis=0), np.einsum("ij,ij->j", shares, shares)
    return {
        f"exclusion:{name}": np.array([len(rows), *(total[index] for total in totals)])
        for index, name in enumerate(eligibility.reasons)
    }


def score_sums(answers: Answers, places: NDArray[np.int64], bins: Bins) -> Sums:
    """Return, of every bin, the share of each list of some users whose scores lie in it."""
    places = places[answers.lists.lengths[places] > 0]
    if not len(places):
        return {}
    lists = answers.lists.take(places)
    size = len(bins.names)
    # A number for each user and bin, so that one count does for all.
    codes = bins.codes(lists.scores) + size * np.arange(len(places))[:, None]
    counts = np.bincount(codes[lists.filled], minlength=size * len(places)).reshape(-1, size)
    shares = counts / lists.lengths[:, None]
    totals = zip(shares.sum(axis=0), np.einsum("ij,ij->j", shares, shares), strict=True)
    return {
        f"score:{name}": np.array([len(places), *pair])
        for name, pair in zip(bins.names, totals, strict=True)
    }


def field_sums(snapshot: Snapshot, rows: NDArray[np.int64], bins: Mapping[str, Bins]) -> Sums:
    """Return, of every bin of a field, whether each of some users is in it."""
    columns = snapshot.fields.column_names
    there = [name for name in bins if name in columns]
    if not len(rows) or not there:
        return {}
    table = take_rows(snapshot.fields.select(there), pa.array(rows))
    found: Sums = {}
    for field in there:
        names = bins[field].names
        counts = np.bincount(bins[field].of(table[field]), minlength=len(names))
        for name, count in zip(names, counts.tolist(), strict=True):
            found[f"field:{field}:{name}"] = _counted(len(rows), count)
    return found


def stale_sums(snapshot: Snapshot, rows: NDArray[np.int64], dated: Mapping[str, float]) -> Sums:
    """Return, of every date, whether it is missing or older than it may be, or in the future."""
    moment, fields = snapshot.as_of, snapshot.eligibility.users.fields
    there = [name for name in dated if name in fields.column_names]
    if not len(rows) or moment is None or not there:
        return {}
    table = take_rows(fields.select(there), pa.array(rows))
    found: Sums = {}
    for name in there:
        kind = table[name].type
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            continue
        given = pc.cast(table[name].combine_chunks(), pa.timestamp("us", getattr(kind, "tz", None)))
        age = moment - given.to_numpy(zero_copy_only=False).astype("datetime64[us]")
        missing = np.isnat(age)
        limit = np.timedelta64(round(dated[name] * _DAY), "us")
        stale = (age > limit) | (age <= np.timedelta64(0, "us"))
        found[f"missing:{name}"] = _counted(len(rows), int(missing.sum()))
        found[f"stale:{name}"] = _counted(len(rows), int((stale & ~missing).sum()))
    return found


def _counted(users: int, count: int) -> NDArray[np.float64]:
    return np.array([users, count, count], np.float64)
