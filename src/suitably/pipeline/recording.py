"""Decisions on record: what recommendations are made of, block by block, for an audit log."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.model.model import Model
from suitably.persistence.packing import fingerprint
from suitably.pipeline.decision_block import AuditLog, DecisionBlock, DecisionContext
from suitably.recommendations import Recommendations
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.language.nodes import column_name
from suitably.utils.parallel import parallel

__all__ = ["PROPOSED", "record"]

PROPOSED = "amount"
"""What an input is called that the call gave: what would be invested, step by step."""

_BLOCK = 4096
_AHEAD = 16


def record(
    log: AuditLog,
    model: Model,
    made: Recommendations,
    stepwise: bool = False,
    amounts: NDArray[np.float64] | None = None,
) -> None:
    """Tell a log of every decision of a call, in the order of the users asked.

    Args:
        log: Whom to tell.
        model: What answered.
        made: The lists.
        stepwise: Whether each product was judged as if those before it were bought.
        amounts: What the call said would be invested, per user of the model.

    Raises:
        ArtifactError: A part of the model cannot be saved, so that no fingerprint stands for it.
    """
    context = _context(model, made, stepwise)
    inputs = _inputs(made.generator.snapshot.eligibility)
    if stepwise and amounts is not None:  # what is bought on the way counts, whatever rules read
        columns = dict(zip(inputs.column_names, inputs.columns, strict=True))
        inputs = pa.table({**columns, PROPOSED: pa.array(amounts, from_pandas=True)})
    starts = range(0, len(made), _BLOCK)
    record_all = getattr(log, "record_all", None)
    prepare = getattr(log, "prepare", None) if record_all is not None else None

    def told(start: int) -> Any:
        block = _block(context, made, inputs, start)
        return block if prepare is None else prepare(block)

    blocks = parallel(told, starts, _AHEAD)  # what waits for the log is bounded
    if record_all is not None:
        record_all(blocks)
        return
    for block in blocks:
        log.record(block)


def _block(
    context: DecisionContext, made: Recommendations, inputs: pa.Table, start: int
) -> DecisionBlock:
    places = np.arange(start, min(start + _BLOCK, len(made)))
    rows = made.rows[places]
    is_known = rows >= 0
    known = rows[is_known]
    generator, eligibility = made.generator, made.last_generator.snapshot.eligibility
    opted_out = np.zeros(len(rows), bool)
    opted_out[is_known] = generator.opted_out(known)
    kept_out = eligibility.exclusions(known, generator.narrowed).sum(axis=0)
    lists = made.lists.take(places)
    return DecisionBlock(
        context=context,
        rows=rows,
        user_ids=made.user_ids.slice(start, len(places)),
        inputs=inputs.take(pa.array(rows, mask=~is_known)),
        candidates=made.candidates[places],
        exclusions=dict(zip(eligibility.reasons, kept_out.tolist(), strict=True)),
        lists=lists,
        abstentions=made.causes(places[lists.lengths < made.k], start),
        stood_in=made.stood_in[places],
        opted_out=opted_out,
    )


def _context(model: Model, made: Recommendations, stepwise: bool) -> DecisionContext:
    generator = made.generator
    catalogue = generator.state.catalogue.ids
    asked = generator.candidates
    return DecisionContext(
        model=fingerprint(model),
        policies=model.policies,
        as_of=made.as_of,
        users=generator.state.users.ids,
        products=catalogue,
        k=made.k,
        exclude_owned=generator.exclude_owned,
        stepwise=stepwise,
        narrowed=None if asked is None else catalogue.decode(np.unique(asked)),
        off=None if generator.off is None else generator.off.state,
    )


def _inputs(eligibility: Eligibility) -> pa.Table:
    """Return the fields of users that policies read, as rules see them, in their order."""
    fields = eligibility.users.fields
    read = (field for policy in eligibility.policies for field in policy.reads)
    names = dict.fromkeys(column_name(field.name) for field in read if field.side == "user")
    there = [name for name in names if name in fields.column_names]
    table = fields.select(there).rename_columns([f"user.{name}" for name in there])
    return table.combine_chunks()
