"""Survey of Consumer Finances 2019: what American households own, and the risk they would take."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.datasets.files import DatasetFiles, PathLike

__all__ = ["Scf2019", "scf2019"]

_FILES = DatasetFiles(
    "scf2019",
    "SCF 2019",
    "https://www.federalreserve.gov/econres/scf_2019.htm",
)
_FILE = "scf2019_profiles_products.csv.xz"

# Product, its variable in the survey's summary extract, and the shelf it stands on.
_PRODUCTS = (
    ("checking", "CHECKING", "deposit"),
    ("prepaid_card", "PREPAID", "deposit"),
    ("savings", "SAVING", "deposit"),
    ("money_market_deposit", "MMDA", "deposit"),
    ("money_market_fund", "MMMF", "fund"),
    ("brokerage_cash", "CALL", "deposit"),
    ("certificate_of_deposit", "CDS", "deposit"),
    ("stock_fund", "STMUTF", "fund"),
    ("taxfree_bond_fund", "TFBMUTF", "fund"),
    ("govt_bond_fund", "GBMUTF", "fund"),
    ("other_bond_fund", "OBMUTF", "fund"),
    ("combination_fund", "COMUTF", "fund"),
    ("other_fund", "OMUTF", "fund"),
    ("direct_stocks", "STOCKS", "security"),
    ("taxexempt_bonds", "NOTXBND", "security"),
    ("mortgage_bonds", "MORTBND", "security"),
    ("govt_bonds", "GOVTBND", "security"),
    ("other_bonds", "OBND", "security"),
    ("savings_bonds", "SAVBND", "security"),
    ("ira_keogh", "IRAKH", "retirement"),
    ("thrift_401k", "THRIFT", "retirement"),
    ("cash_value_life_insurance", "CASHLI", "insurance"),
    ("annuity", "ANNUIT", "insurance"),
    ("trust", "TRUSTS", "trust"),
    ("primary_mortgage_or_home_equity_loan", "MRTHEL", "loan"),
    ("other_line_of_credit", "OTHLOC", "loan"),
    ("other_residential_debt", "RESDBT", "loan"),
    ("credit_card_balance", "CCBAL", "loan"),
    ("vehicle_loan", "VEH_INST", "loan"),
    ("education_loan", "EDN_INST", "loan"),
    ("other_installment_loan", "OTH_INST", "loan"),
)
_FIELDS = {
    "YY1": "user_id",
    "WGT": "weight",
    "AGE": "age",
    "KIDS": "children",
    "INCOME": "annual_income",
    "NETWORTH": "net_worth",
    "FIN": "financial_assets",
    "DEBT": "total_debt",
    "FINLIT": "financial_literacy",
}
_OTHERS = ("Y1", "KNOWL", "NOFINRISK", "YESFINRISK")
_LIQUID = (
    "checking",
    "savings",
    "money_market_deposit",
    "money_market_fund",
    "brokerage_cash",
    "prepaid_card",
)


def scf2019(path: PathLike | None = None) -> "Scf2019":
    """Load the households of the US Survey of Consumer Finances 2019 and what they hold.

    Source: Board of Governors of the Federal Reserve System, Survey of Consumer Finances 2019,
    summary extract. Licence: public domain.

    Args:
        path: The folder of the files, or its parent; None: the environment variable SUITABLY_DATA.

    Returns:
        The data set; `Scf2019` says which columns it has and what it leaves out.

    Raises:
        DataError: The file is missing or cannot be read.
    """
    return Scf2019(path)


class Scf2019(Dataset):
    """The survey as a `Dataset` of pandas frames without timestamps, in US dollars of 2019.

    Users are the 5,777 households: age, children, annual_income, net_worth, financial_assets,
    liquid_assets, total_debt, risk_level (the stated willingness to take financial risk: none,
    moderate, high), knowledge_level (self-assessed, 0 to 10), financial_literacy (questions
    answered correctly, 0 to 3) and weight. Products are 31 types with their category, loans
    included. Interactions are the holdings, with the amount as value; nothing is dated, so
    `as_of` and splits in time are refused.

    The survey imputes missing answers five times over. The data set is the first implicate; a
    figure for the population needs the weights and all five (`implicates`).

    Left out: everything else of the extract, such as occupation, family structure, payment
    history and the home itself.

    Args:
        path: As in `scf2019`.

    Attributes:
        implicates: All five versions of every household: user_id, implicate (1 to 5), weight,
            risk_level, and the amount held in a column per product. The weights of all rows add
            up to the number of households in the United States.

    Raises:
        DataError: The file is missing or cannot be read.

    Example:
        >>> Scf2019("/no/such/folder")
        Traceback (most recent call last):
        suitably.errors.DataError: ...: no folder '/no/such/folder'; the data set is published at
        ...
    """

    def __init__(self, path: PathLike | None = None) -> None:
        variables = [variable for _, variable, _ in _PRODUCTS]
        rows = _FILES.read(_FILES.locate(path), _FILE, [*_FIELDS, *_OTHERS, *variables])
        rows = rows.rename(columns=_FIELDS | {v: product for product, v, _ in _PRODUCTS})
        rows["implicate"] = rows["Y1"] - 10 * rows["user_id"]
        rows["risk_level"] = np.select(
            [rows["NOFINRISK"] == 1, rows["YESFINRISK"] == 1], ["none", "high"], "moderate"
        ).astype(object)
        # The survey writes "not at all knowledgeable", the scale's 0, as -1.
        rows["knowledge_level"] = rows["KNOWL"].clip(lower=0)
        rows["liquid_assets"] = rows[list(_LIQUID)].sum(axis=1)

        products = [product for product, _, _ in _PRODUCTS]
        first = rows[rows["implicate"] == 1].reset_index(drop=True)
        fields = [*_FIELDS.values(), "risk_level", "knowledge_level", "liquid_assets"]
        catalogue = pd.DataFrame(
            {"product_id": products, "category": [category for *_, category in _PRODUCTS]}
        )
        super().__init__(first[fields], catalogue, _holdings(first, products))
        self.implicates: pd.DataFrame = rows[
            ["user_id", "implicate", "weight", "risk_level", *products]
        ]


def _holdings(households: pd.DataFrame, products: list[str]) -> pd.DataFrame:
    amounts: NDArray[Any] = households[products].to_numpy(np.float64)
    owner, product = np.nonzero(amounts > 0)
    return pd.DataFrame(
        {
            "user_id": households["user_id"].to_numpy()[owner],
            "product_id": np.array(products, object)[product],
            "value": amounts[owner, product],
        }
    )
