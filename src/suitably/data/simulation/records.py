"""Records of simulated customers: dated versions of their fields, and their consent."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.simulation.customers import Customers
from suitably.data.simulation.timeline import DAY, END, START, Days

__all__ = ["consent_frame", "customer_frame"]

_LEVELS = np.array(["C1", "C2", "C3", "C4", "C5"], object)
_CUTS = np.array([20, 40, 60, 80])  # 0-19 is C1, 20-39 C2, and so on
_TOPICS = ("bonds", "equity", "insurance", "structured", "derivatives")
_NEVER = 0.07  # share that never answered a questionnaire
_REGULARITY = (6.0, 2.0)  # beta law of a customer's chance to answer again when a year is up


def customer_frame(
    customers: Customers, ids: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    """Write the customers' file: a row at the start and one for each questionnaire after it.

    The answers of a customer who never filled in a questionnaire are missing, and a few incomes,
    liquid assets and horizons are missing throughout.
    """
    first = START.astype("datetime64[D]") - DAY
    opened = np.maximum(customers.since, first)
    row, dates = _questionnaires(customers, opened, rng)
    asked = ~np.isnat(dates)
    version = np.maximum(np.where(asked, dates, opened[row]), opened[row])

    appetite = customers.appetite[row]
    # People answer a little more cautiously than they buy.
    points = 20.0 * (appetite - 0.7) + rng.normal(scale=6.0, size=len(row))
    score = np.clip(np.round(points), 0, 100)
    level = np.searchsorted(_CUTS, score, side="right")
    attempts = 1 + (rng.random(len(row)) < 0.06) * rng.integers(1, 9, len(row))
    statics = _statics(customers, rng)
    loss = np.array([0.02, 0.05, 0.1, 0.2, 0.4])[level]
    loss[(level == 0) & (rng.random(len(row)) < 0.3)] = 0.0
    horizon = rng.choice([6.0, 12.0, 24.0, 36.0, 60.0, 120.0], len(row)) + 0.0
    horizon[rng.random(len(row)) < 0.03] = np.nan
    objective = np.array(["preservation", "income", "balanced", "growth", "growth"], object)[level]
    need = np.array(["low", "medium", "high"], object)[rng.integers(0, 3, len(row))]

    frame = statics.take(row).reset_index(drop=True)
    frame.insert(0, "user_id", ids[row])
    frame.insert(1, "user_timestamp", version.astype("datetime64[us]"))
    return frame.assign(
        questionnaire_date=dates.astype("datetime64[us]"),
        annual_income_date=np.where(asked, dates, customers.since[row]).astype("datetime64[us]"),
        questionnaire_score=np.where(asked, score, np.nan),
        risk_level=_where(asked, _LEVELS[level]),
        assessments_today=0,
        assessments_12m=np.where(asked, attempts, 0),
        is_lowest_class=asked & (level == 0) & (loss == 0),
        loss_capacity=np.where(asked, loss, np.nan),
        horizon_months=np.where(asked, horizon, np.nan),
        liquidity_need=_where(asked, need),
        objective=_where(asked, objective),
    )


def _questionnaires(
    customers: Customers, opened: Days, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Days]:
    """Draw when each customer answered: on opening, then about once a year, or late, or never.

    Returns:
        Positions of the customers, ascending, and dates ascending within a customer; the first
        row of a customer is what was on file when the records begin, NaT where nothing was.
    """
    n = len(customers)
    years = int((END - START) / (365 * DAY)) + 1
    never = rng.random(n) < _NEVER
    regular = rng.beta(*_REGULARITY, n)
    # Those who joined before the records answered last at some time in the two years before them.
    old = customers.since < opened
    back = np.minimum(rng.exponential(240.0, n), 720.0).astype(np.int64) + 1
    start = np.where(old, np.maximum(opened - back * DAY, customers.since), opened)
    dates = np.empty((n, years + 1), "datetime64[D]")
    dates[:, 0] = start
    for year in range(1, years + 1):
        late = 330 + np.minimum(rng.exponential(45.0, n), 300.0).astype(np.int64)
        again = rng.random(n) < regular
        dates[:, year] = np.where(again, dates[:, year - 1] + late * DAY, dates[:, year - 1])
        dates[:, year] = np.where(again | (year == 1), dates[:, year], dates[:, year - 1])
    keep = np.ones(dates.shape, bool)
    last = END.astype("datetime64[D]")
    keep[:, 1:] = (np.diff(dates, axis=1) > 0 * DAY) & (dates[:, 1:] < last)
    keep[:, 1:] &= (dates[:, 1:] > opened[:, None]) & ~never[:, None]
    dates[never, 0] = np.datetime64("NaT", "D")
    row, column = np.nonzero(keep)
    return row, dates[row, column]


def _statics(customers: Customers, rng: np.random.Generator) -> pd.DataFrame:
    """Fields that stay the same from version to version."""
    n = len(customers)
    age = customers.age(END.astype("datetime64[D]"))
    limited = rng.random(n) < 0.004
    assets, monthly = customers.financial_assets, customers.income / 12.0
    experience = np.round(np.clip(rng.gamma(1.5, 3.0, n), 0.0, age - 18.0), 1)
    passed = rng.random((n, len(_TOPICS))) < np.array([0.6, 0.5, 0.5, 0.25, 0.1])
    # Bit patterns index a small table, so that no list is built per customer.
    table = np.empty(2 ** len(_TOPICS), object)
    for code in range(len(table)):
        table[code] = [topic for bit, topic in enumerate(_TOPICS) if code >> bit & 1]
    category = np.searchsorted([500_000.0, 6_000_000.0], assets, side="right")
    abroad = rng.random(n) < 0.02
    return pd.DataFrame(
        {
            "customer_since": customers.since.astype("datetime64[us]"),
            "birth_date": customers.birth.astype("datetime64[us]"),
            "legal_capacity": np.where(limited, "limited", "full").astype(object),
            "guardian_consent": limited & (rng.random(n) < 0.6),
            "vulnerable": rng.random(n) < np.where(age >= 75.0, 0.25, 0.01),
            "is_professional": (assets >= 5_000_000.0) & (experience >= 2.0),
            "years_experience": experience,
            "knowledge_passed": table[passed @ (1 << np.arange(len(_TOPICS)))],
            "annual_income": _some_missing(customers.income, 0.04, rng),
            "net_worth": _some_missing(customers.net_worth, 0.08, rng),
            "financial_assets": _some_missing(assets, 0.03, rng),
            "liquid_assets": _some_missing(customers.liquid_assets, 0.03, rng),
            "household_income": customers.income,
            "average_income_3y": customers.income,
            "household_financial_assets": assets,
            "household_net_financial_assets": np.minimum(assets, customers.net_worth),
            "confirmed_at": _confirmed(customers),
            "monthly_debt_payment": customers.debt_payment,
            "monthly_living_costs": np.round(100.0 + 0.03 * monthly) * 10.0,
            "monthly_property_fee": np.round(10.0 + 0.002 * monthly) * 10.0,
            "in_arrears": customers.debt_payment > 0.6 * monthly,
            "jurisdiction": np.where(abroad, "HK", "CN").astype(object),
            "tax_residence": np.where(rng.random(n) < 0.01, "US", "CN").astype(object),
            "client_category": np.array(["mass", "affluent", "private"], object)[category],
        }
    )


def _confirmed(customers: Customers) -> NDArray[np.datetime64]:
    """Say when a wealthy customer's qualification was confirmed; NaT for all others."""
    wealthy = customers.financial_assets >= 1_000_000.0
    lately = END.astype("datetime64[D]") - 300 * DAY
    dates = np.where(wealthy, np.maximum(customers.since, lately), np.datetime64("NaT", "D"))
    return dates.astype("datetime64[us]")


def _where(known: NDArray[np.bool_], values: NDArray[np.object_]) -> NDArray[np.object_]:
    values = values.copy()
    values[~known] = None
    return values


def _some_missing(
    values: NDArray[np.float64], share: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def consent_frame(
    customers: Customers, ids: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    """Write who consented to what: user_id, purpose, granted_at, withdrawn_at (NaT: never)."""
    parts = []
    end = END.astype("datetime64[D]")
    for purpose, granted, withdrawn in (
        ("personalisation", 0.93, 0.06),
        ("sensitive", 0.60, 0.04),
        ("marketing", 0.45, 0.15),
    ):
        who = np.flatnonzero(rng.random(len(customers)) < granted)
        since = customers.since[who]
        kept = ((end - since) / DAY * rng.random(len(who))).astype(np.int64) * DAY + DAY
        until = np.where(since + kept < end, since + kept, np.datetime64("NaT", "D"))
        until[rng.random(len(who)) >= withdrawn] = np.datetime64("NaT", "D")
        parts.append(
            pd.DataFrame(
                {
                    "user_id": ids[who],
                    "purpose": np.full(len(who), purpose, object),
                    "granted_at": since.astype("datetime64[us]"),
                    "withdrawn_at": until.astype("datetime64[us]"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
