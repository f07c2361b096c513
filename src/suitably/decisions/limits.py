"""Limits of a plan: capacities of channels and quotas of products, with a name for each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame
from suitably.data.vocabulary import Vocabulary
from suitably.decisions.allocation import Constraints, InfeasibleError
from suitably.decisions.channels import Channels
from suitably.decisions.numbers import numbers_from
from suitably.errors import DataError
from suitably.typing import IntoFrame
from suitably.utils.suggest import nearest

__all__ = ["Limits"]

_SIDES = ("at_least", "at_most")


@dataclass(frozen=True)
class Limits:
    """What a plan keeps to beside the budget; offers are coded product by product.

    Attributes:
        names: What each limit is about, as messages and prices write it.
        members: bool (limits, offers), which offers count.
        at_least: float64 (limits,), 0 for none.
        at_most: float64 (limits,), infinite for none.
    """

    names: tuple[str, ...]
    members: NDArray[np.bool_]
    at_least: NDArray[np.float64]
    at_most: NDArray[np.float64]

    def constraints(self, budget: float | None, per_user: int) -> Constraints:
        """Return them as the allocation takes them."""
        return Constraints(budget, per_user, self.members, self.at_least, self.at_most)

    def conflict(self, error: InfeasibleError, constraints: Constraints) -> DataError:
        """Return an error that names the limits which no plan can meet together."""
        parts = []
        for place in error.limits:
            least, most = self.at_least[place], self.at_most[place]
            bounds = [f"at least {least:g}"] if least > 0 else []
            bounds += [f"at most {most:g}"] if np.isfinite(most) else []
            parts.append(f"{self.names[place]} ({', '.join(bounds)})")
        parts += [f"the budget ({constraints.budget:g})"] if error.budget else []
        parts += [f"per_user ({constraints.per_user})"] if error.per_user else []
        return DataError(f"limits: no plan can meet these together: {'; '.join(parts)}")

    @classmethod
    def read(cls, frame: IntoFrame | None, product_ids: Vocabulary, channels: Channels) -> "Limits":
        """Read the caller's limits, and the capacities of channels before them.

        Args:
            frame: `product_id`, `channel` (a missing one means any), `at_least`, `at_most`; None:
                capacities alone.
            product_ids: The catalogue.
            channels: The channels.

        Raises:
            DataError: A row that names an unknown product or channel, says nothing, contradicts
                itself, repeats another, or has no whole number from 0 up.
        """
        several = len(channels)
        product = np.repeat(np.arange(len(product_ids)), several)
        channel = np.tile(np.arange(several), len(product_ids))
        full = np.flatnonzero(np.isfinite(channels.capacity))
        names = [f"capacity of {name}" for name in channels.names.take(pa.array(full)).to_pylist()]
        members = [channel == one for one in full]
        least, most = [0.0] * len(full), channels.capacity[full].tolist()
        if frame is not None:
            table, _ = read_frame(frame, "limits")
            of_product, of_channel = _codes(table, product_ids, channels)
            lower, upper = _bounds(table)
            for row, pair in enumerate(zip(of_product.tolist(), of_channel.tolist(), strict=True)):
                names.append(_name(pair, product_ids, channels))
                members.append(
                    ((pair[0] < 0) | (product == pair[0])) & ((pair[1] < 0) | (channel == pair[1]))
                )
                least.append(lower[row])
                most.append(upper[row])
        held = np.array(members, bool).reshape(len(names), len(product))
        return cls(tuple(names), held, np.array(least, np.float64), np.array(most, np.float64))


def _codes(
    table: pa.Table, product_ids: Vocabulary, channels: Channels
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the product and the channel of each row, −1 for any."""
    found = []
    sides: tuple[tuple[str, Vocabulary], ...] = (
        ("product_id", product_ids),
        ("channel", channels.vocabulary),
    )
    unknown = {*table.column_names} - {"product_id", "channel", *_SIDES}
    if unknown:
        raise DataError(f"limits: unknown columns {sorted(unknown)}")
    if not {"product_id", "channel"} & {*table.column_names}:
        raise DataError(f"limits: neither product_id nor channel; it has {table.column_names}")
    for name, known in sides:
        codes = np.full(table.num_rows, -1)
        if name in table.column_names:
            asked = known.read(table[name], f"limits.{name}")
            codes = known.codes(asked).astype(np.int64)
            strange = np.flatnonzero((codes < 0) & asked.is_valid().to_numpy(zero_copy_only=False))
            if len(strange):
                row = int(strange[0])
                one = asked[row].as_py()
                hint = nearest(one, known.values) if name == "channel" else " to the catalogue"
                raise DataError(f"limits.{name}: row {row}: {one!r} is not known{hint}")
        found.append(codes)
    pairs = found[0] * (len(channels) + 1) + found[1]
    _, first, counts = np.unique(pairs, return_index=True, return_counts=True)
    if (counts > 1).any():
        rows = np.flatnonzero(pairs == pairs[first[np.argmax(counts > 1)]])[:2].tolist()
        raise DataError(f"limits: rows {rows[0]} and {rows[1]} are about the same offers")
    return found[0], found[1]


def _bounds(table: pa.Table) -> tuple[list[float], list[float]]:
    """Return the least and the most of each row."""
    sides = {}
    for name in _SIDES:
        numbers = np.full(table.num_rows, np.nan)
        if name in table.column_names:
            numbers = numbers_from(table, name, "limits")
        bad = np.flatnonzero((numbers < 0) | (np.trunc(numbers) != numbers) & ~np.isnan(numbers))
        if len(bad):
            raise DataError(
                f"limits.{name}: row {bad[0]}: {numbers[bad[0]]:g} is no whole number from 0 up"
            )
        sides[name] = numbers
    least, most = sides["at_least"], sides["at_most"]
    for row in range(table.num_rows):
        if np.isnan(least[row]) and np.isnan(most[row]):
            raise DataError(f"limits: row {row} has neither at_least nor at_most")
        if least[row] > most[row]:
            raise DataError(
                f"limits: row {row}: at_least {least[row]:g} is above at_most {most[row]:g}"
            )
    return (
        np.nan_to_num(least, nan=0.0).tolist(),
        np.where(np.isnan(most), np.inf, most).tolist(),
    )


def _name(pair: tuple[int, int], product_ids: Vocabulary, channels: Channels) -> str:
    named: list[Any] = []
    if pair[0] >= 0:
        named.append(product_ids.array[pair[0]].as_py())
    if pair[1] >= 0:
        named.append(channels.names[pair[1]].as_py())
    return " by ".join(map(str, named)) or "all offers"
