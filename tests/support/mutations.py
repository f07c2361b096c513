"""Saved models with something wrong: damaged, or forged by whoever can make digests right again."""

import hashlib
import io
import json
import random
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suitably.persistence.fingerprint import manifest_fingerprint

__all__ = ["KINDS", "Mutation", "mutated", "written"]

Files = dict[str, bytes]
Mutation = tuple[Files, bool]

_WORDS = ["", "x", "..", "../../etc/passwd", "\0", "\ud800", "ÿ", "nan", "os.system", "C1", "p0",
          "builtins.eval", "suitably.ranking.als.ALS", "suitably.ranking.explore.Explore",
          "suitably.profiles.lifecycle.lifecycle.Lifecycle", "suitably.reranking.caps.Caps",
          "suitably.model.positions.Positions", "__class__", "__reduce__", "int64", "string",
          "Europe/Berlin", "users", "products", "9" * 4000]  # fmt: skip
_NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    255,
    2**31 - 1,
    2**31,
    2**62,
    2**63,
    -(2**63),
    2**64,
    10**30,
    10**400,
]
_NUMBERS += [0.5, -0.5, 1e308, -1e308, float("inf"), float("nan"), 1e-320, True, False]
_DESCRS = ["<f4", "<f8", "<f2", ">f4", "<i4", "<i8", "|i1", "|u1", "|b1", "<U0", "<U1", "|S0",
           "|S4",
           "<U999999999", "<M8[us]", "<M8[D]", "<M8", "<m8[s]", "|O", "|V8", "<c16", "<f16", "T",
           "<M8[999999999999us]", "<i9", "<f99999999999", "[('a', '<i4')]"]  # fmt: skip
_SHAPES = ["()", "(0,)", "(1,)", "(-1,)", "(6, 3)", "(3, 6)", "(18,)", "(2, 9)",
           "(0, 99999999999999)",
           "(99999999999999999999,)", "(4611686018427387904, 4)", "(-2, -9)", "(True,)", "(1.5,)",
           "(0, 0, 0)", "(" + "1, " * 70 + ")", "[6, 3]", "(4,)", "(5,)", "(24,)"]  # fmt: skip


def mutated(files: Files, seed: int) -> Mutation:
    """Return the files of a model with one thing wrong, and whether their digests are right."""
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    changed = dict(files)
    return changed, kind(changed, rng)


def _flipped(files: Files, rng: random.Random) -> bool:
    name, data = _any(files, rng)
    for _ in range(rng.choice([1, 1, 2, 9])):
        place = rng.choice([rng.randrange(len(data)), 0, len(data) - 1])
        data[place] ^= 1 << rng.randrange(8)
    files[name] = bytes(data)
    return False


def _cut(files: Files, rng: random.Random) -> bool:
    name, data = _any(files, rng)
    files[name] = bytes(data[: rng.randrange(len(data))])
    return False


def _grown(files: Files, rng: random.Random) -> bool:
    name, data = _any(files, rng)
    files[name] = bytes(data) + rng.choice([b"\0", b"\n", b" " * 64, bytes(data), b"\x80\x04."])
    return False


def _swapped(files: Files, rng: random.Random) -> bool:
    one, other = rng.sample(sorted(_parts(files)), 2)
    files[one], files[other] = files[other], files[one]
    return False


def _gone(files: Files, rng: random.Random) -> bool:
    del files[_any(files, rng)[0]]
    return False


def _forged_bytes(files: Files, rng: random.Random) -> bool:
    """Any file may be damaged anywhere, with digests that are right."""
    name = rng.choice(sorted(_parts(files)))
    data = bytearray(files[name])
    how = rng.randrange(6)
    if how == 0:
        data = data[: rng.randrange(len(data) + 1)]
    elif how == 1:
        data += rng.choice([b"\0", bytes(8), bytes(data), b"PAR1"])
    elif how == 2:
        place = rng.randrange(len(data))
        data[place : place + rng.choice([1, 4, 8])] = rng.randbytes(rng.choice([1, 4, 8]))
    elif how == 3:  # the end of a table says where everything is
        place = rng.randrange(max(0, len(data) - 300), len(data))
        data[place] = rng.choice([0, 1, 127, 128, 255])
    elif how == 4:
        place = rng.randrange(min(len(data), 140))
        data[place] = rng.choice(b"\x00\x01\xff0123456789()',[]{}OV|<>")
    else:
        data = bytearray(files[rng.choice(sorted(_parts(files)))])
    files[name] = bytes(data)
    return _redigested(files)


