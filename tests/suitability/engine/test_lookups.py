"""Comparisons with a user's map at the product's key, against the judge of one pair at a time."""

import random
import tomllib
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.suitability.engine import kernels, keyed_products, lookups
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.lookups import LookupAtom
from suitably.suitability.engine.scope import UserBatch
from suitably.utils import bitset
from support.oracle import judge

AS_OF = datetime(2024, 3, 1)
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.1 + 0.2, 3.0, 1e308, -1e308]
MOMENTS = [datetime(2023, 1, 1), AS_OF, datetime(2024, 3, 31), datetime(9999, 12, 31)]
SEARCHED = [
    "lookup(user.m, product.t) <= 0.2",
    "lookup(user.m, product.t, 0) <= 0.2",
    "lookup(user.m, product.t, 1) == 1",
    "lookup(user.m, product.t, 0) + product.a <= user.a",
    "product.a - lookup(user.m, product.t, user.b) > 0.1",
    "lookup(user.m, product.t) * product.a != user.a",
    "user.a / product.a >= lookup(user.m, product.t, product.b)",
    "lookup(user.m, product.t, 0) / product.a < 1",
    "product.a / lookup(user.m, product.t, 0) < 1",
    "lookup(user.m, product.t, user.a + product.b) < 1",
    "min(lookup(user.m, product.t, 0), product.a) < user.a",
    "-abs(lookup(user.m, product.t, 0)) > product.a",
    "lookup(user.d, product.t) + days(product.a) <= as_of",
    "lookup(user.d, product.t, as_of) + months(1) > product.at",
    "rank(user.r) <= lookup(user.m, product.r, 2)",
    "lookup(user.m, product.t, 0) + product.a * product.b <= user.a",
    "lookup(user.m, product.t, 0) + max(product.a, user.b) <= product.b",
    "lookup(user.m, product.t, 0) + lookup(user.m, product.r, 0) <= user.a",
    "lookup(user.m, product.t, 0) + lookup(user.n, product.t, 3) + product.a <= user.a",
    "lookup(user.m, product.t) + lookup(user.n, product.t, 1) <= user.a",
    "lookup(user.n, product.t, 0) <= 0.1 + lookup(user.m, product.t)",
    "lookup(user.m, product.t, user.a) + lookup(user.n, product.r) + product.a <= user.b",
    "lookup(user.m, product.t) + lookup(user.n, product.t, 0) < lookup(user.n, product.r, 1)",
    "lookup(user.d, product.t, as_of) <= lookup(user.d, product.r)",
]
JUDGED = [
    "lookup(user.m, product.t, 0) + lookup(user.n, product.t, user.a) <= 1",
    "lookup(user.m, product.t, 0) <= lookup(user.m, product.t, 0) + product.a",
    "missing(lookup(user.m, product.t))",
    "lookup(product.m, user.t, 0) <= product.a",
]


def frames(seed: int, users: int, products: int) -> tuple[list[dict], list[dict]]:
    rng = random.Random(seed)
    gaps = rng.choice([0.0, 0.1, 1.0])
    few = rng.sample(NUMBERS, 3)

    def some(values: list) -> Any:
        return None if rng.random() < gaps * 0.9 else rng.choice(values)

    def mapping(values: list) -> dict | None:
        keys = rng.sample(["x", "y", "z", "low", "high", "unheard of"], rng.randrange(5))
        return None if rng.random() < 0.1 else {key: some(values) for key in keys}

    def row() -> dict[str, Any]:
        return {
            "a": some(few),
            "b": some(NUMBERS),
            "at": some(MOMENTS),
            "t": some(["x", "y", "z", "w"]),
            "r": some(["low", "high"]),
            "m": mapping(NUMBERS),
            "n": mapping(NUMBERS),
            "d": mapping(MOMENTS),
            "amount_to_invest": some([1.0, 3.0]),
            "min_amount": some([0.0, 0.1, 2.0]),
        }

    return (
        [{"user_id": n, **row()} for n in range(users)],
        [{"product_id": n, **row()} for n in range(products)],
    )


