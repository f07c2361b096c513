"""What every test shares: profiles of effort, and where the real data lies."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("default"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


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
