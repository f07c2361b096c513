"""Model fingerprint: one digest of all that a fitted model answers from."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from suitably.model.model import Model

__all__ = ["known_fingerprint", "manifest_fingerprint", "remember_fingerprint"]

# What a model was written with, what follows from the rest, and the fingerprint itself.
_APART = ("libraries", "statistics", "fingerprint")
_known: WeakKeyDictionary[Model, str] = WeakKeyDictionary()


def manifest_fingerprint(facts: Mapping[str, Any]) -> str:
    """Return the fingerprint of the model that a manifest describes: 64 hexadecimal digits.

    A manifest names the digest of every array, table and policy.
    """
    stated = {name: fact for name, fact in facts.items() if name not in _APART}
    text = json.dumps(stated, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def remember_fingerprint(model: Model, facts: Mapping[str, Any]) -> str:
    """Keep and return the fingerprint of a model by its manifest; a model never changes."""
    return _known.setdefault(model, manifest_fingerprint(facts))


def known_fingerprint(model: Model) -> str | None:
    """Return what is remembered of a model."""
    return _known.get(model)
