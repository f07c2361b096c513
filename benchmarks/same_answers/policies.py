"""Rules alone: every built-in policy on frames, one of many functions, and what reads policies."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import suitably as st
from benchmarks.coverage_world import complete
from benchmarks.same_answers.answers import Answers
from benchmarks.same_answers.banks import CUT, HOUSE, LATER, bank, house, rules
from benchmarks.same_answers.questions import ask_eligibility, verdicts

TOLERANCE = ["Conservative", "Income", "Balanced", "Aggressive", "Aggressive"]
FINRA = ["conservative", "moderately conservative", "moderate", "moderately aggressive",
         "aggressive"]  # fmt: skip
SEBI = ["Low", "Low to Moderate", "Moderate", "Moderately High", "Very High"]
# Levels of customers and products in each policy's own terms; none: those of the bank.
SCALES: dict[str, tuple[list[Any], list[Any]] | None] = {
    "cn-nfra-2025": None,
    "cn-nfra-2025-budget": None,
    "cn-csrc-amac": None,
    "qualified-investor": None,
    "eu-mifid": (TOLERANCE, [1, 2, 4, 6, 7]),
    "uk-cobs": ([1, 3, 4, 6, 7], [1, 2, 4, 6, 7]),
    "us-finra": (FINRA, FINRA),
    "in-sebi": (SEBI, SEBI),
    "consumer-loan": None,
    "crypto-onboarding": None,
    "crowdfunding": None,
    "far-trans": (TOLERANCE, TOLERANCE),
}
ROW = {
    "birth_date": pd.Timestamp("1990-05-05"),
    "questionnaire_date": pd.Timestamp("2024-03-01"),
    "annual_income": 200_000.0,
    "liquid_assets": 500_000.0,
    "net_worth": 2_000_000.0,
    "financial_assets": 900_000.0,
    "years_experience": 4.0,
    "horizon_months": 60.0,
    "client_category": "retail",
    "legal_capacity": "full",
    "knowledge_passed": ["funds"],
    "vulnerable": False,
}


def _frames(name: str) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return customers and products with every field that a built-in policy reads."""
    rng = np.random.default_rng(5)
    users, products = bank().users.copy(), bank().products.copy()
    complete(name, users, products)
    users["premium_budget"] = np.where(rng.random(len(users)) < 0.9, users["annual_income"], np.nan)
    users["invested_12m"] = rng.integers(0, 5_000, len(users)).astype(float)
    users["risk_review"] = rng.random(len(users)) < 0.1
    late = pd.to_timedelta(np.where(rng.random(len(users)) < 0.5, 500, 0), "D")
    users["questionnaire_date"] += late  # so that some are valid as of each of the moments
    products["max_loss"] = rng.choice([0.1, 0.5, 1.0, np.nan], len(products))
    products["amount_remaining"] = rng.choice([0.0, 10_000.0, np.nan], len(products))
    if name in ("crypto-onboarding", "crowdfunding"):
        regime = name.split("-")[0]
        products["regime"] = np.where(rng.random(len(products)) < 0.7, regime, "csrc")
    row = dict(ROW, risk_level="C4")
    levels = SCALES[name]
    if levels is not None:
        for frame, letter, scale in ((users, "C", levels[0]), (products, "R", levels[1])):
            by_name = {f"{letter}{place}": level for place, level in enumerate(scale, 1)}
            frame["risk_level"] = frame["risk_level"].map(by_name)
            if isinstance(scale[0], int):
                frame["risk_level"] = frame["risk_level"].astype("Int64")
        row["risk_level"] = levels[0][3]
    return users, products, row


