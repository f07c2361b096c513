"""A small bank: two years of purchases, two risk levels, and rankers that rank as told."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from suitably.data import Dataset
from suitably.evaluation import ABTest, TimeSplit
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking.protocol import Scores
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)
RISK = """
[policy]
id = "risk"
version = "1"
[scales]
level = ["low", "high"]
[fields]
"user.risk_level" = "level"
"product.risk_level" = "level"
[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"
"""


@dataclass
class AsTold:
    """Rank products by given scores, for all users or for each; remember every fit."""

    scores: dict
    fits: list = field(default_factory=list)

    def fit(self, context):
        self.products = context.data.product_ids
        self.fits.append(context.as_of)
        return self

    def scorer(self, user_ids):
        rows = [self.scores.get(user, self.scores) for user in user_ids]
        block = np.array([[row.get(p, 0.0) for p in self.products] for row in rows])
        return Scores(block.reshape(len(rows), len(self.products)).astype(np.float32))

    def can_score(self, user_ids):
        return np.ones(len(user_ids), bool)


@dataclass
class Bank:
    """What the tests of A/B evaluation share."""

    data: Dataset
    policy: Policy
    bought: dict

    def pipeline(self, scores, policy=None, **more):
        return Pipeline(
            profiles=[],
            policy=self.policy if policy is None else policy,
            ranker=AsTold(scores),
            **more,
        )

    def good(self, policy=None):
        """Rank first what each user will buy."""
        return self.pipeline(
            {user: {product: 2.0} for user, product in self.bought.items()}, policy
        )

    def run(self, control, treatment, split=SPLIT, **more):
        """Compare two pipelines on this bank."""
        return ABTest(control, treatment, **more).run(self.data, split=split)

    @staticmethod
    def row(result, metric, segment="all"):
        """Find one row of a result."""
        frame = result.to_frame()
        return frame[(frame["metric"] == metric) & (frame["segment"] == segment)].iloc[0]

    def poor(self, policy=None):
        """Rank first what nobody will buy."""
        return self.pipeline({"p9": 2.0, "p8": 1.5, "p7": 1.0}, policy)


@pytest.fixture
def bank():
    """Forty users, ten products (p5 to p9 risky); user n buys p(n mod 4) in 2021."""
    users = [f"u{n:02}" for n in range(40)]
    bought = {user: f"p{n % 4}" for n, user in enumerate(users)}
    log = pd.DataFrame(
        [(user, "p4", "2020-06-01") for user in users]
        + [(user, product, "2021-02-01") for user, product in bought.items()]
        + [("u00", "p4", "2021-07-01")],  # so that the window is over: it is owned already
        columns=["user_id", "product_id", "timestamp"],
    )
    data = Dataset(
        pd.DataFrame(
            {
                "user_id": users,
                "risk_level": ["high", "low"] * 20,
                "segment": ["Mass"] * 30 + ["Premium"] * 10,
            }
        ),
        pd.DataFrame(
            {
                "product_id": [f"p{n}" for n in range(10)],
                "risk_level": ["low"] * 5 + ["high"] * 5,
            }
        ),
        log,
    )
    return Bank(data, Policy.from_toml(RISK), bought)
