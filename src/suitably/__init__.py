"""Personalised financial products, suitable by construction.

Everything is imported when it is first used, so `import suitably` itself costs next to nothing.
"""

from importlib import import_module
from typing import Any

_ROOMS = (
    "data",
    "decisions",
    "engines",
    "evaluation",
    "governance",
    "metrics",
    "monitoring",
    "profiles",
    "ranking",
    "reranking",
    "serving",
    "suitability",
)
_NAMES = {
    "ABTest": "evaluation",
    "ArtifactError": "errors",
    "Columns": "data",
    "DataError": "errors",
    "Dataset": "data",
    "Eligibility": "suitability",
    "NotFittedError": "errors",
    "Pipeline": "pipeline",
    "Policy": "suitability",
    "PolicyError": "errors",
    "Recommendations": "recommendations",
    "RuleVerdict": "suitability",
    "SuitabilityWarning": "errors",
    "SuitablyError": "errors",
    "load": "pipeline",
    "show_progress": "utils.progress",
}

__all__ = [*_ROOMS, *_NAMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Import a room or a name when it is first asked for (PEP 562)."""
    if name in _ROOMS:
        return import_module(f"suitably.{name}")
    if name in _NAMES:
        value = getattr(import_module(f"suitably.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    if name == "__version__":
        return import_module("importlib.metadata").version("suitably")
    raise AttributeError(f"module 'suitably' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
