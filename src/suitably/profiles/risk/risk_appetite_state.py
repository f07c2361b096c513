"""What is kept of risk appetite: statements, and what is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.risk.statements import Statement

__all__ = ["RiskAppetiteState"]


@dataclass(frozen=True)
class RiskAppetiteState:
    """What is kept per user.

    Attributes:
        said: What is stated, by `level`, `capacity`, `knowledge` and `predicted`.
        held: What is held, as `Holdings` keeps it; None where it is not asked.
    """

    said: dict[str, Statement]
    held: GroupedSums | None = None

    def __len__(self) -> int:
        return len(self.said["level"])

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users alone: bool (users,)."""
        said = {part: one.of_users(kept) for part, one in self.said.items()}
        return type(self)(said, None if self.held is None else self.held.of_users(kept))

    def repeated(self, row: int, times: int) -> Self:
        """Return one user, several times over."""
        said = {part: one.repeated(row, times) for part, one in self.said.items()}
        return type(self)(said, None if self.held is None else self.held.repeated(row, times))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        parts: dict[str, Any] = {**self.said} | ({} if self.held is None else {"held": self.held})
        return {
            f"{part}/{name}": array
            for part, whole in parts.items()
            for name, array in whole.to_arrays().items()
        }

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
        """Join the arrays of the states of groups of users, one after the other."""
        made: dict[str, Any] = {}
        for what in dict.fromkeys(name.partition("/")[0] for name in parts[0]):
            start = len(what) + 1
            own = [
                {n[start:]: array for n, array in part.items() if n.startswith(f"{what}/")}
                for part in parts
            ]
            joint = GroupedSums.joined(own) if what == "held" else Statement.joined(own)
            made |= {f"{what}/{name}": array for name, array in joint.items()}
        return made

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        parts: dict[str, dict[str, Any]] = {}
        for name, array in arrays.items():
            part, _, own = name.partition("/")
            parts.setdefault(part, {})[own] = array
        held = parts.pop("held", None)
        said = {part: Statement.from_arrays(own) for part, own in parts.items()}
        return cls(said, None if held is None else GroupedSums.from_arrays(held))
