"""Frozen dataclasses that can be sent: as JSON, pickled and copied."""

from dataclasses import fields
from types import MappingProxyType
from typing import Any

from suitably.utils.json import jsonable

__all__ = ["Record"]


class Record:
    """What every frozen dataclass that explains something has besides its fields.

    Read-only mappings cannot be pickled by themselves; those among the fields can.

    Example:
        >>> import pickle
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Stock(Record):
        ...     left: MappingProxyType
        >>> Stock(MappingProxyType({"bonds": 3})).to_dict()
        {'left': {'bonds': 3}}
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, JSON-ready: ids as they are, moments as ISO 8601."""
        return {name: jsonable(value) for name, value in _values(self).items()}

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, Any]]:
        plain, read_only = dict(self.__dict__), {}
        for name, value in self.__dict__.items():
            if isinstance(value, MappingProxyType):
                read_only[name] = dict(plain.pop(name))
        return plain, read_only

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
        plain, read_only = state
        frozen = {name: MappingProxyType(value) for name, value in read_only.items()}
        self.__dict__.update(plain, **frozen)


def _values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
