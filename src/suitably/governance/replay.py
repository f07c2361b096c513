"""Replay: a decision on record made once more, and held against it bit for bit."""

import secrets
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import ArtifactError
from suitably.governance.audit_key import KeyRing
from suitably.governance.audit_record import AuditRecord
from suitably.governance.decision_index import find_decision
from suitably.governance.decision_rows import OPTED_OUT, STOOD_IN, UNKNOWN, DecisionRows
from suitably.governance.row_bytes import field_kind, shown_fact
from suitably.governance.store import Store
from suitably.governance.subjects import Subjects
from suitably.governance.verification import catalogue_digests, catalogue_ids
from suitably.pipeline.decision_block import DecisionBlock
from suitably.pipeline.pipeline import Pipeline
from suitably.pipeline.recording import PROPOSED
from suitably.pipeline.switched_off import SwitchState
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.nodes import column_name
from suitably.suitability.reasons import Reason
from suitably.utils.record import Record

__all__ = ["Replay", "replay"]

_AMOUNT = f"user.{column_name(AMOUNT)}"
_FLAGS = {STOOD_IN: "stood_in", OPTED_OUT: "opted_out", UNKNOWN: "unknown"}


@dataclass(frozen=True)
class Replay(Record):
    """What came of making a decision once more.

    Attributes:
        decision: Which, as `"record:row"`.
        product_ids: The list on record.
        scores: Its scores.
        differences: What is not the same now: facts, products, scores, anything that is on record.
    """

    decision: str
    product_ids: tuple[Any, ...]
    scores: tuple[float, ...]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether it is the same to the last bit."""
        return not self.differences

    def __str__(self) -> str:
        listed = [f"{n:>3}  {product}  {score:.6g}" for n, (product, score) in enumerate(
            zip(self.product_ids, self.scores, strict=True), start=1)]  # fmt: skip
        count = len(self.product_ids)
        found = f"the same {count} product{'s' * (count != 1)}, bit for bit"
        told = [found] if self.same else ["not the same:", *self.differences, "on record:"]
        return "\n".join([f"{self.decision}: {told[0]}", *told[1:], *listed])


def replay(store: Store, keys: KeyRing, decision: str, pipeline: Pipeline) -> Replay:
    """Make a decision once more, as of its moment, from the stored model and policies.

    Nothing is recorded. Of a user who had opted out the list depends on the consent of others, so
    the pipeline must ask a register that knows what was granted then.

    Args:
        store: Where the decision is.
        keys: Of the pseudonyms: the user is found among those of the model.
        decision: `"record:row"`.
        pipeline: Fitted or loaded; the same that made the decision.

    Raises:
        DataError: There is no such decision, or it was purged.
        ArtifactError: The pipeline is another one, the record was changed, or its key is not here.
    """
    record, row = find_decision(store, decision)
    if not record.is_whole:
        raise ArtifactError(f"record {record.seq}: has been changed; verify the trail")
    facts = record.facts
    header = facts["header"]
    named = _catalogue(store, header["catalogue"])
    rows = DecisionRows.unpacked(
        header, facts["arrays"], record.payload or b"", catalogue_digests(named)
    )
    ids, recorded = catalogue_ids(named), rows.row(row)
    again = _again(pipeline, header, facts, recorded, ids, keys)
    made = DecisionRows.of(
        again,
        recorded.arrays["pseudonyms"],
        rows.product_digests,
        header["key"],
        header["catalogue"],
    )
    made = replace(made, header={**made.header, "rows": header["rows"]})  # of the block it was in
    listed = _products(recorded, ids)
    differences = tuple(_differences(recorded, made, ids))
    if not differences and made.leaves != recorded.leaves:
        differences = ("what is on record of it",)
    scores = recorded.arrays["scores"][0, : len(listed)]
    return Replay(decision, tuple(listed), tuple(map(float, scores)), differences)


class _Capture:
    """An audit log that remembers the last block."""

    def __init__(self) -> None:
        self.block: DecisionBlock | None = None

    def record(self, block: DecisionBlock) -> None:
        """Remember it."""
        self.block = block


def _again(
    pipeline: Pipeline,
    header: dict[str, Any],
    facts: dict[str, Any],
    recorded: DecisionRows,
    ids: pa.Array,
    keys: KeyRing,
) -> DecisionBlock:
    """Ask the pipeline once more.

    Raises:
        ArtifactError: It is not the one that made the decision.
    """
    log = _Capture()
    recording = pipeline.with_audit(log).switched(SwitchState())  # whatever is off by now
    recording.recommend(pipeline.user_ids[:1], k=1)  # it says what it is when it decides something
    if log.block is None:
        raise ArtifactError("replay: the pipeline knows no users")
    context = log.block.context
    if context.model != header["model"]:
        raise ArtifactError(
            f"replay: the decision was made by the model {header['model'][:16]}…, and this is "
            f"{context.model[:16]}…"
        )
    policies = [[policy.id, policy.version, policy.fingerprint] for policy in context.policies]
    if policies != header["policies"]:
        raise ArtifactError("replay: the decision was made under other policies than these")
    key = keys.of(header["key"])
    if key is None:
        raise ArtifactError("replay: the key of the decision's pseudonym is not here")
    everybody = np.arange(len(context.users))
    known = Subjects().of(context.model, context.users, everybody, pa.array([]), key)
    places = np.flatnonzero((known == recorded.arrays["pseudonyms"]).all(axis=1))
    user_ids = context.users.decode(places) if len(places) else _stranger(context.users.array.type)
    if "off" in facts:
        recording = recording.switched(_off(facts["off"], recorded, user_ids[0].as_py()))
    narrowed = facts["narrowed"]
    moment = None if header["as_of"] is None else pd.Timestamp(header["as_of"])
    recording.recommend(
        user_ids,
        k=header["k"],
        as_of=moment,
        exclude_owned=header["exclude_owned"],
        product_ids=None if narrowed is None else pa.array(narrowed, ids.type),
        amount=_amount(recorded.inputs, header["stepwise"], user_ids.type),
        stepwise=header["stepwise"],
    )
    return log.block


def _off(shared: dict[str, Any], recorded: DecisionRows, user_id: Any) -> SwitchState:
    """Return what was off then: of users nobody but, where their row says so, this one."""
    nobody = secrets.token_hex(16)  # others may have been, and it shows that something was
    nothing = not recorded.arrays["lengths"][0] and set(_reasons(recorded)) == {Reason.SWITCHED_OFF}
    return SwitchState(
        everything=shared["everything"],
        users=frozenset({nobody, str(user_id)} if nothing else {nobody}),
        products=frozenset(shared["products"]),
        policies=frozenset(shared["policies"]),
    )


def _amount(inputs: pa.Table, stepwise: bool, kind: pa.DataType) -> Any:
    """Return what would be invested, as the call may have said it; in steps that stands apart."""
    name = PROPOSED if stepwise else _AMOUNT
    if name not in inputs.column_names:
        return None
    amount = inputs[name][0].as_py()
    nothing = {"user_id": pa.array([], kind), "amount": pa.array([], pa.float64())}
    return pa.table(nothing) if amount is None else amount


def _stranger(kind: pa.DataType) -> pa.Array:
    """Return an id that nobody has: the decision was about one whom the model did not know."""
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return pa.array([secrets.token_hex(16) if text else -secrets.randbits(31) - 1], kind)


def _catalogue(store: Store, seq: int) -> AuditRecord:
    for record in store.records(seq, seq + 1, ("catalogue",)):
        if record.is_whole:
            return record
    raise ArtifactError(f"record {seq}, which names the products, is missing or changed")


def _products(rows: DecisionRows, ids: pa.Array) -> list[Any]:
    codes = rows.arrays["products"][0, : int(rows.arrays["lengths"][0])]
    listed: list[Any] = ids.take(pa.array(codes)).to_pylist()
    return listed


def _differences(old: DecisionRows, new: DecisionRows, ids: pa.Array) -> list[str]:
    """Say in words what is not the same, of one decision each."""
    found = [f"{name}: {old.header[name]} on record, {new.header.get(name)} now"
             for name in old.header if old.header[name] != new.header.get(name)]  # fmt: skip
    found += _different_facts(old.inputs, new.inputs)
    listed = (_products(old, ids), _products(new, ids))
    if listed[0] != listed[1]:
        found.append(f"products: {listed[0]} on record, {listed[1]} now")
    elif not np.array_equal(_bits(old.arrays["scores"]), _bits(new.arrays["scores"])):
        scores = [rows.arrays["scores"][0, : len(listed[0])].tolist() for rows in (old, new)]
        found.append(f"scores: {scores[0]} on record, {scores[1]} now")
    candidates = [int(rows.arrays["candidates"][0]) for rows in (old, new)]
    if candidates[0] != candidates[1]:
        found.append(f"candidates: {candidates[0]} on record, {candidates[1]} now")
    flags = [int(rows.arrays["flags"][0]) for rows in (old, new)]
    found += [f"{name}: {bool(flags[0] & bit)} on record, {bool(flags[1] & bit)} now"
              for bit, name in _FLAGS.items() if (flags[0] ^ flags[1]) & bit]  # fmt: skip
    reasons = [_reasons(rows) for rows in (old, new)]
    if reasons[0] != reasons[1]:
        found.append(f"what shortened it: {reasons[0]} on record, {reasons[1]} now")
    return found


def _different_facts(old: pa.Table, new: pa.Table) -> list[str]:
    found = []
    for name in old.column_names:
        if name not in new.column_names:
            continue  # the header has said so
        values = [shown_fact(table[name][0].as_py(), table[name].type) for table in (old, new)]
        kinds = [field_kind(table[name].type) for table in (old, new)]
        if values[0] != values[1] or kinds[0] != kinds[1]:
            found.append(f"{name}: {values[0]} on record, {values[1]} now")
    return found


def _reasons(rows: DecisionRows) -> dict[str, int]:
    names = rows.header["reasons"]
    a = rows.arrays
    return {names[n]: int(count) for n, count in zip(a["reasons"], a["counts"], strict=True)}


def _bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array).view(np.uint8)
