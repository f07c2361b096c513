"""The rule language, one pair at a time: slow and obvious, so that the fast path has a judge.

Values are plain Python: `None` is missing (and, as a truth, unknown), text is `str`, a number is
`float` or `int`, a date is `datetime`, a set is a list, a map is a dictionary. Only levels and
spans of time have types of their own. Nothing here is cached but the parsed text of a rule.
"""

import ast
import calendar
import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["Judgement", "Refused", "among_peers", "fields_of", "judge", "value_of"]

MICROSECONDS_A_DAY = 86_400_000_000
LONGEST_SPAN = 20_000 * 366  # days: twice what lies between any two dates; a longer one overflows
PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"


class Refused(Exception):  # noqa: N818 - a verdict on the sentence, not a fault of this module
    """The sentence means nothing in the language."""


class Judgement(NamedTuple):
    """What the policy says of one pair: eligible or not, and (rule, verdict) in order.

    Rules that never bar pass; what they come to otherwise is among the flags.
    """

    eligible: bool
    verdicts: list[tuple[str, str]]
    flags: list[tuple[str, str]]


@dataclass(frozen=True)
class Level:
    """A name on a scale, and its place there: 1 is the lowest."""

    scale: str
    rank: int


@dataclass(frozen=True, order=True)
class Span:
    """A length of time; an exact integer, so nothing overflows."""

    microseconds: int


@dataclass(frozen=True)
class Months:
    """A shift on the calendar, which is no length of time."""

    count: int


@dataclass(frozen=True)
class Pair:
    """Everything that a sentence may speak of."""

    policy: dict[str, Any]
    user: dict[str, Any]
    product: dict[str, Any]
    as_of: datetime | None


def judge(
    policies: dict[str, Any] | list[dict[str, Any]],
    user: dict[str, Any],
    product: dict[str, Any],
    as_of: datetime | None,
) -> Judgement:
    """Judge one pair under one policy or several, given as parsed TOML."""
    several = policies if isinstance(policies, list) else [policies]
    pairs = [Pair(policy, user, product, as_of) for policy in several]
    scopes = [governs(pair) for pair in pairs]
    verdicts: list[tuple[str, str]] = []
    flags: list[tuple[str, str]] = []
    if None in scopes:
        verdicts.append(("policy:governs", UNKNOWN))
    elif True not in scopes:
        verdicts.append(("policy:governs", FAIL))
    for scope, pair in zip(scopes, pairs, strict=True):
        if scope is not True:
            continue
        current = in_force(pair.policy.get("policy", {}), as_of)
        if current is not True:
            verdicts.append(("policy:effective", FAIL if current is False else UNKNOWN))
            continue
        for rule in pair.policy.get("rules", []):
            verdict = judge_rule(rule, pair)
            if verdict is None:
                continue
            if rule.get("effect", "bar") == "flag" and verdict != PASS:
                flags.append((rule["id"], verdict))
                verdict = PASS
            verdicts.append((rule["id"], verdict))
    return Judgement(all(verdict == PASS for _, verdict in verdicts), verdicts, flags)


def governs(pair: Pair) -> bool | None:
    """Say whether the policy governs the pair."""
    head = pair.policy.get("policy", {})
    return truth(head["governs"], pair) if "governs" in head else True


def judge_rule(rule: dict[str, Any], pair: Pair) -> str | None:
    """Give the rule's verdict on the pair, None where it does not apply."""
    current = in_force(rule, pair.as_of)
    if current is False:
        return None
    applies = truth(rule["applies"], pair) if "applies" in rule else True
    if applies is False:
        return None
    if applies is None or current is None:
        return UNKNOWN
    required = truth(rule["require"], pair)
    if required is None:
        return UNKNOWN
    return PASS if required else FAIL


def in_force(dated: dict[str, Any], as_of: datetime | None) -> bool | None:
    """Say whether `effective <= as_of < expires`, each where given; unknown without a moment."""
    if "effective" not in dated and "expires" not in dated:
        return True
    if as_of is None:
        return None
    if "effective" in dated and as_of < midnight(dated["effective"]):
        return False
    return not ("expires" in dated and as_of >= midnight(dated["expires"]))


