"""Measures: what is watched of answers, as sums over their users."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.frames import take_rows
from suitably.monitoring.bins import Bins
from suitably.monitoring.series import sums_of
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations
from suitably.utils import bitset

__all__ = ["Answers", "fields_of", "list_sums", "rule_sums", "score_sums", "stale_sums"]

Sums = dict[str, NDArray[np.float64]]

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Answers:
    """Lists of many users that were drawn up alike.

    Attributes:
        generator: What drew them up.
        rows: int64 (users,), the users' positions, −1 where unknown.
        lists: Their lists.
        stood_in: bool (users,).
        k: The most products in a list.
    """

    generator: ListGenerator
    rows: NDArray[np.int64]
    lists: Lists
    stood_in: NDArray[np.bool_]
    k: int

    @staticmethod
    def of(made: list[Recommendations]) -> "Answers":
        """Put the answers of several calls below each other."""
        first = made[0]
        if len(made) == 1:
            return Answers(first.generator, first.rows, first.lists, first.stood_in, first.k)
        return Answers(
            first.generator,
            np.concatenate([one.rows for one in made]),
            Lists.stack([one.lists for one in made]),
            np.concatenate([one.stood_in for one in made]),
            first.k,
        )

    def take(self, places: NDArray[np.int64]) -> "Answers":
        """Return those of some users."""
        parts = (self.rows[places], self.lists.take(places), self.stood_in[places])
        return Answers(self.generator, *parts, self.k)


def list_sums(answers: Answers) -> Sums:
    """Return what lists themselves tell: how short they are, and for whom.

    `abstention` is the share of the k places that is missing, `empty` and the others are 0 or 1.
    """
    known = answers.rows >= 0
    lengths = answers.lists.lengths[known]
    missing = 1 - lengths / answers.k
    found = {
        "abstention": sums_of(missing),
        "empty": _counted(len(lengths), int((lengths == 0).sum())),
        "unknown-user": _counted(len(known), int((~known).sum())),
        "stood-in": _counted(len(lengths), int(answers.stood_in[known].sum())),
    }
    if answers.generator.opt_out is not None:
        out = int(answers.generator.opted_out(answers.rows[known]).sum())
        found["opted-out"] = _counted(len(lengths), out)
    return found


def rule_sums(answers: Answers) -> Sums:
    """Return, of every rule, the share of the catalogue that it keeps from each user."""
    eligibility, narrowed = answers.generator.snapshot.eligibility, answers.generator.narrowed
    rows = answers.rows[answers.rows >= 0]
    products = bitset.count(narrowed)
    if not products:
        return {}
    shares = eligibility.exclusions(rows, narrowed) / products
    totals = shares.sum(axis=0), np.einsum("ij,ij->j", shares, shares)
    return {
        f"exclusion:{name}": np.array([len(rows), *(total[index] for total in totals)])
        for index, name in enumerate(eligibility.reasons)
    }


def score_sums(answers: Answers, bins: Bins) -> Sums:
    """Return, of every bin, the share of each list whose scores lie in it."""
    filled = answers.lists.filled
    some = np.flatnonzero(answers.lists.lengths > 0)
    if not len(some):
        return {}
    codes = bins.codes(answers.lists.scores[some])
    inside, lengths = filled[some], answers.lists.lengths[some]
    return {
        f"score:{name}": sums_of(((codes == code) & inside).sum(axis=1) / lengths)
        for code, name in enumerate(bins.names)
    }


def fields_of(answers: Answers, bins: Mapping[str, Bins]) -> Sums:
    """Return, of every bin of a field, whether each user is in it."""
    rows = answers.rows[answers.rows >= 0]
    there = [n for n in bins if n in answers.generator.snapshot.fields.column_names]
    if not len(rows) or not there:
        return {}
    table = take_rows(answers.generator.snapshot.fields.select(there), pa.array(rows))
    found: Sums = {}
    for field in there:
        names = bins[field].names
        counts = np.bincount(bins[field].of(table[field]), minlength=len(names))
        for name, count in zip(names, counts.tolist(), strict=True):
            found[f"field:{field}:{name}"] = _counted(len(rows), count)
    return found


def stale_sums(answers: Answers, dated: Mapping[str, float]) -> Sums:
    """Return, of every date, whether it is missing or older than it may be, or in the future."""
    generator = answers.generator
    rows, moment = answers.rows[answers.rows >= 0], generator.snapshot.as_of
    fields = generator.snapshot.eligibility.users.fields
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
