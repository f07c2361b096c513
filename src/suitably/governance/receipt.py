"""Receipts: a customer's own decision, with a proof that it is on record, checked offline."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from suitably.errors import ArtifactError
from suitably.governance.audit_record import canonical_json, chain_hash
from suitably.governance.decision_rows import (
    DecisionRows,
    header_digest,
    reason_digest,
)
from suitably.governance.merkle import leaf_hash, root_by_path, root_by_sides
from suitably.governance.receipt_words import words_of
from suitably.governance.row_bytes import DIGEST, digest_of, fact_bytes, shown_fact

__all__ = ["Proof", "check_receipt", "receipt_of"]

MOST_BYTES = 4096
_FORMAT = "suitably receipt 1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES = 32


class Proof(NamedTuple):
    """What leads from a decision to the head of the log.

    Attributes:
        row: The place of the decision in its block.
        row_path: The hashes that lead from it to the root of the block.
        seq: The record of the block.
        at: When it was written, in microseconds since 1970.
        body: The digest of the record's body, which says what is true of the whole block.
        payload: The digest of its payload.
        previous: The hash of the record before.
        path: The hashes that lead from the record to the head, each with whether it stands left.
    """

    row: int
    row_path: tuple[bytes, ...]
    seq: int
    at: int
    body: bytes
    payload: bytes
    previous: bytes
    path: tuple[tuple[bool, bytes], ...]


class _Decision(NamedTuple):
    """A decision as its leaf has it."""

    header: dict[str, Any]
    subject: bytes
    flags: int
    candidates: int
    products: list[Any]
    scores: list[float]
    propensities: list[float] | None
    facts: list[Any]
    reasons: list[tuple[int, int]]


def receipt_of(rows: DecisionRows, product_ids: Sequence[Any], proof: Proof) -> dict[str, Any]:
    """Return the receipt of one decision: at most 4 KB of JSON for a list of ten.

    Facts that would not fit are told by their digests, the longest first.
    """
    a, row = rows.arrays, proof.row
    length = int(a["lengths"][row])
    fields = rows.inputs.schema
    decision = _Decision(
        header=rows.header,
        subject=a["pseudonyms"][row].tobytes(),
        flags=int(a["flags"][row]),
        candidates=int(a["candidates"][row]),
        products=list(product_ids),
        scores=[_shortest(score) for score in a["scores"][row, :length]],
        propensities=a["propensities"][row, :length].tolist() if "propensities" in a else None,
        facts=[shown_fact(rows.inputs[f.name][row].as_py(), f.type) for f in fields],
        reasons=[
            (int(reason), int(count))
            for reason, count in zip(
                a["reasons"][a["places"] == row], a["counts"][a["places"] == row], strict=True
            )
        ],
    )
    return _fitting(decision, proof)


def _fitting(decision: _Decision, proof: Proof) -> dict[str, Any]:
    kinds = [kind for _, kind in decision.header["inputs"]]
    hidden: set[int] = set()
    sizes = {
        place: len(canonical_json(fact))
        for place, (kind, fact) in enumerate(zip(kinds, decision.facts, strict=True))
        if kind == "value" and fact is not None
    }
    longest = sorted(sizes, key=lambda place: -sizes[place])
    while True:
        facts = [
            {"digest": digest_of(canonical_json(fact)).hex()} if place in hidden else fact
            for place, fact in enumerate(decision.facts)
        ]
        written = _written(decision._replace(facts=facts), proof)
        if len(canonical_json(written)) <= MOST_BYTES or len(hidden) == len(longest):
            return written
        hidden.add(longest[len(hidden)])


def _written(decision: _Decision, proof: Proof) -> dict[str, Any]:
    """Write a receipt, in the one form that it has: keys in order, numbers as short as can be."""
    header = decision.header
    listed = [
        [product, score, *([] if decision.propensities is None else [decision.propensities[rank]])]
        for rank, (product, score) in enumerate(
            zip(decision.products, decision.scores, strict=True)
        )
    ]
    receipt = {
        "at": (_EPOCH + timedelta(microseconds=proof.at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "candidates": decision.candidates,
        "customer": decision.subject.hex(),
        "decision": f"{proof.seq}:{proof.row}",
        "facts": decision.facts,
        "flags": decision.flags,
        "format": _FORMAT,
        "header": {name: header[name] for name in sorted(header)},
        "list": listed,
        "proof": {
            "block": [_text(one) for one in proof.row_path],
            "log": [f"{'l' if left else 'r'}{_text(one)}" for left, one in proof.path],
            "record": [_text(proof.body), _text(proof.payload), _text(proof.previous)],
        },
        "short": [[header["reasons"][reason], count] for reason, count in decision.reasons],
    }
    return {**receipt, "words": words_of(receipt)}


def check_receipt(receipt: str | bytes | dict[str, Any], anchor: str) -> dict[str, Any]:
    """Check a receipt against a head of the log, without the log.

    Args:
        receipt: As `AuditTrail.receipt` gave it, or its JSON: compact or as `json.dumps` writes it.
        anchor: The root of the head that the log had when the receipt was made, in hexadecimal
            digits, from whoever keeps the heads.

    Returns:
        The receipt.

    Raises:
        ArtifactError: It is not on record under this head, or a character of it was changed.
    """
    text = canonical_json(receipt) if isinstance(receipt, dict) else receipt
    given = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        decision, proof = _read(json.loads(given))
        written = _written(decision, proof)
        if given != _as_given(written, given):
            raise ValueError("it is not written as a receipt is")
        root = _root(decision, proof)
    except RecursionError:
        raise ArtifactError("receipt: is nested too deeply to be one") from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ArtifactError(f"receipt: was changed, or is none: {error}") from None
    if root is None or root.hex() != anchor:
        raise ArtifactError(
            "receipt: is not on record under this head: it was changed, or the head is another one"
        )
    return written


def _as_given(receipt: dict[str, Any], given: bytes) -> bytes:
    """Write a receipt in the layout that some text has: compact, plain, or indented."""
    layout: dict[str, Any] = {"separators": (",", ":")}
    if given.startswith(b"{\n"):
        layout = {"indent": len(given[2:20]) - len(given[2:20].lstrip(b" "))}
    elif given.startswith(b'{"at": '):
        layout = {}
    text = json.dumps(receipt, ensure_ascii=given.isascii(), allow_nan=False, **layout)
    return text.encode("utf-8")


def _read(receipt: dict[str, Any]) -> tuple[_Decision, Proof]:
    """Take a receipt apart; what is written again must be the same to the letter."""
    header = receipt["header"]
    drawn = bool(header["drawn"])
    block, log, record = (receipt["proof"][name] for name in ("block", "log", "record"))
    at = datetime.strptime(receipt["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    reasons = [str(reason) for reason in header["reasons"]]
    decision = _Decision(
        header=header,
        subject=bytes.fromhex(receipt["customer"]),
        flags=_whole(receipt["flags"]),
        candidates=_whole(receipt["candidates"]),
        products=[one[0] for one in receipt["list"]],
        scores=[_shortest(np.float32(one[1])) for one in receipt["list"]],
        propensities=[float(one[2]) for one in receipt["list"]] if drawn else None,
        facts=receipt["facts"],
        reasons=[(reasons.index(reason), _whole(count)) for reason, count in receipt["short"]],
    )
    if len(decision.facts) != len(header["inputs"]) or len(decision.subject) != DIGEST:
        raise ValueError("it has other facts than its header")
    body, payload, previous = map(_octets, record)
    seq, row = map(int, receipt["decision"].split(":"))
    proof = Proof(
        row=row,
        row_path=tuple(map(_octets, block)),
        seq=seq,
        at=(at - _EPOCH) // timedelta(microseconds=1),
        body=body,
        payload=payload,
        previous=previous,
        path=tuple(({"l": True, "r": False}[one[0]], _octets(one[1:])) for one in log),
    )
    return decision, proof


def _root(decision: _Decision, proof: Proof) -> bytes | None:
    """Return the head that a decision and its proof lead to."""
    rows = _whole(decision.header["rows"])
    root = root_by_path(_leaf(decision), proof.row, rows, proof.row_path)
    if root is None:
        return None
    chained = chain_hash(
        proof.seq, "decisions", proof.at, proof.body, proof.payload, root, proof.previous
    )
    return root_by_sides(leaf_hash(chained), proof.path)


def _leaf(decision: _Decision) -> bytes:
    """Return the leaf of a decision, from what the receipt shows: the bytes of `DecisionRows`."""
    header, length = decision.header, len(decision.products)
    depth = _whole(header["depth"])
    if length > depth:
        raise ValueError("its list is longer than it can be")
    past = depth - length
    counts = np.array([decision.candidates, length], "<i4").tobytes()
    listed = b"".join(digest_of(canonical_json(one)) for one in decision.products)
    parts = [decision.subject, bytes([decision.flags]), counts, listed, bytes(DIGEST * past)]
    parts += [np.array(decision.scores, "<f4").tobytes(), bytes(4 * past)]
    if decision.propensities is not None:
        parts += [np.array(decision.propensities, "<f8").tobytes(), bytes(8 * past)]
    parts += [
        _fact(kind, fact) for (_, kind), fact in zip(header["inputs"], decision.facts, strict=True)
    ]
    parts.append(reason_digest(decision.reasons))
    return leaf_hash(header_digest(header) + b"".join(parts))


def _fact(kind: str, fact: Any) -> bytes:
    if kind == "value" and isinstance(fact, dict) and fact.keys() == {"digest"}:
        digest = bytes.fromhex(fact["digest"])
        if digest.hex() != fact["digest"] or len(digest) != DIGEST:
            raise ValueError("a digest is none")
        return b"\x01" + digest
    if kind == "number" and isinstance(fact, float) and not fact % 1:
        raise ValueError("a whole number has a fraction")
    if kind == "moment" and fact is not None and datetime.fromisoformat(fact).isoformat() != fact:
        raise ValueError("a moment is written otherwise")
    return fact_bytes(kind, fact)


def _shortest(score: np.float32) -> float:
    """Return the shortest number that is this one in single precision."""
    return float(str(np.float32(score)))


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r:.40} is no whole number")
    return value


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")


def _octets(text: str) -> bytes:
    octets = base64.urlsafe_b64decode(f"{text}=")
    if len(octets) != _BYTES or _text(octets) != text:
        raise ValueError("a hash is none")
    return octets