def midnight(day: date) -> datetime:
    """Read a bare date as its midnight."""
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


def truth(text: str, pair: Pair) -> bool | None:
    """Evaluate a sentence, which must be a condition."""
    return condition(value_of(text, pair))


def value_of(text: str, pair: Pair) -> Any:
    """Evaluate an expression on a pair."""
    return evaluate(parse(text), pair)


@lru_cache(maxsize=10_000)
def parse(text: str) -> ast.expr:
    """Read the expression's Python syntax."""
    return ast.parse(text.strip(), mode="eval").body


def fields_of(text: str, terms: dict[str, str] | None = None) -> set[str]:
    """Name the fields that an expression speaks of, such as `user.age`, those of terms included."""
    tree = parse(text)
    peers = list(peers_in(tree))
    within = {id(part) for call in peers for part in ast.walk(call)}
    named = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and id(node) not in within
    }
    named |= {f"product.{peers_name(call)}" for call in peers}
    named |= {f"{ast.unparse(call.args[0])}_date" for call in calls(tree, "fresh")}
    used = {name for name in named if terms and name.startswith("term.")}
    inside = [fields_of((terms or {})[name.removeprefix("term.")], terms) for name in used]
    return (named - used).union(*inside)


def evaluate(node: ast.expr, pair: Pair) -> Any:
    """Evaluate one node; both sides of everything, since nothing here has side effects."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return node.value
        case ast.Name(id="as_of"):
            return pair.as_of
        case ast.Attribute(value=ast.Name(id="user"), attr=name):
            return read(pair, "user", name)
        case ast.Attribute(value=ast.Name(id="product"), attr=name):
            return read(pair, "product", name)
        case ast.Attribute(value=ast.Name(id="term"), attr=name):
            return value_of(pair.policy["terms"][name], pair)
        case ast.BoolOp(op=ast.And()):
            return conjunction([condition(evaluate(value, pair)) for value in node.values])
        case ast.BoolOp(op=ast.Or()):
            return disjunction([condition(evaluate(value, pair)) for value in node.values])
        case ast.UnaryOp(op=ast.Not()):
            return negation(condition(evaluate(node.operand, pair)))
        case ast.UnaryOp(op=ast.USub()):
            operand = evaluate(node.operand, pair)
            return None if operand is None else number(-need_number(operand))
        case ast.BinOp():
            return arithmetic(node.op, evaluate(node.left, pair), evaluate(node.right, pair))
        case ast.Compare():
            return chain(node, pair)
        case ast.Call(func=ast.Name(id="cheapest" | "rank_within")):
            return read(pair, "product", peers_name(node))
        case ast.Call(func=ast.Name(id="fresh"), args=[ast.Attribute() as field, span]):
            return fresh(field, span, pair)
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            return FUNCTIONS[name]([evaluate(argument, pair) for argument in node.args], pair)
    raise Refused(ast.dump(node))


def read(pair: Pair, side: str, name: str) -> Any:
    """Read a field: NaN is missing, and text on a scale is a level of it."""
    value = (pair.user if side == "user" else pair.product).get(name)
    if value is None or value != value:
        return None
    kind = pair.policy.get("fields", {}).get(f"{side}.{name}")
    if kind in pair.policy.get("scales", {}):
        return level(value, kind, pair)
    if isinstance(value, date) and not isinstance(value, datetime):
        return midnight(value)
    return value


def level(name: str, scale: str, pair: Pair) -> Level:
    """Find a name on its scale."""
    names = pair.policy["scales"][scale]
    if name not in names:
        raise Refused(f"{name!r} is not on the scale {scale!r}")
    return Level(scale, names.index(name) + 1)


def calls(tree: ast.expr, *names: str) -> Iterator[ast.Call]:
    """Give the calls of some functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def peers_in(tree: ast.expr) -> Iterator[ast.Call]:
    """Give the calls that compare a product with its peers."""
    return calls(tree, "cheapest", "rank_within")


