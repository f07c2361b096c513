"""From text to syntax tree: whitelisted nodes only; nothing is ever executed.

The text is read by Python's own parser (`ast`), then every node is translated or refused. See the
page "Suitability" of the documentation for the language itself.
"""

import ast
import warnings
from decimal import Decimal
from typing import Any, NoReturn

from suitably.data.values import whole_beyond
from suitably.errors import PolicyError
from suitably.suitability.language.definitions import NOTHING, Definitions, UndefinedError
from suitably.suitability.language.functions import REGISTRY, Function
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    AsOf,
    Call,
    Compare,
    Constant,
    Field,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    Source,
    Table,
)
from suitably.suitability.language.places import Place, line_and_column
from suitably.suitability.language.types import MAX_INTEGER
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, listed, say

__all__ = ["error_at", "error_in", "parse", "parse_term"]

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_SIZE = 10_000  # pieces, those of the terms included
_DEEP = f"nested more than {MAX_DEPTH} deep: make it several rules"
_LARGE = (
    f"too large with its terms written out (more than {MAX_SIZE:,} pieces, or {MAX_DEPTH} deep): "
    f"name fields instead of terms of terms, or make it several rules"
)
_COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_INSTEAD: dict[type[ast.AST], str] = {
    ast.BinOp: "there are + - * /, and the words and, or, not",
    ast.UnaryOp: "write not, or a minus",
    ast.IfExp: "write two rules, each with its own applies",
    ast.Subscript: "write lookup(map, key)",
    ast.Attribute: "fields are written user.x or product.x, terms term.x",
    ast.Is: "write == or missing(x)",
    ast.IsNot: "write != or not missing(x)",
}
_OPERATIONS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def parse(text: str, where: Place | str, definitions: Definitions = NOTHING) -> Node:
    """Read an expression.

    Args:
        text: The sentence.
        where: The policy, rule and key, for messages.
        definitions: The terms and maps that it may name.

    Raises:
        PolicyError: Anything that is not in the language, with line and column.
    """
    return _Reader(text, where, definitions).read()


def parse_term(text: str, where: Place, definitions: Definitions) -> Node:
    """Read an expression that rules name: its pieces know where they are written.

    Raises:
        PolicyError: Anything that is not in the language, with line and column.
    """
    return _Reader(text, where, definitions, Source(where, text)).read()


