"""An eligibility and the slow evaluator must agree: on masks, verdicts and counts."""

from datetime import datetime
from typing import Any

import numpy as np

import suitably as st
from suitably.data.columns import Columns
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.frames import evaluate_frames
from support.oracle import judge
from support.random_policies import Case

__all__ = ["MOMENTS", "assert_as_judged", "evaluated", "instant"]

MOMENTS = [datetime(2023, 3, 1), datetime(2024, 2, 29, 10), datetime(2025, 7, 1), None]

FIGURES = ("failed", "unknown", "only", "flagged")
FLAGS = {False: "fail", True: "unknown"}


def evaluated(case: Case) -> Eligibility:
    policies = [st.Policy.from_toml(text) for text in case.texts]
    return evaluate_frames(policies, case.users_frame, case.products_frame, case.as_of, Columns())


def assert_as_judged(found: Eligibility, case: Case, as_of: datetime | None) -> None:
    """Compare every pair with the slow evaluator, on the rows that were visible at first."""
    users, products = case.visible("user"), case.visible("product")
    mask = found.mask()
    totals: dict[str, list[int]] = {}
    for row, user in enumerate(found.user_ids):
        for some in (range(0, mask.shape[1], 2), range(mask.shape[1])[::-1]):
            assert found.pass_by_sentences(row, some).tolist() == mask[row, some].tolist()
        for column, product in enumerate(found.product_ids):
            expected = judge(case.policies, users[user], products[product], as_of)
            said = [(v.rule, v.verdict) for v in found.verdicts(user, product)]
            assert said == expected.verdicts, (as_of, users[user], products[product])
            assert mask[row, column] == all(verdict == "pass" for _, verdict in said)
            flags = [(v.rule, FLAGS[v.unknown]) for v in found.verdicts(user, product) if v.flag]
            assert flags == expected.flags, (as_of, users[user], products[product])
            for name in {name for name, _ in flags}:
                totals.setdefault(name, [0, 0, 0, 0])[3] += 1
            kept_out = {name for name, verdict in said if verdict != "pass"}
            failed = {name for name, verdict in said if verdict == "fail"}
            for name in kept_out:
                figures = totals.setdefault(name, [0, 0, 0, 0])
                figures[name not in failed] += 1
                figures[2] += kept_out == {name}
    counted = found.counts()
    rows = counted.to_pylist() if hasattr(counted, "to_pylist") else _rows(counted)
    got = {row["rule"]: [row[figure] for figure in FIGURES] for row in rows}
    assert {name: figures for name, figures in got.items() if any(figures)} == totals


def _rows(frame: Any) -> list[dict[str, Any]]:
    return frame.to_dicts() if hasattr(frame, "to_dicts") else frame.to_dict("records")


def instant(moment: datetime | None) -> Any:
    return None if moment is None else np.datetime64(moment, "us")
