"""Models of older versions load, of newer ones are refused by name."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import suitably as st
from suitably.persistence import describe_model, migrations
from suitably.persistence.folder import SCHEMA
from support.artefacts import forge
from support.banks import popular
from support.frames import rows_of

NEW_IN_4 = ("asks_consent", "span", "statistics", "fingerprint")


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return found


CHOSEN = ("factors_", "learning_rate_", "iterations_", "popularity_exponent_")


def components(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    inside = [one for each in found for part in each["parts"].values() for one in part]
    return [*found, *components(inside)] if found else []


def as_schema_4(manifest: dict[str, Any]) -> None:
    manifest["schema"] = 4
    for one in components(manifest["rankers"]):
        new = {*CHOSEN, "dropout", "row_scaling", "neighbours_of"}
        if one["class"].endswith(("BPR", "LogisticMF")):
            new.add("regularization_")
        if one["class"].endswith("EASE"):
            new.add("neighbours")
        one["scalars"] = {k: v for k, v in one["scalars"].items() if k not in new}


def as_schema_3(manifest: dict[str, Any]) -> None:
    as_schema_4(manifest)
    manifest["schema"] = 3
    for name in NEW_IN_4:
        del manifest[name]


def test_every_schema_since_the_oldest_has_a_step() -> None:
    assert SCHEMA == 5
    assert sorted(migrations.MIGRATIONS) == list(range(3, SCHEMA))


def test_a_model_of_schema_3(tmp_path: Path) -> None:
    pipeline = popular(9).fitted(st.ranking.ALS(factors=3), profiles=[st.profiles.RiskAppetite()])
    for name in ("old", "new"):
        pipeline.save(tmp_path / name)
    forge(tmp_path / "old", as_schema_3)
    assert not set(NEW_IN_4) & set(facts(tmp_path / "old"))
    old, new = (st.load(tmp_path / name) for name in ("old", "new"))
    assert rows_of(old.recommend(k=4).to_frame()) == rows_of(new.recommend(k=4).to_frame())
    described = describe_model(tmp_path / "old")
    assert (described.schema, described.statistics, described.span) == (3, None, None)
    old.save(tmp_path / "again")
    again = facts(tmp_path / "again")
    assert again["schema"] == SCHEMA
    assert again["asks_consent"] is False
    assert again["statistics"] == facts(tmp_path / "new")["statistics"], "counted anew"
    assert again["span"] is None, "what nobody knew is not made up"
    st.load(tmp_path / "again")


def test_rankers_of_schema_4(tmp_path: Path) -> None:
    members = [st.ranking.EASE(), st.ranking.ItemKNN(neighbours_of="owned"), st.ranking.Spectral(),
               st.ranking.ALS(factors=3), st.ranking.IALS(factors=3), st.ranking.BPR(factors=3,
               learning_rate=0.01, regularization=0.01, iterations=5),
               st.ranking.LogisticMF(factors=3, regularization=1.0, iterations=5)]  # fmt: skip
    blend = st.ranking.Blend(members, weights=[1.0] * len(members))
    pipeline = popular(9).fitted(blend)
    for name in ("old", "new"):
        pipeline.save(tmp_path / name)
    forge(tmp_path / "old", as_schema_4)
    assert "neighbours_of" not in (tmp_path / "old" / "manifest.json").read_text("utf-8")
    old, new = (st.load(tmp_path / name) for name in ("old", "new"))
    assert rows_of(old.recommend(k=4).to_frame()) == rows_of(new.recommend(k=4).to_frame())
    old.save(tmp_path / "again")
    assert facts(tmp_path / "again")["rankers"] == facts(tmp_path / "new")["rankers"]


def test_a_model_of_schema_3_that_says_it_asks_for_consent(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", as_schema_3)
    forge(tmp_path / "model", lambda m: m.update(asks_consent=True))
    with pytest.raises(st.DataError, match="consent"):
        st.load(tmp_path / "model").recommend()


def test_steps_are_taken_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def step(number: int) -> Any:
        def forward(found: Mapping[str, Any]) -> dict[str, Any]:
            taken.append((number, found["schema"]))
            return {**found, f"from {number}": True}

        return forward

    monkeypatch.setattr(migrations, "MIGRATIONS", {number: step(number) for number in (3, 4, 5)})
    monkeypatch.setattr(migrations, "SCHEMA", 6)
    before = {"schema": 3}
    found = migrations.migrated(before, "here")
    assert taken == [(3, 3), (4, 4), (5, 5)]
    assert found == {"schema": 6, "from 3": True, "from 4": True, "from 5": True}
    assert before == {"schema": 3}
    assert migrations.migrated({"schema": 6}, "here") == {"schema": 6}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (SCHEMA + 1, rf"newer version \(schema {SCHEMA + 1}, this one reads up to {SCHEMA}\)"),
        (10**300, "newer version"),
        (2, r"older version \(schema 2, this one reads from 3 on\)"),
        (1, "older version"),
        *[(other, "does not say") for other in (0, -1, -(10**300), "4", "",
                                                4.0, True, None, [4], {})],
    ],
)  # fmt: skip
@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_a_schema_that_is_not_read(tmp_path: Path, schema: Any, says: str, verify: Any) -> None:
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", lambda m: m.update(schema=schema))
    for read in (lambda p: st.load(p, verify=verify), describe_model):
        with pytest.raises(st.ArtifactError, match=says):
            read(tmp_path / "model")


def test_a_newer_schema_without_a_signature_of_its_parts(tmp_path: Path) -> None:
    """What a newer version lists may look quite different: the version is what is told."""
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", lambda m: m.update(schema=9, files=["a.zarr"], sizes=None))
    with pytest.raises(st.ArtifactError, match=r"newer version .* upgrade"):
        st.load(tmp_path / "model")


def test_a_changed_manifest_is_refused_before_it_is_migrated(tmp_path: Path) -> None:
    popular(9).fitted().save(tmp_path / "model")
    forge(tmp_path / "model", as_schema_3)
    path = tmp_path / "model" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    with pytest.raises(st.ArtifactError, match="damaged or has been changed"):
        st.load(tmp_path / "model")
