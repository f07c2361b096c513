"""Functions of money: what would be invested, what is held, and what was bought."""

import re

import numpy as np

from suitably.suitability.language.functions.model import Context, Function, Refuse, takes
from suitably.suitability.language.nodes import Arithmetic, Call, Constant, Field, Node
from suitably.suitability.language.types import NUMBER, MapColumn, Values

__all__ = ["AMOUNT", "LEAST_AMOUNT", "MONEY", "money_field"]

AMOUNT = "amount_to_invest?"
"""The field of the user that says what would be invested, if there is one."""
LEAST_AMOUNT = "min_amount?"
"""The field of the product that says the least, if there is one."""

_FIELD = re.compile(
    r"portfolio\(\)|held\((\w+)\)|bought\((\w+), (hours|days|months|years)\((\d+)\)\)"
)
_YEARS = 10_000
_SPANS = {"hours": 24 * 366 * _YEARS, "days": 366 * _YEARS, "months": 12 * _YEARS, "years": _YEARS}


def money_field(name: str) -> tuple[str, str, int] | None:
    """Return what a field of the user sums up, if it is one of money held or bought.

    Returns:
        The product's column that sums go by, empty for all that is held; and the window: its
        unit, empty for what is held, and its length.
    """
    found = _FIELD.fullmatch(name)
    if found is None:
        return None
    if found[2]:
        return found[2], found[3], int(found[4])
    return found[1] or "", "", 0


def _amount(_: Context, proposed: Values, least: Values) -> Values:
    """Return the greater of both; where one is missing, the other."""
    known = proposed.known | least.known
    low = -np.inf
    data = np.maximum(
        np.where(proposed.known, proposed.data, low), np.where(least.known, least.data, low)
    )
    return Values(NUMBER, np.where(known, data, 0.0), known)


def _amount_fields(call: Call, _: Refuse) -> Node:
    place = call.place
    fields = (Field("user", AMOUNT, **place), Field("product", LEAST_AMOUNT, **place))
    return Call("amount", fields, **place)


def _held(call: Call, refuse: Refuse) -> Node:
    (column,) = call.arguments
    return _sum_by(call, column, f"held({_name(column, call, refuse)})")


def _bought(call: Call, refuse: Refuse) -> Node:
    column, span = call.arguments
    name = _name(column, call, refuse)
    whole = (
        isinstance(span, Call)
        and span.function in _SPANS
        and isinstance(span.arguments[0], Constant)
        and isinstance(span.arguments[0].value, float)
        and span.arguments[0].value.is_integer()
        and span.arguments[0].value > 0
    )
    if not whole:
        refuse(span, "bought takes a span written out, such as months(12)")
    assert isinstance(span, Call)
    assert isinstance(span.arguments[0], Constant)
    if span.arguments[0].value > _SPANS[span.function]:  # type: ignore[operator]
        refuse(span, f"bought looks back {_YEARS:,} years at most")
    window = f"{span.function}({int(span.arguments[0].value)})"
    return _sum_by(call, column, f"bought({name}, {window})")


def _name(column: Node, call: Call, refuse: Refuse) -> str:
    if not isinstance(column, Field) or column.side != "product":
        refuse(column, f"{call.function} takes a field of the product, such as product.issuer")
    return column.name


def _sum_by(call: Call, column: Node, name: str) -> Node:
    """Write it as the sum in a map of the user, by what the product's field holds."""
    assert isinstance(column, Field)
    place = call.place
    key = Field("product", f"{column.name}$", **column.place)
    return Call("lookup", (Field("user", name, **place), key, Constant(0.0, **place)), **place)


def _portfolio(call: Call, _: Refuse) -> Node:
    return Field("user", "portfolio()", **call.place)


def _portfolio_risk(call: Call, refuse: Refuse) -> Node:
    """Write it as ranks weighted by money, of what is held and of the amount in the product."""
    place = call.place
    level = Field("product", "risk_level", **place)
    amount = _amount_fields(call, refuse)
    held = Call("rank_sum", (Field("user", "held(risk_level)", **place), level), **place)
    more = Arithmetic("*", amount, Call("rank", (level,), **place), **place)
    whole = Arithmetic("+", _portfolio(call, refuse), amount, **place)
    return Arithmetic("/", Arithmetic("+", held, more, **place), whole, **place)


def _rank_sum(context: Context, mapping: Values, level: Values) -> Values:
    scale = level.type.scale
    known = mapping.known & level.known
    shape = known.shape
    if scale is None or not isinstance(mapping.extra, MapColumn):
        return Values(NUMBER, np.zeros(shape), np.zeros(shape, bool))
    entries: MapColumn = mapping.extra
    ranks = {
        context.texts.code(str(name)): place for place, name in enumerate(scale.levels, start=1)
    }
    keys, place = np.unique(entries.keys, return_inverse=True)
    rank = np.array([ranks.get(int(key), np.nan) for key in keys], np.float64)[place]
    rows = np.repeat(np.arange(len(entries.offsets) - 1), np.diff(entries.offsets))
    parts = np.where(entries.known, entries.values, np.nan) * rank
    sums = np.bincount(rows, parts, minlength=len(entries.offsets) - 1)[mapping.data]
    sums = np.broadcast_to(sums, shape)
    return Values(NUMBER, np.nan_to_num(sums), known & np.isfinite(sums))


MONEY = (
    Function(
        "amount",
        takes(proposed="number", least="number"),
        "number",
        "what would be invested: the call's `amount=`, else `user.amount_to_invest`; never under "
        "`product.min_amount`, which stands in where nothing is proposed",
        _amount,
        bare=True,
        expand=_amount_fields,
        least=0,
    ),
    Function(
        "held",
        takes(x="product field"),
        "number",
        "money that the user holds in what shares the product's value of a field",
        expand=_held,
        least=0,
    ),
    Function(
        "bought",
        takes(x="product field", span="span"),
        "number",
        "money for which the user bought such products in a span up to `as_of`",
        expand=_bought,
    ),
    Function(
        "portfolio",
        (),
        "number",
        "money in all that the user holds",
        expand=_portfolio,
        least=0,
    ),
    Function(
        "rank_sum",
        takes(map="map", level="level"),
        "number",
        "sum over a map from levels: its numbers times the positions of its keys on the scale of "
        "a level",
        _rank_sum,
    ),
    Function(
        "portfolio_risk",
        (),
        "number",
        "mean position of `risk_level` on its scale, weighted by money, of what is held and the "
        "amount in this product",
        expand=_portfolio_risk,
        least=1,
    ),
)
