"""Loading executes no code; a damaged or tampered artefact is refused."""

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import suitably
from support.artefacts import forge, write_manifest
from support.banks import popular
from support.frames import rows_of

FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model"
    profiles = [suitably.profiles.RiskAppetite(), suitably.profiles.RecencyFrequencyValue()]
    world = popular(9)
    world.fitted(
        suitably.ranking.ALS(factors=3, iterations=2),
        profiles=profiles,
        rerankers=[suitably.reranking.Diversity()],
    ).save(path)
    return path


@pytest.fixture(scope="module")
def sandbox(model: Path) -> Path:
    return model.parent


@contextmanager
def copied(model: Path) -> Iterator[Path]:
    copy = model.parent / "copy"
    shutil.copytree(model, copy, symlinks=True)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def files(model: Path) -> list[str]:
    return sorted(entry.name for entry in model.iterdir())


def serve(folder: Path) -> None:
    suitably.load(folder).recommend(k=3).to_frame()


def npy(model: Path) -> str:
    return next(name for name in files(model) if name.endswith("-product_factors_.npy"))


@FIXTURE
@given(data=st.data(), flip=st.integers(1, 255))
def test_any_changed_byte(model: Path, data: st.DataObject, flip: int) -> None:
    name = data.draw(st.sampled_from(files(model)))
    content = bytearray((model / name).read_bytes())
    last = len(content) - 1
    content[data.draw(st.sampled_from([0, last]) | st.integers(0, last))] ^= flip
    with copied(model) as folder:
        (folder / name).write_bytes(content)
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder)


def test_every_byte_of_the_manifest_and_its_digest(model: Path) -> None:
    with copied(model) as folder:
        for name in ("manifest.json", "manifest.sha256"):
            whole = (model / name).read_bytes()
            for place in range(len(whole)):
                changed = bytearray(whole)
                changed[place] ^= 1
                (folder / name).write_bytes(changed)
                with pytest.raises(suitably.ArtifactError):
                    suitably.load(folder, verify="manifest")
            (folder / name).write_bytes(whole)


@FIXTURE
@given(data=st.data())
def test_cut_short_or_grown(model: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(files(model)))
    content = (model / name).read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    longer = content + data.draw(st.sampled_from([b"\0", b"\n", b" ", content]))
    with copied(model) as folder:
        for other in (content[:cut], longer):
            (folder / name).write_bytes(other)
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder)


@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_a_file_missing_or_too_many(model: Path, verify: Any) -> None:
    for name in files(model):
        with copied(model) as folder:
            (folder / name).unlink()
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder, verify=verify)
    for name in ("extra.npy", "model.pkl", "x.py", "more.parquet", "policy.TOML"):
        with copied(model) as folder:
            (folder / name).write_bytes(b"")
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder, verify=verify)
    with copied(model) as folder:
        (folder / "subfolder.npy").mkdir()
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder, verify=verify)


def test_what_is_no_part_of_a_model_is_not_read(model: Path, sandbox: Path) -> None:
    mark = sandbox / "mark"
    with copied(model) as folder:
        for name in (".hidden", "NOTES.txt", "manifest.json.bak", "manifest.sig"):
            (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
        (folder / "subfolder").mkdir()
        (folder / f"{'0' * 64}-what-an-ended-save-left.npy").write_bytes(pickle.dumps(Bomb(mark)))
        serve(folder)
        assert not mark.exists()


@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_a_link_is_not_a_file(model: Path, verify: Any) -> None:
    for name in files(model):
        with copied(model) as folder:
            (folder / name).unlink()
            (folder / name).symlink_to(model / name)
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder, verify=verify)


@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_a_folder_is_not_a_file(model: Path, verify: Any) -> None:
    for name in files(model):
        with copied(model) as folder:
            (folder / name).unlink()
            (folder / name).mkdir()
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder, verify=verify)


def test_two_files_with_their_contents_swapped(model: Path) -> None:
    names = [name for name in files(model) if name.endswith(".npy")]
    with copied(model) as folder:
        one, other = (folder / name for name in names[:2])
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder)


