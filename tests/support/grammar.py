"""Random sentences that are correct by type; the functions are those of the library's registry."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from suitably.suitability.language.functions import REGISTRY, Function
from support.pools import KEYS, NUMBERS, TEXTS, Field

__all__ = ["maps_of", "sentences"]


class Sentences:
    """Writes type-correct expressions over a schema; every choice is hypothesis's."""

    def __init__(self, draw: Any, fields: Sequence[Field], scales: dict[str, list[str]]) -> None:
        self.draw, self.fields, self.scales = draw, fields, scales

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def field(self, *kinds: str) -> str:
        return str(self.pick([field for field in self.fields if field.kind in kinds]))

    def has(self, kind: str) -> bool:
        return any(field.kind == kind for field in self.fields)

    def literal(self, value: Any) -> str:
        return repr(value)

    def condition(self, depth: int) -> str:
        """Write a condition."""
        leaves: list[Callable[[int], str]] = [
            self.numeric,
            self.numeric,
            self.dated,
            self.spanned,
            self.textual,
            self.levelled,
            self.listed,
            self.flagged,
            self.tested,
            self.tested,
        ]
        if depth <= 0:
            return str(self.pick(leaves)(0))
        return str(self.pick([*leaves, self.joined, self.joined, self.negated, self.same])(depth))

    def joined(self, depth: int) -> str:
        word = self.pick([" and ", " or "])
        count = self.pick([2, 2, 3])
        return f"({word.join(self.condition(depth - 1) for _ in range(count))})"

    def negated(self, depth: int) -> str:
        return f"(not {self.condition(depth - 1)})"

    def same(self, depth: int) -> str:
        left, right = self.condition(depth - 1), self.condition(depth - 1)
        return f"(({left}) {self.pick(['==', '!='])} ({right}))"

    def chained(self, kind: Callable[[int], str], depth: int, operators: Sequence[str]) -> str:
        words = [kind(depth)]
        for _ in range(self.pick([1, 1, 1, 2])):
            words += [self.pick(operators), kind(depth)]
        return f"({' '.join(words)})"

    def numeric(self, depth: int) -> str:
        if self.pick([0, 0, 0, 1]):
            group = ", ".join(self.number(0) for _ in range(self.pick([0, 1, 2, 3])))
            return f"({self.number(depth)} {self.pick(['in', 'not in'])} [{group}])"
        return self.chained(self.number, depth, ["<", "<=", ">", ">=", "==", "!="])

    def number(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [
            lambda: self.literal(self.pick(NUMBERS)),
            lambda: self.field("number", "whole"),
            lambda: self.field("number", "whole"),
        ]
        shallow = [f for f in self.functions("number") if not self.nests(f)]
        leaves += [lambda f=f: self.call(f, 0) for f in shallow]  # type: ignore[misc]
        leaves += [lambda: self.mapped("number", 0)]
        if depth <= 0:
            return str(self.pick(leaves)())
        way = self.pick(["leaf", "+", "-", "*", "/", "minus", "call", "call", "call"])
        if way == "leaf":
            return str(self.pick(leaves)())
        if way == "call":
            nested = [f for f in self.functions("number") if self.nests(f)]
            return self.call(self.pick([*nested, *self.functions("ordered")]), depth - 1, "number")
        if way == "minus":
            return f"(-{self.number(depth - 1)})"
        return f"({self.number(depth - 1)} {way} {self.number(depth - 1)})"

    def functions(self, *results: str) -> list[Function]:
        """List the functions with such a result that the fields can be handed to."""
        return [
            function
            for function in REGISTRY.values()
            if (function.expand is None or self.names(function))
            and (function.result in results or (function.result, results) == ("value", ("number",)))
            and (self.has("map") or all(p.kind != "map" for p in function.parameters))
        ]

    def names(self, function: Function) -> bool:
        """Say whether it takes the names of fields, and there are such fields."""
        kinds = {parameter.kind for parameter in function.parameters}
        return function.named or ("field" in kinds and bool(self.dated_fields()))

    def dated_fields(self) -> list[str]:
        """List the fields that have a date of their own."""
        all_names = {str(field) for field in self.fields}
        return [name for name in sorted(all_names) if f"{name}_date" in all_names]

    def of_names(self, function: Function) -> str:
        """Write a call of a function that takes the names of fields."""
        if "field" in {parameter.kind for parameter in function.parameters}:
            shift = self.pick(self.functions("duration", "period")).name
            count = self.literal(self.pick([0, 1, 12, 365, -1, 0.5]))
            return f"{function.name}({self.pick(self.dated_fields())}, {shift}({count}))"
        mine = [field for field in self.fields if field.side == "product"]
        number = self.pick([field for field in mine if field.kind in ("number", "whole")])
        kinds = ("text", "whole", "number", "boolean", *self.scales)
        by = self.pick([field for field in mine if field.kind in kinds])
        return f"{function.name}({number}, by={by})"

    def nests(self, function: Function) -> bool:
        """Say whether an argument may be an expression of any depth."""
        return any(p.kind in ("number", "any", "boolean") for p in function.parameters)

    def call(self, function: Function, depth: int, ordered: str = "number") -> str:
        """Write a call, the arguments of the kinds that the function takes."""
        if self.names(function):
            return self.of_names(function)
        lists = "numbers" if self.has("numbers") and self.pick([0, 1]) else "texts"
        of_list = function.result == "ordered" and ordered == "number" and self.has("numbers")
        if of_list and self.pick([0, 0, 1]):
            return f"{function.name}({self.field('numbers')})"
        given = len(function.parameters)
        given -= 0 if function.variadic else self.pick([0, function.optional])
        places = range(given + (function.variadic and self.pick([0, 0, 1])))
        kinds = [function.parameter(place).kind for place in places]
        written = (
            self.argument(ordered if kind == "ordered" else kind, depth, lists) for kind in kinds
        )
        return f"{function.name}({', '.join(written)})"

    def argument(self, kind: str, depth: int, lists: str) -> str:
        match kind:
            case "number" | "value":
                return self.number(depth)
            case "date":
                return self.moment(depth)
            case "duration":
                return self.span(min(depth, 1))
            case "boolean":
                return self.condition(depth)
            case "level":
                return self.level(self.pick(sorted(self.scales)), 0)
            case "list":
                return self.field(lists)
            case "element":
                return self.text() if lists == "texts" else self.number(0)
            case "map":
                return self.field("map")
            case "key":
                return str(self.pick([self.field("text"), self.literal(self.pick(KEYS))]))
            case "any":
                inner = [lambda: str(self.pick(self.fields)), lambda: self.number(depth)]
                inner += [lambda: self.moment(depth)]
                inner += [lambda: self.condition(depth - 1)] * (depth > 0)
                return str(self.pick(inner)())
        return self.level(kind, 0)  # the name of a scale

    def dated(self, depth: int) -> str:
        if self.pick([0, 0, 0, 1]):
            group = f"{self.moment(0)}, {self.moment(0)}"
            return f"({self.moment(depth)} {self.pick(['in', 'not in'])} [{group}])"
        if self.pick([0, 0, 1]):  # where a month's end decides
            shift = f"{self.pick('+-')} {self.pick(self.functions('period')).name}"
            shifted = f"{self.moment(0)} {shift}({self.pick([1, 1, 2, -1, 12, 13])})"
            return f"({shifted} {self.pick(['<', '<=', '>', '=='])} {self.moment(0)})"
        return self.chained(self.moment, depth, ["<", "<=", ">", ">=", "==", "!="])

    def moment(self, depth: int) -> str:
        leaf = str(self.pick([self.field("date", "day"), self.field("date", "day"), "as_of"]))
        if depth <= 0:
            return leaf
        shift = self.pick(self.functions("duration", "period")).name
        count = self.pick([0, 1, 12, -1, 6, 365, 0.5, 1e308, 10**7])
        amount = self.pick([self.literal(count), self.literal(count), self.number(0)])
        inner = self.moment(depth - 1)
        other = self.moment(depth - 1)
        return str(
            self.pick(
                [
                    leaf,
                    f"({inner} + {shift}({amount}))",
                    f"({inner} - {shift}({amount}))",
                    *(f"{f.name}({inner}, {other}, as_of)" for f in self.functions("ordered")),
                ]
            )
        )

    def spanned(self, depth: int) -> str:
        return self.chained(self.span, min(depth, 1), ["<", "<=", ">", ">=", "==", "!="])

    def span(self, depth: int) -> str:
        if self.pick([0, 1]):
            count = self.pick([0, 1, 30, 365, -1, 0.5, 3_652_058])
            name = self.pick(self.functions("duration")).name
            return f"{name}({self.pick([self.literal(count), self.number(0)])})"
        return f"({self.moment(depth)} - {self.moment(0)})"

    def textual(self, _: int) -> str:
        left = self.field("text")
        if self.pick([0, 1]):
            return f"({left} {self.pick(['==', '!='])} {self.text()})"
        group = ", ".join(self.text() for _ in range(self.pick([0, 1, 2, 3])))
        return f"({left} {self.pick(['in', 'not in'])} [{group}])"

    def text(self) -> str:
        return str(self.pick([self.field("text"), self.literal(self.pick(TEXTS))]))

    def levelled(self, depth: int) -> str:
        scale = self.pick(sorted(self.scales))
        name = self.literal(self.pick(self.scales[scale]))
        level, other = self.level(scale, depth), self.pick([self.level(scale, 0), name])
        op = self.pick(["<", "<=", ">", ">=", "==", "!="])
        group = f"[{name}, {self.level(scale, 0)}]"
        options = [f"{level} {op} {other}", f"{other} {op} {level}"]
        options += [f"{level} {word} {group}" for word in ("in", "not in")]
        return f"({self.pick(options)})"

    def mapped(self, target: str, depth: int) -> str:
        """Write a call of one of the maps that `maps_of` makes: to a scale, or to numbers."""
        scale = self.pick(sorted(self.scales))
        level = self.level(scale, depth)
        if target == "number" and self.pick([0, 0, 1]):
            scale, level = "text", self.text()
        return f"map({self.literal(f'{scale} to {target}')}, {level})"

    def level(self, scale: str, depth: int) -> str:
        leaf = self.field(scale)
        if depth > 0 and self.pick([0, 0, 0, 1]):
            return self.mapped(scale, 0)
        if depth <= 0:
            return leaf
        function = self.pick([None, *self.functions("ordered")])
        return leaf if function is None else self.call(function, 0, scale)

    def listed(self, _: int) -> str:
        kind = "numbers" if self.has("numbers") and self.pick([0, 1]) else "texts"
        element = self.text() if kind == "texts" else self.number(0)
        return f"({element} {self.pick(['in', 'not in'])} {self.field(kind)})"

    def tested(self, depth: int) -> str:
        return self.call(self.pick(self.functions("boolean")), depth)

    def flagged(self, _: int) -> str:
        flag = self.field("boolean")
        other = self.pick([self.field("boolean"), "True", "False"])
        return str(self.pick([flag, flag, f"({flag} == {other})", f"({flag} != {other})"]))


def maps_of(scales: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Make the maps that sentences name: from every scale to every other, and to numbers."""
    pairs = [(source, target) for source in scales for target in scales]
    levels: dict[tuple[str, str], dict[str, Any]] = {
        (source, target): {
            name: scales[target][(place * 2) % len(scales[target])]
            for place, name in enumerate(scales[source])
        }
        for source, target in pairs
    }
    for scale, names in [*scales.items(), ("text", KEYS)]:
        levels[scale, "number"] = {name: 1.5 - place for place, name in enumerate(names)}
    return {
        f"{source} to {target}": {"from": source, "to": target, "levels": table}
        for (source, target), table in levels.items()
    }


@st.composite
def sentences(draw: Any, fields: Sequence[Field], scales: dict[str, list[str]]) -> str:
    """Draw one condition."""
    return Sentences(draw, fields, scales).condition(draw(st.integers(0, 3)))
