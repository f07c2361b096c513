"""The languages, a file each, called by its code: to add one is to add a file.

A file has `SENTENCES`, with every sentence of `Sentences`.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from suitably.suitability.messages.sentences import Sentences

__all__ = ["read_languages"]


@cache
def read_languages() -> Mapping[str, Sentences]:
    """Return the sentences of every language that has a file here, by its code.

    Example:
        >>> [said.name for said in read_languages().values()]
        ['English', 'Chinese']
    """
    codes = sorted(module.name for module in iter_modules(__path__))
    found = {code: import_module(f"{__name__}.{code}").SENTENCES for code in codes}
    return MappingProxyType({"en": found.pop("en"), **found})  # English is read first
