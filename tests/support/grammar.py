"""Random sentences that are correct by type; every choice is hypothesis's."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from support.pools import KEYS, NUMBERS, TEXTS, Field

__all__ = ["sentences"]


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
            self.missing,
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
            lambda: f"rank({self.level(self.pick(sorted(self.scales)), 0)})",
            lambda: f"age({self.moment(0)})",
        ]
        if self.has("map"):
            key = self.pick([self.field("text"), self.literal(self.pick(KEYS))])
            leaves.append(lambda: f"lookup({self.field('map')}, {key})")
        if depth <= 0:
            return str(self.pick(leaves)())
        a, b = self.number(depth - 1), self.number(depth - 1)
        nodes = [f"({a} {op} {b})" for op in "+-*/"]
        nodes += [f"(-{a})", f"abs({a})", f"min({a}, {b})", f"max({a}, {b}, {self.number(0)})"]
        return str(self.pick([*nodes, str(self.pick(leaves)())]))

    def dated(self, depth: int) -> str:
        if self.pick([0, 0, 0, 1]):
            group = f"{self.moment(0)}, {self.moment(0)}"
            return f"({self.moment(depth)} {self.pick(['in', 'not in'])} [{group}])"
        if self.pick([0, 0, 1]):  # where a month's end decides
            shift = f"{self.pick('+-')} {self.pick(['months', 'years'])}"
            shifted = f"{self.moment(0)} {shift}({self.pick([1, 1, 2, -1, 12, 13])})"
            return f"({shifted} {self.pick(['<', '<=', '>', '=='])} {self.moment(0)})"
        return self.chained(self.moment, depth, ["<", "<=", ">", ">=", "==", "!="])

    def moment(self, depth: int) -> str:
        leaf = str(self.pick([self.field("date", "day"), self.field("date", "day"), "as_of"]))
        if depth <= 0:
            return leaf
        shift = self.pick(["days", "months", "years"])
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
                    f"min({inner}, {other})",
                    f"max({inner}, {other}, as_of)",
                ]
            )
        )

    def spanned(self, depth: int) -> str:
        return self.chained(self.span, min(depth, 1), ["<", "<=", ">", ">=", "==", "!="])

    def span(self, depth: int) -> str:
        if self.pick([0, 1]):
            count = self.pick([0, 1, 30, 365, -1, 0.5, 3_652_058])
            return f"days({self.pick([self.literal(count), self.number(0)])})"
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

    def level(self, scale: str, depth: int) -> str:
        leaf = self.field(scale)
        if depth <= 0:
            return leaf
        return str(self.pick([leaf, f"{self.pick(['min', 'max'])}({leaf}, {self.field(scale)})"]))

    def listed(self, _: int) -> str:
        kind = "numbers" if self.has("numbers") and self.pick([0, 1]) else "texts"
        element = self.text() if kind == "texts" else self.number(0)
        group = self.field(kind)
        options = [f"contains({group}, {element})", f"subset({group}, {self.field(kind)})"]
        options += [f"({element} in {group})", f"({element} not in {group})"]
        return str(self.pick(options))

    def flagged(self, _: int) -> str:
        flag = self.field("boolean")
        other = self.pick([self.field("boolean"), "True", "False"])
        return str(self.pick([flag, flag, f"({flag} == {other})", f"({flag} != {other})"]))

    def missing(self, depth: int) -> str:
        inner = [str(self.pick(self.fields)), self.number(depth), self.moment(depth)]
        if depth > 0:
            inner.append(self.condition(depth - 1))
        return f"missing({self.pick(inner)})"


@st.composite
def sentences(draw: Any, fields: Sequence[Field], scales: dict[str, list[str]]) -> str:
    """Draw one condition."""
    return Sentences(draw, fields, scales).condition(draw(st.integers(0, 3)))
