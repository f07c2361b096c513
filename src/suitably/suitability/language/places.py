"""Places in a policy's TOML: what an error says of where something is written."""

from dataclasses import dataclass, replace
from functools import cached_property

from suitably.errors import PolicyError
from suitably.suitability.language.toml_index import Key, TomlIndex, index_toml
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, say

__all__ = ["Place", "Written", "line_and_column"]


@dataclass(frozen=True)
class Written:
    """A policy as it was written.

    Attributes:
        text: The TOML.
        file: Its file, None where it is from none.
    """

    text: str
    file: str | None = None

    @cached_property
    def index(self) -> TomlIndex:
        """Where it says what; made for the first error only."""
        return index_toml(self.text)

    def at(self, offset: int) -> Told:
        """Return a place in words, to stand behind a message."""
        line, column = line_and_column(self.text.replace("\r\n", "\n"), offset)
        where = Remark.IN_FILE if self.file else Remark.IN_POLICY
        return say(where, line=line, column=column, file=self.file)


@dataclass(frozen=True)
class Place:
    r"""A piece of a policy: what it is called, and the keys that lead to it in the TOML.

    Attributes:
        words: What it is, for messages.
        written: The policy that it is in, None for a text that is in none.
        path: The keys that lead to it; a number in an array.

    Example:
        >>> place = Place("fields: user.x", Written("[fields]\n'user.x' = 'nmber'"), ("fields",))
        >>> print(place.error("'nmber' is no type", "user.x"))
        fields: user.x: 'nmber' is no type (line 2, column 1 of the policy)
    """

    words: str
    written: Written | None = None
    path: tuple[Key, ...] = ()

    def at(self, *path: Key, words: str | None = None) -> "Place":
        """Return a piece of this one.

        Args:
            path: The keys that lead to it from here.
            words: What it is; without, the words of this one with the keys behind them.
        """
        called = ": ".join([self.words, *map(str, path)]) if words is None else words
        return Place(called, self.written, (*self.path, *path))

    def called(self, words: str) -> "Place":
        """Return the same place by another name."""
        return replace(self, words=words)

    @property
    def found(self) -> str:
        """Where it is written, to stand behind a message; empty for what is in no policy."""
        return self._found(self.path, None)

    def error(self, problem: str, *path: Key) -> PolicyError:
        """Return the error for this piece, or one in it: what is wrong, with line and column."""
        return self._error(problem, (*self.path, *path), None)

    def error_in_text(self, problem: str, offset: int) -> PolicyError:
        """Return the error for a character of this piece, which is a text."""
        return self._error(problem, self.path, offset)

    def _error(self, problem: str, path: tuple[Key, ...], offset: int | None) -> PolicyError:
        found = self._found(path, offset)
        said = say(Remark.IN_WORDS, where=self.words, problem=problem, found=found)
        return PolicyError(said if isinstance(problem, Told) else str(said))

    def _found(self, path: tuple[Key, ...], offset: int | None) -> str:
        if self.written is None:
            return ""
        return self.written.at(self.written.index.offset(path, offset))

    def __str__(self) -> str:
        return self.words


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    r"""Return a place in a text, both from 1.

    Example:
        >>> line_and_column("a\nbc", 3)
        (2, 2)
    """
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")
