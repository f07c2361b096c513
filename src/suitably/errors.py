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
    """Any error that Suitably raises on purpose.

    Example:
        >>> import suitably as st
        >>> try:
        ...     st.load("no-such-folder")
        ... except st.SuitablyError as error:
        ...     print(type(error).__name__)
        ArtifactError
    """


class DataError(SuitablyError):
    """A frame, an id, a value or a moment that cannot be used as it is.

    Example:
        >>> import suitably as st
        >>> st.Dataset(None, None, [("ann", "bond")])
        Traceback (most recent call last):
        suitably.errors.DataError: interactions: expected a pandas, polars, ... frame, got list
    """


class PolicyError(SuitablyError):
    """A policy or rule that cannot be read, or does not fit the data it meets.

    Example:
        >>> import suitably as st
        >>> st.Policy.load("no-such-policy")
        Traceback (most recent call last):
        suitably.errors.PolicyError: ...no such file...
    """


class NotFittedError(SuitablyError):
    """Something was asked of a component before `fit`.

    Example:
        >>> import suitably as st
        >>> st.Pipeline(policy=st.Policy.unrestricted()).recommend(["ann"])
        Traceback (most recent call last):
        suitably.errors.NotFittedError: Pipeline: call fit first
    """


class ArtifactError(SuitablyError):
    """A saved model that is damaged, tampered with or not trusted.

    Example:
        >>> import suitably as st
        >>> st.load("no-such-folder")
        Traceback (most recent call last):
        suitably.errors.ArtifactError: no-such-folder: has no manifest.json with its manifest.sha256
    """


class SuitabilityWarning(UserWarning):
    """An answer stands, but something about it wants a look.

    A component tried to widen what may be recommended and was refused, or a ranker gives nearly
    everybody the same list.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():  # where a warning must stop a run
        ...     warnings.simplefilter("error", SuitabilityWarning)
    """
