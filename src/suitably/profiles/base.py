"""What builders have in common: parameters, a declared state, use alone, arrays that grow."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock, Dataset, View
from suitably.data.clock import Instant
from suitably.data.frames import write_frame
from suitably.errors import NotFittedError
from suitably.profiles.provenance import FieldInfo, Provenance
from suitably.typing import AsOf
from suitably.utils.params import Parameterized, own_params, parameter_names
from suitably.utils.pieces import Pieces

__all__ = ["ParameterizedBuilder", "padded"]

D = TypeVar("D", bound=np.generic)


class ParameterizedBuilder(Parameterized):
    """A builder that documents each of its fields, and learns what it names.

    A subclass has `described`, `accumulate`, `merge` and `finalise`; `_learn` sets its learned
    attributes, which `learned` names to be saved.

    Attributes:
        per_user: What of `beside` in its `GroupedSums` has a value per user.
        as_of_: The moment fitted as of; None in data without timestamps.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    per_user: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[Any]
    as_of_: pd.Timestamp | None

    @property
    def described(self) -> Mapping[str, FieldInfo]:
        """What it says of each field, in order."""
        raise NotImplementedError

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields it makes, in order."""
        return tuple(self.described)

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Check the parameters against the data, learn what there is to learn, remember `as_of`.

        Raises:
            DataError: The data lacks something, or has it in another type.
            ValueError: A parameter out of range.
        """
        self.check_params()
        moment = data.moment(as_of)
        self._learn(data, as_of)
        self.as_of_ = None if moment is None else data.clock.stamp(moment)
        return self

    def transform(self, data: Dataset, as_of: AsOf | None = None) -> Any:
        """Return a row per user: `user_id` and the fields, as of `as_of` or the fitted moment.

        Raises:
            NotFittedError: Called before `fit`.
        """
        if not hasattr(self, "as_of_"):
            raise NotFittedError(f"{type(self).__name__}: call fit(data, as_of) before transform")
        view = data.view(self.as_of_ if as_of is None else as_of)
        table = self.finalise(self.accumulate(view), view.as_of)
        return write_frame(table.add_column(0, "user_id", view.users.ids.array), data.kind)

    def provenance(self, field: str) -> Provenance:
        """Return how a field came about, with unit, sources, moment and expiry beside it.

        Raises:
            ValueError: Not one of the fields.
        """
        info = self.described.get(field)
        if info is None:
            name = type(self).__name__
            raise ValueError(f"field={field!r}: {name} makes {', '.join(self.fields)}")
        return Provenance.of(info, getattr(self, "as_of_", None))

    def state(self) -> dict[str, Any]:
        """Return the parameters and, once fitted, what was learned: arrays, numbers and text."""
        state = dict(own_params(self))
        if hasattr(self, "as_of_"):
            state |= {name: getattr(self, name) for name in self.learned}
            state["as_of_"] = _written(self.as_of_)
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it of what `state` gave.

        Raises:
            ValueError: The parts do not fit each other.
        """
        made = cls(**{name: state[name] for name in parameter_names(cls)})
        if "as_of_" in state:
            for name in cls.learned:
                setattr(made, name, state[name])
            made.as_of_ = _read(state["as_of_"])
        return made

    def check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""

    def accumulate(self, view: View) -> Any:
        """Take in what a view shows; see `Builder`."""
        raise NotImplementedError

    def of_users(self, state: Any, kept: NDArray[np.bool_]) -> Any:
        """Return a state of some users alone; renumbered: bool (users,)."""
        return state.of_users(kept, self.per_user) if self.per_user else state.of_users(kept)

    def joined(
        self, parts: Sequence[Mapping[str, NDArray[Any]]]
    ) -> dict[str, NDArray[Any] | Pieces]:
        """Join the states of groups of users, one after the other.

        Args:
            parts: The arrays of each; the groups share nobody, and come in the order of users.

        Returns:
            The arrays of the state of all of them, the long ones in pieces.
        """
        joined: dict[str, NDArray[Any] | Pieces] = (
            self.state_type.joined(parts, self.per_user)
            if self.per_user
            else self.state_type.joined(parts)
        )
        return joined

    def finalise(self, state: Any, as_of: Instant | None) -> pa.Table:
        """Return the fields as of a moment; see `Builder`."""
        raise NotImplementedError

    def _learn(self, data: Dataset, as_of: Any) -> None:
        """Check that the data has what is read, and set the attributes that `learned` names."""


def padded(array: NDArray[D], users: int, fill: Any) -> NDArray[D]:
    """Copy an array per user and fill it up at the end: (users,)."""
    out = np.full(users, fill, array.dtype)
    out[: len(array)] = array
    return out


def _written(moment: pd.Timestamp | None) -> list[str | None]:
    """Write a moment as text: the instant, and the time zone it is shown in."""
    if moment is None or moment.tz is None:
        return [None if moment is None else moment.isoformat(), None]
    instant = moment.tz_convert("UTC").tz_localize(None).isoformat()
    return [instant, str(moment.tz).removeprefix("UTC") or "UTC"]


def _read(written: list[str | None]) -> pd.Timestamp | None:
    instant, zone = written
    return None if instant is None else Clock(zone).stamp(np.datetime64(instant, "us"))
