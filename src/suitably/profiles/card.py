"""A card of one user's profile: grouped, rounded, with units, dates and origins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from suitably.data import Dataset, View
from suitably.data.arrow_columns import plain_value
from suitably.errors import DataError
from suitably.profiles.compose import field_table, fit_missing
from suitably.profiles.shown import shown_value
from suitably.report.components import Paragraph, Table
from suitably.report.page import Block
from suitably.typing import AsOf, IdLike
from suitably.utils.html import box, table
from suitably.utils.masking import masked
from suitably.utils.pseudonym import pseudonym

__all__ = ["ProfileCard", "card", "card_groups"]

_COLUMNS = ("field", "value", "how it came about", "counts until")


@dataclass(frozen=True, repr=False)
class ProfileCard:
    """One user's profile for a person to read, under a pseudonym.

    Only what builders make is on it, none of the columns of the users frame: no name, address or
    date of birth.

    Attributes:
        pseudonym: Stands for the user.
        as_of: The moment, as text; empty in data without timestamps.
        groups: By builder: the fields, each as name, value, origin and expiry.

    Example:
        >>> ProfileCard("5ffb9dd2", "2024-03-01", {"Tier": [("tier", "gold", "derived", "")]})
        ProfileCard(5ffb9dd2, 1 field)
    """

    pseudonym: str
    as_of: str
    groups: Mapping[str, Sequence[tuple[str, str, str, str]]]

    @property
    def title(self) -> str:
        """Whose card it is, and as of when."""
        return f"Customer {self.pseudonym}" + (f", as of {self.as_of}" if self.as_of else "")

    def sections(self, title: str) -> Sequence[tuple[str, Sequence[Block]]]:
        """Return a section per builder, for `Report.add_result`."""
        note = Paragraph(f"{self.title}; the name is a pseudonym.")
        tables = [(name, [Table(_COLUMNS, rows)]) for name, rows in self.groups.items()]
        return [(title, [note]), *tables]

    def __repr__(self) -> str:
        count = sum(map(len, self.groups.values()))
        return f"ProfileCard({self.pseudonym}, {count} field{'s' * (count != 1)})"

    def _repr_html_(self) -> str:
        tables = [table(_COLUMNS, rows, name) for name, rows in self.groups.items()]
        return box(self.title, *tables)


def card(
    builders: Sequence[Any], data: Dataset, user_id: IdLike, as_of: AsOf | None = None
) -> ProfileCard:
    """Return the card of one user.

    Args:
        builders: They are fitted here unless they have been.
        data: The data.
        user_id: The user.
        as_of: The moment; default: just after the latest timestamp.

    Raises:
        DataError: No such user.

    Example:
        >>> import pyarrow as pa
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> log = pa.table({"user_id": ["ann", "ann"], "product_id": ["a", "b"],
        ...                 "timestamp": ["2024-01-01", "2024-01-31"], "value": [70.0, 30.5]})
        >>> found = card([RecencyFrequencyValue()], Dataset(None, None, log), "ann", "2024-03-01")
        >>> found.groups["RecencyFrequencyValue"][2]
        ('monetary', '100', 'observed: interactions.value', '')
    """
    fit_missing(builders, data, as_of)
    view = data.view(as_of)
    row = _place(view, user_id)
    fields = field_table(builders, _only(view, row)).slice(row, 1)
    values = {
        name: plain_value(fields[name][0].as_py(), fields[name].type)
        for name in fields.column_names
    }
    groups = card_groups(builders, values)
    moment = "" if view.as_of is None else str(view.clock.stamp(view.as_of).date())
    return ProfileCard(pseudonym(user_id), moment, groups)


def card_groups(
    builders: Sequence[Any], values: Mapping[str, Any]
) -> Mapping[str, Sequence[tuple[str, str, str, str]]]:
    """Return what a card says of fields that are worked out already, such as `Trace.profile`.

    Args:
        builders: Fitted, as in `pipeline.profiles`.
        values: By field, maps as dictionaries.
    """
    return {
        type(builder).__name__: [
            _line(name, values.get(name), builder.provenance(name)) for name in builder.fields
        ]
        for builder in builders
    }


def _line(name: str, value: Any, how: str) -> tuple[str, str, str, str]:
    """Return what the card says of a field; a builder of one's own may say the origin alone."""
    sources = ", ".join(getattr(how, "sources", ()))
    origin = f"{how}: {sources}" if sources else str(how)
    unit, expires = getattr(how, "unit", ""), getattr(how, "expires", "")
    shown = shown_value(masked(name, value), unit)
    return name.replace("_", " "), shown, origin, expires


def _place(view: View, user_id: IdLike) -> int:
    codes = view.users.ids.codes(view.users.ids.read([user_id], "user_id"))
    if codes[0] < 0:
        raise DataError(f"user_id={user_id!r}: no such user")
    return int(codes[0])


def _only(view: View, row: int) -> View:
    """Return what a view shows of one user: nobody else's events are worked on."""
    return replace(view, events=view.events.take(np.flatnonzero(view.events.users == row)))
