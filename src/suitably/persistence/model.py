"""Model serialisation: a fitted model as a folder of plain files, and back."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Clock, Instant, Instants, micros
from suitably.data.digests import NO_DIGESTS
from suitably.data.entities import Entities
from suitably.data.frames import fieldless
from suitably.data.ledger import Ledger
from suitably.data.schema import DataSchema
from suitably.data.vocabulary import WIDE, Vocabulary
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
from suitably.persistence.fingerprint import remember_fingerprint
from suitably.persistence.folder import Verify
from suitably.persistence.migrations import migrated
from suitably.persistence.publishing import publication
from suitably.persistence.reader import Reader, open_folder
from suitably.persistence.signing import Key, signer, verifier
from suitably.persistence.statistics import data_statistics
from suitably.persistence.unreadable import plain_fields, with_unreadable
from suitably.persistence.writer import Writer
from suitably.profiles.functions.from_function_state import FromFunctionState
from suitably.profiles.protocol import Builder
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import Ranker, attached
from suitably.ranking.strongest import Strongest
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
            "users": _write_entities(writer, state.users),
            "products": _write_entities(writer, state.products),
            "owned": _write_csr(writer, "owned", state.owned),
            "ledger": (
                None if state.ledger is None else write_arrays(writer, state.ledger.to_arrays())
            ),
            "counted": writer.array("counted", state.counted) if len(state.counted) else None,
            "interactions": [
                _write_interactions(writer, one) for one in model.interactions.values()
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
    users, products = (_read_entities(reader, facts[side]) for side in ("users", "products"))
    shape = (len(users), len(products))
    builders = [read_component(reader, one, trusted, Builder) for one in facts["builders"]]
    state = FittedState(
        as_of=_instant(facts["as_of"]),
        clock=Clock(facts["zone"], bool(facts["zone_stated"])),
        kind=facts["kind"],
        users=users,
        products=products,
        learned=int(facts["learned"]),
        owned=_read_csr(reader, facts["owned"], np.int8(1), shape),
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


def _write_entities(writer: Writer, entities: Entities) -> dict[str, Any]:
    side = entities.side
    rows = {"id": entities.ids.array, "listed": pa.array(entities.listed)}
    if entities.times is not None:
        rows["time"] = pa.array(entities.times)
    # Parquet forgets the rows of a table without columns.
    has_fields = bool(entities.fields.num_columns)
    fields, problems = plain_fields(entities.fields)
    return {
        "side": side,
        "rows": writer.table(side, pa.table(rows), distinct=["id"]),
        "kind": str(entities.ids.kind),
        "fields": writer.table(f"{side}-fields", fields) if has_fields else None,
        **({"unreadable": problems} if problems else {}),
        "framed": entities.framed,
        "id_column": entities.id_column,
        "time_column": entities.time_column,
    }


def read_ids(reader: Reader, record: Mapping[str, Any]) -> pa.Array:
    """Read the ids of one side.

    Raises:
        ArtifactError: Some are missing or repeated.
    """
    return _distinct(reader.table(record["rows"]), record["rows"])


def _distinct(rows: pa.Table, file: str) -> pa.Array:
    array = rows["id"].combine_chunks()
    if array.null_count or not _are_distinct(array):
        raise ArtifactError(f"{file}: ids are missing or repeated")
    return array


def _read_entities(reader: Reader, record: dict[str, Any]) -> Entities:
    rows = reader.table(record["rows"])
    array, listed = _distinct(rows, record["rows"]), rows["listed"].combine_chunks()
    if listed.null_count or not pa.types.is_boolean(listed.type):
        raise ArtifactError(f"{record['rows']}: does not say who is listed")
    fields = record["fields"]
    made = Entities(
        side=record["side"],
        ids=Vocabulary(array, _kind(record["kind"])),
        fields=(
            fieldless(len(array))
            if fields is None
            else with_unreadable(reader.table(fields, len(array)), record.get("unreadable", {}))
        ),
        listed=listed.to_numpy(zero_copy_only=False),
        times=_read_times(rows),
        framed=bool(record["framed"]),
        id_column=record["id_column"],
        time_column=record["time_column"],
    )
    if made.fields.num_rows != len(made):
        raise ValueError(f"{made.side}: ids and fields do not fit")
    return made


def _are_distinct(array: pa.Array) -> bool:
    """Return whether no id occurs twice; for ascending ones, as most are, a glance will do."""
    ascending = pc.all(pc.less(array[:-1], array[1:])).as_py()
    return ascending is not False or len(array.unique()) == len(array)


def _kind(name: str) -> pa.DataType:
    return WIDE if name == str(WIDE) else pa.type_for_alias(name)


def _read_times(rows: pa.Table) -> Instants | None:
    if "time" not in rows.column_names:
        return None
    times: Instants = rows["time"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    return times


def _write_interactions(writer: Writer, one: WeightedInteractions) -> dict[str, Any]:
    kinds = one.weighting.event_weights
    return {
        "half_life_days": one.weighting.half_life_days,
        "event_weights": None if kinds is None else dict(kinds),
        "origin": micros(one.origin),
        "shift": one.shift,
        "width": int(one.weights.shape[1]),
        "weights": _write_weights(writer, one.weights.data),
        **_write_csr(writer, "interactions", one.weights),
        **_write_decisive(writer, one.decisive),
    }


def read_interactions(
    reader: Reader, record: Mapping[str, Any], users: Vocabulary, products: int
) -> WeightedInteractions:
    """Read the interactions of users by one weighting.

    Raises:
        ValueError: Their parts do not fit each other, or the users and products.
    """
    weighting = Weighting(record["half_life_days"], record["event_weights"])
    weights = record["weights"]
    data = reader.array(weights) if isinstance(weights, str) else np.float32(weights)
    if data.dtype != np.float32 or not np.isfinite(data).all():
        raise ValueError("weights of interactions are not finite numbers")
    width = record["width"]
    if not 0 <= width <= products:
        raise ValueError("interactions and products do not fit")
    matrix = _read_csr(reader, record, data, (len(users), width))
    origin, shift = _instant(record["origin"]), int(record.get("shift", 0))
    decisive = _read_decisive(reader, record, matrix.data) if weighting.against else None
    return WeightedInteractions(weighting, users, matrix, origin, shift, decisive)


def _write_decisive(writer: Writer, one: Strongest | None) -> dict[str, Any]:
    """Write what pairs weigh by, where kinds speak against products: weights and times."""
    if one is None:
        return {}
    times = None
    if one.times is not None:
        times = writer.array("decisive-times", one.times.astype(np.int64))
    return {"decisive": writer.array("decisive", one.weights), "decisive_times": times}


def _read_decisive(reader: Reader, record: Mapping[str, Any], data: NDArray[Any]) -> Strongest:
    weights, times = reader.array(record["decisive"]), None
    if record["decisive_times"] is not None:
        times = reader.array(record["decisive_times"])
        if times.dtype != np.int64 or times.shape != weights.shape:
            raise ValueError("interactions and their times do not fit")
        times = times.view("datetime64[us]")
    same = weights.dtype == np.float64 and weights.shape == data.shape
    if not same or not (np.isfinite(weights) & (np.sign(weights) == np.sign(data))).all():
        raise ValueError("interactions and what they weigh by do not fit")
    return Strongest(weights, times)


def _write_weights(writer: Writer, weights: NDArray[np.float32]) -> str | float:
    """Write weights, or return the one that all of them are."""
    if len(weights) and (weights == weights[0]).all():
        return float(weights[0])
    return writer.array("weights", weights)


def _write_csr(writer: Writer, name: str, matrix: sparse.csr_array) -> dict[str, str]:
    return {
        "starts": writer.array(f"{name}-starts", matrix.indptr),
        "columns": writer.array(f"{name}-products", matrix.indices),
    }


def _read_csr(
    reader: Reader,
    files: Mapping[str, Any],
    data: NDArray[Any] | np.generic,
    shape: tuple[int, int],
) -> sparse.csr_array:
    """Read where a matrix has something stored, and refuse what is no matrix."""
    starts, columns = (reader.array(files[part]) for part in ("starts", "columns"))
    data = data if isinstance(data, np.ndarray) else np.full(len(columns), data)
    fits = (
        starts.ndim == columns.ndim == 1
        and starts.dtype.kind == columns.dtype.kind == "i"
        and len(starts) == shape[0] + 1
        and starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(columns) == len(data)
        and bool(((columns >= 0) & (columns < shape[1])).all())
    )
    if not fits:
        raise ValueError("users, products and what they have to do with each other do not fit")
    return sparse.csr_array((data, columns, starts), shape=shape)


def _instant(micros: int | None) -> Instant | None:
    return None if micros is None else np.datetime64(micros, "us")


def _span(months: list[str] | None) -> tuple[str, str] | None:
    if months is None:
        return None
    first, last = months
    if not (_MONTH.fullmatch(first) and _MONTH.fullmatch(last) and first <= last):
        raise ValueError("the months of the first and last interaction are none")
    return first, last
