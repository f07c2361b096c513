"""Contract of profile builders: states that merge, age and come back, on a bank of seven users."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably
from suitably.data import Dataset, View
from suitably.profiles import Builder, Origin
from suitably.testing.bank import AS_OF, SmallBank, bought, seven_users
from suitably.testing.params import ParamsContract
from suitably.utils.pieces import Pieces
from suitably.utils.state import from_state, state_of, undeclared_state

__all__ = ["BuilderContract"]

LATER = AS_OF + timedelta(days=400)


class BuilderContract(ParamsContract):
    """Inherit it and say how your builder is made; give a `bank` with the columns that it reads.

    The bank has users `u0` to `u6`, of whom the last two did nothing, with a `risk_level`, a
    `questionnaire_date` and an `income`, and events with a value and a kind. A builder that learns
    at its fit is tried as it was fitted there.

    Attributes:
        trusted: Classes and functions besides the builder's own class that a saved pipeline is
            made of.

    Example:
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> class TestMyBuilder(BuilderContract):
        ...     def make(self):
        ...         return RecencyFrequencyValue(frequent=2)
        >>> TestMyBuilder().test_merging_in_any_split_is_a_rebuild()
    """

    trusted: tuple[Callable[..., Any], ...] = ()

    def bank(self) -> SmallBank:
        """Return the bank that everything is tried on: no versions of users, no gaps in columns."""
        bank = seven_users()
        users = [
            {**row, "risk_level": [None, "C1", "C2", "C3"][i % 4],
             "questionnaire_date": [date(2024, 1, 1), date(2022, 1, 1), None][i % 3]}
            for i, row in enumerate(bank.users)
        ]  # fmt: skip
        events = [
            {**row, "event": ["buy", "view"][i % 2], "value": [0.1, 1e9, -0.3, 12.5][i % 4]}
            for i, row in enumerate([*bank.events, *bought((0, 1), (3, 3), days=700)])
        ]
        return bank.but(users=users, events=events, owned_events=("buy", "view"))

    def fitted(self) -> Any:
        """Return the builder, fitted on the bank."""
        return self.make().fit(self.bank().dataset(), AS_OF)

    def view(self, **changes: Any) -> View:
        """Return what the bank, with some changes, shows as of its moment."""
        return self.bank().but(**changes).dataset().view(AS_OF)

    def test_it_is_one(self) -> None:
        """It has the methods of a builder, and fields by name."""
        builder = self.make()
        assert isinstance(builder, Builder)
        assert builder.fields
        assert all(isinstance(name, str) for name in (*builder.fields, *builder.reads))
        assert len(set(builder.fields)) == len(builder.fields)

    def test_fit_returns_itself(self) -> None:
        """As in scikit-learn."""
        builder = self.make()
        assert builder.fit(self.bank().dataset(), AS_OF) is builder

    def test_parameters_out_of_range(self) -> None:
        """They are refused when it is fitted, by the name of its class."""
        for builder in self.bad():
            with pytest.raises(ValueError, match=type(builder).__name__):
                builder.fit(self.bank().dataset(), AS_OF)

    def test_a_row_per_user(self) -> None:
        """The fields are those it names, in that order, for every user of the view."""
        builder, view = self.fitted(), self.view()
        state = builder.accumulate(view)
        assert isinstance(state, builder.state_type)
        assert len(state) == 7
        table = builder.finalise(state, view.as_of)
        assert tuple(table.column_names) == tuple(builder.fields)
        assert table.num_rows == 7

    def test_every_field_has_a_provenance(self) -> None:
        """Observed, stated, derived or imputed."""
        builder = self.make()
        for field in builder.fields:
            assert builder.provenance(field) in get_args(Origin)

    def test_merging_in_any_split_is_a_rebuild(self) -> None:
        """However the events are parted, the merged state gives the fields of a rebuild."""
        builder, view = self.fitted(), self.view()
        rng = np.random.default_rng(0)
        masks = [rng.random(len(view.events)) < share for share in (0, 0.2, 0.5, 0.8, 1) * 4]
        for early in masks:
            merged = builder.merge(
                builder.accumulate(_only(view, early)), builder.accumulate(_only(view, ~early))
            )
            self._same(builder, view, merged, builder.accumulate(view))

    def test_merging_one_by_one_is_a_rebuild(self) -> None:
        """Event by event, in order of time."""
        builder, view = self.fitted(), self.view()
        places = np.arange(len(view.events))
        state = builder.accumulate(_only(view, places < 0))
        for place in places:
            state = builder.merge(state, builder.accumulate(_only(view, places == place)))
        self._same(builder, view, state, builder.accumulate(view))

    def test_merging_leaves_both_states_as_they_were(self) -> None:
        """Arrays of a saved state are read-only, and those of a served one are in use."""
        builder, view = self.fitted(), self.view()
        early = np.arange(len(view.events)) < 5
        a, b = (builder.accumulate(_only(view, mask)) for mask in (early, ~early))
        copies = [{n: v.copy() for n, v in s.to_arrays().items()} for s in (a, b)]
        frozen = [builder.state_type.from_arrays(_read_only(state.to_arrays())) for state in (a, b)]
        self._same(builder, view, builder.merge(*frozen), builder.accumulate(view))
        builder.merge(a, b)
        for state, before in zip((a, b), copies, strict=True):
            assert _equal(state.to_arrays(), before)

    def test_new_users_are_appended(self) -> None:
        """A state of fewer users is filled up at its end."""
        builder, view = self.fitted(), self.view()
        for count in (0, 1, 4, 6):
            first = self.bank().users[:count]
            known = {row["user_id"] for row in first}
            mine = np.array([row["user_id"] in known for row in _in_order(self.bank().events)])
            before = builder.accumulate(_first_users(_only(view, mine), count))
            assert len(before) == count
            merged = builder.merge(before, builder.accumulate(_only(view, ~mine)))
            self._same(builder, view, merged, builder.accumulate(view))

    def test_the_order_of_rows_is_irrelevant(self) -> None:
        """The frame of interactions may come in any order."""
        builder = self.fitted()
        for seed in range(5):
            order = np.random.default_rng(seed).permutation(len(self.bank().events))
            shuffled = [self.bank().events[place] for place in order]
            view = self.view(events=shuffled)
            self._same(builder, view, builder.accumulate(view), builder.accumulate(self.view()))

    def test_nothing_at_or_after_the_moment(self) -> None:
        """Events and fields of the very moment, or later, change nothing."""
        builder = self.fitted()
        start = [{**row, "user_timestamp": datetime(2020, 1, 1)} for row in self.bank().users]
        late = [{**row, "user_timestamp": AS_OF, "risk_level": "C3", "income": 1.0}
                for row in self.bank().users]  # fmt: skip
        events = self.bank().events
        news = [{**events[0], "user_id": f"u{i}", "timestamp": AS_OF + timedelta(days=i)}
                for i in range(7)]  # fmt: skip
        before, after = self.view(users=start), self.view(users=start + late, events=events + news)
        self._same(builder, before, builder.accumulate(after), builder.accumulate(before))

    def test_a_moment_of_the_past_is_a_history_cut_there(self) -> None:
        """As of a moment, the whole history says what the history until then does."""
        builder = self.fitted()
        events = _in_order(self.bank().events)
        for row in events[1::3]:
            moment = row["timestamp"]
            until = [event for event in events if event["timestamp"] < moment]
            kinds = {event.get("event") for event in until}
            if not until or not kinds >= set(self.bank().owned_events or ()):
                continue  # a kind that owns must occur
            whole = self.bank().dataset().view(moment)
            cut = self.bank().but(events=until).dataset().view(moment)
            found = builder.finalise(builder.accumulate(whole), whole.as_of)
            assert found.equals(builder.finalise(builder.accumulate(cut), cut.as_of))

    def test_types_do_not_depend_on_what_happened(self) -> None:
        """A field has one type, whether anybody has a value or not, so that parts can be joined."""
        builder, view = self.fitted(), self.view()
        found = builder.finalise(builder.accumulate(view), view.as_of).schema
        nothing = _only(view, np.zeros(len(view.events), bool))
        assert builder.finalise(builder.accumulate(nothing), view.as_of).schema == found
        assert not any(pa.types.is_null(field.type) for field in found)

    def test_a_state_ages_as_a_rebuild_does(self) -> None:
        """At a later moment with no news, the state held gives what a rebuild gives."""
        builder, view = self.fitted(), self.view()
        for days in (0, 30, 365, 3650):
            later = self.bank().dataset().view(AS_OF + timedelta(days=days))
            found = builder.finalise(builder.accumulate(view), later.as_of)
            assert found.equals(builder.finalise(builder.accumulate(later), later.as_of))

    def test_the_arrays_of_a_state_come_back(self) -> None:
        """They need no pickle, and make an equal state."""
        builder, view = self.fitted(), self.view()
        state = builder.accumulate(view)
        arrays = state.to_arrays()
        for name, array in arrays.items():
            assert isinstance(array, np.ndarray), name
            assert array.dtype != object or all(isinstance(v, str | None) for v in array), name
        again = builder.state_type.from_arrays(_read_only(arrays))
        assert len(again) == len(state)
        assert _equal(again.to_arrays(), arrays)
        self._same(builder, view, again, state)

    def test_states_of_groups_of_users_are_joined(self) -> None:
        """One after the other they are the state of all; a builder may do without."""
        builder, view = self.fitted(), self.view()
        if not hasattr(builder, "joined"):
            return
        state, users = builder.accumulate(view), np.arange(7)
        for bounds in ([0, 7], [0, 3, 7], [0, 1, 1, 5, 7]):
            parts = [
                builder.of_users(state, (users >= start) & (users < end)).to_arrays()
                for start, end in pairwise(bounds)
            ]
            joint = builder.joined([_read_only(part) for part in parts])
            arrays = {n: a.whole() if isinstance(a, Pieces) else a for n, a in joint.items()}
            assert set(arrays) == set(state.to_arrays())
            self._same(builder, view, builder.state_type.from_arrays(_read_only(arrays)), state)

    def test_what_it_learned_comes_back(self) -> None:
        """Its own state holds the parameters and all that was learned at the fit."""
        builder, view = self.fitted(), self.view()
        assert undeclared_state(builder) == []
        state = state_of(builder)
        assert state is not None
        again = from_state(type(builder), state)
        assert again.get_params() == builder.get_params()
        accumulated = builder.accumulate(view)
        found = again.finalise(again.accumulate(view), view.as_of)
        assert found.equals(builder.finalise(accumulated, view.as_of))
        assert again.finalise(accumulated, view.as_of).equals(found)

    def test_saved_loaded_and_updated(self, tmp_path: Path) -> None:
        """A loaded pipeline shows the profiles of the saved one, before and after an update."""
        events = self.bank().events
        base = self.bank().but(events=events[: len(events) - 3])
        pipeline = base.fitted(profiles=[self.make()], fallback=None)
        pipeline.save(tmp_path / "model")
        trusted: list[Callable[..., Any]] = [type(pipeline.profiles[0]), *self.trusted]
        loaded = suitably.load(tmp_path / "model", trusted=trusted)
        assert _profiles(loaded) == _profiles(pipeline)
        news = self.bank().but(events=events[len(events) - 3 :]).frames()[2]
        for each in (pipeline, loaded):
            each.update(news)
        builder = pipeline.profiles[0]
        whole = self.bank().dataset().view(pipeline.as_of_)
        rebuilt = builder.finalise(builder.accumulate(whole), whole.as_of)
        assert _profiles(loaded) == _profiles(pipeline) == _texts(_rows(rebuilt))

    def test_used_alone(self) -> None:
        """`transform` gives the caller's kind of frame: `user_id`, then the fields."""
        tables = self.bank().frames()
        names = ["user_id", *self.make().fields]
        owning = self.bank().owned_events
        for kind, frames in {pa.Table: tables, pd.DataFrame: _pandas(tables)}.items():
            users, products, log = frames
            data = Dataset(users, products, log, owned_events=owning)
            builder = self.make().fit(data, AS_OF)
            frame = builder.transform(data)
            assert isinstance(frame, kind)
            assert list(frame.columns if kind is pd.DataFrame else frame.column_names) == names
            assert [str(user) for user in frame["user_id"].to_numpy()] == list(data.view().user_ids)
            assert len(builder.transform(data, LATER)) == 7

    def test_nobody_did_anything(self) -> None:
        """Before the first event there is a row per user still."""
        builder = self.make().fit(self.bank().dataset(), datetime(2000, 1, 1))
        view = self.bank().dataset().view(datetime(2000, 1, 1))
        assert len(view.events) == 0
        assert builder.finalise(builder.accumulate(view), view.as_of).num_rows == 7

    def test_nobody_is_there(self) -> None:
        """Of no users there are no rows."""
        builder, view = self.fitted(), _first_users(self.view(), 0)
        assert builder.finalise(builder.accumulate(view), view.as_of).num_rows == 0

    def test_a_column_that_is_missing(self) -> None:
        """What it reads and the users lack is named when it is fitted."""
        for column in self.make().reads:
            users = [{n: v for n, v in row.items() if n != column} for row in self.bank().users]
            with pytest.raises(suitably.DataError, match=column):
                self.make().fit(self.bank().but(users=users).dataset(), AS_OF)

    @staticmethod
    def _same(builder: Any, view: View, found: Any, wanted: Any) -> None:
        """Say that two states give the same fields, to the last bit, now and later."""
        later = view.clock.instant(LATER)
        for moment in (view.as_of, later):
            assert builder.finalise(found, moment).equals(builder.finalise(wanted, moment))


