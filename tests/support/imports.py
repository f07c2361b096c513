"""What importing modules in any order comes to, worked out from their text, without running it.

Python runs a module's statements in order and leaves a module half-made while what it imports is
run. So `from a import b` fails where `a` is half-made and has no `b` yet. That is followed here
from every module as the first one, in a fraction of the time that so many processes take.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Module", "broken_imports", "read_modules"]


@dataclass(frozen=True)
class Module:
    """A module: in order, the names that it binds and the imports that it runs at once.

    Attributes:
        name: Its full name.
        steps: Each a name that is bound, or a module and the names that are taken of it.
        lazy: Whether it makes names when they are asked for.
    """

    name: str
    steps: tuple[str | tuple[str, tuple[str, ...]], ...]
    lazy: bool


def read_modules(package: Path) -> dict[str, Module]:
    """Read all modules of a package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        inside = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if inside else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lazy = any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in tree.body)
        home = name if inside else name.rpartition(".")[0]
        found[name] = Module(name, tuple(_steps(tree.body, home)), lazy)
    return found


def _steps(body: list[ast.stmt], home: str) -> Iterator[str | tuple[str, tuple[str, ...]]]:
    for node in body:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield alias.name, ()
                    yield alias.asname or alias.name.partition(".")[0]
            case ast.ImportFrom():
                base = node.module or ""
                if node.level:
                    up = home.rsplit(".", node.level - 1)[0] if node.level > 1 else home
                    base = f"{up}.{base}".rstrip(".")
                yield base, tuple(alias.name for alias in node.names)
                yield from (alias.asname or alias.name for alias in node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if isinstance(node, ast.ClassDef):
                    yield from _imports_only(node.body, home)
                yield node.name
            case ast.If() if "TYPE_CHECKING" in ast.unparse(node.test):
                yield from _steps(node.orelse, home)
            case ast.If() | ast.For() | ast.While() | ast.With():
                yield from _steps([*node.body, *getattr(node, "orelse", [])], home)
            case ast.Try():
                handled = [part for handler in node.handlers for part in handler.body]
                yield from _steps([*node.body, *handled, *node.orelse, *node.finalbody], home)
            case _:
                stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
                yield from (n.id for n in stores if isinstance(n.ctx, ast.Store))


def _imports_only(body: list[ast.stmt], home: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for step in _steps(body, home):
        if isinstance(step, tuple):
            yield step


def broken_imports(modules: Mapping[str, Module], first: str) -> str | None:
    """Return what fails where a module is imported before any other one; None: nothing."""
    bound: dict[str, set[str]] = {}
    whole: set[str] = set()

    def load(name: str) -> str | None:
        parent = name.rpartition(".")[0]
        if parent in modules:
            problem = load(parent)
            if problem:
                return problem
        if name in bound:
            return None
        mine = bound.setdefault(name, set())
        for step in modules[name].steps:
            if isinstance(step, str):
                mine.add(step)
                continue
            base, wanted = step
            if base not in modules:
                continue
            problem = load(base)
            for one in wanted:
                inner = f"{base}.{one}"
                if problem:
                    break
                there = one in bound[base] or one == "*" or modules[base].lazy
                if inner in modules:
                    problem = load(inner)
                elif not there and base not in whole:
                    problem = f"{name} takes {one} of {base}, which is half-made"
            if problem:
                return problem
        whole.add(name)
        bound.setdefault(parent, set()).add(name.rpartition(".")[2])
        return None

    return load(first)