def _forged_header(files: Files, rng: random.Random) -> bool:
    name = rng.choice([n for n in sorted(_parts(files)) if n.endswith(".npy")])
    data = files[name]
    start = 10 + struct.unpack_from("<H", data, 8)[0]
    held = data[start:]
    descr, shape = rng.choice(_DESCRS), rng.choice(_SHAPES)
    if rng.random() < 0.3:
        held = rng.choice([b"", bytes(72), bytes(8), held + held, b"\xff" * len(held)])
    quoted = descr if descr.startswith("[") else repr(descr)
    order = rng.choice(["True", "False", "1", "None"])
    header = f"{{'descr': {quoted}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header = rng.choice(
        [header, header, header.replace("}", ""), "[" * 3000, "(" * 200 + ")" * 200]
    )
    version = rng.choice([b"\x01\0", b"\x01\0", b"\x02\0", b"\x03\0", b"\x09\0"])
    length = struct.pack("<H" if version == b"\x01\0" else "<I", len(header) + 1)
    files[name] = b"\x93NUMPY" + version + length + header.encode() + b"\n" + held
    return _redigested(files)


def _forged_array(files: Files, rng: random.Random) -> bool:
    """An array like the one that is there, with other values, in another type or shape."""
    name = rng.choice([n for n in sorted(_parts(files)) if n.endswith(".npy")])
    data = files[name]
    start = 10 + struct.unpack_from("<H", data, 8)[0]
    header = data[10:start].decode("latin1")
    kind = np.dtype(header.split("'")[3])
    array = np.frombuffer(data[start:], kind).copy()
    how = rng.randrange(6)
    if how == 0 and len(array):
        array.view(np.uint8)[rng.randrange(array.nbytes)] = rng.choice([0, 1, 127, 128, 255])
    elif how == 1 and kind.kind in "iuf":
        limits = (np.finfo if kind.kind == "f" else np.iinfo)(kind)
        array[...] = rng.choice([limits.min, limits.max, 0, 1])
    elif how == 2 and kind.kind == "f":
        array[: rng.randrange(len(array) + 1)] = rng.choice([np.nan, np.inf, -np.inf])
    elif how == 3:
        array = array[: rng.randrange(len(array) + 1)]
    elif how == 4 and kind.kind in "iufb":
        array = array.astype(rng.choice(["f8", "i8", "i4", "u8", "f4", "?", "U4", "M8[us]"]))
    else:
        array = np.resize(array, rng.choice([(), 1, (2, 2), (1, 6), (6, 1), (3, 6), (0, 3), 100]))
    path = _npy(array)
    files[name] = path
    return _redigested(files)


def _forged_facts(files: Files, rng: random.Random) -> bool:
    """What a manifest says may be anything, anywhere."""
    facts = json.loads(files["manifest.json"])
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        holder, key = rng.choice(list(_places(facts)))
        how = rng.randrange(8)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, list):
            holder.append(holder[key])
        elif how == 1:
            holder[rng.choice(_WORDS)] = holder[key]
        elif how == 2:
            other, place = rng.choice(list(_places(facts)))
            holder[key] = json.loads(json.dumps(other[place]))
        else:
            holder[key] = _hostile(rng)
    return _redigested(files, facts)


def _forged_text(files: Files, rng: random.Random) -> bool:
    """A manifest whose text no writer of JSON would give."""
    text = files["manifest.json"].decode()
    how = rng.randrange(5)
    if how == 0:
        key = rng.choice(sorted(json.loads(text)))
        text = text.replace("{", f"{{{json.dumps(key)}: {rng.choice(['0', 'null', '[]'])}, ", 1)
    elif how == 1:
        text = rng.choice(["[" * 200_000, '{"a":' * 200_000, "{" * 9, '"', "NaN", "9" * 5000])
    elif how == 2:
        place = rng.randrange(len(text))
        text = (
            text[:place]
            + rng.choice(['"', "{", "}", "[", "]", ",", ":", "\\", "9", "-", "e"])
            + text[place + 1 :]
        )
    elif how == 3:
        depth = rng.choice([10, 900, 5000])
        text = text.replace('"seed": 0', f'"seed": {"[" * depth}{"]" * depth}')
    else:
        text = "\ufeff" + text
    files["manifest.json"] = text.encode()
    files["manifest.sha256"] = hashlib.sha256(text.encode()).hexdigest().encode()
    return True


