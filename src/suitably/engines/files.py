"""Lists and profiles for a file of users, written to a file, whatever their size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from suitably.data.vocabulary import Vocabulary, id_array
from suitably.engines.file_profiles import profiles
from suitably.engines.worker import rebatched
from suitably.errors import DataError
from suitably.persistence.folder import Verify
from suitably.pipeline.opt_out import ConsentRegister
from suitably.pipeline.pipeline import load
from suitably.typing import AsOf
from suitably.utils.files import replacing
from suitably.utils.progress import logged, logger, progress
from suitably.utils.suggest import nearest

__all__ = ["SUFFIXES", "FileRun", "profiles", "recommend"]

Format = Literal["csv", "parquet"]

SUFFIXES: dict[str, Format] = {".csv": "csv", ".parquet": "parquet"}
_ROWS = 50_000
_log = logger(__name__)


@dataclass(frozen=True)
class FileRun:
    """What became of a file of users.

    Attributes:
        users: How many rows it has.
        unknown: How many of them the model does not know.
        served: How many have a list of at least one product.
        listed: How many products are listed, the rows written.

    Example:
        >>> FileRun(users=3, unknown=1, served=2, listed=20).served
        2
    """

    users: int
    unknown: int
    served: int
    listed: int


def recommend(
    model_path: str | Path,
    users: str | Path,
    out: str | Path,
    k: int = 10,
    as_of: AsOf | None = None,
    user_column: str = "user_id",
    verify: Verify = "full",
    consent: ConsentRegister | None = None,
    public_key: Any = None,
) -> FileRun:
    """Recommend for the users of a CSV or Parquet file, by a saved model.

    The lists are those of `Pipeline.recommend`. Files are read and written in batches; the result
    replaces what is at `out` only once it is whole.

    Args:
        model_path: A folder written by `Pipeline.save`.
        users: A file `.csv` (UTF-8, with a header) or `.parquet`. A user that occurs twice gets
            the list twice; one that the model does not know gets none.
        out: A file `.csv` or `.parquet`: user_id, rank, product_id, score.
        k: The most products in a list.
        as_of: As for `Pipeline.recommend`.
        user_column: The column of ids in `users`; others are ignored.
        verify: As for `suitably.load`.
        consent: As for `Pipeline`.
        public_key: As for `suitably.load`.

    Raises:
        ArtifactError: The model is damaged, made of a class of one's own, or not signed with the
            key.
        DataError: A file that cannot be read, no column of ids, a missing id, a bad `as_of`, or
            users of whom the model knows none.
        OSError: A file that is not there, or cannot be written.
        ValueError: k is not a positive integer, or a file of another kind.
    """
    source, target = Path(users), Path(out)
    read, write = _format(source), _format(target)
    pipeline = load(model_path, verify=verify, public_key=public_key)
    if consent is not None:
        pipeline.consent = consent
    nobody = pipeline.recommend([], k=k, as_of=as_of).to_arrow()
    kind, columns = nobody.schema.field("user_id").type, nobody.column_names
    known = Vocabulary(id_array(pipeline.user_ids, "user_ids"))
    asked, unknown, served, listed = 0, 0, 0, 0
    with logged(_log, "recommend to file") as count, replacing(target) as partial:
        batches = _read(source, read, user_column, kind)
        first = next(batches, None)
        given = kind if first is None else first.schema.field("user_id").type
        schema = pa.schema([("user_id", given), *(nobody.schema.field(n) for n in columns[1:])])
        with _writer(partial, write, schema) as writer:
            for batch in progress(_chain(first, batches), "recommend", unit="batch"):
                ids = batch.column("user_id")
                if ids.null_count:
                    raise DataError(f"{source}: {ids.null_count:,} {user_column} are missing")
                asked += len(ids)
                unknown += len(ids) - _count_known(ids, known)
                for lists in pipeline.apply_arrow([batch], k=k, as_of=as_of):
                    writer.write_batch(lists.select(columns).cast(schema))
                    listed += len(lists)
                    served += int(pc.sum(pc.equal(lists.column("rank"), 1)).as_py() or 0)
        if asked and unknown == asked:
            raise DataError(
                f"{source}: the model knows none of the {asked:,} users; its ids are {kind}, "
                f"those of the file {given}"
            )
        count(users=asked, unknown=unknown, served=served, listed=listed)
    return FileRun(asked, unknown, served, listed)


def _format(path: Path) -> Format:
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise ValueError(f"{path}: must end in {' or '.join(SUFFIXES)}")
    return found


def _read(path: Path, kind: Format, column: str, ids: pa.DataType) -> Iterator[pa.RecordBatch]:
    """Yield the ids; those of a CSV file, which has no types, are read as the model's are."""
    try:
        if kind == "parquet":
            with path.open("rb") as raw, pq.ParquetFile(raw) as file:
                _check_column(path, column, file.schema_arrow.names)
                yield from _named(file.iter_batches(_ROWS, columns=[column]))
            return
        with path.open("rb") as raw:
            header = raw.readline()
        _check_column(path, column, _header(path, header))
        options = csv.ConvertOptions(
            include_columns=[column],
            column_types={column: ids},
            null_values=[""],
            strings_can_be_null=True,
        )
        with csv.open_csv(path, convert_options=options) as batches:
            yield from rebatched(_named(batches), _ROWS)
    except pa.ArrowException as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def _header(path: Path, line: bytes) -> list[str]:
    if not line.strip():
        raise DataError(f"{path}: is empty; it needs a header")
    try:
        names: list[str] = csv.read_csv(pa.BufferReader(line)).column_names
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{path}: the header cannot be read: {error}") from None
    return names


def _check_column(path: Path, column: str, names: list[str]) -> None:
    found = names.count(column)
    if found != 1:
        hint = nearest(column, names) if not found else ""
        raise DataError(f"{path}: needs one column {column!r}, found {found} in {names[:20]}{hint}")


def _named(batches: Any) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        ids = batch.column(0)
        plain = ids.dictionary_decode() if pa.types.is_dictionary(ids.type) else ids
        yield pa.record_batch([plain], ["user_id"])


def _chain(
    first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _count_known(ids: pa.Array, known: Vocabulary) -> int:
    asked = known.read(ids, "user_id")
    return int((known.codes(asked) >= 0).sum())


def _writer(path: Path, kind: Format, schema: pa.Schema) -> Any:
    return pq.ParquetWriter(path, schema) if kind == "parquet" else csv.CSVWriter(path, schema)
