"""Save and load a fitted pipeline, without pickle and without running anything."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

import suitably
from suitably.data.clock import Clock
from suitably.data.frames import fieldless
from suitably.data.schema import DataSchema
from suitably.data.vocabulary import Vocabulary
from suitably.errors import ArtifactError, SuitablyError
from suitably.model.state import FittedState
from suitably.persistence.folder import Reader, Verify, Writer
from suitably.pipeline.pipeline import Pipeline
from suitably.profiles.protocol import Builder
from suitably.ranking.protocol import Ranker
from suitably.reranking.protocol import Reranker
from suitably.suitability.policy import Policy
from suitably.utils.params import own_params

__all__ = ["load", "save"]

_ROOMS = ("profiles", "ranking", "reranking")
_LIBRARIES = ("suitably", "numpy", "scipy", "implicit", "pyarrow", "pandas")


def save(pipeline: Pipeline, path: Path) -> None:
    """Write a fitted pipeline to a folder; a model saved there before is replaced.

    Of the users' own columns only those that a policy, a builder or a ranker reads are
    written, and no interactions.

    Raises:
        NotFittedError: The pipeline is not fitted.
        ArtifactError: A component cannot be written, or something else is at the path.
    """
    fitted, rankers = pipeline.held
    with Writer(path) as writer:
        parts = (*fitted.builders, *rankers, *pipeline.rerankers)
        user_fields = fitted.user_fields.select(_read_by(pipeline.policies, fitted, parts))
        writer.manifest(
            {
                "libraries": {name: metadata.version(name) for name in _LIBRARIES},
                "as_of": None if fitted.as_of is None else int(fitted.as_of.astype(np.int64)),
                "zone": fitted.clock.zone,
                "kind": fitted.kind,
                "source": fitted.source.facts(),
                "times": [
                    None if times is None else writer.array(f"{side}-times", times)
                    for side, times in (
                        ("user", fitted.source.user_times),
                        ("product", fitted.source.product_times),
                    )
                ],
                "learned": fitted.learned,
                "seed": pipeline.seed,
                "users": _write_ids(writer, "user-ids", fitted.users),
                "products": _write_ids(writer, "product-ids", fitted.products),
                "catalogue": writer.array("catalogue", fitted.catalogue),
                "user_fields": _write_fields(writer, "user-fields", user_fields),
                "product_fields": _write_fields(writer, "product-fields", fitted.product_fields),
                "owned": [
                    writer.array("owned-starts", fitted.owned.indptr),
                    writer.array("owned-products", fitted.owned.indices),
                ],
                "policies": [
                    {"file": writer.text(f"policy-{p.id}", p.text), "fingerprint": p.fingerprint}
                    for p in pipeline.policies
                ],
                "builders": [
                    {**_write(writer, builder), "accumulated": _arrays(writer, state.to_arrays())}
                    for builder, state in zip(fitted.builders, fitted.builder_states, strict=True)
                ],
                "rankers": [_write(writer, ranker) for ranker in rankers],
                "rerankers": [_write(writer, reranker) for reranker in pipeline.rerankers],
            }
        )


def load(path: str | Path, verify: Verify = "full", trusted: Sequence[type] = ()) -> Pipeline:
    """Read a saved pipeline; nothing in the folder is executed.

    Args:
        path: The folder.
        verify: `"full"` checks the sha256 of every file, `"manifest"` only the manifest's.
        trusted: Classes of your own that the pipeline is made of.

    Raises:
        ArtifactError: Damaged, tampered with, or made of a class that is not trusted.
    """
    reader = Reader(Path(path), verify)
    try:
        return _load(reader, trusted)
    except ArtifactError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, SuitablyError) as error:
        raise ArtifactError(f"{path}: the files do not make up a pipeline: {error}") from None


def _load(reader: Reader, trusted: Sequence[type]) -> Pipeline:
    facts = reader.facts
    users, products = (_read_ids(reader, facts[side]) for side in ("users", "products"))
    policies = [_policy(reader, policy) for policy in facts["policies"]]
    builders = [_read(reader, builder, trusted, Builder) for builder in facts["builders"]]
    states = [
        builder.state_type.from_arrays(_read_arrays(reader, record["accumulated"]))
        for builder, record in zip(builders, facts["builders"], strict=True)
    ]
    catalogue = reader.array(facts["catalogue"])
    starts, owned = (reader.array(file) for file in facts["owned"])
    matrix = (np.ones(len(owned), np.int8), owned, starts)
    times = [None if file is None else reader.array(file) for file in facts["times"]]
    fitted = FittedState(
        as_of=None if facts["as_of"] is None else np.datetime64(facts["as_of"], "us"),
        clock=Clock(facts["zone"]),
        kind=facts["kind"],
        users=users,
        products=products,
        learned=int(facts["learned"]),
        catalogue=catalogue,
        user_fields=_read_fields(reader, facts["user_fields"]),
        product_fields=_read_fields(reader, facts["product_fields"]),
        owned=sparse.csr_array(matrix, shape=(len(users), len(products))),
        source=DataSchema.from_facts(facts["source"], *times),
        builders=tuple(builders),
        builder_states=tuple(states),
    )
    _check(fitted)
    rankers = tuple(_read(reader, record, trusted, Ranker) for record in facts["rankers"])
    pipeline = Pipeline(
        profiles=builders,
        policy=policies[0] if len(policies) == 1 else policies,
        ranker=rankers[0],
        fallback=rankers[1] if len(rankers) > 1 else None,
        rerankers=[_read(reader, record, trusted, Reranker) for record in facts["rerankers"]],
        seed=facts["seed"],
    )
    pipeline.hold(fitted, rankers)
    return pipeline


def _policy(reader: Reader, record: dict[str, str]) -> Policy:
    policy = Policy.from_toml(reader.text(record["file"]))
    if policy.fingerprint != record["fingerprint"]:
        raise ArtifactError(f"policy {policy.id!r}: is not the one that was saved")
    return policy


def _read_by(policies: Sequence[Policy], fitted: FittedState, parts: Sequence[Any]) -> list[str]:
    """Name the users' columns that somebody reads, now or when new rows come."""
    made = {field for builder in fitted.builders for field in getattr(builder, "fields", ())}
    wanted = {f.name for p in policies for f in p.reads if f.side == "user"} - made
    for part in parts:
        wanted |= set(getattr(part, "reads", ()))
    return [name for name in fitted.user_fields.column_names if name in wanted]


