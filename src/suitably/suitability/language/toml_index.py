"""Where a TOML text says what: the standard library's parser gives values without their places."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["MAX_DEPTH", "Key", "TomlIndex", "index_toml", "too_deep"]

MAX_DEPTH = 20  # brackets within brackets, and parts of a dotted key; policies need five

Key = str | int
Path = tuple[Key, ...]
_SPACE = " \t\n"
_ESCAPED = {"u": 6, "U": 10}  # characters of \uXXXX and \UXXXXXXXX
# Texts, also those that never end, come before what could stand in them.
_PIECES = re.compile(
    r"""(?P<text>\"{3}(?:\\.|[^\\])*?(?:\"{3,5}|\Z)|'{3}.*?(?:'{3,5}|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|[\w+-]+)"""
    r"""|(?P<blank>[ \t]+|#[^\n]*)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<other>.)""",
    re.DOTALL,
)


@dataclass(frozen=True)
class TomlIndex:
    """Offsets by path, the text's line ends being single characters.

    Attributes:
        keys: Where the key of each value is written; of an array's element the element.
        texts: Where each character of each text is written, with the end behind the last.
    """

    keys: Mapping[Path, int]
    texts: Mapping[Path, tuple[int, ...]]

    def offset(self, path: Path, character: int | None = None) -> int:
        """Return where something is written: what is not there, where it would belong.

        Args:
            path: The keys that lead to it.
            character: One of its characters, if it is a text.
        """
        if character is not None and path in self.texts:
            characters = self.texts[path]
            return characters[min(character, len(characters) - 1)]
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, 0)


def index_toml(text: str) -> TomlIndex:
    r"""Return where a TOML text, which must be right, says what.

    Example:
        >>> index = index_toml('[a]\nb = [1, "xy"]')
        >>> index.offset(("a", "b")), index.offset(("a", "b", 1)), index.offset(("a", "b", 1), 1)
        (4, 12, 14)
    """
    scan = _Scan(text.replace("\r\n", "\n"))
    scan.document()
    return TomlIndex(MappingProxyType(scan.keys), MappingProxyType(scan.texts))


def too_deep(text: str) -> int | None:
    r"""Return where a text, be it TOML or not, goes deeper than `MAX_DEPTH`; None if nowhere.

    Example:
        >>> too_deep("a = [[1], [2]]"), too_deep("a = " + "[" * 21 + "]" * 21)
        (None, 24)
    """
    depth = dots = 0
    for piece in _PIECES.finditer(text):
        match piece.lastgroup:
            case "open":
                depth, dots = depth + 1, 0
            case "close":
                depth, dots = max(depth - 1, 0), 0
            case "dot":
                dots += 1
            case "other":
                dots = 0
        if depth > MAX_DEPTH or dots >= MAX_DEPTH:
            return piece.start()
    return None


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text + "\n"
        self.place = 0
        self.keys: dict[Path, int] = {}
        self.texts: dict[Path, tuple[int, ...]] = {}
        self._arrays: dict[Path, int] = {}  # how many tables an array of tables has so far

    def document(self) -> None:
        table: Path = ()
        while self._skip(_SPACE):
            start = self.place
            if self.text[start] != "[":
                self._pair(table)
                continue
            several = self.text.startswith("[[", start)
            self.place += 2 if several else 1
            table = self._table(self._key("]"), several, start)
            self.place += 2 if several else 1

    def _table(self, written: Path, several: bool, start: int) -> Path:
        """Return the table that a header opens, whose arrays stand for their last tables."""
        path: Path = ()
        for part in written[:-1]:
            path = self._last((*path, part))
        path = (*path, written[-1])
        if several:
            self.keys.setdefault(path, start)
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path = self._last(path)
        self._note(path, len(path), start)
        return path

    def _last(self, path: Path) -> Path:
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _note(self, path: Path, fresh: int, start: int) -> None:
        """Note the place of a path, and of the last tables on the way which it makes."""
        for length in range(len(path) - fresh + 1, len(path) + 1):
            self.keys.setdefault(path[:length], start)

    def _pair(self, table: Path) -> None:
        start = self.place
        written = self._key("=")
        path = (*table, *written)
        self._note(path, len(written), start)
        self.place += 1
        self._skip(_SPACE)
        self._value(path)

    def _key(self, end: str) -> Path:
        """Read a key up to its end, by the parser itself."""
        start = self.place
        while self.text[self.place] != end:
            if self.text[self.place] in "\"'":
                self._text()
            else:
                self.place += 1
        table: Any = tomllib.loads(f"{self.text[start : self.place]} = 0")
        path: list[Key] = []
        while isinstance(table, dict):
            (name,) = table
            path.append(name)
            table = table[name]
        return tuple(path)

    def _value(self, path: Path) -> None:
        self.keys.setdefault(path, self.place)
        match self.text[self.place]:
            case '"' | "'":
                self.texts[path] = self._text()
            case "[":
                self.place += 1
                count = 0
                while self._skip(f"{_SPACE},") and self.text[self.place] != "]":
                    self._value((*path, count))
                    count += 1
                self.place += 1
            case "{":
                self.place += 1
                while self._skip(f"{_SPACE},") and self.text[self.place] != "}":
                    self._pair(path)
                self.place += 1
            case _:
                while self.text[self.place] not in ",]}#\n":
                    self.place += 1

    def _skip(self, blank: str) -> bool:
        """Skip blanks and comments; return whether anything is left."""
        while self.place < len(self.text):
            if self.text[self.place] == "#":
                self.place = self.text.index("\n", self.place)
            elif self.text[self.place] in blank:
                self.place += 1
            else:
                return True
        return False

    def _text(self) -> tuple[int, ...]:
        """Read a text; return where each of its characters is, and its end."""
        quote = self.text[self.place]
        close = quote * 3 if self.text.startswith(quote * 3, self.place) else quote
        self.place += len(close)
        if len(close) == 3 and self.text[self.place] == "\n":
            self.place += 1
        found: list[int] = []
        while not self.text.startswith(close, self.place):
            escaped = quote == '"' and self.text[self.place] == "\\"
            following = self.text[self.place + 1]
            if escaped and following in _SPACE:  # a line that goes on
                self.place += 1
                while self.text[self.place] in _SPACE:
                    self.place += 1
                continue
            found.append(self.place)
            self.place += _ESCAPED.get(following, 2) if escaped else 1
        if len(close) == 3:  # up to two quotes may stand before the three that close
            while self.text.startswith(close, self.place + 1):
                found.append(self.place)
                self.place += 1
        end = self.place
        self.place += len(close)
        return (*found, end)