@pytest.mark.parametrize(
    "name",
    ["../outside.npy", "/etc/hostname", "a/b.npy", "..", ".", "", "x.npy/..", "x\0.npy",
     "x.pkl", "x.py", "X.npy", "x.npy\n", "outside.npy ", "manifest.json"],
)  # fmt: skip
def test_names_that_lead_outside(model: Path, sandbox: Path, name: str) -> None:
    np.save(sandbox / "outside.npy", np.zeros(3))

    def change(manifest: dict[str, Any]) -> None:
        content = (sandbox / "outside.npy").read_bytes()
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
        manifest["sizes"][name] = len(content)
        manifest["owned"]["starts"] = name

    def replaced(manifest: dict[str, Any]) -> None:
        del manifest["files"][manifest["owned"]["starts"]]
        change(manifest)

    for how in (change, replaced):
        with copied(model) as folder:
            forge(folder, how)
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder)


def test_a_file_that_the_manifest_does_not_list_is_not_read(model: Path, sandbox: Path) -> None:
    np.save(sandbox / "outside.npy", np.zeros(3))
    for name in ("../outside.npy", str(sandbox / "outside.npy"), "nowhere.npy", 7, None, []):
        with copied(model) as folder:
            forge(folder, lambda m, name=name: m["owned"].update(starts=name))
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder)


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


PAYLOADS: dict[str, Callable[[Path, Any], Any]] = {
    "object array": lambda path, bomb: np.save(path, np.array([bomb], object), allow_pickle=True),
    "bare pickle": lambda path, bomb: path.write_bytes(pickle.dumps(bomb)),
    "npz": lambda path, bomb: _npz(path, bomb),
    "nothing": lambda path, bomb: path.write_bytes(b""),
    "header only": lambda path, bomb: path.write_bytes(b"\x93NUMPY\x01\x00"),
    "bad header": lambda path, bomb: path.write_bytes(_headed(b"__import__('os').getcwd()")),
    "object header": lambda path, bomb: path.write_bytes(
        _headed(b"{'descr': '|O', 'fortran_order': False, 'shape': (6, 3)}")
    ),
}


@pytest.mark.parametrize("verify", ["full", "manifest"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_pickle_in_an_array_is_not_run(
    model: Path, sandbox: Path, payload: str, verify: Any
) -> None:
    mark = sandbox / "mark"
    with copied(model) as folder:
        PAYLOADS[payload](folder / npy(model), Bomb(mark))
        forge(folder)
        try:
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder, verify=verify)
        finally:
            assert not mark.exists(), "the payload was run"


def _npz(path: Path, bomb: Bomb) -> None:
    with path.open("wb") as file:
        np.savez(file, values=np.array([bomb], object))


def _headed(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(72)


@pytest.mark.parametrize(
    "name",
    ["builtins.exec", "os.system", "builtins.object", "properties.worlds.World", "", None, 3,
     "suitably.ranking.als.als", "suitably.pipeline.pipeline.Pipeline", "subprocess.Popen", ["a"]],
)  # fmt: skip
@pytest.mark.parametrize("part", ["rankers", "builders", "rerankers"])
def test_a_class_is_trusted_only_by_name(model: Path, part: str, name: Any) -> None:
    def change(manifest: dict[str, Any]) -> None:
        record = manifest[part][0]
        record["class"] = name

    with copied(model) as folder:
        forge(folder, change)
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder)


def test_a_class_of_the_wrong_kind_is_refused(model: Path) -> None:
    als, diversity = "suitably.ranking.als.ALS", "suitably.reranking.diversity.Diversity"
    with copied(model) as folder:
        record = json.loads((folder / "manifest.json").read_text("utf-8"))
        forge(folder, lambda manifest: manifest.update(rankers=[record["rerankers"][0]]))
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder)
        assert record["rankers"][0]["class"] == als
        assert record["rerankers"][0]["class"] == diversity
        for part in ("rerankers", "builders"):
            forge(folder, lambda m, part=part: m.update({**record, part: [record["rankers"][0]]}))
            with pytest.raises(suitably.ArtifactError):
                suitably.load(folder)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("no schema", lambda m: m.pop("schema")),
        ("a later schema", lambda m: m.update(schema=99)),
        ("no ranker", lambda m: m.pop("rankers")),
        ("an empty list of rankers", lambda m: m.update(rankers=[])),
        ("files is a list", lambda m: m.update(files=sorted(m["files"]))),
        ("no sizes", lambda m: m.pop("sizes")),
        ("sizes are text", lambda m: m.update(sizes=dict.fromkeys(m["files"], "7"))),
        ("sizes is a list", lambda m: m.update(sizes=[])),
        ("as_of is text", lambda m: m.update(as_of="yesterday")),
        ("as_of is a fraction", lambda m: m.update(as_of=0.5)),
        ("no such zone", lambda m: m.update(zone="../../etc/passwd")),
        ("ids as an array", lambda m: m["users"].update(rows=m["owned"]["starts"])),
        ("an array as ids", lambda m: m["owned"].update(starts=m["users"]["rows"])),
        ("no interactions", lambda m: m.update(interactions=[])),
        (
            "interactions of another weighting",
            lambda m: m["interactions"][0].update(half_life_days=3),
        ),
        ("weights that are none", lambda m: m["interactions"][0].update(weights=float("nan"))),
        ("another policy's digest", lambda m: m["policies"][0].update(fingerprint="0" * 64)),
        ("no policy", lambda m: m.update(policies=[])),
        ("parameters unknown", lambda m: m["rerankers"][0]["scalars"].update(extra=1)),
        ("user ids twice as many", lambda m: m.update(users=m["products"])),
    ],
)
def test_a_manifest_that_makes_no_sense(
    model: Path, what: str, change: Callable[[dict[str, Any]], None]
) -> None:
    with copied(model) as folder:
        forge(folder, change)
        with pytest.raises(suitably.SuitablyError):
            serve(folder)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"null", b"{", b'"text"', b"\xff", b"{}", b"[" * 100_000]
)
def test_a_manifest_that_is_none(model: Path, document: bytes) -> None:
    with copied(model) as folder:
        write_manifest(folder, document)
        with pytest.raises(suitably.ArtifactError):
            suitably.load(folder)


