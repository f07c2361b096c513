"""Windows of a blend: how many, of how much, judged by whom, by counts alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.ranking import FitContext
from suitably.ranking.blending import windows as module
from suitably.ranking.blending.weights import CELLS
from suitably.ranking.blending.windows import Windows, has_many_products


def context(dated: bool = True) -> FitContext:
    """Sixty users buy 8 of 50 products each, over 400 days."""
    rng = np.random.default_rng(0)
    log = pd.DataFrame({"user_id": np.repeat(np.arange(60), 8)})
    log["product_id"] = np.concatenate([rng.permutation(50)[:8] for _ in range(60)])
    if dated:
        days = pd.to_timedelta(rng.integers(0, 400, len(log)), unit="D")
        log["timestamp"] = pd.Timestamp("2023-01-01") + days
    view = suitably.Dataset(None, None, log).view()
    eligibility: Any = None
    return FitContext(view, view.user_fields.select([]), eligibility, view.as_of, 0)


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize(
    ("rule", "given", "dated_windows", "hidden"),
    [
        (((100, 6), (200, 2)), None, 6, 3),
        (((20, 6), (100, 2)), None, 2, 2),
        (((20, 6), (40, 2), (100, 4)), None, 4, 3),
        (((20, 6), (100, 2)), 5, 5, 3),
    ],
)
def test_fewer_windows_of_more_products(
    rule: Any,
    given: int | None,
    dated_windows: int,
    hidden: int,
    dated: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_FEW_PRODUCTS", rule[0][0])
    monkeypatch.setattr(module, "_WINDOWS", rule)
    windows, asked = Windows(given, 60, 1), context(dated)
    wanted = dated_windows if dated else hidden
    found = windows.splits(asked)
    assert len(found) == wanted
    # Of many products they learn together from no more than there is.
    learned = [len(np.unique(one.past.data.events.users)) for one in found]
    if has_many_products(asked):
        assert max(learned) <= round(60 / wanted)
        assert windows.cells(asked) == min(CELLS, 28 * dated_windows * 50)
    else:
        assert max(learned) > 50
        assert windows.cells(asked) == CELLS
