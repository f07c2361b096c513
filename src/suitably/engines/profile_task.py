"""What travels to whoever makes the profiles of some users: fitted builders and small tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suitably.data import Columns, Dataset
from suitably.engines.guests import Guests, among, unnamed
from suitably.errors import DataError
from suitably.profiles.compose import field_table
from suitably.typing import AsOf
from suitably.utils.state import from_state, state_of

__all__ = ["ProfileTask"]


@dataclass(frozen=True)
class ProfileTask:
    """Profiles of the users of one part, the same as if all were there.

    No field of a builder's depends on other users but through what it learned at its fit and what
    is true of the whole log: which kinds of event and which currencies there are, and whether it
    has times of day. Witnesses are events that tell each part so.

    Attributes:
        builders: Class and state of each fitted builder.
        products: The products frame, whole; None without one.
        as_of: The moment; None in data without timestamps.
        options: Further arguments of `Dataset`, such as `columns` and `owned_events`.
        witnesses: User rows (None without a users frame) and events of these users, at least one.
            They join every part that does not have those users; what they make is left out.

    Example:
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> log = pa.table({"user_id": [1, 1, 2], "product_id": ["a", "b", "a"]})
        >>> task = ProfileTask.of([RecencyFrequencyValue()], None, None, log.slice(0, 1))
        >>> task.profiles(None, log.slice(0, 2))["frequency"].to_pylist()
        [2]
    """

    builders: tuple[tuple[type, dict[str, Any]], ...]
    products: pa.Table | None
    as_of: AsOf | None
    witnesses: tuple[pa.Table | None, pa.Table]
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        builders: Sequence[Any],
        products: pa.Table | None,
        users: pa.Table | None,
        events: pa.Table,
        as_of: AsOf | None = None,
        **options: Any,
    ) -> "ProfileTask":
        """Take builders, fitted where they learn something, and the witnesses' rows.

        Raises:
            DataError: A builder that declares no state.
        """
        states = []
        for builder in builders:
            state = state_of(builder)
            if state is None:
                raise DataError(f"{type(builder).__name__}: has no state() that could travel")
            states.append((type(builder), state))
        return cls(tuple(states), products, as_of, (users, events), options)

    @property
    def user(self) -> str:
        """The name of the column of user ids."""
        return (self.options.get("columns") or Columns()).user

    def profiles(self, users: pa.Table | None, events: pa.Table) -> pa.Table:
        """Return `user_id` and the fields of every builder for the users of a part.

        Args:
            users: All rows of its users; None where there is no users frame.
            events: All events of its users.

        Raises:
            DataError: Bad rows, or as `profiles.build`.
            NotFittedError: A builder that learns something has not been fitted.
        """
        guests = Guests(*self.witnesses, self.user)
        users, events, strange = guests.join(users, events)
        made = [from_state(kind, state) for kind, state in self.builders]
        people, products = (None if one is None else unnamed(one) for one in (users, self.products))
        data = Dataset(people, products, unnamed(events), **self.options)
        table = field_table(made, data.view(self.as_of))
        return table.filter(pc.invert(among(table["user_id"], strange)))
