"""How a service follows a folder of versions, and what it does with bad ones."""

import gc
import hashlib
import json
import shutil
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.serving.banks import fitted, folder_of, tight
from tests.serving.clients import asking, problem, token_file

import suitably as st
from suitably.errors import ArtifactError, DataError
from suitably.serving import CanaryReport, ModelFolder, PromotionRefused, Service, Settings
from suitably.serving.problems import Problem
from suitably.serving.tokens import new_token

LISTS = "/v1/recommendations"


def eventually(holds: object, seconds: float = 30.0) -> None:
    """Wait until something holds; a service notices what is new by itself."""
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def test_a_promotion_by_somebody_else_is_noticed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "v1", "v2")
    service = Service(tmp_path)
    assert service.served().version == "v1"
    folder.promote("v2", by="somebody")
    eventually(lambda: service.served().version == "v2")
    folder.rollback(by="somebody")
    eventually(lambda: service.served().version == "v1")
    assert service.problems == []
    assert service.reloads == {"swapped": 2, "refused": 0}
    service.close()


def test_a_request_keeps_its_version(tmp_path: Path) -> None:
    folder_of(tmp_path, "v1", "v2")
    service = Service(tmp_path)
    answering = service.answering()
    service.promote("v2", "me")
    assert answering.version == "v1"
    assert service.answering().version == "v2"
    assert answering.pipeline.recommend(["u01"]).to_dict()["users"][0]["products"]


def moved(folder: Path, name: str) -> None:
    """Move the pointer by hand, past every check."""
    (folder / "current").unlink()
    (folder / "current").symlink_to(name)


@pytest.mark.parametrize("fault", ["violates", "damaged", "newer", "vanished", "no model", "tight"])
def test_a_bad_version_is_refused_and_the_old_one_goes_on(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path, "v1")
    service = Service(tmp_path)
    bad = tmp_path / "v2"
    (tight() if fault == "tight" else fitted()).save(bad)
    if fault == "damaged":
        array = next(bad.rglob("*.npy"))
        array.write_bytes(array.read_bytes()[:-1] + b"\x07")
    elif fault == "newer":
        manifest = json.loads((bad / "manifest.json").read_text())
        manifest["schema"] = 10_000
        (bad / "manifest.json").write_text(json.dumps(manifest))
        digest = hashlib.sha256((bad / "manifest.json").read_bytes()).hexdigest()
        (bad / "manifest.sha256").write_text(digest)
    elif fault in ("vanished", "no model"):
        shutil.rmtree(bad)
        if fault == "no model":
            bad.mkdir()
    elif fault == "violates":
        told = CanaryReport(("3 of 9 listed products break a rule",), 9, 9, 3, 0.0, None, 0.0, None)
        seen = SimpleNamespace(check=lambda *_: told)
        monkeypatch.setattr(Service, "canary", property(lambda _: seen))
    moved(tmp_path, "v2")
    service.look()
    monkeypatch.undo()
    assert service.served().version == "v1"
    assert service.reloads["refused"] == 1
    assert "v2" in service.problems[0]
    service.look()
    assert service.reloads["refused"] == 1  # once is enough
    with asking(service) as client:
        assert client.post(LISTS, json={"user_id": "u01"}).json()["version"] == "v1"
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert "v2" in ready.json()["detail"][0]
        assert 'suitably_reloads_total{what="refused"} 1.0' in client.get("/metrics").text
    if fault == "damaged":  # saved anew under the same name, it is tried anew
        shutil.rmtree(bad)
        fitted().save(bad)
        service.look()
        assert service.served().version == "v2"
        assert service.problems == []


def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    folder_of(models, "v1")
    service = Service(models)
    shutil.rmtree(models)
    service.look()
    with asking(service) as client:
        assert client.post(LISTS, json={"user_id": "u01"}).json()["version"] == "v1"
        assert client.get("/readyz").json()["detail"]
        problem(client.get("/v1/models"), 409)
        problem(client.post("/v1/models/v1/promote"), 409)
    models.mkdir()
    folder_of(models, "v1", "v2")
    moved(models, "v2")
    service.look()
    assert service.served().version == "v2"
    assert service.problems == []