def _forged_table(files: Files, rng: random.Random) -> bool:
    """A table that Arrow reads, and that is not what is expected."""
    name = rng.choice([n for n in sorted(_parts(files)) if n.endswith(".parquet")])
    table = pq.read_table(pa.BufferReader(files[name]))
    column = rng.choice(table.column_names)
    place = table.column_names.index(column)
    how = rng.randrange(7)
    if how == 0:
        table = table.drop_columns([column])
    elif how == 1:
        other = rng.choice([pa.nulls(len(table)), pa.array(range(len(table))),
                            pa.array([b"\xff\xfe"] * len(table)), pa.array([[1]] * len(table)),
                            pa.array([{"a": 1}] * len(table)), pa.array(["\0"] * len(table)),
                            pa.array([float("nan")] * len(table))])  # fmt: skip
        table = table.set_column(place, column, other)
    elif how == 2:
        table = table.slice(0, rng.randrange(len(table) + 1))
    elif how == 3:
        table = pa.concat_tables([table, table])
    elif how == 4:
        table = table.append_column(rng.choice([*_WORDS[1:3], column]), table[column])
    elif how == 5:
        table = table.rename_columns(rng.sample(table.column_names, len(table.column_names)))
    else:
        name_of = rng.choice([b"arrow.py_extension_type", b"pandas.period"])
        metadata = {b"ARROW:extension:name": name_of,
                    b"ARROW:extension:metadata": b"\x80\x04."}  # fmt: skip
        field = table.schema.field(column).with_metadata(metadata)
        table = table.cast(table.schema.set(place, field))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=rng.choice(["zstd", "none", "snappy", "gzip"]))
    files[name] = sink.getvalue().to_pybytes()
    return _redigested(files)


def _forged_policy(files: Files, rng: random.Random) -> bool:
    name = rng.choice([n for n in sorted(_parts(files)) if n.endswith(".toml")])
    text = files[name].decode()
    place = rng.randrange(len(text))
    text = (
        text[:place]
        + rng.choice(['"', "[", "]]", "=", "\n", "(" * 999, "\0", "'''", "not "])
        + text[place:]
    )
    files[name] = text.encode()
    return _redigested(files)


KINDS: list[Callable[[Files, random.Random], bool]] = [
    _flipped, _cut, _grown, _swapped, _gone, _forged_bytes, _forged_bytes, _forged_header,
    _forged_array, _forged_array, _forged_facts, _forged_facts, _forged_facts, _forged_text,
    _forged_table, _forged_policy,
]  # fmt: skip


def _hostile(rng: random.Random) -> Any:
    how = rng.randrange(8)
    if how == 0:
        return rng.choice([None, [], {}, [[]], [None], {"": None}, [[1], [2]], ["x"] * 40])
    if how == 1:
        return {"class": rng.choice(_WORDS), "scalars": {}, "arrays": {}, "parts": {}}
    return rng.choice(_WORDS) if how < 4 else rng.choice(_NUMBERS)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _any(files: Files, rng: random.Random) -> tuple[str, bytearray]:
    name = rng.choice([name for name in sorted(files) if files[name]])
    return name, bytearray(files[name])


def _parts(files: Files) -> set[str]:
    return {name for name in files if not name.startswith("manifest.")}


def _npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _redigested(files: Files, facts: Any = None) -> bool:
    if facts is None:
        facts = json.loads(files["manifest.json"])
        for name in facts["files"]:
            facts["files"][name] = hashlib.sha256(files[name]).hexdigest()
            facts["sizes"][name] = len(files[name])
    with suppress(AttributeError, TypeError, ValueError):
        facts["fingerprint"] = manifest_fingerprint(facts)
    text = json.dumps(facts, ensure_ascii=True).encode()
    files["manifest.json"] = text
    files["manifest.sha256"] = hashlib.sha256(text).hexdigest().encode()
    return True


def written(folder: Path, files: Files, before: Files) -> None:
    """Make a folder hold some files, of which it holds others."""
    for name in before.keys() | files.keys():
        if files.get(name) != before.get(name):
            path = folder / name
            path.unlink(missing_ok=True)
            if name in files:
                path.write_bytes(files[name])
