"""What pages read of one served version: its users by pseudonym, its lists, counts of its rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Event, Thread
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.frames import read_frame
from suitably.errors import SuitablyError
from suitably.pipeline.pipeline import Pipeline
from suitably.serving.desk.people import People
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import Policy
from suitably.typing import AsOf
from suitably.utils.fork import ForkLock

__all__ = ["Counted", "Reading"]

_NAMES = ("name", "title", "product_name")
_MOST = 50


@dataclass(frozen=True)
class Counted:
    """What rules keep out.

    Attributes:
        rules: By rule: failed, unknown, only and flagged.
        pairs: Of how many pairs.
        problem: Why there are none, empty where there are.
    """

    rules: Mapping[str, Mapping[str, int]]
    pairs: int
    problem: str = ""


class Reading:
    """Reads one version of the model; to look is no decision, so nothing is put on record.

    Args:
        version: What it is called.
        pipeline: Fitted.
        name: Returns the pseudonym of an id.
        moment: As of when, where nothing else is asked; None: as of the fit.
    """

    def __init__(
        self,
        version: str,
        pipeline: Pipeline,
        name: Callable[[Any], str],
        moment: AsOf | None = None,
    ) -> None:
        self.version: str = version
        self.moment: AsOf | None = moment
        self.pipeline: Pipeline = pipeline if pipeline.audit is None else pipeline.with_audit(None)
        self.eligibility: Eligibility = pipeline.eligibility(moment)
        self.people: People = People(self.eligibility.users.ids, name)
        self._lock, self._counted = ForkLock(), Event()
        self._counts: Counted | None = None
        self._counter: Thread | None = None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies in force."""
        return self.pipeline.policies

    @property
    def product_count(self) -> int:
        """How many products there are."""
        return len(self.eligibility.products)

    def product_id(self, row: int) -> Any:
        """Return the id of the product at a position."""
        return self.eligibility.products.ids.values[row]

    def product_row(self, text: str) -> int | None:
        """Return the position of the product whose id is written so, None where there is none."""
        found = pc.index(self._written, pa.scalar(text, pa.string())).as_py()
        return None if found < 0 else int(found)

    def called(self, row: int) -> str:
        """Return what a product is called beside its id, empty where nothing says."""
        return "" if self._names is None else (self._names[row].as_py() or "")

    def called_by_id(self, product_id: Any) -> str:
        """Return the same of an id."""
        row = self.product_row(str(product_id))
        return "" if row is None else self.called(row)

    def search(self, text: str) -> list[int]:
        """Return the positions of products with a text in their id or name, 50 at most."""
        sought = text.strip()
        hits = pc.match_substring(self._written, sought, ignore_case=True)
        if self._names is not None:
            by_name = pc.match_substring(self._names, sought, ignore_case=True)
            hits = pc.or_(hits, pc.fill_null(by_name, False))
        return [int(row) for row in pc.indices_nonzero(hits)[:_MOST].to_pylist()]

    def product_fields(self, row: int) -> dict[str, Any]:
        """Return the fields of a product, by name."""
        fields = self.eligibility.products.fields
        return {name: fields[name][row].as_py() for name in fields.column_names}

    def names_users(self, rule: str, policy: str) -> bool:
        """Return whether a rule's inputs or texts hold ids of users."""
        name = self.eligibility.users.id_column
        return any(
            field.side == "user" and field.name == name
            for one in self.policies
            if one.id == policy
            for part in one.rules
            if part.id == rule
            for field in (*part.fields, *part.mentioned)
        )

    def counts(self, patience: float = 2.0) -> Counted | None:
        """Return what rules keep out; None while it is being counted, which is done once.

        Args:
            patience: For how many seconds to wait.
        """
        with self._lock:
            if self._counter is None:
                self._counter = Thread(target=self._count, daemon=True)
                self._counter.start()
        self._counted.wait(patience)
        return self._counts

    def _count(self) -> None:
        try:
            table, _ = read_frame(self.eligibility.counts(), "counts")
            rows = {row.pop("rule"): row for row in table.to_pylist()}
            pairs = len(self.eligibility.users) * len(self.eligibility.products)
            self._counts = Counted(rows, pairs)
        except (SuitablyError, MemoryError) as error:
            self._counts = Counted({}, 0, str(error) or type(error).__name__)
        finally:
            self._counted.set()

    @cached_property
    def _written(self) -> pa.Array:
        return self.eligibility.products.ids.array.cast(pa.string())

    @cached_property
    def _names(self) -> pa.ChunkedArray | None:
        fields = self.eligibility.products.fields
        found = [name for name in _NAMES if name in fields.column_names]
        texts = [name for name in found if pa.types.is_string(fields[name].type)]
        return fields[texts[0]] if texts else None
