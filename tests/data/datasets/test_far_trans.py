"""FAR-Trans on a copy of its layout small enough to work out by hand."""

import json
import lzma

import numpy as np
import pandas as pd
import pytest

from suitably.data.datasets.far_trans import far_trans
from suitably.errors import DataError

CUSTOMERS = """customerID,customerType,riskLevel,investmentCapacity,lastQuestionnaireDate,timestamp
A,Mass,Income,CAP_LT30K,2019-03-01,2018-01-02
A,Premium,Income,CAP_30K_80K,2021-03-01,2020-05-01
B,Mass,Predicted_Balanced,Predicted_CAP_LT30K,2000-01-01,2018-01-02
C,Mass,Not_Available,Not_Available,2000-01-01,2019-08-01
"""
ASSETS = """ISIN,assetName,assetShortName,assetCategory,assetSubCategory,marketID,sector,industry,\
timestamp
mm,a,a,MTF,Money Market,M,,,2018-01-02
gov,a,a,Bond,Government,M,,,2018-01-02
corp,a,a,Bond,Corporate,M,,,2018-01-02
bonds,a,a,MTF,Bonds,M,,,2018-01-02
bal,a,a,MTF,Balanced,M,,,2018-01-02
eq,a,a,MTF,Equity,M,,,2018-01-02
twice,a,a,Stock,,M,,,2018-01-02
twice,a,a,MTF,Other,M,,,2018-01-02
stock,a,a,Stock,,M,,,2018-01-02
large,a,a,Stock,Large Cap,M,,,2018-01-02
struct,a,a,MTF,Structured,M,,,2018-01-02
"""
BUYS = """customerID,ISIN,first_buy_earliest,first_buy_latest,exact_date
A,mm,2018-02-01,2018-02-01,True
A,eq,2019-07-20,2019-08-01,False
B,mm,2018-03-01,2018-03-01,True
B,gov,2018-03-01,2018-03-09,False
C,stock,2019-09-01,2019-09-01,True
"""
ELIGIBLE = "split,ISIN\n0,mm\n0,gov\n0,eq\n"
# A: gov is new, mm owned, eq not bought by anyone before the cut; B has both; C never bought.
TEST = "split,customerID,ISIN\n0,A,gov\n0,A,gov\n0,A,mm\n0,A,eq\n0,B,gov\n0,C,mm\n"
FILES = {
    "customer_information.csv.xz": CUSTOMERS,
    "asset_information.csv": ASSETS,
    "buys_first_reconstructed.csv.xz": BUYS,
    "split_eligible_assets.csv.xz": ELIGIBLE,
    "split_test_interactions.csv.xz": TEST,
    "buys_2018_2019H1_exact.csv.xz": "customerID,ISIN,date\nA,mm,2018-02-01\nA,mm,2018-05-01\n",
    "asset_monthly_returns_by_split.csv.xz": (
        "split_index,time_point,test_end,ISIN,monthly_return\n0,x,y,mm,0.01\n1,x,y,mm,0.02\n"
    ),
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        content = text.encode()
        (tmp_path / name).write_bytes(lzma.compress(content) if name.endswith("xz") else content)
    split = {"split_index": 0, "time_point": "2019-08-01", "test_end": "2020-01-14"}
    (tmp_path / "split_index.json").write_text(json.dumps([split]))
    return tmp_path


def test_stated_and_predicted_levels_are_kept_apart(folder):
    users = far_trans(folder).users
    assert users["risk_level"].fillna("-").tolist() == ["Income", "Income", "-", "-"]
    assert users["predicted_risk_level"].fillna("-").tolist() == ["-", "-", "Balanced", "-"]
    assert users["predicted_investment_capacity"].fillna("-").tolist() == [
        "-",
        "-",
        "CAP_LT30K",
        "-",
    ]
    assert users["investment_capacity"].notna().tolist() == [True, True, False, False]
    assert users["questionnaire_date"].isna().tolist() == [False, False, True, True]


def test_a_row_is_visible_only_after_its_timestamp(folder):
    data = far_trans(folder)
    fields = data.view("2019-08-01").user_fields.to_pydict()
    assert fields["customer_type"] == ["Mass", "Mass", None]
    assert data.view("2021-01-01").user_fields["customer_type"].to_pylist()[0] == "Premium"


def test_assets_are_banded_and_the_fund_row_of_two_is_kept(folder):
    data = far_trans(folder)
    bands = dict(zip(data.product_ids, data.products["risk_level"], strict=True))
    assert bands == {
        "mm": "Conservative", "gov": "Conservative",
        "corp": "Income", "bonds": "Income",
        "bal": "Balanced", "struct": "Balanced", "twice": "Balanced",
        "eq": "Aggressive", "stock": "Aggressive", "large": "Aggressive",
    }  # fmt: skip
    assert any("twice" in note and "MTF" in note for note in data.notes)
    assert any("2 of 5 first buys" in note for note in data.notes)


def test_a_buy_counts_from_the_end_of_its_window(folder):
    events = far_trans(folder).view("2019-08-01").events
    assert len(events) == 3  # A's eq may have been bought on the day of the cut


def test_the_split_follows_the_published_protocol(folder):
    split = far_trans(folder).split(0)
    assert split.at == pd.Timestamp("2019-08-01")
    assert split.end == pd.Timestamp("2020-01-14")
    assert split.at.tzinfo is None
    assert split.candidates.tolist() == ["mm", "gov"]
    assert split.relevant.to_dict("list") == {"user_id": ["A"], "product_id": ["gov"]}
    assert len(far_trans(folder).splits()) == 1
    assert far_trans(folder).split(np.int64(0)).end == split.end


@pytest.mark.parametrize("k", [1, -1, "0", 0.0, None, True])
def test_an_unknown_split_is_refused(folder, k):
    with pytest.raises(ValueError, match="must be a split from 0 to 0"):
        far_trans(folder).split(k)


def test_exact_buys_keep_repeats_and_returns_are_of_one_split(folder):
    data = far_trans(folder)
    buys = data.exact_buys()
    assert list(buys.columns) == ["user_id", "product_id", "timestamp"]
    assert buys["timestamp"].tolist() == [pd.Timestamp("2018-02-01"), pd.Timestamp("2018-05-01")]
    assert data.returns(0).to_dict("list") == {"product_id": ["mm"], "monthly_return": [0.01]}


@pytest.mark.parametrize("name", ["customer_information.csv.xz", "asset_information.csv"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        far_trans(folder)


def test_a_missing_file_of_splits_is_refused_when_a_split_is_asked(folder):
    (folder / "split_index.json").unlink()
    data = far_trans(folder)
    with pytest.raises(DataError, match="split_index"):
        data.split(0)


def test_a_damaged_index_is_refused(folder):
    (folder / "split_index.json").write_text('[{"split_index": 0}]')
    with pytest.raises(DataError, match="cannot be read"):
        far_trans(folder).split(0)


def test_a_buyer_without_a_row_is_refused_and_not_lost(folder):
    buys = BUYS + "D,mm,2018-02-01,2018-02-01,True\n"
    (folder / "buys_first_reconstructed.csv.xz").write_bytes(lzma.compress(buys.encode()))
    with pytest.raises(DataError, match="not in the users frame"):
        far_trans(folder)
