"""How the caller's columns are called."""

from dataclasses import dataclass, fields

from suitably.errors import DataError

__all__ = ["Columns"]


@dataclass(frozen=True)
class Columns:
    """Names of the columns that Suitably itself reads; every other column is a field of its row.

    An optional column under its default name is used where it exists; one that the caller renamed
    must exist. `None` says that there is none, whatever the frame holds.

    Attributes:
        user: Id of the user, in the users and interactions frames.
        product: Id of the product, in the products and interactions frames.
        timestamp: When an interaction happened.
        value: Amount of an interaction, in the frame's currency.
        quantity: How many units an interaction acquired or disposed of.
        event: Kind of an interaction, such as `"buy"` or `"view"`.
        event_id: Id of an interaction, so that one delivered again counts once.
        recorded_at: When the interaction became known; visible only after both moments.
        propensity: Probability with which the product was shown; a row that has one is an
            impression.
        slate: Which rows were shown together.
        position: In which order the rows of a slate were shown.
        user_timestamp: From when a row of the users frame holds.
        product_timestamp: From when a row of the products frame holds.

    Example:
        >>> Columns(user="customerID").user
        'customerID'
    """

    user: str = "user_id"
    product: str = "product_id"
    timestamp: str | None = "timestamp"
    value: str | None = "value"
    quantity: str | None = "quantity"
    event: str | None = "event"
    event_id: str | None = "event_id"
    recorded_at: str | None = "recorded_at"
    propensity: str | None = "propensity"
    slate: str | None = "slate"
    position: str | None = "position"
    user_timestamp: str | None = "user_timestamp"
    product_timestamp: str | None = "product_timestamp"

    def __post_init__(self) -> None:
        """Refuse names that are no text."""
        for field in fields(self):
            name = getattr(self, field.name)
            if not isinstance(name, str) and not (name is None and "None" in str(field.type)):
                raise DataError(f"Columns({field.name}={name!r}): must be the name of a column")

    def optional(self, role: str, present: list[str], table: str) -> str | None:
        """Return the name of an optional column, or None where the frame has none.

        Args:
            role: A field of this class, such as `"timestamp"`.
            present: The frame's columns.
            table: The frame's name, for the message.

        Raises:
            DataError: The caller renamed the column, and it is not there.
        """
        name: str | None = getattr(self, role)
        if name is None or name in present:
            return name
        if name != type(self).__dataclass_fields__[role].default:
            raise DataError(f"{table}: no column {name!r} (Columns.{role}); it has {present}")
        return None
