"""The universe of a plan: the users considered, and what they are judged by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.decisions.channels import Channels
from suitably.errors import DataError
from suitably.suitability.eligibility import Eligibility
from suitably.typing import IdLike

__all__ = ["Universe"]


@dataclass(frozen=True)
class Universe:
    """Who is considered, as of which moment; offers are coded product by product.

    Attributes:
        eligibility: Whom the pipeline may offer what, for all its users.
        contacts: What the contact policy says of offers, for all its users; None: nothing.
        channels: The channels.
        values: float64 (products,), what a purchase is worth.
        asked: int64, the users asked about by position, −1 for unknown ones.
        rows: int64, those that may be planned: known, with consent, and not held out.
        held: int64, those held out.
    """

    eligibility: Eligibility
    contacts: Eligibility | None
    channels: Channels
    values: NDArray[np.float64]
    asked: NDArray[np.int64]
    rows: NDArray[np.int64]
    held: NDArray[np.int64]

    @property
    def several(self) -> int:
        """How many channels a product can be offered through."""
        return len(self.channels)

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """float64 (offers,), what each offer costs."""
        return np.tile(self.channels.cost, len(self.values))

    def user_ids(self, rows: NDArray[np.int64]) -> pa.Array:
        """Return ids of users by position, in the caller's type."""
        return self.eligibility.users.ids.decode(rows)

    def product_ids(self, offers: NDArray[np.int64]) -> pa.Array:
        """Return the products of offers."""
        return self.eligibility.products.ids.decode(offers // self.several)

    def channel_names(self, offers: NDArray[np.int64]) -> pa.Array:
        """Return the channels of offers."""
        return self.channels.names.take(pa.array(offers % self.several))

    def offer_of(self, product_id: IdLike, channel: str) -> int:
        """Return an offer's position.

        Raises:
            DataError: No such product in the catalogue, or no such channel.
        """
        product = int(self.eligibility.products.codes_of([product_id], "product_id")[0])
        if product < 0:
            raise DataError(f"product {product_id!r} is not in the catalogue")
        place = int(self.channels.vocabulary.codes([channel])[0])
        if place < 0:
            raise DataError(
                f"channel {channel!r} is not known; there are {self.channels.names.to_pylist()}"
            )
        return product * self.several + place