def frame(rows: list[dict]) -> pa.Table:
    numbers, moment, text = pa.float64(), pa.timestamp("us"), pa.string()
    kinds = {"a": numbers, "b": numbers, "at": moment, "t": text, "r": text}
    kinds |= {"m": pa.map_(text, numbers), "n": pa.map_(text, numbers), "d": pa.map_(text, moment)}
    kinds |= {"amount_to_invest": numbers, "min_amount": numbers}
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
    types = {"a": "number", "b": "number", "at": "date", "t": "text", "r": "grade"}
    types |= {"m": "map", "n": "map", "d": "map"}
    lines = [f'"{s}.{k}" = "{v}"' for s in ("user", "product") for k, v in types.items()]
    fields = "\n".join(line for line in lines if "product.d" not in line)
    return (
        '[policy]\nid = "p"\n[scales]\ngrade = ["low", "high"]\n'
        f"[fields]\n{fields}\n[[rules]]\nid = \"r\"\nrequire = '{sentence}'\n"
    )


def atom_of(found: suitably.Eligibility) -> LookupAtom | PairAtom:
    (atom,) = {id(atom): atom for part in found._conditions for atom in part.atoms}.values()
    return atom


@pytest.mark.parametrize("sentence", SEARCHED + JUDGED)
@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), products=st.sampled_from([1, 2, 63, 65]), sparse=st.booleans())
def test_as_judged_pair_by_pair(
    sentence: str, compiled: bool, seed: int, products: int, sparse: bool
) -> None:
    users, shelf = frames(seed, 21, products)
    text = policy(sentence)
    found = suitably.Policy.from_toml(text).evaluate(frame(users), frame(shelf), AS_OF)
    parsed = tomllib.loads(text)
    wanted = [
        [dict(judge(parsed, user, product, AS_OF).verdicts)["r"] for product in shelf]
        for user in users
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_WORTH_COMPILING", 0 if compiled else 10**9)
        patch.setattr(lookups, "_CELLS", 7)
        if sparse:
            patch.setattr(keyed_products, "_MOST_BYTES", 0)
        batch = found._batch(np.arange(len(users)))
        true, false = (
            bitset.unpack(np.broadcast_to(words, (len(users), found._width)), products)
            for words in atom_of(found).bits(batch)
        )
        mask = found.mask()
    names = np.full(true.shape, "unknown", dtype="<U7")
    names[true], names[false] = "pass", "fail"
    assert names.tolist() == wanted
    assert mask.tolist() == [[verdict == "pass" for verdict in row] for row in wanted]


def test_the_way_is_chosen_not_stumbled_upon() -> None:
    users, shelf = frames(0, 3, 3)
    for sentence in SEARCHED + JUDGED:
        found = suitably.Policy.from_toml(policy(sentence)).evaluate(
            frame(users), frame(shelf), AS_OF
        )
        assert isinstance(atom_of(found), LookupAtom) is (sentence in SEARCHED), sentence


@pytest.mark.parametrize(
    "sentence", ["<= product.a", "+ product.a * product.b <= 3", "+ amount <= 8"]
)
def test_of_equal_keys_in_a_map_the_last_counts_on_every_path(sentence: str) -> None:
    users, shelf = frames(1, 20, 9)
    table = frame(users).drop_columns(["m"])
    twice = pa.array(
        [[("x", 5.0), ("y", 0.0), ("x", 0.1)]] * 20, pa.map_(pa.string(), pa.float64())
    )
    found = suitably.Policy.from_toml(policy(f"lookup(user.m, product.t, 9) {sentence}")).evaluate(
        table.append_column("m", twice), frame(shelf), AS_OF
    )
    rows = np.arange(20)
    batch = found._batch(rows)
    together = atom_of(found).bits(batch)
    for row in rows:
        alone = atom_of(found).bits(UserBatch(batch.users, batch.as_of, rows[row : row + 1]))
        for many, one in zip(together, alone, strict=True):
            assert many[row].tolist() == one[0].tolist()
