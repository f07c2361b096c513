"""Catalogues on record: which products the codes of decisions mean, written once for a model."""

from collections import OrderedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import ArtifactError
from suitably.governance.chained_log import ChainedLog
from suitably.governance.row_bytes import value_digests
from suitably.governance.store import Store
from suitably.governance.verification import catalogue_digests, catalogue_ids
from suitably.pipeline.decision_block import DecisionContext
from suitably.utils.fork import ForkLock

__all__ = ["Catalogues"]

_KEPT = 4


class Catalogues:
    """Names the products of each model in a record of its own, and remembers which.

    Args:
        store: Where the records are.
        log: What appends to it.
    """

    def __init__(self, store: Store, log: ChainedLog) -> None:
        self._store, self._log = store, log
        self._lock = ForkLock()
        self._kept: OrderedDict[tuple[str, int], tuple[Vocabulary, int, NDArray[np.uint8]]]
        self._kept = OrderedDict()

    def of(self, context: DecisionContext) -> tuple[int, NDArray[np.uint8]]:
        """Return the record that names a catalogue, and the digests of its ids."""
        name = (context.model, id(context.products))
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept[0] is not context.products:
                # The ids are held too, lest others come to have their address.
                kept = self._kept[name] = (context.products, *self._name(context))
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return kept[1], kept[2]

    def _name(self, context: DecisionContext) -> tuple[int, NDArray[np.uint8]]:
        ids = context.products.decode(np.arange(len(context.products)))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, pa.schema([("product_id", ids.type)])) as writer:
            writer.write_table(pa.table({"product_id": ids}))
        body = {"model": context.model, "products": len(ids)}
        record = self._log.append("catalogue", body, sink.getvalue().to_pybytes())
        assert record is not None
        return record.seq, value_digests(context.products.array)

    def named(self, seq: int) -> tuple[pa.Array, NDArray[np.uint8]]:
        """Return the product ids that a record names, and their digests.

        Raises:
            ArtifactError: It is not there.
        """
        for record in self._store.records(seq, seq + 1):
            return catalogue_ids(record), catalogue_digests(record)
        raise ArtifactError(
            f"{self._log.where}: record {seq}, which names the products, is missing"
        )
