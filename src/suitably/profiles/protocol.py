"""What a builder of profiles is: any class with these methods, without a base and unregistered."""

from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.typing import AsOf

__all__ = ["Builder", "BuilderState"]


class BuilderState(Protocol):
    """What a builder keeps about every user: a frozen record of arrays, users along their axis.

    Example:
        >>> import pandas as pd
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> log = pd.DataFrame({"user_id": ["ann", "bob", "ann"], "product_id": ["a", "a", "b"]})
        >>> state = RecencyFrequencyValue().accumulate(Dataset(None, None, log).view())
        >>> len(state), state.to_arrays()["frequency"]
        (2, array([2, 1]))
    """

    def __len__(self) -> int:
        """Number of users."""
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays that can be written without pickle."""
        ...

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave; the arrays may be read-only."""
        ...


S = TypeVar("S", bound=BuilderState)


@runtime_checkable
class Builder(Protocol[S]):
    """Makes fields of users' profiles, by way of a state that grows.

    A rebuild is `finalise(accumulate(view), as_of)`; an update accumulates only what is new and
    merges it into the state held. Both give the same fields.

    What the builder learns of the data as a whole, such as the limits of quantiles, is learned at
    `fit` alone and is its own `state()`; what it keeps of each user is the accumulated state.

    To let a pipeline forget a user, it also has `of_users(state, kept) -> state`: the state as if
    only users of which bool (users,) is true had ever been there, renumbered, without a trace of
    the others, no text of theirs either.

    Example:
        >>> from suitably.profiles import RiskAppetite
        >>> builder = RiskAppetite(valid_months=24)
        >>> isinstance(builder, Builder), builder.fields, builder.provenance("risk_level")
        (True, ('risk_level', 'risk_review'), 'stated')
        >>> RiskAppetite.from_state(builder.state())
        RiskAppetite(valid_months=24)
    """

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields it makes, in order."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame it reads: only these may its fields replace."""
        ...

    @property
    def state_type(self) -> type[S]:
        """The class of its state, for loading."""
        ...

    def accumulate(self, view: View) -> S:
        """Take in what a view shows.

        Events may be a part of the log. The vocabulary and the users' fields are never partial:
        they are as they stand at the view's moment.
        """
        ...

    def merge(self, a: S, b: S) -> S:
        """Join a state with a later one, of disjoint events; the result owns its arrays.

        New users stand at the end of the vocabulary, so the shorter state is padded. What is read
        from users' fields is taken from `b`, which saw them last.
        """
        ...

    def finalise(self, state: S, as_of: Instant | None) -> pa.Table:
        """Return the fields, a row per user in the vocabulary's order, null where nothing is known.

        Args:
            state: As accumulated or merged.
            as_of: Not before the state's own view; later, whatever ages with time is aged. None in
                data without timestamps.
        """
        ...

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Check that the data has what the builder needs, and learn its parameters, if any."""
        ...

    def transform(self, data: Dataset, as_of: AsOf | None = None) -> Any:
        """Return a row per user: `user_id` and the fields, as the caller's kind of frame."""
        ...

    def provenance(self, field: str) -> str:
        """Tell how a field came about: an `Origin`; rules take an imputed one as missing.

        The library's own builders give a `Provenance`, which has unit and sources beside it.
        """
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what the constructor was given."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the parameters and all that was learned at the fit: arrays, numbers and text.

        A save writes this and nothing else; an attribute that is not in it is refused by name.
        """
        ...

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it of what `state` gave; arrays may be read-only, tuples come back as lists."""
        ...
