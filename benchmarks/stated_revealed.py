"""Stated appetite for risk against what is held: SCF 2019 and FAR-Trans, as tables in Markdown.

`python -m benchmarks.stated_revealed` needs SUITABLY_DATA. The survey has no risk levels of
products: `RISKS` is this page's own reading of its shelf, of three levels as appetite has them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import suitably as st
from suitably.data.datasets.far_trans import FarTrans
from suitably.data.datasets.scf2019 import Scf2019
from suitably.profiles import Holdings, RiskAppetite

__all__ = ["bank_profiles", "household_profiles", "households", "stock_fund_owners"]

APPETITES = ["none", "moderate", "high"]
RISKS = {
    "none": "checking prepaid_card savings money_market_deposit money_market_fund brokerage_cash "
    "certificate_of_deposit savings_bonds govt_bonds cash_value_life_insurance",
    "moderate": "taxfree_bond_fund govt_bond_fund other_bond_fund combination_fund taxexempt_bonds "
    "mortgage_bonds other_bonds ira_keogh thrift_401k annuity trust",
    "high": "stock_fund other_fund direct_stocks",
}
LEVELS = ["Conservative", "Income", "Balanced", "Aggressive"]


def households(survey: Scf2019) -> st.Dataset:
    """Return what households own, without what they owe, with a risk level for each product."""
    risk = {product: level for level, names in RISKS.items() for product in names.split()}
    shelf = survey.products[survey.products["category"] != "loan"]
    shelf = shelf.assign(risk_level=shelf["product_id"].map(risk))
    log = survey.interactions
    return st.Dataset(survey.users, shelf, log[log["product_id"].isin(shelf["product_id"])])


def household_profiles(data: st.Dataset, **how: object) -> pd.DataFrame:
    """Return profiles of households, and what they stated."""
    undated = {"date": None, "valid_months": None, "scale": APPETITES}
    builder = RiskAppetite(**undated, **how)  # type: ignore[arg-type]
    found: pd.DataFrame = builder.fit(data).transform(data)
    return found.assign(stated=data.users["risk_level"].to_numpy())


def stock_fund_owners(survey: Scf2019) -> pd.DataFrame:
    """Return the share of owners of stock funds by appetite, in per cent.

    `weighted` is of all five implicates by their weights, `first` of the first one unweighted.
    """
    rows = survey.implicates.assign(version=10 * survey.implicates["user_id"])
    rows["version"] += rows["implicate"]
    products = survey.products["product_id"].tolist()
    log = rows.melt("version", products, "product_id", "value").query("value > 0")
    users = rows[["version"]].rename(columns={"version": "user_id"})
    data = st.Dataset(users, None, log.rename(columns={"version": "user_id"}))
    held = Holdings(issuer="product_id").fit(data).transform(data)["exposure"]
    owns = pd.Series([any(name == "stock_fund" for name, _ in row) for row in held], rows.index)
    weighted = (owns * rows["weight"]).groupby(rows["risk_level"]).sum()
    weighted /= rows.groupby("risk_level")["weight"].sum()
    first = rows["implicate"] == 1
    plain = owns[first].groupby(rows.loc[first, "risk_level"]).mean()
    return 100 * pd.DataFrame({"weighted": weighted, "first": plain}).loc[APPETITES]


def bank_profiles(bank: FarTrans, valid_months: int | None = 12) -> pd.DataFrame:
    """Return profiles of the bank's customers as of its end; products count one each."""
    builder = RiskAppetite(
        scale=LEVELS,
        weigh="products",
        predicted="predicted_risk_level",
        valid_months=valid_months,
    )
    found: pd.DataFrame = builder.fit(bank).transform(bank)
    return found


def main() -> None:
    """Print the tables."""
    folder = Path(os.environ["SUITABLY_DATA"])
    survey, bank = st.data.scf2019(folder), st.data.far_trans(folder)
    print("Owners of stock funds by stated appetite, %\n")
    print("\n".join(_table(stock_fund_owners(survey).round(1))))
    data = households(survey)
    print("\nHouseholds by stated appetite and revealed level\n")
    found = household_profiles(data)
    revealed = found["revealed_risk_level"].fillna("nothing held")
    counts = pd.crosstab(found["stated"], revealed)
    print("\n".join(_table(counts.loc[APPETITES, [*APPETITES, "nothing held"]])))
    _reasons(found)
    print("\nAnd by the level that is left once capacity and knowledge have a say\n")
    bounds = {
        "capacity": ("liquid_assets", "financial_assets"),
        "capacity_limits": (0.05, 0.2),
        "knowledge": "knowledge_level",
        "knowledge_limits": (3, 6),
    }
    found = household_profiles(data, **bounds)
    left = pd.crosstab(found["stated"], found["risk_level"])
    print("\n".join(_table(left.loc[APPETITES, APPETITES])))
    _reasons(found)
    for months in (12, None):
        found = bank_profiles(bank, months)
        print(f"\nFAR-Trans, {len(found)} customers, questionnaires valid for {months} months\n")
        level = found["risk_level"].fillna("withheld")
        revealed = found["revealed_risk_level"].fillna("nothing held")
        counts = pd.crosstab(level, revealed)
        print("\n".join(_table(counts.loc[[*LEVELS, "withheld"], [*LEVELS, "nothing held"]])))
        _reasons(found)
    print(f"\npredicted: {found['predicted_risk_level'].notna().sum()} customers, all imputed")


def _table(frame: pd.DataFrame) -> Iterator[str]:
    yield "| | " + " | ".join(map(str, frame.columns)) + " |"
    yield "|---|" + "--:|" * len(frame.columns)
    for name, *cells in frame.itertuples():
        yield f"| {name} | " + " | ".join(map(str, cells)) + " |"


def _reasons(found: pd.DataFrame) -> None:
    reasons = found["risk_review_reason"].value_counts()
    print("\nreviews: " + ", ".join(f"{name} {count}" for name, count in reasons.items()))


if __name__ == "__main__":
    main()
