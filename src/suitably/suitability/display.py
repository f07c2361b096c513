"""Eligibility to look at: the verdicts of a few users as a labelled frame, and a summary."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from suitably.data.frames import read_frame, write_frame
from suitably.data.vocabulary import id_array
from suitably.errors import DataError
from suitably.suitability.verdicts import RuleVerdict, Verdict

if TYPE_CHECKING:
    from suitably.suitability.eligibility import Eligibility

__all__ = ["eligibility_frame", "eligibility_html"]

_MOST_CELLS = 10_000
_MOST_PAIRS = 2_000_000  # what can be counted while a notebook waits
_KEPT_OUT: tuple[Verdict, ...] = ("fail", "unknown")


def eligibility_frame(
    eligibility: "Eligibility", user_ids: Any, kind: str = "pandas", verdicts: bool = False
) -> Any:
    """Lay out the verdicts of some users, a row for each and a column per product.

    Args:
        eligibility: Who may be offered what.
        user_ids: The users to show.
        kind: The kind of frame to give.
        verdicts: Whether to name the rules that keep a pair out beside its verdict.

    Returns:
        A frame: user_id, then a column for every product, called by its id as text, of `"pass"`,
        `"fail"` or `"unknown"`; with `verdicts`, of texts such as `"fail: risk-level"`. A pair that
        one rule fails is a fail, whatever is unknown besides.

    Raises:
        DataError: An unknown id, more than 10,000 cells, or a product called `user_id`.
    """
    asked = id_array(user_ids, "user_ids")
    names = [str(product) for product in eligibility.product_ids]
    cells = len(asked) * len(names)
    if cells > _MOST_CELLS:
        raise DataError(
            f"{len(asked):,} users x {len(names):,} products is {cells:,} cells, more than "
            f"{_MOST_CELLS:,} to look at: ask for fewer users, or use mask(user_ids)"
        )
    if "user_id" in names:
        raise DataError("a product is called 'user_id', so its column would be too: use mask")
    users = asked.to_pylist()
    shown = np.full((len(users), len(names)), "pass", object)
    for row, column in np.argwhere(~eligibility.mask(users)):
        found = eligibility.verdicts(users[row], eligibility.product_ids[column])
        shown[row, column] = _cell(eligibility, found, verdicts)
    columns = {
        name: pa.array(texts, pa.string()) for name, texts in zip(names, shown.T, strict=True)
    }
    return write_frame(pa.table({"user_id": asked, **columns}), kind)


def _cell(eligibility: "Eligibility", found: list[RuleVerdict], named: bool) -> str:
    verdict = next(v for v in _KEPT_OUT if any(one.verdict == v for one in found))
    if not named:
        return verdict
    parts = []
    for kept_out in _KEPT_OUT:
        rules = dict.fromkeys(one.rule for one in found if one.verdict == kept_out)
        parts += [f"{kept_out}: {', '.join(rules)}"] * bool(rules)
    return "; ".join(parts)


def eligibility_html(eligibility: "Eligibility") -> str:
    """Summarise an eligibility for a notebook, without ids: what each rule keeps out.

    The pairs of a large one are not counted unasked; it is shown by its sizes.
    """
    title = f"<p><code>{escape(repr(eligibility))}</code></p>"
    pairs = len(eligibility.user_ids) * len(eligibility.product_ids)
    if pairs > _MOST_PAIRS:
        return f"{title}<p>Ask <code>counts()</code> what each rule keeps out.</p>"
    rows = np.arange(len(eligibility.user_ids))
    passed = int(np.bitwise_count(eligibility.bits(rows)).sum(dtype=np.int64)) if pairs else 0
    counts, _ = read_frame(eligibility.counts(), "counts")
    head = "".join(f"<th>{escape(name)}</th>" for name in counts.column_names)
    body = "".join(
        f"<tr><td>{escape(row['rule'])}</td>"
        + "".join(f"<td>{row[name]:,}</td>" for name in counts.column_names[1:])
        + "</tr>"
        for row in counts.to_pylist()
    )
    return (
        f"{title}<p>{passed:,} of {pairs:,} pairs are eligible; what each rule keeps out:</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
