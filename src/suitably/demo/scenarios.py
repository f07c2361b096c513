"""The two banks of the demonstration: a simulated one, and a real one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from suitably.data import Dataset, Split, far_trans, simulate_bank
from suitably.evaluation import TimeSplit
from suitably.suitability.policy import Policy

__all__ = ["Scenario", "real_bank", "simulated_bank"]

SPLIT = 40


@dataclass(frozen=True)
class Scenario:
    """A bank, a cut in time and the rules.

    Attributes:
        title: What is shown.
        source: Where the data comes from.
        data: The bank's log.
        split: Where it is cut.
        policies: The rules.
        stricter: The same with an expiry, shown apart; None where the rules have one already.
    """

    title: str
    source: str
    data: Dataset
    split: Split
    policies: Sequence[Policy]
    stricter: Sequence[Policy] | None


def simulated_bank() -> Scenario:
    """Make the bank that ships as code: 10,000 customers, 300 products, four years."""
    data = simulate_bank(users=10_000, products=300, seed=0)
    return Scenario(
        title="A simulated bank",
        source="simulated, seed 0; preferences, questionnaires and purchases from a known model",
        data=data,
        split=TimeSplit(at="2024-07-01", horizon_days=180).on(data),
        policies=[Policy.load("cn-csrc-amac"), _own("house-rules")],
        stricter=None,
    )


def real_bank(path: Path) -> Scenario:
    """Read FAR-Trans and cut it where the published split 40 does, on 2020-12-18."""
    data = far_trans(path)
    policy = Policy.load("far-trans")
    return Scenario(
        title="A bank's real customers (FAR-Trans)",
        source="Sanz-Cruzado, Droukas and McCreadie, FAR-Trans, 2024 (CC-BY 4.0)",
        data=data,
        split=data.split(SPLIT),
        policies=[policy],
        stricter=[policy, _own("twelve-months")],
    )


def _own(name: str) -> Policy:
    file = resources.files("suitably.demo") / f"{name}.toml"
    return Policy.from_toml(file.read_text(encoding="utf-8"))
