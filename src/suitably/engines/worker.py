"""What travels to a worker, and what it makes of it: lists by a saved model read once a process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from suitably.data.vocabulary import same_ids
from suitably.errors import ArtifactError, DataError
from suitably.persistence.folder import Verify, manifest_digest
from suitably.pipeline.opt_out import ConsentRegister
from suitably.pipeline.pipeline import Pipeline, load
from suitably.typing import AsOf
from suitably.utils.fork import ForkLock
from suitably.utils.progress import logged, logger

__all__ = ["RecommendTask", "check_columns", "check_ids", "prepare", "rebatched"]

# A worker may serve two models in turn, such as the arms of a test; more would fill its memory.
_MODELS = 2
_ATTEMPTS = 10
_loading = ForkLock()
_log = logger(__name__)


@dataclass(frozen=True)
class RecommendTask:
    """Lists by one saved model, as plain values: the model itself never travels.

    Attributes:
        path: The model's folder, absolute; every worker reads it there.
        digest: Of the manifest that the driver read; a worker that finds another one refuses.
        user_kind: The type of the model's user ids.
        product_kind: The type of product ids.
        drawn: Whether lists are drawn at random, and have a propensity.
        k: The most products in a list.
        as_of: As for `Pipeline.recommend`.
        verify: As for `suitably.load`.
        trusted: As for `suitably.load`.
        consent: Who may get a personal list, as for `Pipeline`; it travels with the task.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> from tempfile import TemporaryDirectory
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> with TemporaryDirectory() as folder:
        ...     pipeline.fit(st.Dataset(None, None, log)).save(folder + "/model")
        ...     task = prepare(folder + "/model", k=1, as_of=None, verify="full", trusted=())
        ...     [batch] = task.recommend([pa.record_batch({"user_id": ["bob"]})])
        >>> batch.to_pylist()
        [{'user_id': 'bob', 'product_id': 'bond', 'rank': 1, 'score': 1.0}]
    """

    path: str
    digest: str
    user_kind: pa.DataType
    product_kind: pa.DataType
    drawn: bool
    k: int
    as_of: AsOf | None
    verify: Verify
    trusted: tuple[Callable[..., Any], ...]
    consent: ConsentRegister | None = None

    def pipeline(self) -> Pipeline:
        """Return the model, read on the first call in this process.

        Raises:
            ArtifactError: Damaged, or not the model that the driver read.
        """
        with _loading:  # threads that ask at once wait for one of them
            return _read(self.path, self.digest, self.verify, self.trusted)

    def recommend(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Recommend for batches of users; see `Pipeline.apply_arrow`."""
        pipeline = _asking(self.pipeline(), self.consent)
        return pipeline.apply_arrow(batches, k=self.k, as_of=self.as_of)


def prepare(
    path: str | Path,
    k: int,
    as_of: AsOf | None,
    verify: Verify,
    trusted: Sequence[Callable[..., Any]],
    consent: ConsentRegister | None = None,
    public_key: Any = None,
) -> RecommendTask:
    """Read the model on the driver, so that what cannot work fails before anything is started.

    Raises:
        ArtifactError: The model is damaged, made of a class that is not trusted, or not signed
            with the key.
        ValueError: k is not a positive integer.
        DataError: A bad `as_of`, or no register of consent for a model that was fitted with one.
    """
    folder = Path(path).absolute()
    with logged(_log, "read the model on the driver"):
        pipeline, digest = _load(folder, verify, tuple(trusted), public_key)
    nobody = _asking(pipeline, consent).recommend([], k=k, as_of=as_of).to_arrow()
    users, products = (nobody.schema.field(name).type for name in ("user_id", "product_id"))
    drawn = "propensity" in nobody.column_names
    made_of = (str(folder), digest, users, products, drawn, int(k), as_of, verify, tuple(trusted))
    return RecommendTask(*made_of, consent)


def _asking(pipeline: Pipeline, consent: ConsentRegister | None) -> Pipeline:
    return pipeline if consent is None else pipeline.with_consent(consent)


def check_columns(engine: str, names: Sequence[Any]) -> None:
    """Refuse a frame without one column `user_id`.

    Raises:
        DataError: There is none, or there are several.
    """
    found = sum(name == "user_id" for name in names)
    if found != 1:
        raise DataError(
            f"engines.{engine}: needs one column 'user_id', found {found} in {list(names)[:20]}"
        )


def check_ids(engine: str, given: pa.DataType, task: RecommendTask) -> None:
    """Refuse user ids of another type than the model's.

    Raises:
        DataError: Whole numbers for text, or text for whole numbers.
    """
    if not same_ids(given, task.user_kind):
        raise DataError(
            f"engines.{engine}: user_id holds ids of type {given}, but the model's are "
            f"{task.user_kind}: use one type of id"
        )


def rebatched(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Join batches until they have so many rows, the last of all excepted."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += len(batch)
        if held >= rows:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, held = [], 0
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


@lru_cache(maxsize=_MODELS)
def _read(
    path: str, digest: str, verify: Verify, trusted: tuple[Callable[..., Any], ...]
) -> Pipeline:
    with logged(_log, "read the model in a worker"):
        pipeline, found = _load(Path(path), verify, trusted)
    if found != digest:
        raise ArtifactError(
            f"{path}: is not the model that the driver read; save a new model to a folder of its "
            f"own, and give every worker the same"
        )
    return pipeline


def _load(
    folder: Path,
    verify: Verify,
    trusted: tuple[Callable[..., Any], ...],
    public_key: Any = None,
) -> tuple[Pipeline, str]:
    """Read a model and its digest, anew where the folder is saved to meanwhile."""
    after = manifest_digest(folder)
    for _ in range(_ATTEMPTS):
        before = after
        pipeline = load(str(folder), verify=verify, trusted=trusted, public_key=public_key)
        after = manifest_digest(folder)
        if after == before:
            return pipeline, after
    raise ArtifactError(f"{folder}: is saved to faster than it can be read")
