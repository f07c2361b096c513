"""The function of a policy's own maps, between scales, texts and numbers."""

import numpy as np

from suitably.suitability.language.functions.model import Context, Function, takes
from suitably.suitability.language.types import (
    ANY,
    NUMBER,
    TEXT,
    LevelTable,
    Type,
    Values,
    as_level,
)
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["TABLES"]


def _map(context: Context, table: Values, key: Values) -> Values:
    says: LevelTable = table.extra
    if says.source is not None:
        key = as_level(key, Values(Type("level", says.source), key.data, key.known), context.refuse)
    wanted = TEXT if says.source is None else Type("level", says.source)
    gives = NUMBER if not isinstance(says.entries[0][1], str) else TEXT
    gives = Type("level", says.target) if says.target is not None else gives
    if key.type not in (wanted, ANY):
        context.refuse(say(Remark.MAP_FROM, wanted=wanted.told, found=key.type.told))
    if key.type == ANY:
        return Values(gives, np.zeros(key.data.shape, _stored(gives)), np.zeros_like(key.known))
    codes = context.texts.codes([str(entry) for entry, _ in says.entries])
    order = np.argsort(codes) if says.source is None else np.arange(len(codes))
    values = np.array([_stored_value(value, says, context) for _, value in says.entries])
    place = np.where(key.known, key.data, 0)
    known = key.known
    if says.source is None:
        place = np.minimum(np.searchsorted(codes[order], place), len(codes) - 1)
        known = known & (codes[order][place] == key.data)
    return Values(gives, values[order][place].astype(_stored(gives)), known)


def _stored(kind: Type) -> type[np.float64] | type[np.int64]:
    return np.float64 if kind == NUMBER else np.int64


def _stored_value(value: str | float, table: LevelTable, context: Context) -> float:
    if table.target is not None:
        return table.target.levels.index(value)
    return context.texts.code(value) if isinstance(value, str) else float(value)


TABLES = (
    Function(
        "map",
        takes(name="table", x="element"),
        "entry",
        "what the policy's map of that name says of a level or text; missing if nothing",
        _map,
    ),
)
