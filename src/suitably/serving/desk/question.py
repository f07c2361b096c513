"""A question about a customer: who, of what, as of when, and how long a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suitably.serving.desk.reading import Reading

__all__ = ["MOST_LISTED", "Asked", "Question", "asked_of"]

MOST_LISTED = 30
"""How many products a list has here at the most."""


@dataclass(frozen=True)
class Asked:
    """How a list is asked for.

    Attributes:
        k: The most products.
        as_of: The moment, as written; None: as fitted.
    """

    k: int = 10
    as_of: str | None = None

    @property
    def query(self) -> dict[str, object]:
        """The same as a query; what is as usual is left out."""
        return {"k": None if self.k == 10 else self.k, "as_of": self.as_of}


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read how a list is asked for; what is no number, or out of range, is as usual."""
    k = query.get("k", "")
    count = int(k) if k.isascii() and k.isdigit() and len(k) < 4 else 10
    return Asked(min(max(count, 1), MOST_LISTED), query.get("as_of", "").strip() or None)


@dataclass(frozen=True)
class Question:
    """What is asked about a customer.

    Attributes:
        reading: Of what.
        answers: What recommends and says why not: the pipeline, narrowed by what is switched off.
        row: The user's position.
        asked: How the list is asked for.
        state: What is switched off; None: nothing.
    """

    reading: Reading
    answers: Any
    row: int
    asked: Asked = Asked()
    state: Any = None

    @property
    def user_id(self) -> Any:
        """The user's id."""
        return self.reading.people.id_of(self.row)

    @property
    def name(self) -> str:
        """The user's pseudonym."""
        return self.reading.people.name_of(self.row)

    @property
    def moment(self) -> Any:
        """The moment that is asked about."""
        return self.asked.as_of or self.reading.moment
