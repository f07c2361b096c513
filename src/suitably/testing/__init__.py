"""Does my own part keep the contract? Suites to inherit, one a kind of part; they need pytest."""

import pytest

for _name in ("ranker", "builder", "reranker", "metric", "params"):
    pytest.register_assert_rewrite(f"suitably.testing.{_name}")

from suitably.testing.builder import BuilderContract  # noqa: E402
from suitably.testing.metric import MetricContract  # noqa: E402
from suitably.testing.ranker import RankerContract  # noqa: E402
from suitably.testing.reranker import RerankerContract  # noqa: E402

__all__ = ["BuilderContract", "MetricContract", "RankerContract", "RerankerContract"]
