"""FAR-Trans: the customers, assets and first buys of a large European bank."""

import json
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.datasets.files import DatasetFiles, PathLike
from suitably.data.splits import Split
from suitably.errors import DataError

__all__ = ["FarTrans", "far_trans"]

_FILES = DatasetFiles("far_trans", "FAR-Trans", "https://doi.org/10.5525/gla.researchdata.1658")
_LEVELS = ("Conservative", "Income", "Balanced", "Aggressive")
_NO_QUESTIONNAIRE = "2000-01-01"


def far_trans(path: PathLike | None = None) -> "FarTrans":
    """Load FAR-Trans with the published temporal splits, in Suitably's vocabulary of fields.

    Source: Sanz-Cruzado, Droukas, McCreadie, "FAR-Trans: An Investment Dataset for Financial Asset
    Recommendation", Fin-RecSys at IJCAI 2024, arXiv:2407.08692. Licence: CC-BY 4.0.

    Args:
        path: The folder of the files, or its parent; None: the environment variable SUITABLY_DATA.

    Returns:
        The data set; `FarTrans` says which columns it has and what it leaves out.

    Raises:
        DataError: A file is missing or cannot be read.
    """
    return FarTrans(path)


class FarTrans(Dataset):
    """FAR-Trans as a `Dataset` of pandas frames, without time zone.

    Users (versions by `user_timestamp`): customer_type, risk_level and investment_capacity where
    the customer stated them, predicted_risk_level and predicted_investment_capacity where a model
    did, and questionnaire_date. Levels, lowest first: Conservative, Income, Balanced, Aggressive.
    The source holds later snapshots: nobody's level ever changes, and about half of the stated
    rows carry a questionnaire date after their own timestamp.

    Products (versions by `product_timestamp`): name, category (Stock, Bond, MTF), sub_category,
    market, sector, industry, and risk_level by the bands of the published suitability analysis:
    money market and government bonds are Conservative; other bonds and bond funds Income; balanced
    funds Balanced; equity funds and stocks Aggressive; everything else Balanced.

    Interactions: a customer's first buy of an asset. Where only a window of days is known, the
    timestamp is its end, so that a buy is never visible too early.

    Left out: sells, amounts, channels and daily prices, which the public snapshot lacks (so what
    was bought is owned for ever); asset short names; limit prices, markets and the questionnaire's
    questions. `exact_buys` gives the buys with repeats that are known to the day.

    Args:
        path: As in `far_trans`.

    Attributes:
        notes: Sentences about what was left out of this copy of the files.

    Raises:
        DataError: A file is missing or cannot be read.

    Example:
        >>> FarTrans("/no/such/folder")
        Traceback (most recent call last):
        suitably.errors.DataError: FAR-Trans: no folder '/no/such/folder'; the data set is
        published at https://doi.org/10.5525/gla.researchdata.1658; put its files there, ...
    """

    def __init__(self, path: PathLike | None = None) -> None:
        self._folder: Path = _FILES.locate(path)
        products, doubled = _products(self._read("asset_information.csv", _ASSET))
        buys = self._read("buys_first_reconstructed.csv.xz", _BUYS)
        super().__init__(
            _users(self._read("customer_information.csv.xz", _CUSTOMER)),
            products,
            buys.rename(columns=_BUYS)[["user_id", "product_id", "timestamp"]],
        )
        self.notes: tuple[str, ...] = _notes(doubled, buys)

    def _read(self, name: str, columns: Any) -> pd.DataFrame:
        return _FILES.read(self._folder, name, list(columns))

    @cached_property
    def split_index(self) -> pd.DataFrame:
        """The published splits: split_index, time_point, test_end and their counts, one a row."""
        path = _FILES.file(self._folder, "split_index.json")
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            frame = pd.DataFrame(rows).set_index("split_index", drop=False)
            return frame.assign(
                time_point=pd.to_datetime(frame["time_point"]),
                test_end=pd.to_datetime(frame["test_end"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"FAR-Trans: {str(path)!r} cannot be read: {error}") from None

    def split(self, k: int) -> Split:
        """Return a published split, by the protocol of the published figures.

        Candidates are the published eligible assets that were bought before the cut. Relevant is
        what a customer with earlier buys bought of them in the test window and had not bought
        before; customers without any such asset are not judged.

        Args:
            k: Number of the split, 0 to 68.

        Returns:
            The split; candidates in catalogue order, relevant in order of users and products, and
            the realised returns of the window, where their file is there.

        Raises:
            ValueError: No such split.
            DataError: A file of splits is missing.
        """
        splits = self.split_index
        if isinstance(k, bool) or not hasattr(k, "__index__") or index(k) not in splits.index:
            raise ValueError(f"k={k!r}: must be a split from 0 to {len(splits) - 1}")
        row: Any = splits.loc[index(k)]
        at, end = pd.Timestamp(row["time_point"]), pd.Timestamp(row["test_end"])
        view = self.view(at)
        n = len(view.products)

        eligible = self._eligible["product"].to_numpy()[self._eligible["split"] == index(k)]
        candidates = np.intersect1d(eligible, view.events.products)
        tested = self._test[self._test["split"] == index(k)]
        users, products = tested["user"].to_numpy(np.int64), tested["product"].to_numpy()
        judged = np.isin(users, view.events.users) & np.isin(products, candidates)
        owned = view.events.users.astype(np.int64) * n + view.events.products
        pairs = np.setdiff1d(users[judged] * n + products[judged], owned)
        relevant = pd.DataFrame(
            {"user_id": self.user_ids[pairs // n], "product_id": self.product_ids[pairs % n]}
        )
        returns = self.returns(k) if (self._folder / _RETURNS_FILE).is_file() else None
        return Split(at, end, self.product_ids[candidates], relevant, returns)

    def splits(self) -> list[Split]:
        """Return all published splits, in order of time."""
        return [self.split(k) for k in self.split_index.index]

    def exact_buys(self) -> pd.DataFrame:
        """Return the buys of 2018 and the first half of 2019, repeats included, known to the day.

        Returns:
            user_id, product_id, timestamp; one row per buy.
        """
        buys = self._read("buys_2018_2019H1_exact.csv.xz", _EXACT).rename(columns=_EXACT)
        return buys.assign(timestamp=pd.to_datetime(buys["timestamp"]))

    def returns(self, k: int) -> pd.DataFrame:
        """Return the assets' realised returns over a split's test window, per month.

        Returns:
            product_id, monthly_return (a share: 0.01 is 1 %, compounded to 30 days).
        """
        returns = self._returns[self._returns["split_index"] == k].drop(columns="split_index")
        return returns.rename(columns=_RETURNS).reset_index(drop=True)

    @cached_property
    def _returns(self) -> pd.DataFrame:
        return self._read(_RETURNS_FILE, _RETURNS)

    @cached_property
    def _eligible(self) -> pd.DataFrame:
        rows = self._read("split_eligible_assets.csv.xz", ("split", "ISIN"))
        return rows.assign(product=self.product_versions.ids.codes(rows["ISIN"].to_numpy(object)))

    @cached_property
    def _test(self) -> pd.DataFrame:
        rows = self._read("split_test_interactions.csv.xz", ("split", "customerID", "ISIN"))
        return rows.assign(
            user=self.user_versions.ids.codes(rows["customerID"].to_numpy(object)),
            product=self.product_versions.ids.codes(rows["ISIN"].to_numpy(object)),
        )


_CUSTOMER = {
    "customerID": "user_id",
    "timestamp": "user_timestamp",
    "customerType": "customer_type",
    "riskLevel": "risk_level",
    "investmentCapacity": "investment_capacity",
    "lastQuestionnaireDate": "questionnaire_date",
}
_ASSET = {
    "ISIN": "product_id",
    "timestamp": "product_timestamp",
    "assetName": "name",
    "assetCategory": "category",
    "assetSubCategory": "sub_category",
    "marketID": "market",
    "sector": "sector",
    "industry": "industry",
}
_BUYS = {
    "customerID": "user_id",
    "ISIN": "product_id",
    "first_buy_latest": "timestamp",
    "exact_date": "exact_date",
}
_EXACT = {"customerID": "user_id", "ISIN": "product_id", "date": "timestamp"}
_RETURNS_FILE = "asset_monthly_returns_by_split.csv.xz"
_RETURNS = {"split_index": "split", "ISIN": "product_id", "monthly_return": "monthly_return"}


def _users(rows: pd.DataFrame) -> pd.DataFrame:
    """Part what customers stated from what a model predicted for them."""
    users = rows.rename(columns=_CUSTOMER)
    for field in ("risk_level", "investment_capacity"):
        written = users[field]
        predicted = written.str.startswith("Predicted_", na=False)
        users[field] = written.where(~predicted & (written != "Not_Available"))
        users[f"predicted_{field}"] = written.str.removeprefix("Predicted_").where(predicted)
    dates = users["questionnaire_date"]
    users["questionnaire_date"] = pd.to_datetime(dates.where(dates != _NO_QUESTIONNAIRE))
    return users.assign(user_timestamp=pd.to_datetime(users["user_timestamp"]))


def _products(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Band the assets by risk; of two rows of one day keep the fund's, and say whose they were."""
    key = ["product_id", "product_timestamp"]
    products = rows.rename(columns=_ASSET)
    twice = products.duplicated(key, keep=False)
    products = products[~twice | (products["category"] == "MTF")].reset_index(drop=True)
    doubled = sorted(set(rows.loc[twice.to_numpy(), "ISIN"]))
    products["risk_level"] = _bands(products)
    return products.assign(product_timestamp=pd.to_datetime(products["product_timestamp"])), doubled


def _bands(products: pd.DataFrame) -> NDArray[Any]:
    category, sub = products["category"], products["sub_category"]
    conservative, income, balanced, aggressive = _LEVELS
    return np.select(
        [
            ((category == "MTF") & (sub == "Money Market")) | (sub == "Government"),
            (category == "Bond") | sub.isin(["Bond", "Bonds"]),
            sub.isin(["Equity", "Large Cap"]) | (category == "Stock"),
        ],
        [conservative, income, aggressive],
        balanced,
    ).astype(object)


def _notes(doubled: list[str], buys: pd.DataFrame) -> tuple[str, ...]:
    vague = int((~buys["exact_date"].astype(bool)).sum())
    notes = [
        "Sells, amounts, channels and daily prices are not in the public snapshot: what was bought "
        "counts as owned for ever.",
        f"{vague:,} of {len(buys):,} first buys are known to a window of days: the timestamp is "
        "its end.",
    ]
    if doubled:
        notes.append(
            f"{len(doubled)} assets have two rows of one day, Stock and MTF; the MTF row is kept: "
            f"{', '.join(doubled)}."
        )
    return tuple(notes)
