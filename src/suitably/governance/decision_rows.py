"""Decision rows: a block of decisions as it is kept, and as the leaves of its Merkle tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.errors import ArtifactError
from suitably.governance.audit_record import AuditRecord, canonical_json
from suitably.governance.row_bytes import (
    DIGEST,
    digest_of,
    field_kind,
    field_parts,
    leaves,
)
from suitably.pipeline.decision_block import DecisionBlock
from suitably.suitability.reasons import RESERVED, Reason

__all__ = ["OPTED_OUT", "STOOD_IN", "UNKNOWN", "DecisionRows", "header_digest"]
__all__ += ["reason_digest", "subjects_in"]

STOOD_IN, OPTED_OUT, UNKNOWN = 1, 2, 4
_TYPES = {
    "pseudonyms": "u1", "flags": "u1", "candidates": "<i4", "lengths": "<i4", "products": "<i4",
    "scores": "<f4", "propensities": "<f8", "places": "<i4", "reasons": "<i4", "counts": "<i4",
}  # fmt: skip

_OF_REASONS = ("places", "reasons", "counts")


@dataclass(frozen=True, eq=False)
class DecisionRows:
    """The decisions of a block.

    Attributes:
        header: What they have in common, JSON-ready; every leaf depends on all of it.
        arrays: `pseudonyms` (users, 16), `flags`, `candidates` and `lengths` (users,), `products`
            and `scores` (users, depth), `propensities` likewise where lists were drawn; and what
            shortened lists: `places` in the block, `reasons` in the header's list, `counts`.
        inputs: A row per user, a column per field that policies read.
        product_digests: uint8 (catalogue, 16), of the ids.
    """

    header: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    inputs: pa.Table
    product_digests: NDArray[np.uint8]

    @staticmethod
    def of(
        block: DecisionBlock,
        pseudonyms: NDArray[np.uint8],
        product_digests: NDArray[np.uint8],
        key: str,
        catalogue: int,
    ) -> "DecisionRows":
        """Take what is kept of a block.

        Args:
            block: As the pipeline decided.
            pseudonyms: uint8 (users, 16).
            product_digests: uint8 (catalogue, 16).
            key: Which key the pseudonyms are under.
            catalogue: The record that names the products.
        """
        context, lists, why = block.context, block.lists, block.abstentions
        # All that there can be: those of a block would tell a receipt about others.
        reserved = sorted(RESERVED)
        if context.off is None:  # so that what was recorded before there were switches is the same
            reserved.remove(Reason.SWITCHED_OFF)
        reasons = list(dict.fromkeys([*block.exclusions, *reserved]))
        flags = np.where(block.stood_in, STOOD_IN, 0) | np.where(block.opted_out, OPTED_OUT, 0)
        flags |= np.where(block.rows < 0, UNKNOWN, 0)
        arrays: dict[str, NDArray[Any]] = {
            "pseudonyms": pseudonyms,
            "flags": flags,
            "candidates": block.candidates,
            "lengths": lists.lengths,
            "products": lists.products,
            "scores": lists.scores,
            "places": why["place"].to_numpy(),
            "reasons": pc.index_in(why["reason"], pa.array(reasons)).to_numpy(),
            "counts": why["count"].to_numpy(),
        }
        if lists.propensities is not None:
            arrays["propensities"] = lists.propensities
        header = {
            "as_of": None if context.as_of is None else context.as_of.isoformat(),
            "catalogue": catalogue,
            "depth": lists.depth,
            "drawn": lists.propensities is not None,
            "exclude_owned": context.exclude_owned,
            "inputs": [[f.name, field_kind(f.type)] for f in block.inputs.schema],
            "k": context.k,
            "key": key,
            "model": context.model,
            "narrowed": None if context.narrowed is None else _ids_digest(context.narrowed),
            "policies": [[p.id, p.version, p.fingerprint] for p in context.policies],
            "reasons": reasons,
            "rows": len(block.rows),
            "stepwise": context.stepwise,
        }
        typed = {name: array.astype(_TYPES[name], copy=False) for name, array in arrays.items()}
        return DecisionRows(header, typed, block.inputs, product_digests)

    def __len__(self) -> int:
        return len(self.arrays["lengths"])

    def row(self, row: int) -> "DecisionRows":
        """Return one decision."""
        mine = self.arrays["places"] == row
        arrays = {
            name: array[mine] if name in _OF_REASONS else array[row : row + 1]
            for name, array in self.arrays.items()
        }
        arrays["places"] = np.zeros(int(mine.sum()), "<i4")
        return DecisionRows(self.header, arrays, self.inputs.slice(row, 1), self.product_digests)

    @cached_property
    def prefix(self) -> bytes:
        """The digest of the header, which every leaf begins with."""
        return header_digest(self.header)

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaf of every decision."""
        return leaves(self.prefix, len(self), self._parts)

    @property
    def _parts(self) -> list[NDArray[Any]]:
        """What is joined to the bytes of the decisions."""
        a = self.arrays
        digests = np.concatenate([self.product_digests, np.zeros((1, DIGEST), np.uint8)])
        listed = digests.take(np.maximum(a["products"], -1), axis=0)  # −1, no product: zeros
        parts = [a["pseudonyms"], a["flags"], a["candidates"], a["lengths"], listed, a["scores"]]
        parts += [a["propensities"]] if "propensities" in a else []
        return [*parts, *field_parts(self.inputs), self._reason_digests]

    @property
    def _reason_digests(self) -> NDArray[np.uint8]:
        """What shortened each list, as a digest; zeros where nothing did: uint8 (users, 16)."""
        found = np.zeros((len(self), DIGEST), np.uint8)
        places = self.arrays["places"]
        if not len(places):
            return found
        pairs = np.column_stack([self.arrays["reasons"], self.arrays["counts"]]).astype("<i4")
        whole = memoryview(np.ascontiguousarray(pairs).tobytes())
        first = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
        ends = np.append(first[1:], len(places))
        digests = [digest_of(whole[8 * s : 8 * e]) for s, e in zip(first, ends, strict=True)]
        found[places[first]] = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST)
        return found

    def packed(self) -> tuple[list[Any], bytes]:
        """Return the arrays and inputs as bytes, and what they are."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.inputs.schema) as writer:
            writer.write_table(self.inputs)
        names = list(self.arrays)
        parts = [np.ascontiguousarray(self.arrays[name]).tobytes() for name in names]
        shapes = [[name, list(self.arrays[name].shape)] for name in names]
        return shapes, b"".join([*parts, sink.getvalue().to_pybytes()])

    @staticmethod
    def unpacked(
        header: dict[str, Any],
        shapes: list[Any],
        payload: bytes,
        product_digests: NDArray[np.uint8],
    ) -> "DecisionRows":
        """Take back what `packed` gave.

        Raises:
            ArtifactError: It is none of that.
        """
        arrays, start = {}, 0
        try:
            for name, shape in shapes:
                kind = np.dtype(_TYPES[name])
                end = start + kind.itemsize * int(np.prod(shape, dtype=np.int64))
                arrays[name] = np.frombuffer(payload[start:end], kind).reshape(shape)
                start = end
            with pa.ipc.open_stream(pa.py_buffer(payload[start:])) as reader:
                inputs = reader.read_all()
        except (
            ArithmeticError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
            pa.ArrowException,
        ) as error:
            raise ArtifactError(f"the decisions of a block cannot be read: {error}") from None
        return DecisionRows(header, arrays, inputs, product_digests)


def subjects_in(record: AuditRecord) -> frozenset[bytes]:
    """Return the pseudonyms of all whose decisions are in a record; none once it was purged."""
    if record.body is None or record.payload is None:
        return frozenset()
    (_, (rows, _)), *_ = record.facts["arrays"]
    octets = record.payload[: rows * DIGEST]
    return frozenset(octets[start : start + DIGEST] for start in range(0, len(octets), DIGEST))


def header_digest(header: dict[str, Any]) -> bytes:
    """Return the digest of a header, which every leaf of its block begins with."""
    return sha256(canonical_json(header)).digest()


def reason_digest(reasons: list[tuple[int, int]]) -> bytes:
    """Return the digest of what shortened a list: places in the header's reasons, and counts."""
    if not reasons:
        return bytes(DIGEST)
    return digest_of(np.array(reasons, "<i4").tobytes())


def _ids_digest(ids: pa.Array) -> str:
    return sha256(canonical_json(ids.to_pylist())).hexdigest()
