"""Contract of builders."""

__all__ = ["BuilderContract"]


class BuilderContract:
    """To come."""
