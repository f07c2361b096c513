"""The NPY format, in the one form that saving writes: a header is matched, not evaluated."""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_storable", "view_array"]

_MAGIC = re.compile(rb"\x93NUMPY(?:\x01\0(..)|\x02\0(....))", re.DOTALL)
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufcSUmM]\d{1,9}(?:\[\d{0,9}[a-zA-Z]{1,2}\])?)', "
    rb"'fortran_order': (True|False), 'shape': \(((?:\d{1,18}(?:, |,|(?=\))))*)\), \} *\n"
)
# More than the header of an array of 64 dimensions may be long.
_MOST = 1 << 12
_KINDS = "biufcSUmM"
# An axis of an array without values takes no room, yet what is made to fit it would.
_LONGEST_EMPTY = 1 << 24


def check_storable(array: NDArray[Any]) -> None:
    """Refuse an array that `view_array` would not give back.

    Raises:
        TypeError: It holds objects or records.
    """
    if array.dtype.kind not in _KINDS:
        raise TypeError(f"arrays of {array.dtype} cannot be saved: give one for each field")


def view_array(octets: NDArray[np.uint8]) -> NDArray[Any]:
    """View bytes as the array that a .npy file says they are, without a copy.

    Raises:
        ValueError: They are not one array of numbers, moments or texts, or more, or less.

    Source:
        NumPy enhancement proposal 1, "A simple file format for NumPy arrays" (2007).
    """
    head = octets[:_MOST].tobytes()
    magic = _MAGIC.match(head)
    if magic is None:
        raise ValueError("is not one array")
    start = magic.end() + int.from_bytes(magic[1] or magic[2], "little")
    header = _HEADER.fullmatch(head[magic.end() : start])
    if header is None or start > len(head):
        raise ValueError("has a header that is none of an array of numbers, moments or texts")
    kind = np.dtype(header[1].decode("ascii"))
    shape = tuple(int(size) for size in header[3].decode("ascii").split(",") if size.strip())
    size = math.prod(shape)
    if not kind.isnative or start + size * kind.itemsize != len(octets):
        raise ValueError("is not one array of this machine's byte order")
    if (not kind.itemsize and size) or (not size and max(shape) > _LONGEST_EMPTY):
        raise ValueError("has values that take no room")
    values = octets[start:].view(kind)
    return values.reshape(shape, order="F" if header[2] == b"True" else "C")
