"""A result on disk: JSON for what can be read, Parquet for the measurements, nothing executed."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from suitably.errors import ArtifactError
from suitably.evaluation.abtest.examples import ListedProduct, ListExample
from suitably.evaluation.abtest.guardrails import Guardrail, Outcome
from suitably.evaluation.abtest.records import Comparison, MetricRow, SplitRecord
from suitably.evaluation.statistics import Estimate
from suitably.utils.files import replacing

if TYPE_CHECKING:
    from suitably.evaluation.abtest.result import ABResult

__all__ = ["load_result", "save_result"]

_VERSION = 2
_JSON, _USERS = "result.json", "users-*.parquet"


def save_result(result: "ABResult", folder: Path) -> None:
    """Write a result beside the one before, which stays whole until this one is.

    Measurements have a name of their own, made of their digest. What is read is what the figures
    name, and these are replaced at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        one.name: getattr(result, one.name) for one in fields(result) if one.name != "user_table"
    }
    sink = pa.BufferOutputStream()
    pq.write_table(result.user_table, sink)
    octets = sink.getvalue().to_pybytes()
    users = _name(octets)
    with replacing(folder / users) as partial:
        partial.write_bytes(octets)
    with replacing(folder / _JSON) as partial:
        whole = {"version": _VERSION, "users": users, **_plain(plain)}
        partial.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    for other in folder.glob(_USERS):
        if other.name != users:
            other.unlink(missing_ok=True)


def load_result(folder: Path) -> dict[str, Any]:
    """Return the parts of a result.

    Raises:
        ArtifactError: There is none, it is damaged, or its files are of different results.
    """
    try:
        found = json.loads((folder / _JSON).read_text(encoding="utf-8"))
        if found.pop("version") != _VERSION:
            raise ArtifactError(f"{folder}: is of another version of Suitably")
        users: pa.Table = _users(folder, found["users"])
        comparison = _numbers(found["comparison"])
        splits = tuple(_split(one) for one in comparison["splits"])
        comparison = {name: _tupled(value) for name, value in comparison.items()}
        return {
            **{name: found[name] for name in ("decision", "reason", "primary", "kind")},
            "rows": tuple(map(_row, found["rows"])),
            "guardrails": tuple(map(_outcome, found["guardrails"])),
            "comparison": Comparison(**{**comparison, "splits": splits}),
            "user_table": users,
            "decisions": found["decisions"],
            "reasons": found["reasons"],
            "outcomes": {n: tuple(map(_outcome, some)) for n, some in found["outcomes"].items()},
            "split_rows": tuple(map(_row, found["split_rows"])),
            "apart": tuple(map(_row, found["apart"])),
            "examples": tuple(map(_example, found["examples"])),
        }
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ArtifactError(f"{folder}: holds no result that can be read: {error!r:.200}") from None


def _users(folder: Path, name: str) -> pa.Table:
    """Read the measurements that the figures name, and no others."""
    if name != Path(name).name or not Path(name).match(_USERS):
        raise ArtifactError(f"{folder}: {_JSON} names no file of measurements")
    octets = (folder / name).read_bytes()
    if _name(octets) != name:
        raise ArtifactError(f"{folder}: the measurements are not those that {_JSON} was saved with")
    return pq.read_table(pa.BufferReader(octets))


def _name(octets: bytes) -> str:
    return f"users-{hashlib.sha256(octets).hexdigest()}.parquet"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; floats that are not finite as text, so that they come back."""
    if isinstance(value, np.generic):  # a statistic of the caller's own may give them
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    if value is pd.NaT:
        return None
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"float"}:
            return float(value["float"])
        return {name: _numbers(one) for name, one in value.items()}
    return [_numbers(one) for one in value] if isinstance(value, list) else value


def _row(record: dict[str, Any]) -> MetricRow:
    row = _numbers(record)
    return MetricRow(**{**row, "result": Estimate(**row["result"])})


def _outcome(record: dict[str, Any]) -> Outcome:
    return Outcome(**{**record, "guardrail": Guardrail(**record["guardrail"])})


def _example(record: dict[str, Any]) -> ListExample:
    return ListExample(
        {
            arm: tuple(ListedProduct(**{**one, "reasons": tuple(one["reasons"])}) for one in listed)
            for arm, listed in record["lists"].items()
        }
    )


def _split(record: dict[str, Any]) -> SplitRecord:
    moments = {
        name: None if record[name] is None else pd.Timestamp(record[name])
        for name in ("at", "end", "begins")
    }
    return SplitRecord(**{**record, **moments, "refitted": tuple(record["refitted"])})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
