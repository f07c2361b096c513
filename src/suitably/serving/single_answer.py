"""The answer of a single list, written at once from what is the same for all of a version."""

import json
from typing import Any

from suitably.data.vocabulary import Vocabulary
from suitably.recommendations import Recommendations
from suitably.utils.json import jsonable

__all__ = ["SingleAnswers", "encode"]

encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode
"""Returns JSON-ready values as JSON."""


class SingleAnswers:
    """Writes the list of a single user as JSON: what `to_dict` says, without records in between.

    Args:
        named: What every answer of a version begins with.
    """

    def __init__(self, named: dict[str, Any]) -> None:
        self._begin = encode(named)[:-1]
        self._ids: _Ids | None = None
        self._names = _Names()

    def written(self, recs: Recommendations) -> str | None:
        """Return the answer; None where a list has more to it than scores, or is not single."""
        single = recs.single
        if single is None:
            return None
        ids, names, codes = self._ids_of(recs), self._names, single.products
        ranked = enumerate(zip(codes, single.scores, strict=True), 1)
        listed = [
            f'{{"rank":{rank},"product_id":{ids[code]},"score":{score!r}}}'
            for rank, (code, score) in ranked
        ]
        for place, flags in self._flags(recs, codes).items():
            listed[place] = f'{listed[place][:-1]},"flags":[{",".join(flags)}]}}'
        short = recs.why_one_is_short(0) if len(codes) < recs.k else {}
        reasons = [f"{names[name]}:{count}" for name, count in short.items()]
        return (
            f'{self._begin},"as_of":{encode(recs.generator.snapshot.moment_text)},"k":{recs.k},'
            f'"users":[{{"user_id":{encode(jsonable(recs.user_id(0)))},'
            f'"products":[{",".join(listed)}],"reasons":{{{",".join(reasons)}}},'
            f'"stood_in":{"true" if single.stood_in else "false"}}}]}}'
        )

    def _flags(self, recs: Recommendations, codes: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        raised = recs.flags_of_one(recs.rows.item(), codes)
        if raised:
            rules = recs.generator.snapshot.eligibility.flag_ids
            for place, flag, unknown in raised:
                said = f'{{"rule":{self._names[rules[flag]]},"unknown":{encode(unknown)}}}'
                found.setdefault(place, []).append(said)
        return found

    def _ids_of(self, recs: Recommendations) -> "_Ids":
        catalogue, ids = recs.generator.state.catalogue.ids, self._ids
        if ids is None or ids.of is not catalogue:
            self._ids = ids = _Ids(catalogue)
        return ids


class _Ids(dict[int, str]):
    """The ids of a vocabulary as JSON, by position, each made when it is first asked for."""

    def __init__(self, of: Vocabulary) -> None:
        self.of = of

    def __missing__(self, code: int) -> str:
        self[code] = made = encode(jsonable(self.of.one(code)))
        return made


class _Names(dict[str, str]):
    """Names of rules and reasons as JSON."""

    def __missing__(self, name: str) -> str:
        self[name] = made = encode(name)
        return made