@pytest.mark.parametrize(
    ("part", "array"),
    [
        ("owned-starts", np.zeros((2, 3), int)),
        ("owned-starts", np.array([0.5, 1, 2, 3, 7])),
        ("owned-products", np.array([0.5] * 7)),
        ("owned-products", np.array([999] * 7, np.int32)),
        ("owned-products", np.array([-1] * 7, np.int32)),
        ("owned-starts", np.array([0, 99, 3, 2, 7], np.int32)),
        ("product_factors_", np.zeros((2, 3), np.float32)),
        ("product_factors_", np.full((6, 3), np.nan, np.float32)),
        ("active_user_factors", np.zeros((4, 9), np.float32)),
    ],
)
def test_arrays_that_do_not_fit(model: Path, part: str, array: Any) -> None:
    with copied(model) as folder:
        name = next(n for n in files(model) if n.endswith(f"-{part}.npy"))
        np.save(folder / name, array)
        forge(folder)
        with pytest.raises(suitably.SuitablyError):
            serve(folder)


def test_ids_that_do_not_fit(model: Path) -> None:
    for ids in (["u0", "u0", "u1", "u2"], ["u0"], [None, "a", "b", "c"]):
        with copied(model) as folder:
            name = next(n for n in files(model) if n.endswith("-users.parquet"))
            pq.write_table(pa.table({"id": ids, "listed": [True] * len(ids)}), folder / name)
            forge(folder)
            with pytest.raises(suitably.SuitablyError):
                serve(folder)


def test_rows_that_do_not_say_who_is_listed(model: Path) -> None:
    for listed in ([1, 1, 1, 1], [True, None, True, True]):
        with copied(model) as folder:
            name = next(n for n in files(model) if n.endswith("-users.parquet"))
            ids = pq.read_table(folder / name)["id"]
            pq.write_table(pa.table({"id": ids, "listed": listed}), folder / name)
            forge(folder)
            with pytest.raises(suitably.SuitablyError):
                serve(folder)


def test_a_policy_that_is_none(model: Path) -> None:
    for text in (b"", b"\xff\xfe", b"not toml ["):
        with copied(model) as folder:
            name = next(n for n in files(model) if n.endswith(".toml"))
            (folder / name).write_bytes(text)
            forge(folder)
            with pytest.raises(suitably.SuitablyError):
                suitably.load(folder)


def test_the_forger_changes_nothing_by_itself(model: Path) -> None:
    """So that the refusals above are about what was changed, not about the way of changing it."""
    with copied(model) as folder:
        forge(folder)
        loaded = suitably.load(folder)
        expected = suitably.load(model).recommend(k=3)
        assert rows_of(loaded.recommend(k=3).to_frame()) == rows_of(expected.to_frame())
