"""Random policies, and frames of users and products that sit on every boundary they name.

A policy's structure is drawn by hypothesis; the cells of its frames come from a seeded generator
over small pools of awkward values, so that an example has hundreds of pairs and equality is common.
"""

import json
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from support.grammar import maps_of, sentences
from support.oracle import among_peers
from support.pools import MOMENTS, SCALES, TYPES, Field
from support.random_rows import fill, frame_of, shuffled, with_versions

__all__ = ["Case", "cases", "permuted", "quote"]


@dataclass(frozen=True, repr=False)
class Case:
    """Policies with their frames, the same rows as plain values, and the moment to judge at.

    Rows hold every version; `visible` gives what counts at `as_of`.
    """

    texts: tuple[str, ...]
    as_of: datetime
    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    users_frame: Any
    products_frame: Any

    def __repr__(self) -> str:
        frame = type(self.users_frame).__module__.split(".")[0]
        sizes = f"{len(self.users)} users, {len(self.products)} products"
        return f"Case({frame}, {sizes}, as_of={self.as_of!r})\n" + "\n".join(self.texts)

    @property
    def text(self) -> str:
        return self.texts[0]

    @property
    def policy(self) -> dict[str, Any]:
        return tomllib.loads(self.text)

    @property
    def policies(self) -> list[dict[str, Any]]:
        return [tomllib.loads(text) for text in self.texts]

    def visible(self, side: str) -> dict[Any, dict[str, Any]]:
        """Give the last visible row per id: all of them without versions."""
        rows = self.users if side == "user" else self.products
        known: dict[Any, dict[str, Any]] = {}
        if side == "user":
            known = {row["user_id"]: {} for row in rows}
        stamp = f"{side}_timestamp"
        for row in sorted(rows, key=lambda row: row.get(stamp, datetime.min)):
            if stamp not in row or row[stamp] < self.as_of:
                known[row[f"{side}_id"]] = row
        if side == "product":
            known = dict(zip(known, among_peers(self.policies, [*known.values()]), strict=True))
        return known


