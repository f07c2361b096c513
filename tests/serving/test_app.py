"""What the application answers, to good questions and to bad ones."""

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.serving.banks import fitted
from tests.serving.clients import asking, problem, token_file

import suitably as st
from suitably.serving import Service, Settings, create_app

LISTS = "/v1/recommendations"


@pytest.fixture(scope="module")
def pipeline() -> st.Pipeline:
    return fitted()


@pytest.fixture
def client(pipeline: st.Pipeline) -> Any:
    with asking(pipeline) as client:
        yield client


def test_one_customer_gets_what_the_pipeline_lists(
    client: TestClient, pipeline: st.Pipeline
) -> None:
    for user in pipeline.user_ids[:9].tolist():
        said = client.post(LISTS, json={"user_id": user, "k": 4}).json()
        expected = pipeline.recommend([user], k=4).to_dict()
        assert said["model"] == pipeline.fingerprint
        assert said["version"] == pipeline.fingerprint[:12]
        assert said["as_of"] == "2024-02-01T00:00:00" == expected["as_of"]
        assert said["k"] == 4
        (one,) = said["users"]
        assert one.pop("stood_in") is False
        assert one == expected["users"][0]


def test_several_customers_are_answered_in_their_order(
    client: TestClient, pipeline: st.Pipeline
) -> None:
    asked = ["u07", "nobody", "u01"]
    said = client.post(LISTS, json={"user_ids": asked}).json()
    assert [one["user_id"] for one in said["users"]] == asked
    assert said["users"][1]["products"] == []
    assert said["users"][1]["reasons"] == {"unknown-user": 9}
    alone = [client.post(LISTS, json={"user_id": one}).json()["users"][0] for one in asked]
    assert said["users"] == alone


def test_what_is_asked_narrows_the_list(client: TestClient, pipeline: st.Pipeline) -> None:
    body = {"user_id": "u02", "product_ids": ["p1", "p2"], "exclude_owned": False, "amount": 10}
    said = client.post(LISTS, json=body).json()["users"][0]
    expected = pipeline.recommend(
        ["u02"], product_ids=["p1", "p2"], exclude_owned=False, amount=10
    ).to_dict()["users"][0]
    assert said["products"] == expected["products"]
    assert {one["product_id"] for one in said["products"]} <= {"p1", "p2"}
    later = client.post(LISTS, json={"user_id": "u02", "as_of": "2024-03-01"}).json()
    assert later["as_of"] == "2024-03-01T00:00:00"


def test_the_fallback_is_named() -> None:
    bank = st.data.simulate_bank(users=60, products=30, seed=0)
    stranger = bank.user_ids[0]
    events = bank.interactions
    others = events[events[bank.columns.user] != stranger]
    log = st.Dataset(bank.users, bank.products, others, columns=bank.columns)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE()).fit(log)
    assert pipeline.recommend([stranger]).stood_in[0]
    with asking(pipeline) as client:
        said = client.post(LISTS, json={"user_id": stranger}).json()
        assert said["users"][0]["stood_in"] is True
        assert client.post("/v1/trace", json={"user_id": stranger}).json()["stood_in"] is True
        assert 'list="stood-in"} 1.0' in client.get("/metrics").text


def test_explanations_are_those_of_the_pipeline(client: TestClient, pipeline: st.Pipeline) -> None:
    recs = pipeline.recommend(["u02"], k=3)
    listed = next(iter(recs)).product_ids
    said = client.post("/v1/explanations", json={"user_id": "u02", "k": 3}).json()
    assert said["explanations"] == [recs.explain("u02", one).to_dict() for one in listed]
    body = {"user_id": "u02", "k": 3, "product_ids": [listed[1]], "audience": "customer"}
    (one,) = client.post("/v1/explanations", json=body).json()["explanations"]
    assert one == recs.explain("u02", listed[1]).to_dict("customer")
    assert "adviser_text" not in one
    body = {"user_id": "u02", "k": 3, "product_id": listed[1]}
    (same,) = client.post("/v1/explanations", json=body).json()["explanations"]
    assert same == recs.explain("u02", listed[1]).to_dict()
    body["product_ids"] = [listed[1]]
    assert "one of" in problem(client.post("/v1/explanations", json=body), 422)["detail"]


