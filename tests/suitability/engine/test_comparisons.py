"""Comparisons that are searched along sorted values, against the judge of one pair at a time."""

import random
import tomllib
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.suitability import eligibility
from suitably.suitability.engine import combinations, marked_rows, steps, tables
from suitably.suitability.engine.atoms import ProductAtom, batch_reader
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.comparisons import MonotoneAtom, ThresholdAtom
from suitably.suitability.engine.exclusions import kept_out
from suitably.utils import bitset
from support.oracle import judge

AS_OF = datetime(2024, 2, 29, 12)
HUGE = [1e308, -1e308, 1.7e308, 1e200, -1e200]
TINY = [5e-324, -5e-324, 1e-308, 1e-200]
PLAIN = [0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 3.0, 85.0, 2.0**53, 2.0**53 - 1, 1e16]
POOLS = [PLAIN, PLAIN + HUGE, PLAIN + TINY, HUGE + TINY, [1.0, 1.0, 2.0, 2.0 + 2**-51]]
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
MOMENTS = [FIRST, LAST, AS_OF, AS_OF - timedelta(microseconds=1), datetime(2024, 1, 31, 23)]
MOMENTS += [datetime(2024, 1, 30, 23, 30), datetime(2023, 2, 28), datetime(1970, 1, 1)]
COUNTS = [-3e6, -31.0, -1.0, 0.0, 0.5, 1.0, 12.0, 31.0, 7_320_000.0, 3e6]

SEARCHED = [
    "user.a + product.a <= 85",
    "user.a - product.a < user.b",
    "product.a - user.a >= 0.3",
    "user.a * product.a > 1",
    "user.a * product.a >= product.b",
    "user.a * product.a - user.b <= 0",
    "product.a / user.a < 3",
    "product.a / user.a + user.b < 3",
    "user.a / product.a <= 1",
    "-(user.a * 2 + product.a) / 3 > user.b",
    "min(user.a, product.a, 3) < 1",
    "max(user.a + product.a, product.b) <= 0.3",
    "user.a + product.a == 0.3",
    "user.a * product.a != 1",
    "user.at + days(product.n) <= as_of",
    "user.at - days(product.n) > product.at",
    "product.at - user.at < days(31)",
    "user.at + months(product.n) > as_of",
    "product.at - months(user.n) <= user.at",
    "age(user.at) + product.a <= 85",
    "age(product.at) + user.a <= 85",
]
JUDGED = [
    "user.a < product.a",
    "user.a >= product.a",
    "product.a == user.a",
    "user.a != product.a",
    "user.at > product.at + days(1)",
    "as_of < product.at",
    "as_of == product.at",
    "age(product.at) < user.a",
    "abs(user.a - product.a) <= 1",
    "user.a * product.a + user.b >= product.b",
    "user.a + product.a <= 85 or user.b * product.b > user.a",
    "contains(user.l, product.t)",
    "lookup(user.m, product.t) + product.a < 1",
    "product.t in user.l or user.a < 1",
]


def frames(seed: int, users: int, products: int) -> tuple[list[dict], list[dict]]:
    rng = random.Random(seed)
    few = rng.random() < 0.3

    def some(values: list, missing: float = 0.1):
        held = rng.sample(values, 2) if few else values
        return lambda: None if rng.random() < missing else rng.choice(held)

    sides = []
    for name, count in (("user_id", users), ("product_id", products)):
        made = {"a": some(rng.choice(POOLS)), "b": some(rng.choice(POOLS)), "n": some(COUNTS)}
        made |= {"at": some(MOMENTS), "t": some(["x", "y", "z", ""])}
        made["l"] = lambda: None if rng.random() < 0.1 else rng.choices(["x", "y", None], k=2)
        made["m"] = lambda: (
            None if rng.random() < 0.1 else {k: rng.choice(PLAIN) for k in rng.choices("xyz", k=2)}
        )
        rows = [{name: i, **{key: make() for key, make in made.items()}} for i in range(count)]
        sides.append(rows)
    return sides[0], sides[1]


