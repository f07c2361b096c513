"""How probabilities of purchase do on real customers, in a quarter after the fit."""

from pathlib import Path

import suitably as st
from suitably.decisions import Propensity


def test_the_shape_holds_where_the_level_does_not(shared_data: Path) -> None:
    """Twice as much was bought in this quarter as the windows before it foretold.

    What is likelier than what is another matter. Each bin holds more than
    a hundred purchases, so that noise alone moves a ratio by less than .4 in all but one of 10,000.
    """
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE())
    data = st.data.far_trans(shared_data / "far_trans")
    found = Propensity(pipeline, windows=3).fit(data, "2020-11-29").calibration(data)
    assert found.observed > 3_000
    assert 1.0 < found.ratio < 3.0
    assert 0.8 < found.slope < 1.25
    for one in found.bins:
        assert one.expected > 100
        assert 0.6 < one.ratio / found.ratio < 1.5
