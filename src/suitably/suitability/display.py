"""Frames and HTML to look at: verdicts of a few users, what keeps pairs out, a policy's rules."""

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import read_frame, write_frame
from suitably.data.vocabulary import id_array
from suitably.errors import DataError
from suitably.suitability.language.document import PolicyDocument, Rule, dates_in_words
from suitably.suitability.verdicts import RuleVerdict, Verdict
from suitably.typing import IdLike, IdsLike
from suitably.utils import html
from suitably.utils.bitset import BitRows

__all__ = ["eligibility_frame", "eligibility_html", "policy_html"]

_MOST_CELLS = 10_000
_MOST_PAIRS = 2_000_000  # what can be counted while a notebook waits
_AFTER_COUNTS = " what each rule keeps out."
_KEPT_OUT: tuple[Verdict, ...] = ("fail", "unknown")


class Judged(Protocol):
    """What is shown of an eligibility."""

    @property
    def user_ids(self) -> NDArray[Any]:
        """The users, in order."""
        ...

    @property
    def product_ids(self) -> NDArray[Any]:
        """The catalogue, in order."""
        ...

    def bits(self, rows: NDArray[np.int64]) -> BitRows:
        """Return packed eligibility."""
        ...

    def mask(self, user_ids: IdsLike | None = None) -> NDArray[np.bool_]:
        """Return eligibility of the users asked."""
        ...

    def verdicts(self, user_id: IdLike, product_id: IdLike) -> list[RuleVerdict]:
        """Return what the rules say of one pair."""
        ...

    def counts(self) -> Any:
        """Count what each rule keeps out."""
        ...

    def flags(self, user_ids: IdsLike, product_ids: IdsLike) -> Any:
        """Return the flags of pairs."""
        ...


def eligibility_frame(
    eligibility: Judged, user_ids: IdsLike, kind: str = "pandas", verdicts: bool = False
) -> Any:
    """Lay out the verdicts of some users, a row for each and a column per product.

    Args:
        eligibility: Who may be offered what.
        user_ids: The users to show.
        kind: The kind of frame to give.
        verdicts: Whether to name the rules that keep a pair out beside its verdict.

    Returns:
        A frame: user_id, then a column for every product, called by its id as text, of `"pass"`,
        `"fail"` or `"unknown"`; with `verdicts`, of texts such as `"fail: risk-level"`, and
        `"pass; flag: special-care"` where a rule that bars nothing flags the pair. A pair that one
        rule fails is a fail, whatever is unknown besides.

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
    if verdicts and shown.size:
        pairs = np.repeat(users, len(names)), np.tile(eligibility.product_ids, len(users))
        flags, _ = read_frame(eligibility.flags(*pairs), "flags")
        row_of = {user: row for row, user in enumerate(users)}
        column_of = {name: column for column, name in enumerate(names)}
        for flag in flags.to_pylist():
            word = "flag unknown" if flag["unknown"] else "flag"
            place = row_of[flag["user_id"]], column_of[str(flag["product_id"])]
            shown[place] += f"; {word}: {flag['rule']}"
    columns = {
        name: pa.array(texts, pa.string()) for name, texts in zip(names, shown.T, strict=True)
    }
    return write_frame(pa.table({"user_id": asked, **columns}), kind)


def _cell(eligibility: Judged, found: list[RuleVerdict], named: bool) -> str:
    verdict = next(v for v in _KEPT_OUT if any(one.verdict == v for one in found))
    if not named:
        return verdict
    parts = []
    for kept_out in _KEPT_OUT:
        rules = dict.fromkeys(one.rule for one in found if one.verdict == kept_out)
        parts += [f"{kept_out}: {', '.join(rules)}"] * bool(rules)
    return "; ".join(parts)


def eligibility_html(eligibility: Judged) -> str:
    """Summarise an eligibility for a notebook, without ids: what each rule keeps out.

    The pairs of a large one are not counted unasked; it is shown by its sizes.
    """
    pairs = len(eligibility.user_ids) * len(eligibility.product_ids)
    if pairs > _MOST_PAIRS:
        hint = html.element("p", "Ask ", html.element("code", "counts()"), _AFTER_COUNTS)
        return html.box(repr(eligibility), hint)
    rows = np.arange(len(eligibility.user_ids))
    passed = int(np.bitwise_count(eligibility.bits(rows)).sum(dtype=np.int64)) if pairs else 0
    counts, _ = read_frame(eligibility.counts(), "counts")
    said = f"{passed:,} of {pairs:,} pairs are eligible; what each rule keeps out:"
    lines = [list(row.values()) for row in counts.to_pylist()]
    return html.box(
        repr(eligibility), html.element("p", said), html.table(counts.column_names, lines)
    )


def policy_html(policy: PolicyDocument) -> str:
    """Lay a policy out for a notebook: its rules as a table."""
    about = {
        **policy.title,
        "governs": policy.governs or "every pair",
        "in force": dates_in_words(policy),
        **policy.named,
        "sha256": policy.fingerprint,
    }
    columns = ("rule", "article", "applies", "requires", "because")
    lines = [
        (
            f"{rule.id} (flag, bars nothing)" if rule.effect == "flag" else rule.id,
            rule.article or "–",
            rule.applies or "to every pair",
            html.element("code", rule.require),
            _because(rule),
        )
        for rule in policy.rules
    ]
    return html.box(repr(policy), html.facts(about), html.table(columns, lines))


def _because(rule: Rule) -> object:
    told = [("", rule.texts.user), ("adviser: ", rule.texts.adviser if rule.texts.apart else {})]
    texts = [
        html.element("div", f"{audience}{text}", lang=language)
        for audience, by_language in told
        for language, text in by_language.items()
    ]
    return html.element("div", *texts) if texts else "–"
