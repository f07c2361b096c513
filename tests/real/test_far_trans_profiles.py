"""The page about a bank's customers says what the profiles say."""

import sys
from pathlib import Path

import pytest

import suitably as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.far_trans_profiles import page, profiles

PAGE = Path(__file__).parents[2] / "docs" / "far_trans_profiles.md"


@pytest.fixture(scope="module")
def found(shared_data):
    return profiles(st.data.far_trans(shared_data))


def test_the_page_of_the_docs(found):
    written = PAGE.read_text(encoding="utf-8")
    for table in page(found).split("\n\n"):
        assert table in written


def test_everybody_is_there_and_predictions_stand_apart(found):
    assert found.users == 29_090
    origins = {name: origin for name, origin, *_ in found.summary}
    assert origins["predicted_risk_level"] == origins["p_churn"] == "imputed"
    assert not any("Predicted" in str(value) for _, value, *_ in found.values)