def _write_ids(writer: Writer, name: str, ids: Vocabulary) -> dict[str, str]:
    return {"file": writer.table(name, pa.table({"id": ids.array})), "kind": str(ids.kind)}


def _read_ids(reader: Reader, record: dict[str, str]) -> Vocabulary:
    array = reader.table(record["file"])["id"].combine_chunks()
    if array.null_count or len(array.unique()) < len(array):
        raise ArtifactError(f"{record['file']}: ids are missing or repeated")
    return Vocabulary(array, pa.type_for_alias(record["kind"]))


def _check(fitted: FittedState) -> None:
    """Refuse parts that do not fit each other, however well their digests do."""
    users, shelf = len(fitted.users), len(fitted.catalogue)
    catalogue, starts, owned = fitted.catalogue, fitted.owned.indptr, fitted.owned.indices
    inside = (catalogue >= 0) & (catalogue < len(fitted.products))
    fits = (
        catalogue.dtype == np.int64
        and bool(inside.all())
        and len(np.unique(catalogue)) == shelf
        and len(starts) == users + 1
        and starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(owned)
        and bool(((owned >= 0) & (owned < len(fitted.products))).all())
        and 0 <= fitted.learned <= len(fitted.products)
        and all(
            times is None or (times.shape == (length,) and times.dtype.kind == "M")
            for times, length in (
                (fitted.source.user_times, users),
                (fitted.source.product_times, len(fitted.products)),
            )
        )
        and fitted.user_fields.num_rows == users
        and fitted.product_fields.num_rows == shelf
        and all(len(state) == users for state in fitted.builder_states)
    )
    if not fits:
        raise ArtifactError("the arrays of the saved pipeline do not fit each other")


def _write_fields(writer: Writer, name: str, table: pa.Table) -> dict[str, Any]:
    """Write a table; Parquet forgets the rows of one without columns."""
    file = writer.table(name, table) if table.num_columns else None
    return {"rows": table.num_rows, "file": file}


def _read_fields(reader: Reader, record: dict[str, Any]) -> pa.Table:
    if record["file"] is None:
        return fieldless(record["rows"])
    return reader.table(record["file"])


def _write(writer: Writer, component: Any) -> dict[str, Any]:
    """Write a component as the name of its class, its scalars and its arrays."""
    if hasattr(component, "state"):
        state = component.state()
    elif hasattr(component, "get_params"):
        state = own_params(component)
    else:
        state = None
    revived = hasattr(component, "from_state") == hasattr(component, "state")
    if state is None or not revived:
        raise ArtifactError(
            f"{type(component).__name__}: cannot be saved; give it state() and from_state(state)"
        )
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    parts = {name: value for name, value in state.items() if _components(value)}
    plain = [name for name in state if name not in arrays and name not in parts]
    return {
        "class": _name(type(component)),
        "scalars": {name: _scalar(component, name, state[name]) for name in plain},
        "arrays": _arrays(writer, arrays),
        "parts": {name: [_write(writer, part) for part in parts[name]] for name in parts},
    }


def _components(value: Any) -> bool:
    """Return whether a value of a state is a list of components with states of their own."""
    some = isinstance(value, tuple | list) and bool(value)
    return some and all(hasattr(part, "state") for part in value)


def _read(reader: Reader, record: dict[str, Any], trusted: Sequence[type], role: type[Any]) -> Any:
    known = _closed_list() | {_name(cls): cls for cls in trusted}
    cls = known.get(record["class"])
    if cls is None:
        raise ArtifactError(
            f"class {record['class']!r} is not trusted: pass it in load(..., trusted=[...])"
        )
    parts = {
        name: [_read(reader, part, trusted, role) for part in several]
        for name, several in record["parts"].items()
    }
    state = {**record["scalars"], **_read_arrays(reader, record["arrays"]), **parts}
    made = cls.from_state(state) if hasattr(cls, "from_state") else cls(**state)
    if not isinstance(made, role):
        raise ArtifactError(f"class {record['class']!r} is no {role.__name__.lower()}")
    return made


def _arrays(writer: Writer, arrays: dict[str, Any]) -> dict[str, str]:
    return {name: writer.array(name, array) for name, array in arrays.items()}


def _read_arrays(reader: Reader, files: dict[str, str]) -> dict[str, Any]:
    return {name: reader.array(file) for name, file in files.items()}


def _scalar(component: Any, name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        return [_scalar(component, name, part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _scalar(component, name, part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ArtifactError(
        f"{type(component).__name__}.{name}: a {type(value).__name__} cannot be saved; "
        f"state() gives arrays, numbers and text"
    )


def _closed_list() -> dict[str, type]:
    rooms = [getattr(suitably, room) for room in _ROOMS]
    found = (getattr(room, name) for room in rooms for name in room.__all__)
    return {_name(cls): cls for cls in found if isinstance(cls, type)}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