def test_why_not_what_if_and_trace_are_those_of_the_pipeline(
    client: TestClient, pipeline: st.Pipeline
) -> None:
    body = {"user_id": "u00", "product_id": "p2"}
    said = client.post("/v1/why-not", json=body).json()
    assert said["verdicts"] == [one.to_dict() for one in pipeline.why_not("u00", "p2")]
    assert [one["verdict"] for one in said["verdicts"]] == ["fail"]
    assert client.post("/v1/what-if", json=body).json()["what_if"] == []
    traced = client.post("/v1/trace", json={"user_id": "u00"}).json()
    expected = pipeline.trace("u00").to_dict()
    assert {name: traced[name] for name in expected} == expected
    for one in (said, traced):
        assert one["version"] == pipeline.fingerprint[:12]
        assert one["stood_in"] is False
        assert one["as_of"] == "2024-02-01T00:00:00"


@pytest.mark.parametrize("path", ["/v1/explanations", "/v1/why-not", "/v1/what-if", "/v1/trace"])
def test_nobody_of_this_id(client: TestClient, path: str) -> None:
    body = {"user_id": "nobody"} | ({"product_id": "p1"} if "w" in path else {})
    said = problem(client.post(path, json=body), 404)
    assert said["type"].endswith("unknown-user")
    assert "nobody" not in said["detail"]


def test_a_product_that_is_not_there(client: TestClient) -> None:
    body = {"user_id": "u02", "product_id": "no-such"}
    assert problem(client.post("/v1/why-not", json=body), 404)["type"].endswith("unknown-product")
    body = {"user_id": "u00", "product_ids": ["p2"]}
    said = problem(client.post("/v1/explanations", json=body), 404)
    assert "/v1/why-not" in said["detail"]


BAD = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'{"user_id": "u00", "k": NaN}', 400),
    (b'{"user_id": "u00", "amount": Infinity}', 400),
    (b'{"user_id": "u00", "amount": -Infinity}', 400),
    (b'{"user_id": "u00", "k": ' + b"9" * 5000 + b"}", 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 50_000, 400),
    (b"[]", 422),
    (b'"u00"', 422),
    (b"null", 422),
    (b"{}", 422),
    (b'{"user_id": null}', 422),
    (b'{"user_id": "u00", "user_ids": ["u01"]}', 422),
    (b'{"user_id": 1.5}', 422),
    (b'{"user_id": true}', 422),
    (b'{"user_id": ["u00"]}', 422),
    (b'{"user_id": {"id": "u00"}}', 422),
    (b'{"user_id": ""}', 422),
    (b'{"user_id": 7}', 422),
    (b'{"user_id": 99999999999999999999999999}', 422),
    (b'{"user_id": "\\ud800"}', 422),
    (b'{"user_id": "' + b"u" * 300 + b'"}', 422),
    (b'{"user_ids": []}', 422),
    (b'{"user_ids": "u00"}', 422),
    (b'{"user_ids": ["u00", 7]}', 422),
    (b'{"user_ids": ["u00", null]}', 422),
    (b'{"user_ids": ["u00", "u00"]}', 422),
    (b'{"user_id": "u00", "k": 0}', 422),
    (b'{"user_id": "u00", "k": -1}', 422),
    (b'{"user_id": "u00", "k": 101}', 422),
    (b'{"user_id": "u00", "k": 1000000000000000000000}', 422),
    (b'{"user_id": "u00", "k": 3.0}', 422),
    (b'{"user_id": "u00", "k": "3"}', 422),
    (b'{"user_id": "u00", "k": true}', 422),
    (b'{"user_id": "u00", "as_of": 20240301}', 422),
    (b'{"user_id": "u00", "as_of": "soon"}', 422),
    (b'{"user_id": "u00", "as_of": "2001-01-01"}', 422),
    (b'{"user_id": "u00", "as_of": "2024-03-01T00:00:00Z"}', 422),
    (b'{"user_id": "u00", "amount": 1e400}', 422),
    (b'{"user_id": "u00", "amount": -5}', 422),
    (b'{"user_id": "u00", "amount": "5"}', 422),
    (b'{"user_id": "u00", "exclude_owned": 1}', 422),
    (b'{"user_id": "u00", "product_ids": [7]}', 422),
    (b'{"user_id": "u00", "product_ids": {}}', 422),
    (b'{"user_id": "u00", "usr": 1}', 422),
]


