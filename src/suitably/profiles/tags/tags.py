"""Tags that users have chosen and not deleted, and the latest event of their lives."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant, Instants
from suitably.data.values import as_text, in_words, is_listlike
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.grouped_sums import coded
from suitably.profiles.kept_clock import clock_of, kept_clock
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.tags.tags_state import TagsState
from suitably.profiles.trades import local_days
from suitably.profiles.user_columns import user_column
from suitably.utils.params import shown

__all__ = ["Tags"]

_LISTS = ("added", "removed", "life_events")


@dataclass(eq=False, repr=False)
class Tags(ParameterizedBuilder):
    """Keep the tags that a user has, and which event of life was the last.

    The tags of a user are those that were chosen and not deleted since. A tag that was deleted is
    in no later profile, and its text is not in the state: what stays there, so that an addition
    that arrives late does not bring it back, is a digest of 16 bytes and the time. A digest can be
    compared with a guess, and not be read. Chosen anew, a tag is there as if for the first time.
    Where it is chosen and deleted at one instant, or times are not known, it counts as deleted.

    Kinds of event named here say nothing of a product: they belong to `other_events` of the data.

    Args:
        added: Kinds of event by which a tag is chosen.
        removed: Kinds of event by which it is deleted.
        tag: Column of the log that says which tag.
        listed: Column of the users frame with a list of tags, which counts as it stands; `added`,
            `removed` and `tag` are not read then. None: the log says which tags there are.
        life_events: Kinds of event of life, such as `"marriage"`; of two at one instant, the one
            named later here counts.

    Fields:
        tags: List of texts, each once, sorted; empty for whoever has none, null where the column
            `listed` has no list.
        life_event: Kind of the latest one, null for none; only where `life_events` names some.
        life_event_date: Its day in the data's calendar; likewise.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> kinds = ["tag_added", "tag_added", "tag_removed", "retirement"]
        >>> log = pd.DataFrame({
        ...     "user_id": [1, 1, 1, 1], "product_id": [None] * 4, "event": kinds,
        ...     "tag": ["green", "cautious", "cautious", None],
        ...     "timestamp": ["2024-01-01", "2024-01-01", "2024-02-01", "2024-03-01"]})
        >>> data = Dataset(None, None, log, other_events=sorted(set(kinds)))
        >>> builder = Tags(life_events=["retirement"]).fit(data)
        >>> list(builder.transform(data).to_dict("records")[0].values())
        [1, array(['green'], dtype=object), 'retirement', datetime.date(2024, 3, 1)]
    """

    added: list[str] | tuple[str, ...] = ("tag_added",)
    removed: list[str] | tuple[str, ...] = ("tag_removed",)
    tag: str = "tag"
    listed: str | None = None
    life_events: list[str] | tuple[str, ...] = ()

    state_type: ClassVar[type[TagsState]] = TagsState

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        event = "interactions.event"
        chosen = (event, f"interactions.{self.tag}")
        sources = chosen if self.listed is None else (f"users.{self.listed}",)
        found = {"tags": FieldInfo("stated", sources=sources)}
        if self.life_events:
            found["life_event"] = FieldInfo("observed", sources=(event,))
            sources = (event, "interactions.timestamp")
            found["life_event_date"] = FieldInfo("observed", sources=sources)
        return found

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of the users frame, if tags are listed there."""
        return () if self.listed is None else (self.listed,)

    def accumulate(self, view: View) -> TagsState:
        """Take in the tags and life events of a view.

        Raises:
            DataError: A column that is missing, or holds no texts; an event without its tag; life
                events without timestamps or a calendar.
            ValueError: Kinds that are no lists, or have two meanings.
        """
        self.check_params()
        count = len(view.users)
        known = np.ones(count, bool)
        if self.listed is None:
            rows, words = self._chosen(view)
        else:
            rows, words, known = self._listed(view)
        clock = kept_clock(view.clock)
        return TagsState.of(known, clock, rows, words, self._latest_life_event(view))

    def merge(self, a: TagsState, b: TagsState) -> TagsState:
        """Join two states of disjoint events; listed tags are taken from the later one.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        if len(b) < len(a):
            raise DataError(f"{len(b)} users cannot follow {len(a)}: the states are swapped")
        return a.plus(b, listed=self.listed is not None)

    def finalise(self, state: TagsState, as_of: Instant | None) -> pa.Table:
        """Return the fields; they do not depend on the moment."""
        ends = np.searchsorted(state.users, np.arange(len(state) + 1))
        missing = np.append(~state.known, False)
        words = pa.array(state.words.tolist(), pa.string())
        tags = pa.ListArray.from_arrays(
            pa.array(ends, pa.int32(), mask=missing), words.take(pa.array(state.codes))
        )
        found = {"tags": tags}
        if self.life_events:
            kinds = pa.array(list(self.life_events), pa.string())
            found["life_event"] = kinds.take(pa.array(state.life, mask=state.life < 0))
            days = clock_of(state.clock).walls(state.life_times).astype("datetime64[D]")
            found["life_event_date"] = pa.array(days, pa.date32())
        return pa.table(found)

    def check_params(self) -> None:
        """Refuse kinds that are no lists of texts, or that have two meanings: ValueError."""
        seen: set[str] = set()
        for name in _LISTS:
            kinds = getattr(self, name)
            if not isinstance(kinds, list | tuple) or not all(isinstance(k, str) for k in kinds):
                raise ValueError(f"{shown(self, name)}: must be a list of kinds of event")
            if len({*kinds}) < len(kinds) or seen & {*kinds}:
                raise ValueError(f"{shown(self, name)}: a kind is named twice")
            seen |= {*kinds}
        if not self.added and self.listed is None:
            raise ValueError(f"{shown(self, 'added')}: must name a kind, or listed= a column")
        if not isinstance(self.tag, str):
            raise ValueError(f"{shown(self, 'tag')}: must be the name of a column")
        if self.listed is not None and not isinstance(self.listed, str):
            raise ValueError(f"{shown(self, 'listed')}: must be the name of a column, or None")

    def _chosen(self, view: View) -> tuple[Any, NDArray[np.str_]]:
        """Return rows of tags chosen and deleted, and their texts."""
        events = view.events.take(view.events.among((*self.added, *self.removed)))
        where = f"interactions.{self.tag}"
        texts = as_text(events.column(self.tag), where)
        if texts.null_count:
            raise DataError(
                f"{where}: {texts.null_count} of {len(texts)} events of the kinds "
                f"{', '.join((*self.added, *self.removed))} do not say which tag"
            )
        codes, words = coded(texts)
        times = np.zeros(len(events), np.int64)
        if events.times is not None:
            times = events.times.astype(np.int64)
        return (events.users, codes, times, events.among(self.removed)), words

    def _listed(self, view: View) -> tuple[Any, NDArray[np.str_], NDArray[np.bool_]]:
        """Return rows of tags as a column has them, their texts, and who has a list."""
        assert self.listed is not None
        column, where = user_column(view, self.listed, "Tags"), f"users.{self.listed}"
        if pa.types.is_null(column.type):
            column = pa.nulls(len(column), pa.list_(pa.string()))
        if not is_listlike(column.type):
            raise DataError(f"{where}: must hold lists of texts, not {in_words(column.type)}")
        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        users = np.repeat(np.arange(len(column), dtype=np.int32), lengths)
        codes, words = coded(as_text(column.flatten(), where))
        users, codes = users[codes >= 0], codes[codes >= 0]
        rows = (users, codes, np.zeros(len(users), np.int64), np.zeros(len(users), bool))
        return rows, words, column.is_valid().to_numpy(zero_copy_only=False)

    def _latest_life_event(self, view: View) -> tuple[NDArray[np.int32], Instants]:
        """Return the position of each user's latest kind, −1 for none, and its time."""
        life = np.full(len(view.users), -1, np.int32)
        times = np.full(len(view.users), np.datetime64("NaT", "us"), "datetime64[us]")
        events = view.events.take(view.events.among(self.life_events))
        if not len(events):
            return life, times
        name = type(self).__name__
        if events.times is None or events.kinds is None:
            raise DataError(f"{name}: life events have no timestamps, so the latest is not known")
        local_days(events.times[:1], view.clock, name)  # asks for a calendar before it is needed
        places = {kind: place for place, kind in enumerate(self.life_events)}
        codes = np.array([places.get(kind, -1) for kind in events.kind_names], np.int32)
        codes = codes[events.kinds]
        sequence = np.lexsort((codes, events.times))
        life[events.users[sequence]] = codes[sequence]  # what is latest is written last
        times[events.users[sequence]] = events.times[sequence]
        return life, times

    def _learn(self, data: Dataset, as_of: Any) -> None:
        kinds = [*self.life_events]
        kinds += [] if self.listed is not None else [*self.added, *self.removed]
        meant = {*data.events.kind_names, *data.kinds.other}
        unknown = sorted(set(kinds) - meant)
        if unknown:
            named = ", ".join(map(repr, unknown))
            raise DataError(
                f"{type(self).__name__}: no interaction is of kind {named}, nor is one named in "
                f"other_events"
            )
        self.accumulate(data.view(as_of))
