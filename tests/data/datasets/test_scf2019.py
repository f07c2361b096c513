import pandas as pd
import pytest

from suitably.data.datasets.scf2019 import _PRODUCTS, scf2019
from suitably.errors import DataError


@pytest.fixture
def rows():
    base = {variable: 0 for _, variable, _ in _PRODUCTS}
    base |= {"WGT": 10.0, "AGE": 40, "KIDS": 1, "INCOME": 5e4, "NETWORTH": 1e5, "FIN": 2e4}
    base |= {"DEBT": 0.0, "FINLIT": 3, "KNOWL": 7, "NOFINRISK": 0, "YESFINRISK": 0}
    return [
        base | {"YY1": 1, "Y1": 11, "STMUTF": 500, "CHECKING": 20, "MMMF": 5, "KNOWL": -1},
        base | {"YY1": 1, "Y1": 12, "STMUTF": 0},
        base | {"YY1": 2, "Y1": 21, "NOFINRISK": 1, "CCBAL": 70},
        base | {"YY1": 2, "Y1": 22, "NOFINRISK": 1},
        base | {"YY1": 3, "Y1": 31, "YESFINRISK": 1},
    ]


def save(folder, rows):
    pd.DataFrame(rows).to_csv(folder / "scf2019_profiles_products.csv.xz", index=False)


def test_households_are_those_of_the_first_implicate(tmp_path, rows):
    save(tmp_path, rows)
    data = scf2019(tmp_path)
    assert data.user_ids.tolist() == [1, 2, 3]
    assert data.users["risk_level"].tolist() == ["moderate", "none", "high"]
    assert data.users["knowledge_level"].tolist() == [0, 7, 7]
    assert data.users["liquid_assets"].tolist() == [25, 0, 0]
    assert data.users["annual_income"].tolist() == [5e4] * 3


def test_holdings_are_interactions_with_their_amount_and_no_date(tmp_path, rows):
    save(tmp_path, rows)
    data = scf2019(tmp_path)
    held = data.interactions
    assert list(zip(held["user_id"], held["product_id"], held["value"], strict=True)) == [
        (1, "checking", 20.0),
        (1, "money_market_fund", 5.0),
        (1, "stock_fund", 500.0),
        (2, "credit_card_balance", 70.0),
    ]
    assert len(data.product_ids) == 31
    assert set(data.products["category"]) >= {"fund", "deposit", "loan", "insurance"}
    with pytest.raises(DataError, match="no timestamps"):
        data.view("2020-01-01")


def test_all_implicates_stay_available(tmp_path, rows):
    save(tmp_path, rows)
    implicates = scf2019(tmp_path).implicates
    assert implicates["implicate"].tolist() == [1, 2, 1, 2, 1]
    assert implicates["stock_fund"].tolist() == [500, 0, 0, 0, 0]
    assert implicates["weight"].sum() == 50.0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"scf2019_profiles_products.*federalreserve"):
        scf2019(tmp_path)


def test_a_missing_column_is_named(tmp_path, rows):
    save(tmp_path, [{k: v for k, v in row.items() if k != "STMUTF"} for row in rows])
    with pytest.raises(DataError, match="STMUTF"):
        scf2019(tmp_path)