def frame(rows: list[dict]) -> pa.Table:
    kinds = {"a": pa.float64(), "b": pa.float64(), "n": pa.float64(), "at": pa.timestamp("us")}
    kinds |= {"t": pa.string(), "l": pa.list_(pa.string()), "m": pa.map_(pa.string(), pa.float64())}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.table(
        {
            name: pa.array(
                [list(v.items()) if isinstance(v, dict) else v for v in values], kinds.get(name)
            )
            for name, values in columns.items()
        }
    )


def policy(sentence: str) -> str:
    types = {"a": "number", "b": "number", "n": "number", "at": "date", "t": "text"}
    types |= {"l": "list", "m": "map"}
    lines = [f'"{s}.{k}" = "{v}"' for s in ("user", "product") for k, v in types.items()]
    fields = "\n".join(lines)
    return (
        f'[policy]\nid = "p"\n[fields]\n{fields}\n'
        f"[[rules]]\nid = \"yes\"\nrequire = '{sentence}'\n"
        f"[[rules]]\nid = \"no\"\nrequire = 'not ({sentence})'\n"
    )


def bits_of(found: suitably.Eligibility, users: int, products: int) -> np.ndarray:
    rows = np.arange(users)
    if found._tables is not None or eligibility._WORTH_TABULATING == 0:
        coded = tables.CodedAtoms(tables.atoms_of(found._conditions), found._batch(None))
        read = coded.reader(rows)
    else:
        read = batch_reader(found._batch(rows))
    sides = [kept_out(clauses, read) for clauses in found._by_reason.values()]
    shape = (2, users, products)
    out = [
        bitset.unpack(np.broadcast_to(words, (users, found._width)), products)
        for pair in sides
        for words in pair
    ]
    return np.array(out[-4:]).reshape(2, *shape)  # the last two reasons are the rules


@pytest.mark.parametrize("sentence", SEARCHED + JUDGED)
@pytest.mark.parametrize("tabulated", [True, False])
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), products=st.sampled_from([1, 2, 63, 64, 65]))
def test_as_judged_pair_by_pair(sentence: str, tabulated: bool, seed: int, products: int) -> None:
    users, shelf = frames(seed, 21, products)
    text = policy(sentence)
    found = suitably.Policy.from_toml(text).evaluate(frame(users), frame(shelf), AS_OF)
    parsed = tomllib.loads(text)
    wanted = [
        [dict(judge(parsed, user, product, AS_OF).verdicts)["yes"] for product in shelf]
        for user in users
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "_FEW", seed % 3)
        patch.setattr(steps, "_WIDE", 2 * (seed % 2))
        patch.setattr(marked_rows, "_LEAST_APART", 1 + seed % 4)
        patch.setattr(combinations, "_CELLS", 50)
        if tabulated:
            patch.setattr(eligibility, "_WORTH_TABULATING", 0)
            patch.setattr(tables, "_MOST_BYTES", 2**26 if seed % 2 else 300)
            patch.setattr(tables, "_MOST_COMBINED", 2**14 if seed % 5 else 0)
        got = bits_of(found, len(users), len(shelf))
        mask = found.mask()
    names = np.full(got.shape[2:], "pass", dtype="<U7")
    names[got[0, 0]], names[got[0, 1]] = "fail", "unknown"
    assert names.tolist() == wanted
    names = np.full(got.shape[2:], "fail", dtype="<U7")
    names[got[1, 0]], names[got[1, 1]] = "pass", "unknown"
    assert names.tolist() == wanted
    assert not mask.any()


def test_searched_comparisons_are_searched() -> None:
    """The way is chosen, not stumbled upon: pair by pair only what follows no order."""
    users, shelf = frames(0, 3, 3)
    for sentence in SEARCHED + JUDGED[:8]:
        found = suitably.Policy.from_toml(policy(sentence)).evaluate(
            frame(users), frame(shelf), AS_OF
        )
        atoms = [atom for part in found._conditions for atom in part.atoms]
        month_ends = sentence == "product.at - months(user.n) <= user.at"
        kinds = PairAtom if month_ends else MonotoneAtom | ThresholdAtom | ProductAtom
        assert all(isinstance(atom, kinds) for atom in atoms), sentence
