"""Every public class shows how it is used; the doctests of these examples are run."""

from importlib import import_module

import pytest

ROOMS = ("data", "profiles", "reranking")
CLASSES = [
    getattr(module, name)
    for module in (import_module(f"suitably.{room}") for room in ROOMS)
    for name in module.__all__
    if isinstance(getattr(module, name), type)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_it_has_an_example(cls: type) -> None:
    assert ">>> " in (cls.__doc__ or "")
