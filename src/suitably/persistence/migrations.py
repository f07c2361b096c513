"""Schema evolution: manifests of older versions, brought to the present form step by step."""

from collections.abc import Callable, Mapping
from typing import Any

from suitably.errors import ArtifactError
from suitably.persistence.folder import SCHEMA

__all__ = ["MIGRATIONS", "check_schema", "migrated"]

Facts = dict[str, Any]


def _from_3(facts: Facts) -> Facts:
    """Neither registers of consent nor statistics were known."""
    return {"asks_consent": False, "span": None, "statistics": None, **facts}


def _from_4(facts: Facts) -> Facts:
    """Rankers had no parameters that the data choose, and ItemKNN went by what is owned."""
    return {**facts, "rankers": [_ranker_from_4(one) for one in facts["rankers"]]}


def _ranker_from_4(component: Facts) -> Facts:
    scalars = dict(component["scalars"])
    scalars |= _NEW_IN_5.get(component["class"], {})
    for name in _CHOSEN_IN_5.get(component["class"], ()):
        scalars[f"{name}_"] = scalars[name]
    parts = {
        name: [_ranker_from_4(one) for one in found] if isinstance(found, list) else found
        for name, found in component["parts"].items()
    }
    return {**component, "scalars": scalars, "parts": parts}


_NEW_IN_5: Mapping[str, Facts] = {
    "suitably.ranking.ease.EASE": {"dropout": 0.0, "row_scaling": 0.0, "neighbours": None},
    "suitably.ranking.item_knn.ItemKNN": {"neighbours_of": "owned"},
    "suitably.ranking.bpr.BPR": {"popularity_exponent_": 0.0},
}
_CHOSEN_IN_5 = {
    "suitably.ranking.als.ALS": ("factors",),
    "suitably.ranking.ials.IALS": ("factors",),
    "suitably.ranking.bpr.BPR": ("factors", "learning_rate", "regularization", "iterations"),
    "suitably.ranking.logistic_mf.LogisticMF": ("factors", "regularization"),
}

# Each takes the facts of its schema to those of the next one.
MIGRATIONS: Mapping[int, Callable[[Facts], Facts]] = {3: _from_3, 4: _from_4}


def check_schema(facts: Facts, where: str) -> int:
    """Return the schema that a manifest is written in.

    Raises:
        ArtifactError: None that this version reads.
    """
    schema = facts.get("schema")
    if type(schema) is not int or schema < 1:
        raise ArtifactError(f"{where}: its manifest does not say in which schema it is written")
    if schema > SCHEMA:
        raise ArtifactError(
            f"{where}: written by a newer version (schema {str(schema)[:20]}, this one reads up to "
            f"{SCHEMA}): upgrade"
        )
    if schema < SCHEMA and schema not in MIGRATIONS:
        raise ArtifactError(
            f"{where}: written by an older version (schema {schema}, this one reads from "
            f"{min(MIGRATIONS)} on): fit and save it anew"
        )
    return schema


def migrated(facts: Facts, where: str) -> Facts:
    """Return the facts of a manifest in the present schema.

    What a signature or a digest covers is the manifest as it was written, so both come first.

    Raises:
        ArtifactError: A schema that this version does not read.
    """
    for schema in range(check_schema(facts, where), SCHEMA):
        facts = {**MIGRATIONS[schema](facts), "schema": schema + 1}
    return facts
