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
from numpy.typing import NDArray

from suitably.data import Dataset
from suitably.data.validation import OnError
from suitably.data.view import View
from suitably.engines.everybody import write_weighed
from suitably.engines.guests import Guests, unnamed
from suitably.engines.refused import Refused
from suitably.errors import SuitabilityWarning, SuitablyError
from suitably.model.groups import model_of_group
from suitably.persistence.groups import Base
from suitably.pipeline.opt_out import (
    PERSONALISATION,
    ConsentRegister,
    learnable,
    without_consent,
)
from suitably.ranking.interactions import Weighting
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
        weightings: By which `weigh` weighs.
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
    weightings: tuple[Weighting, ...] = ()

    def prepare(self) -> None:
        """Read the model of nobody, on the first call in this process."""
        _base(self.base, self.trusted)

    def fit(self, users: pa.Table | None, events: pa.Table) -> Outcome:
        """Fit the users of a group, save their model, and say where it is.

        Args:
            users: All rows of its users; None where there is no users frame.
            events: All events of its users.
        """
        return self._outcome(self._fit, users, events)

    def weigh(self, users: pa.Table | None, events: pa.Table) -> Outcome:
        """Weigh what the users of a group did, to be added up, and say where it is.

        Args:
            users: As for `fit`.
            events: Likewise.
        """
        return self._outcome(self._weigh, users, events)

    def _outcome(
        self,
        make: Callable[[View, NDArray[np.int64], Path], int],
        users: pa.Table | None,
        events: pa.Table,
    ) -> Outcome:
        try:
            with warnings.catch_warnings():
                # The sample has said whatever there is to say, once.
                warnings.simplefilter("ignore", SuitabilityWarning)
                return self._made(make, users, events)
        except SuitablyError as error:
            return Outcome(None, error=(type(error).__name__, str(error)))

    def _made(
        self,
        make: Callable[[View, NDArray[np.int64], Path], int],
        users: pa.Table | None,
        events: pa.Table,
    ) -> Outcome:
        own = {"users": 0 if users is None else len(users), "interactions": len(events)}
        users, events, strange = self.guests.join(users, events)
        data = part_of_data(users, self.products, events, self.options)
        refused = Refused.of(data.quarantine, own)  # guests' rows are another group's own
        if refused and self.on_error == "raise":
            return Outcome(None, refused=refused)
        view = data.view(self.as_of)
        codes = view.users.codes(strange)
        guests = codes[codes >= 0].astype(np.int64)
        path = self.folder / token_hex(8)
        count = make(view, guests, path)
        return Outcome(str(path), count, int((~np.isin(view.events.users, guests)).sum()), refused)

    def _fit(self, view: View, guests: NDArray[np.int64], path: Path) -> int:
        base = _base(self.base, self.trusted)
        consent = self.consent
        model = model_of_group(
            base.model, view, guests, None if consent is None else partial(learnable, consent)
        )
        base.save(model, path)
        return len(model.state.users)

    def _weigh(self, view: View, guests: NDArray[np.int64], path: Path) -> int:
        model = _base(self.base, self.trusted).model
        left_out = np.zeros(len(view.users), bool)
        if self.consent is not None:
            asked = (view.users.ids.array, view.as_of, view.clock)
            left_out |= without_consent(self.consent, PERSONALISATION, *asked)
        left_out[guests] = True
        shown = view.without(left_out)
        write_weighed([model.interactions[one].of_view(shown) for one in self.weightings], path)
        return len(view.users) - len(guests)


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
