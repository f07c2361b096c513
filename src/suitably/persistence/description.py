"""Model card: what a manifest says of a saved model, without opening any of its arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from suitably.data.clock import Clock
from suitably.errors import ArtifactError
from suitably.persistence.fingerprint import manifest_fingerprint
from suitably.persistence.folder import read_manifest, retried
from suitably.persistence.migrations import check_schema, migrated
from suitably.persistence.signing import Key, check_signature, verifier

__all__ = ["ModelDescription", "describe_model"]


@dataclass(frozen=True)
class ModelDescription:
    """A saved model, described.

    Attributes:
        schema: The schema that it is written in.
        fingerprint: Of the model, as audit trails name it.
        libraries: The versions that it was written with.
        policies: The fingerprints of its policies.
        as_of: The moment it is fitted as of; None without timestamps.
        span: The months of its first and its last interaction; None where that is not known.
        statistics: As `data_statistics` counts; None where it was written by a version before that.
        id_types: The types of the ids of users and products, as Arrow calls them.
    """

    schema: int
    fingerprint: str
    libraries: Mapping[str, str]
    policies: tuple[str, ...]
    as_of: pd.Timestamp | None
    span: tuple[str, str] | None
    statistics: Mapping[str, Any] | None
    id_types: Mapping[str, str]


def describe_model(path: str | Path, public_key: Key = None) -> ModelDescription:
    """Read the manifest of a saved model, and nothing else.

    Args:
        path: The folder.
        public_key: As for `suitably.load`.

    Raises:
        ArtifactError: The manifest is damaged, of another version, or not signed with the key.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> from tempfile import TemporaryDirectory
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> with TemporaryDirectory() as folder:
        ...     pipeline.fit(st.Dataset(None, None, log)).save(folder + "/model")
        ...     found = describe_model(folder + "/model")
        >>> found.statistics["users"], found.statistics["owned"], found.span
        (2, 2, None)
        >>> found.id_types
        {'user': 'string', 'product': 'string'}
    """
    folder = Path(path)
    is_right = None if public_key is None else verifier(public_key)

    def check(digest: str) -> None:
        if is_right is not None:
            check_signature(folder, digest, is_right)

    written = retried(folder, lambda: read_manifest(folder, check)).facts
    facts = migrated(written, str(folder))
    try:
        instant = facts["as_of"]
        clock = Clock(facts["zone"], bool(facts["zone_stated"]))
        return ModelDescription(
            schema=check_schema(written, str(folder)),
            fingerprint=manifest_fingerprint(written),
            libraries=dict(facts["libraries"]),
            policies=tuple(policy["fingerprint"] for policy in facts["policies"]),
            as_of=None if instant is None else clock.stamp(np.datetime64(instant, "us")),
            span=None if facts["span"] is None else tuple(facts["span"]),
            statistics=facts["statistics"],
            id_types={side: str(facts[f"{side}s"]["kind"]) for side in ("user", "product")},
        )
    except Exception as error:  # whatever a forged manifest may hold
        raise ArtifactError(f"{folder}: is not a manifest: {error}") from error
