"""What a manifest says of the data: true, the same once saved and loaded, and of nobody."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import suitably as st
from suitably.persistence import describe_model
from support.artefacts import forge
from support.banks import AS_OF, popular, seven


def statistics(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text("utf-8"))["statistics"]


def test_counts_by_hand(tmp_path: Path) -> None:
    """Users a to c, of whom c bought nothing; products p to r, of which nobody bought r."""
    log = pd.DataFrame(
        {
            "user_id": ["a", "a", "b", "b"],
            "product_id": ["p", "q", "p", "p"],
            "timestamp": pd.to_datetime(["2023-11-30", "2024-01-31", "2024-02-29", "2024-01-01"]),
        }
    )
    users = pd.DataFrame({"user_id": ["a", "b", "c"], "age": [30.0, None, 50.0]})
    products = pd.DataFrame({"product_id": ["p", "q", "r"], "fee": [None, 0.01, None]})
    members = [st.ranking.Popularity(), st.ranking.Popularity(half_life_days=30)]
    ranker = st.ranking.Blend(members, weights=[0.5, 0.5])
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker, fallback=None)
    pipeline.fit(st.Dataset(users, products, log), as_of="2024-03-01").save(tmp_path / "model")
    found = describe_model(tmp_path / "model")
    assert found.statistics == {
        "users": 3,
        "products": 3,
        "catalogue": 3,
        "owned": 3,
        "interactions": [3, 3],
        "missing": {"users": {"age": None}, "products": {"fee": 2 / 3}},
    }
    assert found.span == ("2023-11", "2024-02")
    assert found.as_of == pd.Timestamp("2024-03-01")
    assert found.schema == 5


@pytest.mark.parametrize(("missing", "share"), [(0, 0.0), (1, None), (9, None), (10, 10 / 30),
                                                (20, 20 / 30),
                                                (21, None), (29, None), (30, 1.0)])  # fmt: skip
def test_few_users_are_not_counted(tmp_path: Path, missing: int, share: float | None) -> None:
    users = pd.DataFrame({"user_id": range(30), "age": [None] * missing + [40.0] * (30 - missing)})
    log = pd.DataFrame({"user_id": [0, 1], "product_id": ["p", "q"]})
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(users, None, log)).save(tmp_path / "model")
    assert statistics(tmp_path / "model")["missing"]["users"] == {"age": share}


def test_the_same_once_saved_and_loaded(tmp_path: Path) -> None:
    seven().fitted(st.ranking.EASE(), profiles=[st.profiles.RiskAppetite()]).save(tmp_path / "one")
    st.load(tmp_path / "one").save(tmp_path / "two")
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_an_update_counts_as_a_fit_on_all(tmp_path: Path) -> None:
    base = popular(9)
    users, products, log = (frame.to_pandas() for frame in base.frames())
    policy = st.Policy.from_toml(base.policies[0])
    late = pd.DataFrame(
        {"user_id": ["u1"], "product_id": ["p5"], "timestamp": [datetime(2024, 5, 6)]}
    )

    def fitted(events: Any, as_of: Any) -> st.Pipeline:
        pipeline = st.Pipeline(policy=policy, ranker=st.ranking.Popularity(), fallback=None)
        return pipeline.fit(st.Dataset(users, products, events), as_of=as_of)

    updated = fitted(log, AS_OF)
    updated.update(late)
    updated.save(tmp_path / "updated")
    fitted(pd.concat([log, late]), updated.as_of_).save(tmp_path / "whole")
    one, two = (describe_model(tmp_path / name) for name in ("updated", "whole"))
    assert one.statistics == two.statistics
    assert one.span == two.span == ("2024-01", "2024-05")


def test_nothing_names_anybody(tmp_path: Path) -> None:
    base = popular(9)
    users, products, log = (frame.to_pandas() for frame in base.frames())
    users["branch"] = "M-4711-SECRET"
    pipeline = base.pipeline().fit(st.Dataset(users, products, log), AS_OF)
    pipeline.save(tmp_path / "model")
    text = (tmp_path / "model" / "manifest.json").read_text("utf-8")
    assert "4711" not in text
    assert not any(f'"{name}"' in text for name in [*users["user_id"], *products["product_id"]])


def test_the_manifest_is_all_that_is_read(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    expected = describe_model(tmp_path / "model")
    for entry in (tmp_path / "model").iterdir():
        if not entry.name.startswith("manifest."):
            entry.unlink()
    assert describe_model(tmp_path / "model") == expected


def test_its_fingerprint_is_that_of_the_model(tmp_path: Path) -> None:
    from suitably.persistence.packing import fingerprint

    pipeline = popular(9).fitted()
    pipeline.save(tmp_path / "model")
    described = describe_model(tmp_path / "model").fingerprint
    assert described == fingerprint(pipeline._fitted())
    assert described == fingerprint(st.load(tmp_path / "model")._fitted())
    forge(tmp_path / "model", lambda m: m.update(fingerprint="0" * 64))
    with pytest.raises(st.ArtifactError, match="another fingerprint"):
        st.load(tmp_path / "model")


@pytest.mark.parametrize(
    "change",
    [{"libraries": 3}, {"policies": [{}]}, {"as_of": "soon"}, {"zone": "../etc"}, {"span": 7}],
)
def test_a_manifest_that_makes_no_sense(tmp_path: Path, change: dict[str, Any]) -> None:
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", lambda m: m.update(change))
    with pytest.raises(st.ArtifactError):
        describe_model(tmp_path / "model")


@pytest.mark.parametrize(
    "span", [[], ["2024-01"], ["2024-02", "2024-01"], [1, 2], ["x", "y"], "ab", {"a": 1, "b": 2}]
)
def test_a_span_that_is_none(tmp_path: Path, span: Any) -> None:
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", lambda m: m.update(span=span))
    with pytest.raises(st.ArtifactError):
        st.load(tmp_path / "model")
