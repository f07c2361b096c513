"""What a user would have to learn or renew, for one product, and for most of what they want."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.model.state import FittedState
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.engine import top_k
from suitably.suitability.what_if.record import WhatIf
from suitably.suitability.what_if.supposed import Derived
from suitably.typing import IdLike
from suitably.utils import bitset
from suitably.utils.record import Record

__all__ = ["Lesson", "lessons", "what_if"]

_WANTED = 100
"""How many of the products that are kept from a user are asked about, the most wanted first."""


@dataclass(frozen=True, repr=False)
class Lesson(Record):
    """Facts to change together, and the products that this opens.

    Attributes:
        changes: Keys of `[changeable]`, sorted.
        text: What to do about them, in English (`"en"`) and Chinese (`"zh"`).
        product_ids: The products that rules would pass, each by itself, and pass with no smaller
            set of changes; the most wanted first.
        share: What they are of all that changes would open, among the hundred products that the
            user would want most and rules keep out: each counts 1 / log2(1 + rank), by its place
            among those in the ranker's order.

    Example:
        >>> Lesson(("user.passed",), {"en": "Take the test.", "zh": "请参加测试。"}, ("etf",), 0.5)
        Lesson('user.passed', 1 product, share 0.5)
    """

    changes: tuple[str, ...]
    text: Mapping[str, str]
    product_ids: tuple[Any, ...]
    share: float

    def __repr__(self) -> str:
        count = len(self.product_ids)
        changes = ", ".join(map(repr, self.changes))
        return f"Lesson({changes}, {count} product{'s' * (count != 1)}, share {self.share:.3g})"


def what_if(
    generator: ListGenerator,
    user_id: IdLike,
    product_id: IdLike,
    amounts: NDArray[np.float64] | None,
) -> list[WhatIf]:
    """Return the smallest sets of facts that, changed, would let rules pass a pair.

    Args:
        generator: What draws up the lists.
        user_id: The user.
        product_id: The product.
        amounts: What the call proposes to invest: float64 (users,), NaN for nothing.
    """
    row = int(generator.state.users.codes_of([user_id], "user_id")[0])
    eligibility = generator.snapshot.eligibility
    code = int(generator.state.catalogue.codes_of([product_id], "product_id")[0])
    if row >= 0 and code >= 0 and generator.off is not None:
        off = generator.off.pairs(np.array([row]), eligibility)
        if bitset.has(off, np.zeros(1, np.int64), np.array([code]))[0]:
            return []  # nothing that the user could do would open it
    return eligibility.what_if(user_id, product_id, *_known(generator, row, amounts))


def lessons(
    generator: ListGenerator, user_id: IdLike, amounts: NDArray[np.float64] | None
) -> list[Lesson]:
    """Return what opens most of what a user would want, `generator.k` lessons at most.

    Of every product the smallest sets count; lessons that say the same are one.
    """
    state, eligibility = generator.state, generator.snapshot.eligibility
    row = int(state.users.codes_of([user_id], "user_id")[0])
    if row < 0:
        raise DataError(f"user {user_id!r} is unknown")
    known = _known(generator, row, amounts)
    closed = eligibility.may_open(row, *known)
    rows = np.array([row])
    closed = closed & ~eligibility.bits(rows)
    closed = generator.without_switched_off(closed, rows)
    closed = generator.without_rejected(generator.without_owned(closed, rows), rows)
    wanted: list[int] = []
    for part in generator.assignments(rows):
        best = top_k(part.scorer, closed & part.known, _WANTED)
        wanted = best.products[0, : best.lengths[0]].tolist()
    answers = eligibility.what_ifs(row, wanted, *known)
    openable = [code for code in wanted if answers[code]]
    ids = state.catalogue.ids.decode(np.array(openable, np.int64)).to_pylist()
    worth = 1 / np.log2(2 + np.arange(len(openable)))
    opened: dict[tuple[Any, ...], dict[int, Any]] = {}
    said: dict[tuple[Any, ...], WhatIf] = {}
    for place, code in enumerate(openable):
        least = len(answers[code][0].changes)
        for one in answers[code]:
            if len(one.changes) == least:
                key = (one.changes, *one.text.items())
                said[key] = one
                opened.setdefault(key, {})[place] = ids[place]
    made = [
        Lesson(
            said[key].changes,
            said[key].text,
            tuple(products.values()),
            float(worth[list(products)].sum() / worth.sum()),
        )
        for key, products in opened.items()
    ]
    made.sort(key=lambda one: (-one.share, len(one.changes), one.changes))
    return made[: generator.k]


def _known(
    generator: ListGenerator, row: int, amounts: NDArray[np.float64] | None
) -> tuple[Derived, tuple[str, ...]]:
    """Return what follows from a user's facts, and what the call says of them."""
    proposed = amounts is not None and row >= 0 and not np.isnan(amounts[row])
    derived = _derived(generator.state, generator.snapshot.as_of, row)
    return derived, ("amount_to_invest",) if proposed else ()


def _derived(state: FittedState, as_of: Any, row: int) -> Derived:
    """Return the fields of profiles that follow from dates: what is withheld for its date alone."""
    pairs = zip(state.builders, state.builder_states, strict=True)
    following = [(builder, own) for builder, own in pairs if hasattr(builder, "follows")]

    def derive(dates: pa.Table) -> pa.Table:
        columns: dict[str, pa.ChunkedArray] = {}
        for builder, own in following:
            supposed = builder.supposing(own, row, dates, state.clock)
            made = builder.finalise(supposed, as_of)
            columns |= {name: made[name] for name in builder.follows}
        return pa.table(columns)

    sources: dict[str, tuple[str, ...]] = {}
    for builder, _ in following:
        sources |= builder.follows
    return Derived(sources, derive)