def quote(text: str) -> str:
    """Write a TOML string: JSON's, but for the one control character that TOML forbids."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


@st.composite
def schemas(draw: Any) -> tuple[list[Field], dict[str, list[str]]]:
    """Draw scales, and for each side a column or two of every kind."""
    names = draw(st.lists(st.sampled_from(sorted(SCALES)), min_size=1, max_size=2, unique=True))
    kinds = ["number", "number", "whole", "text", "date", "day", "boolean", "texts"]
    kinds += [*draw(st.lists(st.sampled_from(["map", "numbers"]), max_size=2)), *names]
    fields = []
    for side in ("user", "product"):
        for index, kind in enumerate(kinds):
            name = f"等级_{index}" if kind == "产品" else f"{kind[0]}{index}"
            declared = kind in SCALES or draw(st.integers(0, 3)) == 0
            fields.append(Field(side, name, kind, declared))
    for field in draw(st.lists(st.sampled_from(fields), max_size=3, unique=True)):
        kind = draw(st.sampled_from(["date", "day"]))
        fields.append(Field(field.side, f"{field.name}_date", kind, draw(st.booleans())))
    return fields, {name: SCALES[name] for name in names}


@st.composite
def dates_of_force(draw: Any, as_of: datetime) -> list[str]:
    """Draw lines such as `effective = 2024-01-01`, on the moment itself or beside it."""
    step = timedelta(microseconds=1)
    near = [as_of - step, as_of, as_of + step, as_of.date(), as_of.date() + timedelta(days=1)]
    near += [as_of - timedelta(days=400), as_of + timedelta(days=400)]
    keys = draw(st.lists(st.sampled_from(["effective", "expires"]), max_size=2, unique=True))
    lines = {key: draw(st.sampled_from(near)) for key in keys}
    if len(lines) == 2:
        first, last = (at if isinstance(at, datetime) else _midnight(at) for at in lines.values())
        if keys[0] == "expires":
            first, last = last, first
        if first >= last:  # never in force at all: for the linter, not for the twin
            del lines["expires"]
    return [f"{key} = {moment.isoformat()}" for key, moment in lines.items()]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


@st.composite
def policy_text(
    draw: Any,
    fields: Sequence[Field],
    scales: dict[str, list[str]],
    as_of: datetime,
    name: str = "random",
    scoped: bool = False,
) -> str:
    """Draw a policy and write it as TOML by hand; `scoped` has conditions and dates everywhere."""
    seldom = st.sampled_from([False, scoped, scoped, scoped, True])
    lines = ["[policy]", f"id = {quote(name)}", 'version = "1"']
    if draw(seldom):
        lines.append(f"governs = {quote(draw(sentences(fields, scales)))}")
    if draw(seldom):
        lines += draw(dates_of_force(as_of))
    lines.append("[scales]")
    lines += [f"{quote(name)} = [{', '.join(map(quote, scales[name]))}]" for name in scales]
    lines.append("[fields]")
    for field in fields:
        if field.declared:
            kind = field.kind if field.kind in SCALES else _type_name(field.kind)
            lines.append(f"{quote(str(field))} = {quote(kind)}")
    lines.append("[maps]")
    for title, table in maps_of(scales).items():
        entries = ", ".join(
            f"{quote(key)} = {quote(value) if isinstance(value, str) else value}"
            for key, value in table["levels"].items()
        )
        said = f"from = {quote(table['from'])}, to = {quote(table['to'])}"
        lines.append(f"{quote(title)} = {{ {said}, levels = {{ {entries} }} }}")
    lines.append("[terms]")
    terms = draw(st.sampled_from([0, 0, 1, 2]))
    for index in reversed(range(terms)):  # the first may name the second, which comes before it
        named = " or term.t1" * (index == 0 and terms == 2)
        lines.append(f"t{index} = {quote(draw(sentences(fields, scales)) + named)}")
    rules = draw(st.integers(0 if scoped else 1, 3 if scoped else 5))
    if not rules:
        lines.insert(0, "rules = []")
    for index in range(rules):
        lines += ["[[rules]]", f"id = {quote(f'rule-{index}')}", f"article = {quote(f'§ {index}')}"]
        if draw(seldom):
            lines.append(f"applies = {quote(draw(sentences(fields, scales)))}")
        if draw(seldom):
            lines += draw(dates_of_force(as_of))
        effect = draw(st.sampled_from([None, None, None, "bar", "flag", "flag"]))
        if effect is not None:
            lines.append(f"effect = {quote(effect)}")
        require = draw(sentences(fields, scales))
        if terms and draw(st.booleans()):
            require = f"{require} {draw(st.sampled_from(['and', 'or not']))} term.t0"
        lines.append(f"require = {quote(require)}")
        lines.append(f"because = {{ en = {quote(f'no {index}')}, zh = {quote(f'否{index}')} }}")
    return "\n".join(lines) + "\n"


def _type_name(kind: str) -> str:
    return {"whole": "number", "day": "date", **TYPES}.get(kind, kind)


@st.composite
def cases(draw: Any, policies: int = 1, scoped: bool = False, most: int = 40) -> Case:
    """Draw policies with users, products and a moment."""
    fields, scales = draw(schemas())
    rng = random.Random(draw(st.integers(0, 2**32)))
    as_of = draw(st.sampled_from([*MOMENTS[:6], datetime(2024, 2, 29, 10), datetime(2023, 3, 1)]))
    names = ["random", *(f"random {number}" for number in range(1, policies))]
    texts = tuple(draw(policy_text(fields, scales, as_of, name, scoped)) for name in names)
    sizes = draw(st.sampled_from([(25, 25), (25, 25), (20, 40), (40, 20), (1, 30), (3, 1)]))
    has_map = any(field.kind == "map" for field in fields)
    library = draw(st.sampled_from(["pandas", "pyarrow"] + ["polars"] * (not has_map)))
    made: dict[str, tuple[list[dict[str, Any]], Any]] = {}
    for side, count in zip(("user", "product"), sizes, strict=True):
        rows = fill(rng, side, fields, min(count, most), as_of)
        kinds = {f"{side}_id": "id"}
        kinds |= {field.name: field.kind for field in fields if field.side == side}
        if rows and rng.random() < 0.2:
            rows = with_versions(rng, side, rows, as_of)
            kinds[f"{side}_timestamp"] = "date"
        made[side] = rows, frame_of(library, rows, kinds, rng)
    (users, users_frame), (products, products_frame) = made["user"], made["product"]
    return Case(texts, as_of, users, products, users_frame, products_frame)


def permuted(case: Case, rng: random.Random) -> Case:
    """Shuffle the rows of both frames."""
    return replace(
        case,
        users_frame=shuffled(case.users_frame, rng),
        products_frame=shuffled(case.products_frame, rng),
    )
