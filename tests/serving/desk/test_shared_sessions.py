"""Sessions of several processes: known to all, ended for all, and unreadable in their folder."""

import pytest
from fastapi.testclient import TestClient
from tests.serving.banks import fitted

from suitably.serving import Service, Settings
from suitably.serving.app import app_of
from suitably.serving.desk import shared_sessions
from suitably.serving.desk.shared_sessions import SharedSessions
from suitably.serving.tokens import new_token, read_roles


def test_one_begins_another_finds_and_a_third_ends(tmp_path):
    one, two, three = (SharedSessions(tmp_path) for _ in range(3))
    key = one.begin("Bearer secret ünd so")
    assert two.find(key).authorization == "Bearer secret ünd so"
    assert two.is_form_token(key, one.form_token(key))
    three.end(key)
    three.end(key)
    assert one.find(key) is None
    assert two.find("never begun") is None
    assert two.find("") is None


def test_nothing_in_the_folder_tells_who_or_how(tmp_path):
    key = SharedSessions(tmp_path).begin("Bearer secret")
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        held = file.name.encode() + b" " + file.read_bytes()
        assert b"Bearer" not in held
        assert key.encode() not in held
    assert "Bearer" not in repr(SharedSessions(tmp_path).find(key))


@pytest.mark.parametrize(
    ("pause", "times", "found"), [(29, 3, True), (31, 1, False), (25, 20, False)]
)
def test_they_run_out(tmp_path, pause, times, found):
    now = [5.0]
    one, two = (SharedSessions(tmp_path, clock=lambda: now[0]) for _ in range(2))
    key = one.begin("Bearer a")
    for _ in range(times):
        now[0] += pause * 60
        last = two.find(key)
    assert (last is not None) == found
    assert (one.find(key) is not None) == found


def test_a_page_under_way_brings_no_session_back(tmp_path, monkeypatch):
    """What has ended between being read and being noted as used stays ended."""
    one, two = SharedSessions(tmp_path), SharedSessions(tmp_path)
    key = one.begin("Bearer a")
    noted = shared_sessions._use

    def ended(file, now):
        two.end(key)
        noted(file, now)

    monkeypatch.setattr(shared_sessions, "_use", ended)
    assert one.find(key) is None
    assert two.find(key) is None
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_they_are_bounded_and_what_has_run_out_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_sessions, "MOST", 3)
    now = [0.0]
    sessions = SharedSessions(tmp_path, clock=lambda: now[0])
    keys = []
    for n in range(5):
        now[0] += 1
        keys.append(sessions.begin(f"Bearer {n}"))
    assert [sessions.find(key) is not None for key in keys] == [False, False, True, True, True]
    now[0] += 9 * 3600
    sessions.begin("Bearer new")
    assert len(list(tmp_path.iterdir())) == 2


def test_who_signs_in_at_one_process_is_known_to_the_other(tmp_path):
    secret, token = new_token(read_roles("explain"), "ann")
    (tmp_path / "tokens").write_text(f"{token.line}\n")
    (tmp_path / "desk").mkdir()
    said = {"service": {"workers": 2}, "tokens": {"file": "tokens"}}
    settings, pipeline = Settings.read(said, folder=tmp_path), fitted()
    one, two = (
        TestClient(app_of(Service(pipeline, settings), SharedSessions(tmp_path / "desk")))
        for _ in range(2)
    )
    form = one.get("/desk/sign-in").text.partition('name="token" value="')[2].partition('"')[0]
    two.cookies.update(one.cookies)
    entered = two.post(
        "/desk/sign-in", data={"token": form, "bearer": secret}, follow_redirects=False
    )
    assert entered.status_code == 303
    one.cookies.update(two.cookies)
    assert one.get("/desk", follow_redirects=False).status_code == 200
    form = one.get("/desk").text.partition('name="token" value="')[2].partition('"')[0]
    one.post("/desk/sign-out", data={"token": form}, follow_redirects=False)
    assert two.get("/desk", follow_redirects=False).status_code == 303