def test_a_folder_without_a_current_version(tmp_path: Path) -> None:
    fitted().save(tmp_path / "v1")
    with asking(tmp_path) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert "suitably_ready 0.0" in client.get("/metrics").text
        reply = client.post(LISTS, json={"user_id": "u01"})
        assert problem(reply, 503)["type"].endswith("not-ready")
        assert client.post("/v1/models/v1/promote").json()["taken"] is True
        assert client.get("/readyz").status_code == 200
        assert client.post(LISTS, json={"user_id": "u01"}).json()["version"] == "v1"


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        Service(tmp_path / "models")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ArtifactError):
        Service(tmp_path)


def test_a_single_saved_model(tmp_path: Path) -> None:
    pipeline = fitted()
    pipeline.save(tmp_path / "nightly")
    service = Service(tmp_path / "nightly")
    assert service.served().version == "nightly"
    assert service.served().model == pipeline.fingerprint
    assert service.folder is None
    with pytest.raises(Problem, match="no folder of versions"):
        service.promote("v2", "me")


def test_promotions_by_the_endpoint(tmp_path: Path) -> None:
    folder_of(tmp_path, "v1", "v2")
    tight().save(tmp_path / "v3")
    with asking(tmp_path) as client:
        said = client.post("/v1/models/v2/promote").json()
        assert (said["version"], said["taken"], said["report"]["ok"]) == ("v2", True, True)
        refused = problem(client.post("/v1/models/v3/promote"), 409)
        assert refused["report"]["ok"] is False
        problem(client.post("/v1/models/v9/promote"), 409)
        problem(client.post("/v1/models/..%2Fv1/promote"), 404)
        said = client.get("/v1/models").json()
        assert [one["name"] for one in said["versions"]] == ["v1", "v2", "v3"]
        assert said["version"] == "v2"
        assert said["history"][-1]["by"] == "api"
        assert client.post("/v1/models/rollback").json()["version"] == "v1"
        problem(client.post("/v1/models/rollback"), 409)


def test_two_promotions_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path, "v1", "v2", "v3")
    service = Service(tmp_path)
    begun, go_on, real = threading.Event(), threading.Event(), ModelFolder.load

    def slow(self: ModelFolder, name: str) -> st.Pipeline:
        begun.set()
        go_on.wait(30)
        return real(self, name)

    monkeypatch.setattr(ModelFolder, "load", slow)
    first = threading.Thread(target=service.promote, args=("v2", "one"))
    first.start()
    assert begun.wait(30)
    with pytest.raises(PromotionRefused, match="under way"):
        folder.promote("v3", by="another")
    assert service.served().version == "v1"
    go_on.set()
    first.join()
    assert service.served().version == "v2"


def test_tokens_are_read_again_and_half_a_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    before = token_file(file, shop="recommend")["shop"]
    service = Service(fitted(), Settings.read({"tokens": {"file": str(file)}}))
    assert service.roles(before) == {"recommend"}
    assert service.roles(None) == frozenset()
    secret, token = new_token(["explain", "identify"], "desk")
    file.write_text(f"{token.line}\n")
    assert service.roles(before) == frozenset()
    assert service.roles(f"bearer {secret}") == {"explain", "identify"}
    file.write_text("desk explain\n")
    assert service.roles(f"Bearer {secret}") == {"explain", "identify"}
    assert any("of before" in one for one in service.problems)
    file.unlink()
    assert service.roles(f"Bearer {secret}") == {"explain", "identify"}
    file.write_text("# nobody\n")
    assert service.roles(f"Bearer {secret}") == frozenset()
    assert service.problems == []


def test_without_a_file_of_tokens_everything_is_allowed() -> None:
    service = Service(fitted())
    assert service.roles(None) == {"recommend", "explain", "identify", "admin"}


def test_an_application_that_is_gone_leaves_no_thread(tmp_path: Path) -> None:
    folder_of(tmp_path, "v1")
    service = Service(tmp_path)
    service.served()
    thread, gone = service._looking, weakref.ref(service)
    assert thread is not None
    del service
    gc.collect()
    eventually(lambda: gone() is None and not thread.is_alive())


def test_switches_are_in_the_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, "v1")
    with asking(tmp_path) as client:
        client.put("/v1/switches", json={"kind": "everything", "reason": "drill"})
    assert (tmp_path / "switches.json").exists()
    with asking(tmp_path) as client:  # as after a restart
        said = client.post(LISTS, json={"user_id": "u01"}).json()["users"][0]
        assert said["reasons"] == {"switched-off": 9}
