"""Run what the pages show: the one mechanism behind `tests/docs` and the notebook of the site.

A page's fenced blocks mean, in order and in one namespace, in an empty folder:

- `python`: run it;
- `output`: exactly this was printed since the last `output` block (`...` stands for anything);
- any block after `<!-- file: NAME -->`: a file of that name;
- any block after `<!-- not run: REASON -->`: only shown;
- `<!-- setup` ... `-->`: Python that is run and not shown.

`python docs/executed.py PAGE ...` writes what was printed into the pages' `output` blocks.
"""

import ast
import contextlib
import doctest
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

_PART = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->$"
    r"|(?:^<!-- (?P<mark>file|not run): (?P<value>.+?) -->\n+)?"
    r"^```(?P<language>[\w-]+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A part of a page that means something.

    Attributes:
        does: What is done with it.
        text: What it holds.
        line: The line of the page before its text, counted from 1.
        start: Where its text begins in the page.
        name: Of the file it is.
    """

    does: Literal["run", "compare", "file"]
    text: str
    line: int
    start: int
    name: str = ""


def blocks(page: str) -> Iterator[Block]:
    """Return what a page asks for, in order."""
    for found in _PART.finditer(page):
        setup, mark, language = found["setup"], found["mark"], found["language"]
        text = found["text"] if setup is None else setup
        start = found.start("text" if setup is None else "setup")
        line = page.count("\n", 0, start)
        if setup is not None or (language == "python" and mark is None):
            yield Block("run", text, line, start)
        elif mark == "file":
            yield Block("file", text, line, start, found["value"])
        elif language == "output" and mark is None:
            yield Block("compare", text, line, start)


def run_page(path: Path, folder: Path) -> None:
    """Run a page in a folder.

    Raises:
        AssertionError: A block printed something else than the page says.
    """
    for block, printed in _outputs(path, folder):
        checker, example = doctest.OutputChecker(), doctest.Example("", block.text)
        if not checker.check_output(block.text, printed, _OPTIONS):
            difference = checker.output_difference(example, printed, _OPTIONS)
            raise AssertionError(f"{path.name}, line {block.line}:\n{difference}")


def mend_page(path: Path, folder: Path) -> None:
    """Write what was printed into a page's `output` blocks; those with `...` stay."""
    page = path.read_text(encoding="utf-8")
    for block, printed in reversed(list(_outputs(path, folder))):
        if "..." not in block.text:
            lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            page = page[: block.start] + lines + page[block.start + len(block.text) :]
    path.write_text(page, encoding="utf-8")


def _outputs(path: Path, folder: Path) -> Iterator[tuple[Block, str]]:
    """Run a page, and return each of its `output` blocks with what was printed before it."""
    path = path.resolve()
    printed = io.StringIO()
    with _inside(folder) as namespace:
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.does == "file":
                Path(block.name).write_text(block.text, encoding="utf-8")
            elif block.does == "run":
                with contextlib.redirect_stdout(printed):
                    exec(compile("\n" * block.line + block.text, str(path), "exec"), namespace)
            else:
                yield block, printed.getvalue()
                printed = io.StringIO()


def run_cells(cells: list[Any], folder: Path) -> Iterator[tuple[Any, str, Any]]:
    """Run a notebook's cells, and return each with what it printed and what its last line gave."""
    with _inside(folder) as namespace:
        for cell in cells:
            printed, shown = io.StringIO(), None
            if cell.cell_type == "code":
                with contextlib.redirect_stdout(printed):
                    shown = _run_cell(cell.source, namespace)
            yield cell, printed.getvalue(), shown


def _run_cell(source: str, namespace: dict[str, Any]) -> Any:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[dict[str, Any]]:
    """Return the namespace of a script that runs in a folder: its classes can be pickled.

    What it does to the environment ends with it.
    """
    before, main, environment = Path.cwd(), sys.modules["__main__"], dict(os.environ)
    script = sys.modules["__main__"] = ModuleType("__main__")
    os.chdir(folder)
    try:
        yield script.__dict__
    finally:
        os.chdir(before)
        sys.modules["__main__"] = main
        os.environ.clear()
        os.environ.update(environment)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as empty:
            mend_page(Path(name), Path(empty))