class _Reader:
    def __init__(
        self, text: str, where: Place | str, definitions: Definitions, source: Source | None = None
    ) -> None:
        self.text = text
        self.where = Place(where) if isinstance(where, str) else where
        self._definitions = definitions
        self._source = source
        self._uses_terms = False

    def read(self) -> Node:
        if not self.text.strip():
            raise self.where.error("is empty: say what must hold")
        if len(self.text) > MAX_LENGTH:
            raise self.where.error_in_text(
                f"line 1, column {MAX_LENGTH + 1}: longer than {MAX_LENGTH:,} characters: "
                f"{self.text[:40]!r}...",
                MAX_LENGTH,
            )
        # Leading white space and line ends mean something to the parser, not to a sentence.
        start = len(self.text) - len(self.text.lstrip())
        flat = self.text[start:].replace("\r", " ").replace("\n", " ")
        self._offset = start
        self._encoded = flat.encode("utf-8", "surrogatepass")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(flat, mode="eval").body
        except SyntaxError as error:
            raise self._unreadable(error) from None
        except (ValueError, RecursionError, MemoryError) as error:
            problem = f"cannot be read ({error})" if isinstance(error, ValueError) else _DEEP
            raise self._error(problem, start, start + 1) from None
        self._refuse_depth(tree)
        self._refuse_comments(tree)
        node = self._node(tree)
        if self._uses_terms:
            self._refuse_size(node)
        return node

    def _unreadable(self, error: SyntaxError) -> PolicyError:
        place = self._offset + (error.offset or 0) - 1
        if place < self._offset or place >= len(self.text.rstrip()):
            return self._error("cannot be read: it ends too early", len(self.text), len(self.text))
        hint = "; to compare, write ==" if self.text[place] == "=" else ""
        return self._error(f"cannot be read ({error.msg}){hint}", place, place + 1)

    def _refuse_depth(self, tree: ast.expr) -> None:
        level: list[ast.AST] = [tree]
        for _ in range(MAX_DEPTH):
            level = [child for node in level for child in ast.iter_child_nodes(node)]
            if not level:
                return
        raise self._error(_DEEP, self._offset, self._offset + 1)

    def _refuse_size(self, node: Node) -> None:
        """Refuse terms of terms that grow beyond what anyone would write out."""
        level, size, depth = [node], 1, 0
        while level and size <= MAX_SIZE and depth <= MAX_DEPTH:
            level = [child for part in level for child in part.children]
            size, depth = size + len(level), depth + 1
        if level:
            raise self._error(_LARGE, self._offset, len(self.text))

    def _refuse_comments(self, tree: ast.expr) -> None:
        """Refuse `#`: with line ends flattened, it would silently swallow the rest of a rule."""
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        inside = sum(text.count("#") for text in texts if isinstance(text, str))
        if self.text.count("#") > inside:
            place = self.text.index("#")
            raise self._error("a comment: put it in the TOML, not in the rule", place, place + 1)

    def _place(self, column: int) -> int:
        return self._offset + len(self._encoded[:column].decode("utf-8", "replace"))

    def _span(self, tree: ast.expr) -> dict[str, Any]:
        end = tree.end_col_offset if tree.end_col_offset is not None else tree.col_offset + 1
        span = {"start": self._place(tree.col_offset), "end": self._place(end)}
        return {**span, "source": self._source}

    def _error(self, problem: str, start: int, end: int) -> PolicyError:
        return error_at(self.where, self.text, start, end, problem)

    def _refuse(self, tree: ast.expr, problem: str) -> PolicyError:
        span = self._span(tree)
        return self._error(problem, span["start"], span["end"])

    def _node(self, tree: ast.expr) -> Node:
        span = self._span(tree)
        match tree:
            case ast.Constant():
                return self._constant(tree)
            case ast.Attribute(value=ast.Name(id="user" | "product" as side), attr=name):
                return Field("user" if side == "user" else "product", name, **span)
            case ast.Attribute(value=ast.Name(id="term"), attr=name):
                return self._term(tree, name)
            case ast.Name(id="as_of"):
                return AsOf(**span)
            case ast.BoolOp(op=ast.And()):
                return And(tuple(self._node(value) for value in tree.values), **span)
            case ast.BoolOp():
                return Or(tuple(self._node(value) for value in tree.values), **span)
            case ast.UnaryOp(op=ast.Not()):
                return Not(self._node(tree.operand), **span)
            case ast.UnaryOp(op=ast.USub()):
                return Negative(self._node(tree.operand), **span)
            case ast.BinOp() if type(tree.op) in _OPERATIONS:
                left, right = self._node(tree.left), self._node(tree.right)
                return Arithmetic(_OPERATIONS[type(tree.op)], left, right, **span)
            case ast.Compare():
                return self._comparison(tree)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(tree, name)
            case ast.Name(id=name) if name in REGISTRY and REGISTRY[name].bare:
                return self._expanded(REGISTRY[name], Call(name, (), **span))
            case ast.Name(id=name) if name in REGISTRY:
                raise self._refuse(tree, say(Remark.IS_A_FUNCTION, function=REGISTRY[name]))
            case ast.Name(id="user" | "product" as side):
                raise self._refuse(tree, say(Remark.NAME_A_FIELD, field=f"{side}.risk_level"))
            case ast.Name(id="term"):
                raise self._refuse(tree, say(Remark.NAME_A_TERM))
            case ast.Name():
                raise self._refuse(tree, say(Remark.UNKNOWN_NAME))
            case ast.List() | ast.Tuple() | ast.Set():
                raise self._refuse(tree, say(Remark.LIST_AFTER_IN))
        raise self._refuse(tree, _foreign(tree))

    def _term(self, tree: ast.Attribute, name: str) -> Node:
        self._uses_terms = True
        try:
            return self._definitions.term(name, parse_term)
        except UndefinedError as error:
            raise self._refuse(tree, str(error)) from None

    def _constant(self, tree: ast.Constant) -> Constant:
        value = tree.value
        span = self._span(tree)
        if isinstance(value, bool):
            return Constant(value, **span)
        if isinstance(value, str):
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise self._refuse(tree, "text with half a surrogate pair")
            return Constant(value, **span)
        if isinstance(value, int | float):
            if not abs(value) < float("inf") or self._inexact(tree):
                raise self._refuse(tree, "number too large to represent exactly")
            return Constant(float(value), **span)
        if value is None:
            raise self._refuse(tree, "None has no place here: ask missing(x)")
        raise self._refuse(tree, f"a {type(value).__name__} is not part of the language")

    def _inexact(self, tree: ast.Constant) -> bool:
        """Return whether a whole number, with or without a point, is beyond what doubles hold."""
        if isinstance(tree.value, int):
            return bool(abs(tree.value) > MAX_INTEGER)
        span = self._span(tree)
        written = self.text[span["start"] : span["end"]].replace("_", "")
        if "e" in written.lower():
            return False  # meant as a double
        return whole_beyond(Decimal(written))

    def _comparison(self, tree: ast.Compare) -> Node:
        """Read a comparison; a chain is the `and` of its links, as in Python."""
        span = self._span(tree)
        lefts = [tree.left, *tree.comparators[:-1]]
        links = [
            self._link(tree, left, operator, right)
            for left, operator, right in zip(lefts, tree.ops, tree.comparators, strict=True)
        ]
        return links[0] if len(links) == 1 else And(tuple(links), **span)

    def _link(self, tree: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Node:
        span = self._span(tree)
        if isinstance(op, ast.In | ast.NotIn):
            member: Node
            if isinstance(right, ast.List | ast.Tuple | ast.Set):
                choices = tuple(self._node(choice) for choice in right.elts)
                member = Membership(self._node(left), choices, **span)
            else:
                member = Call("contains", (self._node(right), self._node(left)), **span)
            return Not(member, **span) if isinstance(op, ast.NotIn) else member
        if type(op) not in _COMPARISONS:
            raise self._refuse(tree, _foreign(op))
        return Compare(_COMPARISONS[type(op)], self._node(left), self._node(right), **span)

    def _call(self, tree: ast.Call, name: str) -> Node:
        function = REGISTRY.get(name)
        if name == "as_of":
            raise self._refuse(tree, "as_of is a name, without parentheses")
        if function is None:
            names = listed(REGISTRY, "between_items")
            raise self._refuse(tree, say(Remark.UNKNOWN_FUNCTION, names=names))
        if function.bare:
            raise self._refuse(tree, f"{name} is a name, without parentheses")
        arguments = [*tree.args, *self._named(tree, function)]
        least, most = function.arity
        if not least <= len(arguments) <= most:
            wanted = least if least == most else f"{least} to {most}"
            wanted = f"at least {least}" if function.variadic else wanted
            raise self._refuse(tree, f"{name} takes {wanted} argument(s): {function}")
        read = tuple(
            self._table(one) if function.parameter(place).kind == "table" else self._node(one)
            for place, one in enumerate(arguments)
        )
        return self._expanded(function, Call(name, read, **self._span(tree)))

    def _expanded(self, function: Function, call: Call) -> Node:
        return call if function.expand is None else function.expand(call, self._refuse_node)

    def _table(self, tree: ast.expr) -> Table:
        if not isinstance(tree, ast.Constant) or not isinstance(tree.value, str):
            raise self._refuse(tree, "write the name of a map of the policy, as text")
        try:
            return Table(tree.value, self._definitions.table(tree.value), **self._span(tree))
        except UndefinedError as error:
            raise self._refuse(tree, str(error)) from None

    def _named(self, tree: ast.Call, function: Function) -> list[ast.expr]:
        """Return what is given by name, which the last argument of some functions is."""
        wanted = [function.parameters[-1].name] if function.named else []
        given = {keyword.arg: keyword.value for keyword in tree.keywords}
        if list(given) != wanted or len(given) < len(tree.keywords):
            how = f"takes {wanted[0]}= by name" if wanted else "takes arguments without names"
            raise self._refuse(tree, f"{function.name} {how}: {function}")
        return list(given.values())

    def _refuse_node(self, node: Node, problem: str) -> NoReturn:
        if node.source is self._source:
            raise self._error(problem, node.start, node.end)
        raise error_in(self.where, self.text, node, problem)


def _foreign(tree: ast.AST) -> str:
    """Say that something of Python has no place here, and what has."""
    hint = _INSTEAD.get(type(tree))
    foreign = f"{type(tree).__name__} is not part of the language"
    return foreign if hint is None else f"{foreign}: {hint}"


def error_in(where: Place | str, text: str, node: Node, problem: str) -> PolicyError:
    """Build the error for a piece of a sentence, in its text or in the term that it names."""
    if node.source is not None:
        term, text = node.source.where, node.source.text
        where = term.called(f"{where}: {term.words.rpartition(': ')[2]}")
    return error_at(where, text, node.start, node.end, problem)


def error_at(where: Place | str, text: str, start: int, end: int, problem: str) -> PolicyError:
    """Build the error for a place in a text, with line, column and the text found there."""
    place = Place(where) if isinstance(where, str) else where
    line, column = line_and_column(text, start)
    found = text[start:end]
    shown = found if len(found) <= 60 else f"{found[:57]}..."
    said = say(Remark.AT_PLACE, line=line, column=column, problem=problem, shown=repr(shown))
    return place.error_in_text(said if isinstance(problem, Told) else str(said), start)
