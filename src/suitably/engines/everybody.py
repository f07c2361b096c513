"""Products learned of from everybody: sums over parts of users, added up where users are."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import SuitabilityWarning
from suitably.model.groups import without_anybody
from suitably.model.model import Model
from suitably.persistence.groups import Base
from suitably.persistence.model import save_model
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.popularity import Popularity
from suitably.ranking.protocol import shared_by
from suitably.ranking.summing import (
    SummingRanker,
    all_learned,
    all_sums,
    all_widened,
    most_steps,
    steps_of,
)
from suitably.ranking.totals import Totals
from suitably.utils.progress import logged, logger

__all__ = ["SumTask", "Teacher", "summed_weightings", "totals_of", "write_weighed"]

Arrays = Mapping[str, NDArray[Any]]
Everybody = Mapping[Weighting, Totals]
Part = Sequence[Path]
"""What groups of users did, weighed, in their order; see `write_weighed`."""

_log = logger(__name__)
_CSR = ("indptr", "indices", "data")


def summed_weightings(model: Model) -> tuple[Weighting, ...]:
    """Return by which weightings a model of nobody weighs what is added up; none: nothing is.

    One in whose units weights do not stand as they are is none: they are scaled group by group.
    """
    leaves = list(_leaves(model.rankers))
    shared = shared_by([ranker for ranker in leaves if issubclass(type(ranker), SummingRanker)])
    return tuple(weighting for weighting, one in shared.items() if not one.shift)


def write_weighed(interactions: Sequence[WeightedInteractions], folder: Path) -> None:
    """Write what a group of users did by each of several weightings, and what it adds up to."""
    for place, one in enumerate(interactions):
        lines = one.lines(np.flatnonzero(one.active))
        csr = {name: getattr(lines, name) for name in _CSR}
        _write(folder / f"lines-{place}", csr)
        _write(folder / f"totals-{place}", Totals.of(lines).arrays())


def totals_of(parts: Sequence[Part], weightings: Sequence[Weighting]) -> Everybody:
    """Add up the totals of all groups, in their order."""
    found: dict[Weighting, Totals] = {}
    for group in (group for part in parts for group in part):
        for place, weighting in enumerate(weightings):
            one = Totals.from_arrays(_read(group / f"totals-{place}"))
            found[weighting] = found[weighting].with_others(one) if weighting in found else one
    return found


@dataclass(frozen=True)
class SumTask:
    """Adds up, in a worker, what the groups of a part come to in a step.

    Attributes:
        base: Where the model of nobody is that has learned from the step before.
        folder: Where sums go.
        parts: The parts.
        weightings: By which each group is weighed.
        step: From 0.
        trusted: As for `Base`.
    """

    base: Path
    folder: Path
    parts: tuple[tuple[Path, ...], ...]
    weightings: tuple[Weighting, ...]
    step: int
    trusted: tuple[Callable[..., Any], ...] = ()

    def sums(self, part: int) -> str:
        """Add up a part, and return where the sums are."""
        rankers = Base(self.base, self.trusted).model.rankers
        totals = {
            weighting: Totals.from_arrays(_read(self.folder / f"everybody-{place}"))
            for place, weighting in enumerate(self.weightings)
        }
        found: dict[str, NDArray[Any]] = {}
        for group in self.parts[part]:
            lines = {
                weighting: _lines(group / f"lines-{place}", len(totals[weighting].known))
                for place, weighting in enumerate(self.weightings)
            }
            _add(found, all_sums(rankers, lines, totals, self.step))
        path = self.folder / f"sums-{token_hex(8)}"
        _write(path, found)
        return str(path)


@dataclass(frozen=True)
class Teacher:
    """Lets models learn of products from everybody.

    Attributes:
        parts: What groups of users did, weighed; none: nothing is added up.
        weightings: By which.
        folder: Where sums go, and the models of nobody that a step begins with.
        trusted: As for `Base`.
        run: Gives where the sums of each part are, in the order of the parts.
    """

    parts: Sequence[Part]
    weightings: tuple[Weighting, ...]
    folder: Path
    trusted: tuple[Callable[..., Any], ...]
    run: Callable[[SumTask], Sequence[str]]

    def __call__(self, model: Model) -> tuple[Model, tuple[str, ...]]:
        """Return a model of nobody whose rankers have learned of products from everybody.

        Args:
            model: Learned from some users, whom it still has.

        Returns:
            The model, and the names of the rankers whose products some users alone have taught.
        """
        totals = totals_of(self.parts, self.weightings)
        nobody = without_anybody(replace(model, rankers=all_widened(model.rankers, totals)))
        folder = self.folder / token_hex(8)
        for place, weighting in enumerate(totals):
            _write(folder / f"everybody-{place}", totals[weighting].arrays())
        parts = tuple(tuple(part) for part in self.parts)
        for step in range(most_steps(nobody.rankers, totals)):
            base = folder / f"base-{step}"
            save_model(nobody, base)
            task = SumTask(base, folder, parts, self.weightings, step, self.trusted)
            sums: dict[str, NDArray[Any]] = {}
            with logged(_log, "add up what all users did on the workers"):
                for path in self.run(task):
                    _add(sums, _read(Path(path)))
                    rmtree(path)
            rankers = all_learned(nobody.rankers, sums, totals, step)
            nobody = replace(nobody, rankers=rankers)
        alone = [one for one in _leaves(nobody.rankers) if not steps_of(one, totals)]
        _warn_of([_name(one) for one in alone if isinstance(one, SummingRanker)])
        names = [_name(one) for one in alone if not isinstance(one, Popularity)]
        return nobody, tuple(dict.fromkeys(names))


def _leaves(rankers: Iterable[Any]) -> Iterator[Any]:
    """Yield rankers, and in the place of those that are made of others these."""
    for ranker in rankers:
        inner = getattr(ranker, "rankers_", None) or [getattr(ranker, "ranker_", None)]
        inside = [one for one in inner if one is not None]
        yield from _leaves(inside) if inside else [ranker]


def _name(ranker: Any) -> str:
    return type(ranker).__name__


def _warn_of(names: Sequence[str]) -> None:
    if names:
        warnings.warn(
            f"engines.spark.fit: {', '.join(dict.fromkeys(names))}: what everybody did is not "
            f"added up, which would take over half a gigabyte, or weights too far apart: products "
            f"are learned of from the sample alone",
            SuitabilityWarning,
            stacklevel=5,
        )


def _add(sums: dict[str, NDArray[Any]], more: Arrays) -> None:
    for name, array in more.items():
        if name in sums:
            sums[name] += array
        else:
            sums[name] = np.array(array)


def _write(folder: Path, arrays: Arrays) -> None:
    folder.mkdir(parents=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of a folder."""
    found = {}
    for path in sorted(folder.glob("*.npy")):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        found[path.stem] = np.asarray(array)
    return found


def _lines(folder: Path, products: int) -> sparse.csr_array:
    indptr, indices, data = (_read(folder)[name] for name in _CSR)
    return sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, products))
