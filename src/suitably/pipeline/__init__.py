"""The chain: data, profiles, suitability, ranking, reranking, in this order and no other."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suitably.pipeline.pipeline import Pipeline, load

__all__ = ["Pipeline", "load"]


def __getattr__(name: str) -> Any:
    """Import the pipeline when it is first asked for (PEP 562).

    What comes out of it, `suitably.recommendations`, takes modules of this room, and may be the
    first to be imported.
    """
    if name in __all__:
        from suitably.pipeline import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'suitably.pipeline' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
