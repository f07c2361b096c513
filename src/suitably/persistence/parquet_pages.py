"""Parquet page headers: how large pages really are, whatever the footer says of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Page", "pages"]

# Types of Thrift's compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY = range(1, 9)
_STRUCT = 12
_DEPTH = 8
_DICTIONARY_PAGE = 2


class Page(NamedTuple):
    """A page of a column.

    Attributes:
        start: Where its bytes begin.
        end: Where they end.
        unpacked: How many they become.
        values: How many values they hold, missing ones among them.
        is_dictionary: Whether these are what others refer to.
    """

    start: int
    end: int
    unpacked: int
    values: int
    is_dictionary: bool


def pages(data: bytes, start: int, end: int) -> Iterator[Page]:
    """Yield the pages that lie one after the other.

    Args:
        data: The bytes of a file.
        start: Where the first begins.
        end: Where the last ends.

    Raises:
        ValueError: They do not, or a header is none.

    Source:
        Apache Parquet format 2, `parquet.thrift`, `PageHeader`; Apache Thrift, compact protocol.
    """
    if not 0 < start <= end <= len(data):
        raise ValueError("has a column outside the file")
    while start < end:
        reader = _Compact(data, start, end)
        header = reader.struct(_DEPTH)
        counts = [header[part].get(1) for part in (5, 7, 8) if isinstance(header.get(part), dict)]
        sizes: list[Any] = [header.get(2), header.get(3), *counts]
        if len(sizes) != 3 or not all(type(size) is int and 0 <= size < 1 << 31 for size in sizes):
            raise ValueError("has a page without sizes")
        unpacked, packed, values = sizes
        begin, start = reader.place, reader.place + packed
        yield Page(begin, start, unpacked, values, header.get(1) == _DICTIONARY_PAGE)
    if start != end:
        raise ValueError("has a page that does not end with its column")


class _Compact:
    """Reads what Thrift's compact protocol wrote, numbers and structs; all else is skipped."""

    def __init__(self, data: bytes, place: int, end: int) -> None:
        self._data = data
        self._end = end
        self.place = place

    def struct(self, depth: int) -> dict[int, Any]:
        """Return fields by number."""
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            if number in found:
                raise ValueError("has a header that says something twice")
            found[number] = self._value(head & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if depth == 0:
            raise ValueError("has a header of headers")
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth - 1)
        if kind in (_DOUBLE, _BINARY):
            length = 8 if kind == _DOUBLE else self._varint()
            self.place += length
            return None
        raise ValueError("has a header of an unknown form")

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise ValueError("has a number without an end")

    def _byte(self) -> int:
        if not 0 <= self.place < self._end:
            raise ValueError("has a header without an end")
        byte = self._data[self.place]
        self.place += 1
        return byte
