"""Unknown, missing, expired, future-dated, imputed or out-of-scope data is never a pass."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from properties.twin import Twin
from support.banks import AS_OF, FUNDS, LEVELS, LOANS, POLICIES, World, popular
from support.frames import rows_of
from support.worlds import worlds

# Without `missing(...)`, which may turn a gap into a pass because the policy says so.
STRICT = [policies for policies in POLICIES if not any("missing(" in p for p in policies)]
CELLS = [
    *(("users", name) for name in ("risk_level", "questionnaire_date", "vulnerable", "income")),
    *(("products", name) for name in ("risk_level", "complex", "min_amount", "regime")),
]


def recommended(pipeline: suitably.Pipeline, k: int = 20) -> set[tuple[Any, Any]]:
    rows = rows_of(pipeline.recommend(k=k, exclude_owned=False).to_frame())
    return {(row["user_id"], row["product_id"]) for row in rows}


@given(world=worlds())
def test_only_a_pass_on_every_rule_is_eligible(world: World) -> None:
    eligibility, twin = world.fitted().eligibility(), Twin(world)
    mask = eligibility.mask()
    for row, user in enumerate(eligibility.user_ids):
        for column, product in enumerate(eligibility.product_ids):
            expected = twin.verdicts(user, product)
            found = [(v.rule, v.verdict) for v in eligibility.verdicts(user, product)]
            assert found == expected
            assert mask[row, column] == all(v == "pass" for _, v in expected), expected


@given(world=worlds(policies=STRICT), cell=st.sampled_from(CELLS), whose=st.integers(0, 30))
def test_forgetting_a_value_never_adds_a_product(
    world: World, cell: tuple[str, str], whose: int
) -> None:
    table, column = cell
    rows = [dict(row) for row in getattr(world, table)]
    rows[whose % len(rows)][column] = None
    assert recommended(world.but(**{table: rows}).fitted()) <= recommended(world.fitted())


@given(
    dated=st.one_of(st.none(), st.dates(date(2023, 1, 1), date(2025, 1, 1))),
    moment=st.datetimes(datetime(2024, 2, 1), datetime(2024, 4, 1)),
)
def test_a_questionnaire_counts_only_while_it_is_valid(dated: date | None, moment: Any) -> None:
    world = popular()
    users = [{**row, "questionnaire_date": dated} for row in world.users]
    products = [{**row, "complex": True} for row in world.products]
    log = [{**row, "timestamp": datetime(2024, 1, 1)} for row in world.events]
    world = world.but(users=users, products=products, events=log, as_of=moment)
    midnight = None if dated is None else datetime(dated.year, dated.month, dated.day)
    valid = midnight is not None and midnight < moment < _a_year_after(midnight)
    assert bool(recommended(world.fitted())) == valid


def _a_year_after(day: datetime) -> datetime:
    clamped = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year + 1, day=clamped)


@given(
    dated=st.one_of(st.none(), st.dates(date(2022, 12, 1), date(2024, 6, 1))),
    moment=st.datetimes(datetime(2024, 2, 1), datetime(2024, 4, 1)),
)
def test_nor_does_a_level_count_longer_than_its_questionnaire(
    dated: date | None, moment: Any
) -> None:
    world = popular()
    users = [{**row, "questionnaire_date": dated} for row in world.users]
    log = [{**row, "timestamp": datetime(2024, 1, 1)} for row in world.events]
    world = world.but(users=users, events=log, as_of=moment)
    midnight = None if dated is None else datetime(dated.year, dated.month, dated.day)
    valid = midnight is not None and midnight < moment < _a_year_after(midnight)
    found = recommended(world.fitted(profiles=[suitably.profiles.RiskAppetite()]))
    assert bool(found) == valid


@pytest.mark.parametrize("policies", [(FUNDS,), (LOANS,), (FUNDS, LOANS)])
@pytest.mark.parametrize("regime", [None, "crypto", "Fund", "", "fund"])
def test_out_of_scope(policies: tuple[str, ...], regime: str | None) -> None:
    world = popular()
    products = [{**row, "regime": regime} for row in world.products]
    found = recommended(world.but(products=products, policies=policies).fitted())
    assert bool(found) == (regime == "fund" and FUNDS in policies)


def test_no_visible_row_is_no_field() -> None:
    world = popular()
    users = [{**row, "user_timestamp": AS_OF} for row in world.users]
    assert recommended(world.fitted())
    assert not recommended(world.but(users=users).fitted())
    users = [{**row, "user_timestamp": AS_OF - timedelta(microseconds=1)} for row in world.users]
    assert recommended(world.but(users=users).fitted()) == recommended(world.fitted())


@dataclass(frozen=True)
class Count:
    """A state without anything in it."""

    users: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def to_arrays(self) -> dict[str, Any]:
        return {"users": self.users}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "Count":
        return cls(arrays["users"])


class Guess:
    """A level for everybody, made up or not."""

    fields = ("guessed_level",)
    reads = ()
    state_type = Count

    def __init__(self, provenance: str) -> None:
        self.how = provenance

    def get_params(self) -> dict[str, Any]:
        return {"provenance": self.how}

    def accumulate(self, view: Any) -> Count:
        return Count(np.zeros(len(view.users)))

    def finalise(self, state: Count, as_of: Any) -> pa.Table:
        return pa.table({"guessed_level": ["C3"] * len(state)})

    def provenance(self, field: str) -> str:
        return self.how


@pytest.mark.parametrize(
    ("require", "needs_value"),
    [
        ("rank(product.risk_level) <= rank(user.guessed_level)", True),
        ("user.guessed_level == 'C3'", True),
        ("not (user.guessed_level == 'C1')", True),
        ("not missing(user.guessed_level)", True),
        ("missing(user.guessed_level)", False),
    ],
)
def test_what_was_imputed_is_missing_to_every_rule(require: str, needs_value: bool) -> None:
    text = LEVELS.replace("rank(product.risk_level) <= rank(user.risk_level)", require)
    text = text.replace('"user.risk_level"', '"user.guessed_level"')
    text = text.replace("{user.risk_level}", "{user.guessed_level}")
    world = popular().but(policies=(text,))
    observed = recommended(world.fitted(profiles=[Guess("observed")]))
    imputed = recommended(world.fitted(profiles=[Guess("imputed")]))
    assert bool(observed) == needs_value
    assert bool(imputed) != needs_value


def test_a_value_off_its_scale_is_refused_not_guessed() -> None:
    world = popular()
    for level in ("c1", "C1 ", "", "C9", "R1"):
        users = [*world.users[1:], {**world.users[0], "risk_level": level}]
        with pytest.raises(suitably.DataError, match=r"user\.risk_level: 1 values? .*off the"):
            world.but(users=users).fitted()
