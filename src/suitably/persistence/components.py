"""Components as files: the name of a class, its scalars, its arrays and its parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from suitably import profiles, ranking, reranking
from suitably.errors import ArtifactError
from suitably.model import positions
from suitably.persistence.reader import Reader
from suitably.persistence.writer import Writer
from suitably.profiles.protocol import Builder
from suitably.ranking.protocol import Ranker
from suitably.reranking.protocol import Reranker
from suitably.utils.state import from_state, state_of, undeclared_state

__all__ = ["are_components", "component_classes", "plain_scalar", "read_arrays"]
__all__ += ["read_component", "write_arrays", "write_component"]

Revive = Callable[[type, dict[str, Any]], Any]

# Where the library's own classes of a role are, and a method that each of them has.
_ROOMS: Mapping[type, tuple[tuple[Any, ...], str]] = {
    Builder: ((profiles, positions), "accumulate"),
    Ranker: ((ranking,), "scorer"),
    Reranker: ((reranking,), "rerank"),
}


def write_component(writer: Writer, component: Any, revive: Revive = from_state) -> dict[str, Any]:
    """Write a builder, ranker or reranker.

    Args:
        writer: Where to.
        component: What.
        revive: How one is made of its class and state.

    Raises:
        ArtifactError: It has no state, or one that holds something else than arrays, numbers, text,
            functions with a name and components, or it has learned what its state does not hold.
    """
    name = type(component).__name__
    state = state_of(component)
    if state is None or hasattr(component, "from_state") != hasattr(component, "state"):
        raise ArtifactError(f"{name}: cannot be saved; give it state() and from_state(state)")
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    parts = {name: value for name, value in state.items() if are_components(value)}
    functions = {n: value for n, value in state.items() if isinstance(value, FunctionType)}
    plain = [name for name in state if name not in {*arrays, *parts, *functions}]
    record = {
        "class": _name(type(component)),
        "scalars": {name: plain_scalar(component, name, state[name]) for name in plain},
        "arrays": write_arrays(writer, arrays),
        "parts": {
            name: [write_component(writer, part, revive) for part in parts[name]] for name in parts
        },
    }
    if functions:
        named = {n: _function_name(component, n, function) for n, function in functions.items()}
        record["functions"] = named
    _refuse_loss(component, revive)
    return record


def read_component(
    reader: Reader,
    record: dict[str, Any],
    trusted: Sequence[Callable[..., Any]],
    role: type[Any],
) -> Any:
    """Make a component of a closed list of classes, or of classes and functions of the caller's.

    Raises:
        ArtifactError: A class or function that is not trusted, or a class that does not play the
            role.
        ValueError: The parts of its state do not fit each other, or a parameter is out of range.
    """
    known = _closed_list(role) | {_name(one): one for one in trusted if isinstance(one, type)}
    cls = known.get(record["class"])
    if cls is None:
        raise ArtifactError(
            f"class {record['class']!r} is not trusted: pass it in load(..., trusted=[...])"
        )
    parts = {
        name: [read_component(reader, part, trusted, role) for part in several]
        for name, several in record["parts"].items()
    }
    functions = _functions(record.get("functions", {}), trusted)
    state = {**record["scalars"], **read_arrays(reader, record["arrays"]), **parts, **functions}
    twice = len(state) < sum(map(len, (record["scalars"], record["arrays"], parts, functions)))
    if twice:
        raise ArtifactError(f"class {record['class']!r}: its state says something twice")
    made = from_state(cls, state)
    if not isinstance(made, role):
        raise ArtifactError(f"class {record['class']!r} is no {role.__name__.lower()}")
    return made


def component_classes(component: Any) -> Iterator[Callable[..., Any]]:
    """Yield the classes that a component and its parts are of, and the functions they hold."""
    yield type(component)
    if hasattr(component, "state"):
        for value in component.state().values():
            if isinstance(value, FunctionType):
                yield value
            elif are_components(value):
                for part in value:
                    yield from component_classes(part)


def write_arrays(writer: Writer, arrays: Mapping[str, Any]) -> dict[str, str]:
    """Write arrays; return their files by name."""
    return {name: writer.array(name, array) for name, array in arrays.items()}


def read_arrays(reader: Reader, files: Mapping[str, str]) -> dict[str, Any]:
    """Open arrays by the names of their files."""
    return {name: reader.array(file) for name, file in files.items()}


def are_components(value: Any) -> bool:
    """Return whether a value of a state is a list of components with states of their own."""
    some = isinstance(value, tuple | list) and bool(value)
    return some and all(hasattr(part, "state") for part in value)


def _refuse_loss(component: Any, revive: Revive) -> None:
    """Refuse a component that has learned what its state does not hold."""
    name = type(component).__name__
    try:
        lost = undeclared_state(component, revive)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactError(f"{name}: cannot be made again from its state: {error!r}") from None
    if lost:
        raise ArtifactError(
            f"{name}: has learned {', '.join(lost)}, which would be lost: "
            f"let state() hold it and from_state(state) take it back"
        )


def plain_scalar(component: Any, name: str, value: Any) -> Any:
    """Return a number, text or list as a manifest holds it.

    Raises:
        ArtifactError: It is something else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        return [plain_scalar(component, name, part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain_scalar(component, name, part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ArtifactError(
        f"{type(component).__name__}.{name}: a {type(value).__name__} cannot be saved; "
        f"state() gives arrays, numbers and text"
    )


def _function_name(component: Any, name: str, function: FunctionType) -> str:
    named = _name(function)
    if "<" in named:
        raise ArtifactError(
            f"{type(component).__name__}.{name}: {named} has no name of its own, so that no load "
            f"could ask for it: write it with def at the top level of a module"
        )
    return named


def _functions(
    names: Mapping[str, str], trusted: Sequence[Callable[..., Any]]
) -> dict[str, Callable[..., Any]]:
    known = {_name(one): one for one in trusted if isinstance(one, FunctionType)}
    for named in names.values():
        if named not in known:
            raise ArtifactError(
                f"function {named!r} is not trusted: pass it in load(..., trusted=[...])"
            )
    return {name: known[named] for name, named in names.items()}


def _closed_list(role: type) -> dict[str, type]:
    """Return the classes that play a role, by name; none else is made, not even to be refused."""
    rooms, method = _ROOMS[role]
    found = (getattr(room, name) for room in rooms for name in room.__all__)
    classes = [cls for cls in found if isinstance(cls, type) and hasattr(cls, method)]
    return {_name(cls): cls for cls in classes if not getattr(cls, "_is_protocol", False)}


def _name(named: type | FunctionType) -> str:
    return f"{named.__module__}.{named.__qualname__}"