def peers_name(call: ast.Call) -> str:
    """Name the column that such a call stands for."""
    value, by = call.args[0], call.keywords[0].value
    return f"{call.func.id}({value.attr}, by={by.attr})"  # type: ignore[attr-defined]


def among_peers(
    policies: list[dict[str, Any]], catalogue: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Give the rows of a catalogue, with a column for every call that compares products."""
    names = set()
    for policy in policies:
        texts = [policy.get("policy", {}).get("governs"), *policy.get("terms", {}).values()]
        for rule in policy.get("rules", []):
            texts += [rule.get("applies"), rule["require"]]
        names |= {peers_name(c) for text in texts if text for c in peers_in(parse(text))}
    return [{**row, **{name: peer(name, row, catalogue) for name in names}} for row in catalogue]


def peer(name: str, row: dict[str, Any], catalogue: list[dict[str, Any]]) -> float | None:
    """Compare a product with those of the same group."""
    function, value, by = re.fullmatch(r"(\w+)\((\w+), by=(\w+)\)", name).groups()  # type: ignore[union-attr]
    group = present(row.get(by))
    same = [one for one in catalogue if group is not None and present(one.get(by)) == group]
    numbers = [one[value] for one in same if present(one.get(value)) is not None]
    if function == "cheapest":
        return min(numbers, default=None)
    mine = present(row.get(value))
    return None if group is None or mine is None else 1 + sum(other < mine for other in numbers)


def fresh(field: ast.Attribute, span: ast.expr, pair: Pair) -> bool | None:
    """Say whether a fact that is known was dated before the moment, and no longer than a span."""
    known = None if evaluate(field, pair) is None else True
    side: str = field.value.id  # type: ignore[attr-defined]
    dated = read(pair, side, f"{field.attr}_date")
    end = arithmetic(ast.Add(), dated, evaluate(span, pair))
    begun = compare(ast.Lt(), dated, pair.as_of, pair)
    return conjunction([known, begun, compare(ast.Lt(), pair.as_of, end, pair)])


# --- Kleene's logic --------------------------------------------------------------------------


def condition(value: Any) -> bool | None:
    """Insist on a truth: True, False or unknown."""
    if value is not None and not isinstance(value, bool):
        raise Refused(f"{value!r} is no condition")
    return value


def conjunction(values: list[bool | None]) -> bool | None:
    """False if any is false, else unknown if any is unknown."""
    if False in values:
        return False
    return None if None in values else True


def disjunction(values: list[bool | None]) -> bool | None:
    """True if any is true, else unknown if any is unknown."""
    if True in values:
        return True
    return None if None in values else False


def negation(value: bool | None) -> bool | None:
    """Turn it round; unknown stays."""
    return None if value is None else not value


# --- comparison ------------------------------------------------------------------------------

ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def chain(node: ast.Compare, pair: Pair) -> bool | None:
    """`a < b < c` is `a < b and b < c`."""
    links: list[bool | None] = []
    left = evaluate(node.left, pair)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            found = membership(left, right_node, pair)
            links.append(found if isinstance(op, ast.In) else negation(found))
            right = None
        else:
            right = evaluate(right_node, pair)
            links.append(compare(op, left, right, pair))
        left = right
    return conjunction(links)


def membership(value: Any, group: ast.expr, pair: Pair) -> bool | None:
    """`x in [a, b]` is `x == a or x == b`; `x in field` is `contains(field, x)`."""
    if not isinstance(group, ast.List):
        return contains([evaluate(group, pair), value], pair)
    if value is None:
        return None
    return disjunction([equal(value, evaluate(item, pair), pair) for item in group.elts])


def compare(op: ast.cmpop, left: Any, right: Any, pair: Pair) -> bool | None:
    """Compare two values of one kind."""
    if isinstance(op, ast.Eq):
        return equal(left, right, pair)
    if isinstance(op, ast.NotEq):
        return negation(equal(left, right, pair))
    if left is None or right is None:
        return None
    left, right = alike(left, right, pair)
    if isinstance(left, bool | str | list | dict | Months):
        raise Refused(f"{left!r} and {right!r} have no order")
    if isinstance(left, Level):
        left, right = left.rank, right.rank
    return ORDER[type(op)](left, right)


def equal(left: Any, right: Any, pair: Pair) -> bool | None:
    """Unknown if either is missing."""
    if left is None or right is None:
        return None
    left, right = alike(left, right, pair)
    if isinstance(left, list | dict | Months):
        raise Refused(f"{left!r} and {right!r} cannot be compared")
    return bool(left == right)


def alike(left: Any, right: Any, pair: Pair) -> tuple[Any, Any]:
    """Bring two values to one kind, or refuse: numbers are doubles, text may name a level."""
    if isinstance(left, Level) and isinstance(right, str):
        right = level(right, left.scale, pair)
    if isinstance(right, Level) and isinstance(left, str):
        left = level(left, right.scale, pair)
    if isinstance(left, Level) and isinstance(right, Level) and left.scale == right.scale:
        return left, right
    if is_number(left) and is_number(right):
        return float(left), float(right)
    if type(left) is not type(right) or isinstance(left, Level):
        raise Refused(f"{left!r} against {right!r}")
    return left, right


# --- arithmetic ------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    """A truth is not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def need_number(value: Any) -> float:
    """Insist on a number, as a double."""
    if not is_number(value):
        raise Refused(f"{value!r} is not a number")
    return float(value)


def number(value: float) -> float | None:
    """A result that is not finite is missing."""
    return value if math.isfinite(value) else None


def arithmetic(op: ast.operator, left: Any, right: Any) -> Any:
    """Add, subtract, multiply or divide; dates take spans and give them."""
    if left is None or right is None:
        return None
    if isinstance(left, datetime) and isinstance(op, ast.Add | ast.Sub):
        sign = 1 if isinstance(op, ast.Add) else -1
        if isinstance(right, Span):
            return later(left, sign * right.microseconds)
        if isinstance(right, Months):
            return months_later(left, sign * right.count)
        if isinstance(right, datetime) and sign == -1:
            return Span((left - right) // timedelta(microseconds=1))
    a, b = need_number(left), need_number(right)
    match op:
        case ast.Add():
            return number(a + b)
        case ast.Sub():
            return number(a - b)
        case ast.Mult():
            return number(a * b)
        case ast.Div():
            return None if b == 0 else number(a / b)
    raise Refused(type(op).__name__)


def later(moment: datetime, microseconds: int) -> datetime | None:
    """Move along the line of time, missing past the years 1 to 9999."""
    try:
        return moment + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def months_later(moment: datetime, months: int) -> datetime | None:
    """Move along the calendar; where the day does not exist, the last of the month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


# --- functions -------------------------------------------------------------------------------


def whole(value: Any) -> int | None:
    """Give a whole number; a fraction is missing."""
    if value is None:
        return None
    value = need_number(value)
    return int(value) if value.is_integer() else None


def days(arguments: list[Any], _: Pair) -> Span | None:
    count = whole(*arguments)
    if count is None or abs(count) > LONGEST_SPAN:
        return None
    return Span(count * MICROSECONDS_A_DAY)


def hours(arguments: list[Any], _: Pair) -> Span | None:
    count = whole(*arguments)
    if count is None or abs(count) > 24 * LONGEST_SPAN:
        return None
    return Span(count * MICROSECONDS_A_DAY // 24)


def months(arguments: list[Any], _: Pair) -> Months | None:
    count = whole(*arguments)
    return None if count is None else Months(count)


def years(arguments: list[Any], _: Pair) -> Months | None:
    count = whole(*arguments)
    return None if count is None else Months(12 * count)


def rank(arguments: list[Any], _: Pair) -> int | None:
    (value,) = arguments
    if value is not None and not isinstance(value, Level):
        raise Refused(f"rank of {value!r}")
    return None if value is None else value.rank


def age(arguments: list[Any], pair: Pair) -> int | None:
    (born,) = arguments
    now = pair.as_of
    if born is None or now is None or born > now:
        return None
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


def known(arguments: list[Any], _: Pair) -> bool | None:
    (value,) = arguments
    return None if value is None else True


def missing(arguments: list[Any], _: Pair) -> bool:
    (value,) = arguments
    return value is None


def contains(arguments: list[Any], pair: Pair) -> bool | None:
    group, value = arguments
    if group is None or value is None:
        return None
    return disjunction([equal(present(element), value, pair) for element in group])


def subset(arguments: list[Any], pair: Pair) -> bool | None:
    part, group = arguments
    if part is None or group is None:
        return None
    return conjunction([contains([group, present(element)], pair) for element in part])


def present(element: Any) -> Any:
    """NaN inside a list is missing like NaN in a column."""
    return None if element != element else element


def disjoint(arguments: list[Any], pair: Pair) -> bool | None:
    one, other = arguments
    if one is None or other is None:
        return None
    return conjunction([negation(contains([other, present(element)], pair)) if other else True
                        for element in one])  # fmt: skip


def count(arguments: list[Any], _: Pair) -> int | None:
    (group,) = arguments
    return None if group is None else len(group)


def lookup(arguments: list[Any], pair: Pair) -> Any:
    table, key, *default = arguments
    if table is None or key is None:
        return None
    if isinstance(key, Level):
        key = pair.policy["scales"][key.scale][key.rank - 1]
    if default and key not in table:
        return default[0]
    return present(table.get(key))


def mapped(arguments: list[Any], pair: Pair) -> Any:
    """Look up a map of the policy, which says `from` and `to`."""
    name, key = arguments
    table = pair.policy["maps"][name]
    if key is None:
        return None
    scales = pair.policy["scales"]
    if table["from"] in scales and isinstance(key, Level):
        key = scales[key.scale][key.rank - 1]
    value = table["levels"].get(key)
    return level(value, table["to"], pair) if table["to"] in scales and value is not None else value


def rank_sum(arguments: list[Any], pair: Pair) -> float | None:
    table, level = arguments
    if table is None or level is None:
        return None
    levels = pair.policy["scales"][level.scale]
    total = 0.0
    for key, weight in table.items():
        if key not in levels or present(weight) is None:
            return None
        total += weight * (1 + levels.index(key))
    return number(total)


def lowest(arguments: list[Any], pair: Pair) -> Any:
    return extreme(arguments, ast.Lt(), pair)


def highest(arguments: list[Any], pair: Pair) -> Any:
    return extreme(arguments, ast.Gt(), pair)


def extreme(arguments: list[Any], better: ast.cmpop, pair: Pair) -> Any:
    """Give the value that beats the others, or the elements of a list; one missing spoils all."""
    if len(arguments) == 1 and isinstance(arguments[0], list | tuple | set | frozenset):
        arguments = [present(element) for element in arguments[0]] or [None]
    if None in arguments:
        return None
    best = arguments[0]
    for value in arguments[1:]:
        if compare(better, value, best, pair):
            best = value
    return best


def absolute(arguments: list[Any], _: Pair) -> float | None:
    (value,) = arguments
    return None if value is None else abs(need_number(value))


FUNCTIONS: dict[str, Callable[[list[Any], Pair], Any]] = {
    "abs": absolute,
    "age": age,
    "contains": contains,
    "count": count,
    "days": days,
    "disjoint": disjoint,
    "hours": hours,
    "known": known,
    "lookup": lookup,
    "map": mapped,
    "max": highest,
    "min": lowest,
    "missing": missing,
    "months": months,
    "rank": rank,
    "rank_sum": rank_sum,
    "subset": subset,
    "years": years,
}