@pytest.mark.parametrize(("body", "status"), BAD, ids=[str(body[:40]) for body, _ in BAD])
def test_a_bad_body_is_refused(client: TestClient, body: bytes, status: int) -> None:
    said = problem(client.post(LISTS, content=body, headers=_JSON), status)
    assert len(said["detail"]) < 500
    assert client.post(LISTS, json={"user_id": "u00"}).status_code == 200  # service goes on


_JSON = {"Content-Type": "application/json"}


def test_a_field_that_there_is_not_is_told_with_the_nearest(client: TestClient) -> None:
    said = problem(client.post(LISTS, json={"user_id": "u00", "produkt_ids": ["p1"]}), 422)
    assert "did you mean product_ids" in said["detail"]


def test_at_most_three_ids_are_shown(client: TestClient) -> None:
    asked = [f"u{n:02}" for n in range(20)] * 2
    said = problem(client.post(LISTS, json={"user_ids": asked}), 422)
    assert sum(user in said["detail"] for user in set(asked)) <= 3


def test_another_type_of_body(client: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        reply = client.post(LISTS, content=b'{"user_id":"u00"}', headers={"Content-Type": kind})
        problem(reply, 415)
    kind = "application/json; charset=utf-8"
    reply = client.post(LISTS, content=b'{"user_id":"u00"}', headers={"Content-Type": kind})
    assert reply.status_code == 200


def test_ten_megabytes_of_ids(client: TestClient) -> None:
    body = json.dumps({"user_ids": [f"u{n:09}" for n in range(700_000)]}).encode()
    assert len(body) > 9_000_000
    problem(client.post(LISTS, content=body, headers=_JSON), 413)
    reply = client.post(LISTS, content=iter([body[:5_000_000], body[5_000_000:]]), headers=_JSON)
    problem(reply, 413)  # chunked: nothing says beforehand how large it is


def test_more_customers_than_may_be(pipeline: st.Pipeline) -> None:
    with asking(pipeline, users=3, k=5) as client:
        asked = [f"u{n:02}" for n in range(4)]
        assert "4 ids" in problem(client.post(LISTS, json={"user_ids": asked}), 422)["detail"]
        assert client.post(LISTS, json={"user_ids": asked[:3]}).status_code == 200
        problem(client.post(LISTS, json={"user_id": "u00", "k": 6}), 422)
        bounds = client.get("/openapi.json").json()["paths"][LISTS]["post"]["requestBody"]
        fields = bounds["content"]["application/json"]["schema"]["properties"]
        assert fields["user_ids"]["maxItems"] == 3
        assert fields["k"]["maximum"] == 5


def test_places_and_methods_that_there_are_not(client: TestClient) -> None:
    for path in ("/", "/v1", "/v1/recommendation", f"{LISTS}/", "/v1/models/a/b/promote", "/.env"):
        problem(client.post(path, json={}), 404)
    reply = client.get(LISTS)
    problem(reply, 405)
    assert reply.headers["allow"] == "POST"


def test_what_is_there_without_a_token(client: TestClient, pipeline: st.Pipeline) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert ready["ready"] is True
    assert ready["model"] == pipeline.fingerprint
    client.post(LISTS, json={"user_id": "u00"})
    metrics = client.get("/metrics").text
    assert 'suitably_requests_total{route="/v1/recommendations",status="200"} 1.0' in metrics
    assert f'version="{pipeline.fingerprint[:12]}"' in metrics
    page = client.get("/docs").text
    assert LISTS in page
    assert "<script" not in page
    assert "http" not in page.replace("/openapi.json", "")  # nothing is loaded from elsewhere
    described = client.get("/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert {LISTS, "/v1/switches", "/healthz"} <= set(described["paths"])


def test_tokens_and_roles(pipeline: st.Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    said = token_file(file, shop="recommend", desk="explain", ops="admin")
    settings = Settings.read({"tokens": {"file": str(file)}})
    ask = {"user_id": "u00"}
    with asking(pipeline, settings) as client:
        reply = client.post(LISTS, json=ask)
        problem(reply, 401)
        assert reply.headers["www-authenticate"] == "Bearer"
        for header in ("Bearer", "Bearer x", "Basic x", said["shop"] + "x", said["shop"][:-1], "é"):
            bad = {"Authorization": header.encode("latin-1")}
            problem(client.post(LISTS, json=ask, headers=bad), 401)
        allowed = {
            LISTS: {"shop", "ops"},
            "/v1/trace": {"desk", "ops"},
            "/v1/explanations": {"desk", "ops"},
        }
        for path, names in allowed.items():
            for name, header in said.items():
                reply = client.post(path, json=ask, headers={"Authorization": header})
                assert reply.status_code == (200 if name in names else 403), (path, name)
                if name not in names:
                    problem(reply, 403)
        for name, header in said.items():
            reply = client.get("/v1/models", headers={"Authorization": header})
            assert reply.status_code == (200 if name == "ops" else 403)
        # Refused before the body is read or parsed.
        problem(client.post(LISTS, content=b"{", headers=_JSON), 401)
        assert client.get("/readyz").status_code == 200


def test_the_off_switch_takes_effect_on_the_next_call(client: TestClient) -> None:
    ask = {"user_id": "u02", "k": 9}
    before = client.post(LISTS, json=ask).json()["users"][0]["products"]
    first = before[0]["product_id"]
    off = {"kind": "product", "id": first, "reason": "misprinted price"}
    assert client.put("/v1/switches", json=off).json()["off"][0]["id"] == first
    after = client.post(LISTS, json=ask).json()["users"][0]
    assert [one["product_id"] for one in after["products"]] == [
        one["product_id"] for one in before[1:]
    ]
    assert after["reasons"]["switched-off"] == 1
    assert "suitably_switched_off" in client.get("/metrics").text
    client.put("/v1/switches", json={"kind": "everything", "reason": "drill"})
    assert client.post(LISTS, json=ask).json()["users"][0]["products"] == []
    client.request("DELETE", "/v1/switches", json={"kind": "everything", "reason": "over"})
    client.request("DELETE", "/v1/switches", json={**off, "reason": "corrected"})
    assert client.post(LISTS, json=ask).json()["users"][0]["products"] == before
    problem(client.request("DELETE", "/v1/switches", json=off), 422)  # it is not off
    problem(client.put("/v1/switches", json={"kind": "user", "reason": "x"}), 422)
    problem(client.put("/v1/switches", json={"kind": "planet", "id": "x", "reason": "x"}), 422)


def test_one_pipeline_has_no_versions(client: TestClient) -> None:
    problem(client.post("/v1/models/2024/promote"), 409)
    problem(client.post("/v1/models/rollback"), 409)
    assert client.get("/v1/models").json()["versions"] == []


def test_it_works_mounted_in_another_application(pipeline: st.Pipeline) -> None:
    other = FastAPI()
    other.mount("/suitably", create_app(pipeline))
    client = TestClient(other)  # whose start is not the mounted one's
    said = client.post(f"/suitably{LISTS}", json={"user_id": "u00"})
    assert said.json()["model"] == pipeline.fingerprint
    problem(client.post("/suitably/nothing", json={}), 404)
    assert client.get("/suitably/healthz").status_code == 200
    assert 'route="/healthz"' in client.get("/suitably/metrics").text


def test_a_pipeline_that_is_updated_is_another_version() -> None:
    pipeline = fitted()
    with asking(pipeline) as client:
        before = client.post(LISTS, json={"user_id": "u02", "k": 9}).json()
        bought = before["users"][0]["products"][0]["product_id"]
        news = {"user_id": ["u02"], "product_id": [bought], "timestamp": ["2024-02-03"]}
        pipeline.update(interactions=pd.DataFrame(news))
        after = client.post(LISTS, json={"user_id": "u02", "k": 9}).json()
        assert after["model"] == pipeline.fingerprint != before["model"]
        assert bought not in {one["product_id"] for one in after["users"][0]["products"]}


def test_nothing_that_a_client_sends_is_in_the_log(
    pipeline: st.Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = 'u00"}\n{"status": 500}\r\n<script>\u202e'
    with caplog.at_level(logging.DEBUG), asking(pipeline) as client:
        client.post(LISTS, json={"user_id": hostile})
        client.post(LISTS, json={"user_id": "u01"})
        client.post(LISTS, json={"user_ids": ["u02", hostile]})
        client.post("/v1/why-not", json={"user_id": hostile, "product_id": hostile})
        client.post(f"/v1/models/{'p' * 30}/promote")
        client.post(f"/{hostile[:3]}")
        client.post(LISTS, content=hostile.encode(), headers=_JSON)
    ours = [one for one in caplog.records if one.name.startswith("suitably")]
    assert not any("u01" in one.getMessage() or "script" in one.getMessage() for one in ours)
    lines = [one.getMessage() for one in ours if one.name == "suitably.serving.request_log"]
    said = [json.loads(line) for line in lines]
    assert [one["status"] for one in said] == [200, 200, 200, 404, 409, 404, 400]
    assert all("\n" not in line for line in lines)
    assert said[0]["users"] == 1
    assert said[0]["user"] == st.governance.pseudonym(hostile)
    assert said[2]["users"] == 2
    assert said[2]["user"] is None
    assert said[4]["route"] == "/v1/models/{version}/promote"
    assert {"time", "ms", "version", "request", "token"} <= set(said[0])


def test_an_unforeseen_error_shows_nothing(
    pipeline: st.Pipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("u00 has a secret")

    service = Service(pipeline)
    with asking(service) as client:
        monkeypatch.setattr(type(pipeline), "recommend", broken)
        with caplog.at_level(logging.INFO):
            said = problem(client.post(LISTS, json={"user_id": "u00"}), 500)
    assert "secret" not in json.dumps(said)
    (line,) = [one for one in caplog.records if one.name == "suitably.serving.request_log"]
    assert "secret" not in line.getMessage()
    told = json.loads(line.getMessage())
    assert told["error"].startswith("RuntimeError")
    assert said["instance"].endswith(told["request"])
    assert line.levelno == logging.ERROR


def test_an_answer_that_takes_too_long(
    pipeline: st.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    gate, real = Event(), st.Pipeline.recommend

    def slow(self: st.Pipeline, users: Any, *rest: Any, **named: Any) -> Any:
        if len(users) > 1:
            gate.wait(20)
        return real(self, users, *rest, **named)

    with asking(pipeline, answer_seconds=0.2, threads=1, waiting=1) as client:
        monkeypatch.setattr(st.Pipeline, "recommend", slow)
        reply = client.post(LISTS, json={"user_ids": ["u00", "u01"]})
        assert problem(reply, 503)["type"].endswith("too-long")
        assert "retry-after" in reply.headers
        assert client.post(LISTS, json={"user_id": "u00"}).status_code == 200  # nobody else waits
        replies = [client.post(LISTS, json={"user_ids": ["u00", "u01"]}) for _ in range(2)]
        assert {problem(one, 503)["type"].rsplit(":")[-1] for one in replies} <= {
            "too-long",
            "busy",
        }
        gate.set()


def test_decisions_are_on_record(pipeline: st.Pipeline, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[audit]\npath = "decisions.sqlite"\n')
    settings = Settings.load(tmp_path / "s.toml")
    with asking(pipeline, settings) as client:
        client.post(LISTS, json={"user_id": "u02", "k": 3})
        client.post("/v1/explanations", json={"user_id": "u02"})  # no decision: nothing is offered
        client.post("/v1/why-not", json={"user_id": "u02", "product_id": "p1"})
        client.put("/v1/switches", json={"kind": "product", "id": "p1", "reason": "drill"})
    trail = st.governance.AuditTrail(tmp_path / "decisions.sqlite")
    assert trail.verify().ok
    assert len(trail.decisions("u02")) == 1
    assert any(record.kind == "switch" for record in trail._store.records(0, trail.head[0]))


def test_a_decision_that_cannot_be_recorded_is_not_handed_out(pipeline: st.Pipeline) -> None:
    class Full:
        def record(self, block: Any) -> None:
            raise OSError(28, "No space left on device: /var/u00")

    with asking(pipeline.with_audit(Full())) as client:
        reply = client.post(LISTS, json={"user_id": "u02"})
        said = problem(reply, 503)
        assert "u00" not in reply.text
        assert said["type"].endswith("not-recorded")
        assert client.post("/v1/trace", json={"user_id": "u02"}).status_code == 200


def test_consent_is_asked_and_read_again(tmp_path: Path) -> None:
    pipeline = fitted(users=12)
    register = tmp_path / "consent.csv"

    def granted(*users: str) -> None:
        rows = "".join(f"{user},personalisation,2023-01-01,\n" for user in users)
        register.write_text(f"user_id,purpose,granted_at,withdrawn_at\n{rows}")

    granted(*pipeline.user_ids.tolist())
    settings = Settings.read({"consent": {"file": str(register)}})
    service = Service(pipeline, settings)
    with asking(service) as client:
        client.post(LISTS, json={"user_id": "u02"})
        assert service.answering().pipeline.consent.granted(["u02"], "personalisation").all()
        granted("u01")
        service.look()
        assert not service.answering().pipeline.consent.granted(["u02"], "personalisation").any()
        register.write_text("no,register\n")
        service.look()
        assert not service.answering().pipeline.consent.granted(["u02"], "personalisation").any()
        assert client.post(LISTS, json={"user_id": "u02"}).status_code == 200


def test_answers_are_watched(pipeline: st.Pipeline, tmp_path: Path) -> None:
    state = tmp_path / "watch.json"
    settings = Settings.read({"watch": {"on": True, "state": str(state)}})
    with asking(pipeline, settings) as client:
        client.post(LISTS, json={"user_ids": ["u00", "u01", "u02"]})
        client.post(LISTS, json={"user_id": "u03"})
        assert "suitably_monitor_users" in client.get("/metrics").text
    assert state.exists()  # written at the end
    seen = st.monitoring.Monitor.load(state).to_frame()
    with asking(pipeline, settings) as client:
        client.post(LISTS, json={"user_id": "u04"})
    assert st.monitoring.Monitor.load(state).to_frame().users.max() > seen.users.max()


@pytest.mark.parametrize("kind", ["today", "fitted"])
def test_the_moment_of_answers_that_name_none(
    pipeline: st.Pipeline, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import date

    import suitably.serving.service as module

    class Clock(date):
        now = date(2025, 5, 5)

        @classmethod
        def today(cls) -> date:
            return cls.now

    monkeypatch.setattr(module, "date", Clock)
    service = Service(pipeline, Settings.read({"service": {"as_of": kind}}))
    with asking(service) as client:
        said = client.post(LISTS, json={"user_id": "u02"}).json()["as_of"]
        assert said == ("2025-05-05T00:00:00" if kind == "today" else "2024-02-01T00:00:00")
        Clock.now = date(1999, 1, 1)  # set back: nothing changes
        assert client.post(LISTS, json={"user_id": "u02"}).json()["as_of"] == said
        assert client.post("/v1/trace", json={"user_id": "u02"}).json()["as_of"] == said
