"""Tags chosen and deleted: what is left, what is not, and in which order it may come."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.data import Dataset
from suitably.errors import DataError
from suitably.profiles import Tags
from suitably.testing import BuilderContract
from suitably.testing.bank import AS_OF, SmallBank, bought, seven_users

KINDS = ("tag_added", "tag_removed", "marriage", "retirement")
LIFE = ("marriage", "retirement")


class TestTagsContract(BuilderContract):
    """Of a log in which tags come and go beside what is bought."""

    def make(self) -> Any:
        return Tags(life_events=LIFE)

    def made(self) -> list[Any]:
        return [self.make(), Tags(), Tags(["a"], ["b"], "c"), Tags(listed="interests")]

    def bad(self) -> list[Any]:
        return [
            Tags("tag_added"), Tags(removed="x"), Tags([1]), Tags(["a", "a"]), Tags(["x"], ["x"]),
            Tags(life_events=["tag_added"]), Tags(life_events="marriage"), Tags([]), Tags(tag=1),
            Tags(listed=2), Tags(None),
        ]  # fmt: skip

    def bank(self) -> SmallBank:
        bank = seven_users()
        tags = [
            {"user_id": f"u{i % 5}", "product_id": "p0", "event": KINDS[(i * i + i // 5) % 4],
             "timestamp": AS_OF - timedelta(days=1 + (i * 7) % 11),
             "tag": "xyz"[i % 3] * (1 + i % 2)}
            for i in range(24)
        ]  # fmt: skip
        buys = [{**row, "event": "buy"} for row in [*bought((0, 0), days=40), *bank.events]]
        return bank.but(events=[*buys, *tags], owned_events=("buy",))


class TestListedTags(BuilderContract):
    """Of a column of the users frame."""

    def make(self) -> Any:
        return Tags(listed="interests")

    def bank(self) -> SmallBank:
        bank = super().bank()
        lists = [["b", "a"], [], None, ["a", None, "a"]]
        users = [{**row, "interests": lists[i % 4]} for i, row in enumerate(bank.users)]
        return bank.but(users=users)


Event = tuple[str, str | None, int]


def data_of(*events: Event, dated: bool = True, zone: str | None = None, **more: Any) -> Dataset:
    """Return a log of one user, who has bought something, of kinds, tags and days."""
    rows = [("buy", None, 0), *events]
    kinds, tags, days = zip(*rows, strict=True)
    log: dict[str, Any] = {
        "user_id": ["a"] * len(rows),
        "product_id": pa.array(["p"] + [None] * len(events), pa.string()),
        "event": kinds,
        "tag": pa.array(tags, pa.string()),
    }
    if dated:
        times = [datetime(2024, 1, 1, 23) + timedelta(days=day) for day in days]
        log["timestamp"] = pa.array(times, pa.timestamp("us", zone and "UTC"))
    users = pa.table({"user_id": ["a", "b"]})
    return Dataset(users, None, pa.table(log), other_events=KINDS, time_zone=zone, **more)


def tags_of(*events: Event, as_of: Any = None, **more: Any) -> list[str]:
    data = data_of(*events, **more)
    table = Tags().fit(data, as_of).transform(data)
    assert table["tags"].type == pa.list_(pa.string())
    assert table["tags"][1].as_py() == []
    found: list[str] = table["tags"][0].as_py()
    return found


ADD, GO = "tag_added", "tag_removed"


def test_chosen_deleted_and_chosen_anew() -> None:
    assert tags_of((ADD, "b", 1), (ADD, "a", 2), (ADD, "b", 3)) == ["a", "b"]
    assert tags_of((ADD, "b", 1), (ADD, "a", 2), (GO, "b", 3)) == ["a"]
    assert tags_of((ADD, "b", 1), (GO, "b", 3), (ADD, "b", 4)) == ["b"]
    assert tags_of((ADD, "b", 1), (GO, "b", 1)) == []  # of one instant
    assert tags_of((GO, "b", 1), (ADD, "b", 2)) == ["b"]
    assert tags_of((GO, "b", 1)) == []
    assert tags_of() == []
    assert tags_of((ADD, "Ä", 1), (ADD, "", 1), (ADD, "ä ", 1)) == ["", "Ä", "ä "]


def test_as_of_before_the_deletion_the_tag_is_there() -> None:
    events = (ADD, "b", 1), (GO, "b", 5)
    assert tags_of(*events, as_of="2024-01-04") == ["b"]
    assert tags_of(*events, as_of="2024-02-01") == []


def test_without_times_a_deletion_stands() -> None:
    assert tags_of((GO, "b", 1), (ADD, "b", 2), (ADD, "a", 1), dated=False) == ["a"]


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(DataError, match=r"interactions\.tag: 1 of 2 events.*do not say which tag"):
        tags_of((ADD, None, 1), (ADD, "a", 1))
    data = data_of((ADD, "a", 1))
    with pytest.raises(DataError, match="no column 'label'"):
        Tags(tag="label").fit(data)
    with pytest.raises(DataError, match="no interaction is of kind 'tag_add'"):
        Tags(added=["tag_add"]).fit(data)
    with pytest.raises(DataError, match="life events have no timestamps"):
        Tags(life_events=LIFE).fit(data_of(("marriage", None, 1), dated=False))
    bare = Dataset(None, None, pa.table({"user_id": [1], "product_id": [1]}))
    with pytest.raises(DataError, match="'tag_added', 'tag_removed'"):
        Tags().fit(bare)
    users = pa.table({"user_id": [1], "interests": ["a"]})
    data = Dataset(users, None, pa.table({"user_id": [1], "product_id": [1]}))
    for column, wrong in (("interests", "must hold lists"), ("hobbies", "no column 'hobbies' for")):
        with pytest.raises(DataError, match=wrong):
            Tags(listed=column).fit(data)


def test_life_events() -> None:
    events = ("retirement", None, 3), ("marriage", None, 1)
    builder = Tags(life_events=LIFE)
    table = builder.fit(data_of(*events)).transform(data_of(*events))
    assert table["life_event"].to_pylist() == ["retirement", None]
    assert table["life_event_date"].to_pylist() == [date(2024, 1, 4), None]
    both = data_of(("retirement", None, 1), ("marriage", None, 1))
    assert builder.fit(both).transform(both)["life_event"][0].as_py() == "retirement"
    other = Tags(life_events=LIFE[::-1])
    assert other.fit(both).transform(both)["life_event"][0].as_py() == "marriage"
    east = data_of(("marriage", None, 1), zone="Asia/Tokyo")
    assert builder.fit(east).transform(east)["life_event_date"][0].as_py() == date(2024, 1, 3)


def test_life_events_of_offsets_ask_for_a_calendar() -> None:
    log = pa.table({"user_id": [1], "product_id": [None], "event": ["marriage"],
                    "tag": ["x"], "timestamp": ["2024-01-01T00:00:00Z"]})  # fmt: skip
    data = Dataset(pa.table({"user_id": [1]}), None, log, other_events=KINDS)
    with pytest.raises(DataError, match="Tags: counts by days"):
        Tags(life_events=LIFE).fit(data)
    assert Tags().fit(data).transform(data)["tags"].to_pylist() == [[]]


def test_listed_tags_are_those_of_the_column() -> None:
    lists = pa.array([["b", "a", "b"], [], None, [None, "c"]], pa.large_list(pa.string()))
    users = pa.table({"user_id": range(4), "interests": lists})
    data = Dataset(users, None, pa.table({"user_id": [0], "product_id": [1]}))
    builder = Tags(listed="interests").fit(data)
    assert builder.transform(data)["tags"].to_pylist() == [["a", "b"], [], None, ["c"]]
    assert builder.provenance("tags").sources == ("users.interests",)
    nothing = users.set_column(1, "interests", pa.nulls(4))
    data = Dataset(nothing, None, pa.table({"user_id": [0], "product_id": [1]}))
    assert builder.fit(data).transform(data)["tags"].to_pylist() == [None] * 4


def test_a_list_without_the_tag_leaves_no_text() -> None:
    """What a column no longer says is gone from the profile and from the state."""
    users = pa.table({"user_id": ["a"], "interests": [["insolvent", "green"]]})
    log = pa.table({"user_id": ["a"], "product_id": ["p"]})
    pipeline = suitably.Pipeline([Tags(listed="interests")], suitably.Policy.unrestricted(),
                                 suitably.ranking.Popularity())  # fmt: skip
    pipeline.fit(Dataset(users, None, log))
    assert pipeline.trace("a").profile["tags"] == ["green", "insolvent"]
    pipeline.update(users=users.set_column(1, "interests", pa.array([["green"]])))
    assert pipeline.trace("a").profile["tags"] == ["green"]
    (state,) = pipeline._model.state.builder_states
    assert not any(trace in bytes_of(state) for trace in traces("insolvent"))
    assert len(state.gone) == 0


# --- no trace ------------------------------------------------------------------------------------


def bytes_of(state: Any) -> bytes:
    return b"\0".join(array.tobytes() for array in state.to_arrays().values())


def traces(text: str) -> list[bytes]:
    return [text.encode(kind) for kind in ("utf-8", "utf-16-le", "utf-32-le", "utf-32-be")]


@pytest.mark.parametrize("before", [True, False])
def test_a_deleted_tag_leaves_no_text(before: bool) -> None:
    """Neither where both came at once, nor where the deletion came in an update, or first."""
    data = data_of((ADD, "insolvent", 1), (ADD, "green", 1), (GO, "insolvent", 2))
    view, builder = data.view(), Tags()
    assert not any(trace in bytes_of(builder.accumulate(view)) for trace in traces("insolvent"))
    gone = view.events.among([GO])
    parts = [builder.accumulate(replace(view, events=view.events.take(mask)))
             for mask in ((~gone, gone) if before else (gone, ~gone))]  # fmt: skip
    held = bytes_of(parts[0 if before else 1])
    assert any(trace in held for trace in traces("insolvent"))  # before the deletion came
    merged = builder.merge(*parts)
    assert not any(trace in bytes_of(merged) for trace in traces("insolvent"))
    assert any(trace in bytes_of(merged) for trace in traces("green"))
    assert merged.words.dtype == np.dtype("U5")
    assert builder.finalise(merged, view.as_of)["tags"][0].as_py() == ["green"]
    whole = builder.accumulate(view).to_arrays()
    for name, array in merged.to_arrays().items():
        assert array.dtype == whole[name].dtype
        assert np.array_equal(array, whole[name], equal_nan=array.dtype.kind == "M"), name


def test_a_tag_chosen_anew_is_as_the_first_time() -> None:
    """Nothing is left of the deletion either."""
    anew = Tags().accumulate(data_of((ADD, "b", 1), (GO, "b", 2), (ADD, "b", 3)).view())
    first = Tags().accumulate(data_of((ADD, "b", 3)).view())
    for name, array in anew.to_arrays().items():
        assert array.tolist() == first.to_arrays()[name].tolist(), name


def test_a_saved_pipeline_holds_no_text_of_it(tmp_path: Path) -> None:
    """Saved after an update that deletes: no file of it has the text, and no profile."""
    data = data_of((ADD, "insolvent", 1), (ADD, "green", 1))
    pipeline = suitably.Pipeline([Tags()], suitably.Policy.unrestricted(),
                                 suitably.ranking.Popularity())  # fmt: skip
    pipeline.fit(data)
    assert pipeline.trace("a").profile["tags"] == ["green", "insolvent"]
    news = data_of((GO, "insolvent", 5)).interactions.slice(1)
    pipeline.update(news)
    pipeline.save(tmp_path / "model")
    for file in (tmp_path / "model").rglob("*"):
        if file.is_file():
            assert not any(trace in file.read_bytes() for trace in traces("insolvent")), file.name
    loaded = suitably.load(tmp_path / "model")
    assert loaded.trace("a").profile["tags"] == ["green"]
    late = data_of((ADD, "insolvent", 2)).interactions.slice(1)
    loaded.update(late)  # delivered late: it was deleted since
    assert loaded.trace("a").profile["tags"] == ["green"]
    loaded.update(data_of((ADD, "insolvent", 7)).interactions.slice(1))
    assert loaded.trace("a").profile["tags"] == ["green", "insolvent"]


# --- by brute force ------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(KINDS), st.sampled_from(["a", "bb", "ccc", "a b"]),
              st.integers(0, 6)),
    min_size=1, max_size=20,
)  # fmt: skip


@given(EVENTS, st.lists(st.integers(0, 2), min_size=20, max_size=20), st.permutations(range(3)))
def test_in_any_parts_and_order(events: Any, part_of: Any, order: Any) -> None:
    users, kinds, tags, days = map(list, zip(*events, strict=True))
    times = [datetime(2024, 1, 1) + timedelta(days=day) for day in days]
    log = {"user_id": users, "event": kinds, "tag": tags, "timestamp": times,
           "product_id": pa.nulls(len(users), pa.string())}  # fmt: skip
    data = Dataset(pa.table({"user_id": range(5)}), None, pa.table(log), other_events=KINDS)
    builder, view = Tags(life_events=LIFE), data.view("2024-02-01")
    whole = builder.accumulate(view)
    parts = [builder.accumulate(
        replace(view, events=view.events.take(np.array(part_of[: len(users)]) == part))
    ) for part in order]  # fmt: skip
    for merged in (
        builder.merge(builder.merge(parts[0], parts[1]), parts[2]),
        builder.merge(parts[0], builder.merge(parts[1], parts[2])),
    ):
        for name, array in merged.to_arrays().items():
            assert array.tobytes() == whole.to_arrays()[name].tobytes(), name
    found = builder.finalise(whole, view.as_of)
    for user in range(5):
        mine = [event for event in events if event[0] == user]
        wanted = [
            tag
            for tag in ("a", "a b", "bb", "ccc")
            if max((e[3] for e in mine if e[1:3] == (ADD, tag)), default=-1)
            > max((e[3] for e in mine if e[1:3] == (GO, tag)), default=-1)
        ]
        assert found["tags"][user].as_py() == wanted
        life = max(((e[3], LIFE.index(e[1])) for e in mine if e[1] in LIFE), default=None)
        assert found["life_event"][user].as_py() == (None if life is None else LIFE[life[1]])
