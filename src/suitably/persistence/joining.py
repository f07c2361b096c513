"""Saved models of groups of users, joined to that of all of them without reading any as a whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.vocabulary import WIDE, Vocabulary
from suitably.errors import DataError
from suitably.model.model import Model
from suitably.persistence.components import (
    are_components,
    plain_scalar,
    read_arrays,
    write_arrays,
)
from suitably.persistence.entities import read_ids
from suitably.persistence.interactions import read_interactions
from suitably.persistence.reader import Reader
from suitably.persistence.statistics import missing_shares
from suitably.persistence.writer import Writer
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.utils.pieces import Pieces, shifted, stacked
from suitably.utils.state import state_of

__all__ = ["join_models"]

_DIGESTS_AT_ONCE = 1 << 20

Records = Sequence[Mapping[str, Any]]


def join_models(base: Model, parts: Sequence[Reader], writer: Writer) -> None:
    """Write the model of several groups of users, who come one after the other.

    Args:
        base: What all of them were made of: builders, rankers, policies, products.
        parts: The files of each group's model; no user is in two of them.
        writer: Takes the model in.

    Raises:
        DataError: An event was counted in two groups.
        ValueError: They are not parts of one model.
    """
    _Joining(base, parts, writer).write()


@dataclass(frozen=True)
class _Joining:
    base: Model
    parts: Sequence[Reader]
    writer: Writer

    @property
    def facts(self) -> list[dict[str, Any]]:
        return [part.facts for part in self.parts]

    @property
    def sizes(self) -> list[int]:
        """How many users each group has."""
        return [int(one["statistics"]["users"]) for one in self.facts]

    def write(self) -> None:
        first, facts = self.facts[0], self.facts
        products = [one["products"] for one in facts]
        if any(one != products[0] for one in products):
            raise ValueError("parts have other products")
        users, nulls = self._users([one["users"] for one in facts])
        spans = [one["span"] for one in facts if one["span"]]
        counts = [one["statistics"] for one in facts]
        pairs = [[*one["interactions"]] for one in counts]
        apart = ("files", "sizes", "schema", "fingerprint")
        self.writer.manifest(
            {
                **{name: fact for name, fact in first.items() if name not in apart},
                "data": self.base.state.schema.to_dict(),
                "span": [min(a for a, _ in spans), max(b for _, b in spans)] if spans else None,
                "statistics": {
                    **first["statistics"],
                    "users": sum(self.sizes),
                    "owned": sum(one["owned"] for one in counts),
                    "interactions": [sum(column) for column in zip(*pairs, strict=True)],
                    "missing": {
                        "users": missing_shares(nulls, sum(self.sizes)),
                        "products": first["statistics"]["missing"]["products"],
                    },
                },
                "users": users,
                "products": self._products(products[0]),
                "owned": self._csr("owned", [one["owned"] for one in facts]),
                "ledger": self._ledger([one["ledger"] for one in facts]),
                "counted": self._counted([one["counted"] for one in facts]),
                "interactions": [
                    self._interactions(several)
                    for several in zip(*(one["interactions"] for one in facts), strict=True)
                ],
                "policies": [
                    {**one, "file": self.writer.text(f"policy-{policy.id}", policy.text)}
                    for one, policy in zip(first["policies"], self.base.policies, strict=True)
                ],
                "builders": [
                    self._builder(builder, records)
                    for builder, records in zip(
                        self.base.state.builders,
                        zip(*(one["builders"] for one in facts), strict=True),
                        strict=True,
                    )
                ],
                "rankers": self._rankers(self.base.rankers, [one["rankers"] for one in facts]),
                "rerankers": [self._same(one) for one in first["rerankers"]],
            }
        )

    def _users(self, records: Records) -> tuple[dict[str, Any], dict[str, int]]:
        """Join the users; return also how many have no value, by field."""
        kind = _joint_kind(read_ids(*one) for one in zip(self.parts, records, strict=True))

        def rows() -> Iterator[pa.Table]:
            for part, record in zip(self.parts, records, strict=True):
                table = part.table(record["rows"])
                yield table.set_column(0, "id", table["id"].cast(kind))

        def fields() -> Iterator[pa.Table]:
            for part, record in zip(self.parts, records, strict=True):
                yield part.table(record["fields"])

        made = dict(records[0])
        schema = next(rows()).schema
        made["rows"] = self.writer.tables(made["side"], schema, rows, distinct=["id"])
        if made["kind"] != str(kind) and any(one["kind"] != made["kind"] for one in records):
            made["kind"] = str(kind)
        nulls: dict[str, int] = {}
        if made["fields"] is not None:
            schema = next(fields()).schema
            made["fields"] = self.writer.tables(f"{made['side']}-fields", schema, fields)
            for table in fields():
                for name in schema.names:
                    nulls[name] = nulls.get(name, 0) + table[name].null_count
        return made, nulls

    def _products(self, record: Mapping[str, Any]) -> dict[str, Any]:
        table, part = self.writer.table, self.parts[0]
        made = {**record, "rows": table(record["side"], part.table(record["rows"]), ["id"])}
        if record["fields"] is not None:
            made["fields"] = table(f"{record['side']}-fields", part.table(record["fields"]))
        return made

    def _csr(self, name: str, records: Records) -> dict[str, str]:
        starts, columns = (self._arrays(records, key) for key in ("starts", "columns"))
        ends = [int(array[-1]) for array in starts]
        before = np.cumsum([0, *ends])
        wide = np.int32 if before[-1] <= np.iinfo(np.int32).max else np.int64
        rows = sum(self.sizes) + 1

        def pieces() -> Iterator[NDArray[Any]]:
            yield np.zeros(1, wide)
            for array, start in zip(starts, before, strict=False):
                yield (array[1:].astype(np.int64) + start).astype(wide)

        joint = Pieces(np.dtype(wide), (rows,), pieces)
        return {
            "starts": self.writer.array(f"{name}-starts", joint),
            "columns": self.writer.array(f"{name}-products", stacked(columns, np.int32)),
        }

    def _ledger(self, records: Sequence[Mapping[str, str] | None]) -> dict[str, str] | None:
        present = [one for one in records if one is not None]
        if len(present) < len(records):
            return None
        before = np.cumsum([0, *self.sizes]).tolist()
        made = {}
        for name in present[0]:
            arrays = self._arrays(present, name)
            joint = shifted(arrays, before) if name == "users" else stacked(arrays)
            made[name] = self.writer.array(name, joint)
        return made

    def _counted(self, files: Sequence[str | None]) -> str | None:
        """Merge sorted digests, a range of them at a time."""
        arrays = [part.array(f) for part, f in zip(self.parts, files, strict=True) if f]
        if not arrays:
            return None
        total = sum(map(len, arrays))
        heads = [array.view(np.uint8).reshape(len(array), -1)[:, :2] for array in arrays]
        firsts = [head[:, 0].astype(np.int64) * 256 + head[:, 1] for head in heads]
        ranges = 1 << max(0, int(np.ceil(np.log2(max(1, total / _DIGESTS_AT_ONCE)))))
        edges = np.linspace(0, 1 << 16, min(ranges, 1 << 16) + 1)

        def pieces() -> Iterator[NDArray[Any]]:
            bounds = [np.searchsorted(first, edges) for first in firsts]
            for at in range(len(edges) - 1):
                some = [a[b[at] : b[at + 1]] for a, b in zip(arrays, bounds, strict=True)]
                joint = np.concatenate(some)
                merged = np.unique(joint)
                if len(merged) < len(joint):
                    raise DataError(
                        f"interactions: {len(joint) - len(merged)} ids of events are those of two "
                        f"users' events; an event that occurs twice is counted once, which takes "
                        f"all of its rows to be of one user"
                    )
                yield merged

        return self.writer.array("counted", Pieces(arrays[0].dtype, (total,), pieces))

    def _interactions(self, records: Records) -> dict[str, Any]:
        first = records[0]
        if any(
            (one["origin"], one["shift"]) != (first["origin"], first["shift"]) for one in records
        ):
            raise ValueError("parts weigh their interactions in other units")
        made = {
            **first,
            **self._csr("interactions", records),
            "weights": self._weights(records),
        }
        for name in ("decisive", "decisive_times"):
            if first.get(name) is not None:
                stem = name.replace("_", "-")
                made[name] = self.writer.array(stem, stacked(self._arrays(records, name)))
        return made

    def _weights(self, records: Records) -> str | float:
        """Join weights; all of them are one number where they are in every part."""
        lengths = [
            len(part.array(one["columns"])) for part, one in zip(self.parts, records, strict=True)
        ]
        said = {one["weights"] for one, length in zip(records, lengths, strict=True) if length}
        if len(said) == 1 and not isinstance(next(iter(said)), str):
            return float(next(iter(said)))

        def pieces() -> Iterator[NDArray[np.float32]]:
            for part, one, length in zip(self.parts, records, lengths, strict=True):
                weights = one["weights"]
                alike = not isinstance(weights, str)
                yield np.full(length, weights, np.float32) if alike else part.array(weights)

        return self.writer.array("weights", Pieces(np.dtype(np.float32), (sum(lengths),), pieces))

    def _builder(self, builder: Any, records: Records) -> dict[str, Any]:
        states = [
            read_arrays(part, one["accumulated"])
            for part, one in zip(self.parts, records, strict=True)
        ]
        made = self._same(records[0])
        made["accumulated"] = write_arrays(self.writer, builder.joined(states))
        return made

    def _same(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Write once more what is the same in all parts."""
        return {
            **record,
            "arrays": write_arrays(self.writer, read_arrays(self.parts[0], record["arrays"])),
            "parts": {
                name: [self._same(one) for one in several]
                for name, several in record["parts"].items()
            },
        }

    def _rankers(self, rankers: Iterable[Any], records: Sequence[Records]) -> list[dict[str, Any]]:
        each = zip(*records, strict=True)
        return [self._ranker(*one) for one in zip(rankers, each, strict=True)]

    def _ranker(self, ranker: Any, records: Records) -> dict[str, Any]:
        states = [
            {**one["scalars"], **read_arrays(part, one["arrays"])}
            for part, one in zip(self.parts, records, strict=True)
        ]
        joint = type(ranker).joined(states, self._histories, self.base.state.as_of)
        arrays = {n: value for n, value in joint.items() if isinstance(value, np.ndarray | Pieces)}
        scalars = {
            name: plain_scalar(ranker, name, value)
            for name, value in joint.items()
            if name not in arrays
        }
        inside = {n: v for n, v in (state_of(ranker) or {}).items() if are_components(v)}
        return {
            **records[0],
            "scalars": scalars,
            "arrays": write_arrays(self.writer, arrays),
            "parts": {
                name: self._rankers(several, [one["parts"][name] for one in records])
                for name, several in inside.items()
            },
        }

    def _histories(self, weighting: Weighting) -> Iterable[WeightedInteractions]:
        return _Again(partial(self._weighted, weighting))

    def _weighted(self, weighting: Weighting) -> Iterator[WeightedInteractions]:
        for part in self.parts:
            facts = part.facts
            users, products = (facts["statistics"][side] for side in ("users", "products"))
            nobody = Vocabulary(pa.array(np.arange(users)))
            for record in facts["interactions"]:
                if Weighting(record["half_life_days"], record["event_weights"]) == weighting:
                    yield read_interactions(part, record, nobody, products)

    def _arrays(self, records: Sequence[Mapping[str, Any]], key: str) -> list[NDArray[Any]]:
        return [part.array(one[key]) for part, one in zip(self.parts, records, strict=True)]


@dataclass(frozen=True)
class _Again:
    """Something to go through as often as one likes."""

    make: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.make()


def _joint_kind(ids: Iterable[pa.Array]) -> pa.DataType:
    """Return the narrowest type of whole numbers, or text, that holds the ids of all groups."""
    kinds, below = set(), False
    for array in ids:
        kinds.add(array.type)
        below = below or (array.type == pa.int64() and pc.any(pc.less(array, 0)).as_py() is True)
    if len(kinds) == 1:
        return kinds.pop()
    return WIDE if WIDE in kinds or below else pa.uint64()
