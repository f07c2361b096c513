"""Policies as callers give them: read already, in a file, built in, or several of these."""

from pathlib import Path
from typing import Any

from suitably.errors import PolicyError
from suitably.suitability.policy import Policy

__all__ = ["PolicySource", "read_policies"]

PolicySource = Policy | str | Path | list["Policy | str | Path"] | tuple["Policy | str | Path", ...]


def read_policies(source: Any) -> tuple[Policy, ...]:
    """Read one policy or several.

    Args:
        source: A `Policy`, its file or built-in name, or a list of these.

    Raises:
        PolicyError: None at all, not a policy, or one that cannot be read.
    """
    several = source if isinstance(source, list | tuple) else [source]
    if not several or source is None:
        raise PolicyError(
            "policy: is required; to restrict nothing, write out Policy.unrestricted()"
        )
    read = tuple(_read(one) for one in several)
    ids = [policy.id for policy in read]
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated:
        raise PolicyError(f"policy: ids must be unique, repeated: {repeated}")
    return read


def _read(one: Any) -> Policy:
    if isinstance(one, Policy):
        return one
    if not isinstance(one, str | Path):
        raise PolicyError(f"policy: expected a Policy, a file or a name, got {one!r:.60}")
    return Policy.load(one)
