"""What travels to a worker to fit the users of a part, and what it says of them."""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data import Dataset
from suitably.data.validation import OnError
from suitably.engines.guests import Guests, unnamed
from suitably.engines.refused import Refused
from suitably.errors import SuitabilityWarning, SuitablyError
from suitably.model.groups import model_of_group
from suitably.persistence.groups import Base
from suitably.pipeline.opt_out import ConsentRegister, learnable
from suitably.typing import AsOf

__all__ = ["GroupTask", "Outcome", "part_of_data"]


@dataclass(frozen=True)
class Outcome:
    """What became of a group of users.

    Attributes:
        path: Where its model is saved; None where it could not be fitted.
        users: How many they are.
        events: How many of theirs count.
        refused: Rows that were refused.
        error: What else was wrong: the name of the error, and its message.
    """

    path: str | None
    users: int = 0
    events: int = 0
    refused: Refused = field(default_factory=Refused)
    error: tuple[str, str] | None = None

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Take back what `to_json` gave."""
        facts = json.loads(text)
        lines = tuple((*line[:4], tuple(line[4])) for line in facts["refused"]["lines"])
        error = facts["error"]
        refused, error = Refused(lines), None if error is None else tuple(error)
        return cls(**{**facts, "refused": refused, "error": error})


@dataclass(frozen=True)
class GroupTask:
    """Fits groups of users by a model of nobody, and saves their models to a folder.

    Attributes:
        base: Where the model of nobody is.
        folder: Where those of groups go.
        products: The products frame, whole; None without one.
        guests: Users who join every group.
        as_of: The moment.
        on_error: `"raise"`: a group with bad rows is not fitted; `"quarantine"`: without them.
        options: Further arguments of `Dataset`.
        trusted: Classes and functions of the caller's own that the base is made of.
        consent: From whom rankers may learn; None: from everybody.
    """

    base: Path
    folder: Path
    products: pa.Table | None
    guests: Guests
    as_of: AsOf | None
    on_error: OnError = "raise"
    options: Mapping[str, Any] = field(default_factory=dict)
    trusted: tuple[Callable[..., Any], ...] = ()
    consent: ConsentRegister | None = None

    def prepare(self) -> None:
        """Read the model of nobody, on the first call in this process."""
        _base(self.base, self.trusted)

    def fit(self, users: pa.Table | None, events: pa.Table) -> Outcome:
        """Fit the users of a group, save their model, and say where it is.

        Args:
            users: All rows of its users; None where there is no users frame.
            events: All events of its users.
        """
        try:
            with warnings.catch_warnings():
                # The sample has said whatever there is to say, once.
                warnings.simplefilter("ignore", SuitabilityWarning)
                return self._fitted(users, events)
        except SuitablyError as error:
            return Outcome(None, error=(type(error).__name__, str(error)))

    def _fitted(self, users: pa.Table | None, events: pa.Table) -> Outcome:
        own = {"users": 0 if users is None else len(users), "interactions": len(events)}
        users, events, strange = self.guests.join(users, events)
        data = part_of_data(users, self.products, events, self.options)
        refused = Refused.of(data.quarantine, own)  # guests' rows are another group's own
        if refused and self.on_error == "raise":
            return Outcome(None, refused=refused)
        view = data.view(self.as_of)
        base = _base(self.base, self.trusted)
        consent = self.consent
        guests = view.users.codes(strange)
        model = model_of_group(
            base.model,
            view,
            guests[guests >= 0].astype(np.int64),
            None if consent is None else partial(learnable, consent),
        )
        path = self.folder / token_hex(8)
        base.save(model, path)
        events_left = int((~np.isin(view.events.users, guests)).sum())
        return Outcome(str(path), len(model.state.users), events_left, refused)


def part_of_data(
    users: pa.Table | None,
    products: pa.Table | None,
    events: pa.Table,
    options: Mapping[str, Any],
) -> Dataset:
    """Return a dataset of some users, its bad rows set aside, whose instants name no time zone."""
    people, goods = (None if one is None else unnamed(one) for one in (users, products))
    given: dict[str, Any] = {**options, "on_error": "quarantine"}
    return Dataset(people, goods, unnamed(events), **given)


@lru_cache(maxsize=1)
def _base(folder: Path, trusted: tuple[Callable[..., Any], ...]) -> Base:
    return Base(folder, trusted)
