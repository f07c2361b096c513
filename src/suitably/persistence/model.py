"""Model serialisation: a fitted model as a folder of plain files, and back."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Clock, micros
from suitably.data.digests import NO_DIGESTS
from suitably.data.ledger import Ledger
from suitably.data.schema import DataSchema
from suitably.errors import ArtifactError
from suitably.model.model import Model
from suitably.model.state import FittedState
from suitably.persistence.arrow_streams import check_stream
from suitably.persistence.components import (
    read_arrays,
    read_component,
    write_arrays,
    write_component,
)
from suitably.persistence.entities import read_entities, read_ids, write_entities
from suitably.persistence.fingerprint import remember_fingerprint
from suitably.persistence.folder import Verify
from suitably.persistence.interactions import (
    read_instant,
    read_interactions,
    read_matrix,
    write_interactions,
    write_matrix,
)
from suitably.persistence.migrations import migrated
from suitably.persistence.publishing import publication
from suitably.persistence.reader import Reader, open_folder
from suitably.persistence.signing import Key, signer, verifier
from suitably.persistence.statistics import data_statistics
from suitably.persistence.writer import Writer
from suitably.profiles.functions.from_function_state import FromFunctionState
from suitably.profiles.protocol import Builder
from suitably.ranking.protocol import Ranker, attached
from suitably.reranking.protocol import Reranker
from suitably.suitability.policy import Policy
from suitably.utils.state import from_state

__all__ = ["load_model", "read_ids", "read_interactions", "read_model", "save_model", "write_model"]

_MONTH = re.compile(r"\d{4}-\d{2}")
_LIBRARIES = ("suitably", "numpy", "scipy", "implicit", "pyarrow", "pandas")


def save_model(model: Model, path: Path, sign: Key = None) -> None:
    """Write a model to a folder; a model saved there before is replaced, at once and as a whole.

    Every column of users and products is written, and no log of interactions.

    Args:
        model: What.
        path: The folder.
        sign: An Ed25519 private key; None: the version is not signed.

    Raises:
        ArtifactError: A component cannot be written, or something else is at the path.
        OSError: The disk is full, or the folder cannot be written to; the old model stays.
    """
    with publication(path, None if sign is None else signer(sign)) as sink:
        write_model(model, Writer(sink))


def write_model(model: Model, writer: Writer) -> None:
    """Write a model.

    Raises:
        ArtifactError: A component cannot be written.
    """
    state = model.state
    writer.manifest(
        {
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
            "as_of": micros(state.as_of),
            "zone": state.clock.zone,
            "zone_stated": state.clock.stated,
            "kind": state.kind,
            "data": state.schema.to_dict(),
            "learned": state.learned,
            "seed": model.seed,
            "asks_consent": model.asks_consent,
            "span": state.span,
            "statistics": data_statistics(model),
            "users": write_entities(writer, state.users),
            "products": write_entities(writer, state.products),
            "owned": write_matrix(writer, "owned", state.owned),
            "ledger": (
                None if state.ledger is None else write_arrays(writer, state.ledger.to_arrays())
            ),
            "counted": writer.array("counted", state.counted) if len(state.counted) else None,
            "interactions": [
                write_interactions(writer, one) for one in model.interactions.values()
            ],
            "policies": [
                {"file": writer.text(f"policy-{p.id}", p.text), "fingerprint": p.fingerprint}
                for p in model.policies
            ],
            "builders": [
                {
                    **write_component(writer, builder),
                    "accumulated": write_arrays(writer, held.to_arrays()),
                }
                for builder, held in zip(state.builders, state.builder_states, strict=True)
            ],
            "rankers": [
                write_component(writer, ranker, partial(_revived, model))
                for ranker in model.rankers
            ],
            "rerankers": [write_component(writer, reranker) for reranker in model.rerankers],
        }
    )


def load_model(
    path: Path, verify: Verify, trusted: Sequence[Callable[..., Any]], public_key: Key = None
) -> Model:
    """Read a saved model; nothing in the folder is executed.

    Args:
        path: The folder.
        verify: `"full"` checks the sha256 of every file, `"manifest"` only the manifest's.
        trusted: Classes and functions of the caller's own that the model is made of.
        public_key: An Ed25519 public key, by whose owner the model must be signed; None: by nobody.

    Raises:
        ArtifactError: Damaged, tampered with, made of a class that is not trusted, or not signed
            with the key.
    """
    is_right = None if public_key is None else verifier(public_key)
    return read_model(open_folder(path, verify, is_right), trusted)


def read_model(reader: Reader, trusted: Sequence[Callable[..., Any]]) -> Model:
    """Make a model of its files.

    Raises:
        ArtifactError: They do not make up a model, or one of a class that is not trusted.
    """
    try:
        facts = migrated(reader.facts, reader.where)
        model = _load(reader, facts, trusted)
        found = remember_fingerprint(model, reader.facts)
        if found != reader.facts.get("fingerprint", found):
            raise ValueError("the model has another fingerprint than the manifest says")
        return model
    except ArtifactError:
        raise
    except Exception as error:  # whatever parts raise that are made of what does not fit
        message = f"{reader.where}: the files do not make up a pipeline: {error}"
        raise ArtifactError(message) from error


def _revived(model: Model, cls: type, state: dict[str, Any]) -> Any:
    """Make a ranker of its state as loading does."""
    return attached(from_state(cls, state), model.state.users.ids, model.interactions)


def _load(reader: Reader, facts: dict[str, Any], trusted: Sequence[Callable[..., Any]]) -> Model:
    users, products = (read_entities(reader, facts[side]) for side in ("users", "products"))
    shape = (len(users), len(products))
    builders = [read_component(reader, one, trusted, Builder) for one in facts["builders"]]
    state = FittedState(
        as_of=read_instant(facts["as_of"]),
        clock=Clock(facts["zone"], bool(facts["zone_stated"])),
        kind=facts["kind"],
        users=users,
        products=products,
        learned=int(facts["learned"]),
        owned=read_matrix(reader, facts["owned"], np.int8(1), shape),
        ledger=(
            None
            if facts["ledger"] is None
            else Ledger.from_arrays(read_arrays(reader, facts["ledger"]), shape)
        ),
        counted=reader.array(facts["counted"]) if facts["counted"] else NO_DIGESTS,
        schema=DataSchema.from_dict(facts["data"]),
        builders=tuple(builders),
        builder_states=tuple(
            _accumulated(builder, read_arrays(reader, record["accumulated"]))
            for builder, record in zip(builders, facts["builders"], strict=True)
        ),
        span=_span(facts["span"]),
    )
    if not all(len(held) == len(users) for held in state.builder_states):
        raise ValueError("builder states and users do not fit")
    if not 0 <= state.learned <= len(products):
        raise ValueError("rankers and products do not fit")
    if not facts["rankers"] or not facts["policies"]:
        raise ValueError("there is no ranker, or no policy")
    found = [
        read_interactions(reader, record, users.ids, len(products))
        for record in facts["interactions"]
    ]
    interactions = {one.weighting: one for one in found}
    rankers = (read_component(reader, one, trusted, Ranker) for one in facts["rankers"])
    return Model(
        state=state,
        rankers=tuple(attached(ranker, users.ids, interactions) for ranker in rankers),
        policies=tuple(_read_policy(reader, policy) for policy in facts["policies"]),
        rerankers=tuple(
            read_component(reader, one, trusted, Reranker) for one in facts["rerankers"]
        ),
        seed=facts["seed"],
        asks_consent=bool(facts["asks_consent"]),
    )


def _accumulated(builder: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if issubclass(builder.state_type, FromFunctionState):
        for name, array in arrays.items():
            if name.split(":")[-1] == "fields":  # its own, and of builders that it sees
                check_stream(array, int(arrays["count"][0]))
    return builder.state_type.from_arrays(arrays)


def _read_policy(reader: Reader, record: dict[str, str]) -> Policy:
    policy = Policy.from_toml(reader.text(record["file"]))
    if policy.fingerprint != record["fingerprint"]:
        raise ArtifactError(f"policy {policy.id!r}: is not the one that was saved")
    return policy


def _span(months: list[str] | None) -> tuple[str, str] | None:
    if months is None:
        return None
    first, last = months
    if not (_MONTH.fullmatch(first) and _MONTH.fullmatch(last) and first <= last):
        raise ValueError("the months of the first and last interaction are none")
    return first, last