def _only(view: View, kept: Any) -> View:
    return replace(view, events=view.events.take(np.asarray(kept, bool)))


def _first_users(view: View, count: int) -> View:
    """Return a view of the first users alone, as it was before the others came."""
    users = view.users
    ids, fields = users.ids.subset(np.arange(count)), users.fields[:count]
    first = replace(users, ids=ids, fields=fields, listed=users.listed[:count])
    return _only(replace(view, users=first), view.events.users < count)


def _in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda row: row["timestamp"])


def _read_only(arrays: dict[str, Any]) -> dict[str, Any]:
    frozen = {name: array.copy() for name, array in arrays.items()}
    for array in frozen.values():
        array.flags.writeable = False
    return frozen


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype
        and np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind in "fmM")
        for name in a
    )


def _pandas(tables: Iterable[Any]) -> list[Any]:
    return [table.to_pandas() for table in tables]


def _profiles(pipeline: suitably.Pipeline) -> list[dict[str, str]]:
    return _texts(dict(pipeline.trace(user).profile) for user in pipeline.user_ids)


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows with maps as dictionaries, as profiles show them."""
    maps = {field.name for field in table.schema if pa.types.is_map(field.type)}
    return [
        {
            name: dict(cell) if name in maps and cell is not None else cell
            for name, cell in row.items()
        }
        for row in table.to_pylist()
    ]


def _texts(rows: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Return cells as text: NaN is not equal to itself."""
    return [{name: str(value) for name, value in row.items()} for row in rows]
