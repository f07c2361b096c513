"""What every test shares: profiles of effort, random order, and where the real data lies."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("default"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Chosen here once, since the workers of pytest-xdist take over the environment and must agree.
if os.environ.get("SUITABLY_TEST_ORDER") == "random":
    os.environ["SUITABLY_TEST_ORDER"] = str(random.SystemRandom().randrange(10**6))
ORDER = os.environ.get("SUITABLY_TEST_ORDER")


def pytest_report_header() -> str | None:
    return f"random order: SUITABLY_TEST_ORDER={ORDER}" if ORDER else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make our warnings errors; shuffle files, and tests within a file, if an order is asked for.

    SUITABLY_TEST_ORDER is "random" or a seed.
    """
    for item in items:
        strict = pytest.mark.filterwarnings("error::suitably.SuitabilityWarning")
        item.add_marker(strict, append=False)  # so that a test of its own mind has the last word
    if not ORDER:
        return
    draw = random.Random(ORDER)
    place = {path: draw.random() for path in dict.fromkeys(item.path for item in items)}
    draw.shuffle(items)
    items.sort(key=lambda item: place[item.path])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; in CI it must be there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SUITABLY_DATA", beside))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"no real data at {folder}: set SUITABLY_DATA")
        pytest.skip(f"no real data at {folder}: set SUITABLY_DATA")
    return folder
