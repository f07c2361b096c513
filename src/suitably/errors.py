"""What can go wrong, by name: each error says what was wrong, where, and what to do."""

__all__ = [
    "ArtifactError",
    "DataError",
    "NotFittedError",
    "PolicyError",
    "SuitabilityWarning",
    "SuitablyError",
]


class SuitablyError(Exception):
    """Any error that Suitably raises on purpose."""


class DataError(SuitablyError):
    """A frame, an id, a value or a moment that cannot be used as it is."""


class PolicyError(SuitablyError):
    """A policy or rule that cannot be read, or does not fit the data it meets."""


class NotFittedError(SuitablyError):
    """Something was asked of a component before `fit`."""


class ArtifactError(SuitablyError):
    """A saved model that is damaged, tampered with or not trusted."""


class SuitabilityWarning(UserWarning):
    """An answer stands, but something about it wants a look.

    A component tried to widen what may be recommended and was refused, or a ranker gives nearly
    everybody the same list.
    """