def built_in(name: str, answers: Answers) -> None:
    users, products, row = _frames(name)
    policy = st.Policy.load(name)
    _ask_text(answers, policy)
    for moment in (CUT, LATER):
        here = answers.at(moment)
        found = here.made("bind", lambda moment=moment: policy.evaluate(users, products, moment))
        if found is not None:
            ask_eligibility(here, found, row)
            few = policy.evaluate(users[:40], products, moment)
            here.ask("few", few.mask)
            here.ask("few-counts", few.counts)
    for kind, turn in {"polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}.items():
        here = answers.at(kind)
        found = here.made(
            "bind", lambda turn=turn: policy.evaluate(turn(users), turn(products), LATER)
        )
        if found is not None:
            here.ask("mask", found.mask)
            here.ask("counts", found.counts)
            here.ask("ids", lambda found=found: [found.user_ids, found.product_ids])


def _ask_text(answers: Answers, policy: Any) -> None:
    answers.ask("print", lambda: [policy.id, policy.version, policy.fingerprint, repr(policy)])
    parts = ("id", "require", "applies", "article", "because", "effective", "expires", "note")
    answers.ask(
        "rules", lambda: [{name: getattr(rule, name) for name in parts} for rule in policy.rules]
    )
    answers.ask("check", lambda: _findings(st.suitability.check_policy(policy)))


def _findings(found: Any) -> list[dict[str, str]]:
    parts = ("severity", "kind", "text", "rule", "policy")
    return [{name: getattr(one, name) for name in parts} for one in found]


def _policy(head: str, *lines: str) -> str:
    text = [f'[[rules]]\nid = "r{place}"\nrequire = "{line}"' for place, line in enumerate(lines)]
    return f'[policy]\nid = "{head}"\nversion = "1"\n' + "\n".join(text)


LANGUAGE = [
    "user.number + 1 < product.number * 2 - 3",
    "1 < user.number <= product.number < 90",
    "user.number / product.zero > 1 or user.flag",
    "-user.number >= -product.number",
    "abs(user.number - product.number) <= 20",
    "min(user.number, product.number, 10) == 10",
    "max(user.number, product.number) != product.number",
    "user.text == product.text or user.text in ['a', 'b']",
    "user.text not in product.words",
    "contains(user.words, product.text)",
    "subset(product.words, user.words)",
    "user.text in ['a', 'b', ''] or product.number in [5, 10]",
    "missing(user.text) or missing(product.number)",
    "not missing(user.words) and not user.flag",
    "lookup(user.map, product.text) < 50",
    "age(user.born) >= 40",
    "user.born + years(40) <= product.start",
    "product.start - days(30) < as_of <= product.start + months(3)",
    "user.flag and product.flag",
    "user.flag or product.flag",
    "not (user.flag and (product.number > 5 or missing(product.flag)))",
    "user.flag == product.flag",
    "user.born != product.start",
    "user.when < as_of",
]


def language(answers: Answers) -> None:
    """Judge every function of the language on fields with values missing, rule by rule."""
    rng = np.random.default_rng(7)

    def column(values: Any, kind: Any, count: int) -> Any:
        picked = [values[place] for place in rng.integers(0, len(values), count)]
        return pa.array(picked, kind)

    words = [None, [], ["a"], ["a", "b"], ["c", None], ["b", "a"]]
    days = [None, *(pd.Timestamp("1960-02-29") + pd.DateOffset(months=7 * m) for m in range(99))]
    maps = [None, [], [("a", 10.0), ("b", 90.0)], [("c", None), ("a", 60.0)]]
    sides = {}
    for name, count in (("user", 700), ("product", 90)):
        sides[name] = pa.table(
            {
                f"{name}_id": pa.array(range(count)),
                "number": column([None, float("nan"), -1.5, 0.0, 5.0, 10.0, 50.0, 1e300],
                                 pa.float64(), count),
                "zero": column([0, 1, None], pa.int64(), count),
                "flag": column([True, False, None], pa.bool_(), count),
                "text": column(["a", "b", "", "A", None], pa.string(), count),
                "words": column(words, pa.list_(pa.string()), count),
                "map": column(maps, pa.map_(pa.string(), pa.float64()), count),
                "born": column([None if day is None else day.date() for day in days],
                               pa.date32(), count),
                "start": column(days, pa.timestamp("us"), count),
                "when": column(days, pa.timestamp("ns"), count),
            }
        )  # fmt: skip
    users, products = sides.values()
    row = {"number": 4.0, "flag": True, "text": "a", "words": ["a", "b"], "map": {"a": 10.0}}
    whole = st.Policy.from_toml(_policy("language", *LANGUAGE))
    _ask_text(answers, whole)
    for moment in ("1999-12-31", "2016-02-29T13:00:00"):
        here = answers.at(moment)
        ask_eligibility(here, whole.evaluate(users, products, moment), row)
        for place, line in enumerate(LANGUAGE):
            one = st.Policy.from_toml(_policy("language", line))
            here.ask(
                f"rule-{place:02}",
                lambda one=one, moment=moment: _one(one.evaluate(users, products, moment)),
            )
        for place in range(len(LANGUAGE) - 2):
            head, applies, require = LANGUAGE[place : place + 3]
            text = _policy("scoped", require) + f'\napplies = "{applies}"'
            scoped = st.Policy.from_toml(text.replace("[[", f'governs = "{head}"\n[[', 1))
            here.ask(
                f"scoped-{place:02}",
                lambda scoped=scoped, moment=moment: _one(scoped.evaluate(users, products, moment)),
            )
    refused = ["user.number", "user.text < 3", "user.nowhere == 1", "user.text + 1 > 2",
               "rank(user.text) > 1", "__import__('os')", "user.number = 3", "lookup(1, 2)",
               "contains(user.text)", "user.flag < 2", "age(user.text) > 3"]  # fmt: skip
    for line in refused:
        answers.ask(
            f"refused/{line}",
            lambda line=line: (
                st.Policy.from_toml(_policy("refused", line))
                .evaluate(users, products, "2000-01-01")
                .mask()
            ),
        )


def _one(eligibility: Any) -> list[Any]:
    pairs = [(user, product) for user in range(0, 700, 90) for product in range(0, 90, 20)]
    said = [verdicts(eligibility.verdicts(*pair)) for pair in pairs]
    return [eligibility.mask(), eligibility.counts(), said]


def impacts(answers: Answers) -> None:
    users, products = bank().users, bank().products
    looser = st.Policy.from_toml(HOUSE.replace("+ 1", "+ 2").replace("months(30)", "months(9)"))
    pairs = {
        "house": (house(), looser),
        "shelf": ("cn-csrc-amac", house()),
        "freed": (house(), rules("unrestricted")),
    }
    for name, (before, after) in pairs.items():
        here = answers.at(name)
        found = here.made(
            "run",
            lambda before=before, after=after: st.suitability.impact(
                before, after, users, products, CUT
            ),
        )
        if found is None:
            continue
        here.ask("users", found.users)
        here.ask("products", found.products)
        here.ask("rules", found.rules)
        here.ask("pairs", lambda found=found: found.pairs(limit=300))
        here.ask("lost", lambda found=found: found.pairs(limit=9, change="lost"))
        here.ask("totals", lambda found=found: [found.gained, found.lost, repr(found)])
    later = HOUSE.replace("2020-01-01", "2028-01-01").replace('"7"', '"8"')
    several = [house(), st.Policy.from_toml(later), "cn-csrc-amac"]
    answers.ask("versions", lambda: _findings(st.suitability.check_versions(several)))
    answers.ask("house-check", lambda: _findings(st.suitability.check_policy(house())))
    doubtful = _policy("doubtful", "user.age >= 18 and user.age < 18", "product.x == product.x",
                       "not missing(user.x) or missing(user.x)")  # fmt: skip
    answers.ask(
        "doubtful", lambda: _findings(st.suitability.check_policy(st.Policy.from_toml(doubtful)))
    )
    scale = st.suitability.QuestionnaireScale({"C1": (0, 19), "C2": (20, 39), "C3": (40, None)})
    answers.ask("scale", lambda: scale.level([0, 19, None, 20, 77]))
    vev = np.linspace(0, 1, 60)
    answers.ask("sri", lambda: st.suitability.priips_sri(vev[:, None], np.arange(1, 7)))


def together(answers: Answers) -> None:
    """Ask one catalogue under several policies, at several moments."""
    pipeline = st.Pipeline(policy=rules("shelves"), ranker=st.ranking.Popularity()).fit(bank(), CUT)
    for moment in (None, "2024-12-31", LATER):
        row = dict(ROW, risk_level="C5", is_lowest_class=False)
        here = answers.at(str(moment))
        ask_eligibility(here, pipeline.eligibility(moment), row)
        for other in ("house", "cn-csrc-amac", "unrestricted"):
            found = pipeline.eligibility(moment, policy=rules(other))
            ask_eligibility(here.at(other), found, row)


SCENARIOS: dict[str, Callable[[Answers], None]] = {
    **{f"policies/{name}": partial(built_in, name) for name in SCALES},
    "policies/language": language,
    "policies/impact": impacts,
    "policies/together": together,
}
