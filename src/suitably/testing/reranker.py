"""Contract of rerankers."""

__all__ = ["RerankerContract"]


class RerankerContract:
    """To come."""
