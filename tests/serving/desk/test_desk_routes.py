"""The desk behind the web framework: headers, bodies, mounts, and the log of requests."""

import json
import logging
import re

import pytest

from suitably.serving import Service, create_app
from suitably.serving.desk import router
from support.desk import fitted


@pytest.fixture(scope="module")
def pipeline():
    return fitted()


@pytest.fixture
def client(pipeline):
    from fastapi.testclient import TestClient

    return TestClient(create_app(pipeline), base_url="https://bank.example")


def token_of(answer):
    return re.search(r'name="token" value="(\w+)"', answer.text)[1]


def test_headers(client):
    answer = client.get("/desk")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("content-type") == ["text/html; charset=utf-8"]
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/desk"))
    assert client.get("/desk/desk.css").headers["content-type"].startswith("text/css")
    assert client.head("/desk").status_code == 200


def test_finding_somebody_is_not_in_the_address(client, caplog):
    caplog.set_level(logging.INFO, "suitably.serving.request_log")
    page = client.get("/desk")
    found = client.post("/desk/find", data={"token": token_of(page), "id": "ann"})
    assert found.status_code == 200
    assert "ann" not in str(found.url)
    client.get("/desk/made-up-by-ann")
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["route"] for line in lines] == [
        "/desk", "/desk/find", "/desk/customer", "/desk/unknown"]  # fmt: skip
    name = str(found.url).rpartition("/")[2]
    assert lines[2]["user"] == name
    assert "ann" not in caplog.text.replace("channel", "")


def test_a_body_that_is_too_long(client):
    page = client.get("/desk/try")
    form = {"token": token_of(page), "toml": "#" * 700_000}
    assert client.post("/desk/try", data=form).status_code == 413
    assert client.post("/desk/try", content=b"x" * 700_000).status_code == 413


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"&&&&", b"a=" * 50, b"token", b"{}"])
def test_bodies_that_are_no_forms(client, body):
    assert client.post("/desk/try", content=body).status_code == 403


def test_other_methods(client):
    assert client.put("/desk").status_code == 405
    assert client.delete("/desk/policy").status_code == 405


def test_it_may_be_left_out(pipeline):
    from fastapi.testclient import TestClient

    from suitably.serving import Settings

    for said in ({"desk": False}, {"workers": 2}):
        app = create_app(pipeline, Settings.read({"service": said}))
        assert TestClient(app).get("/desk").status_code == 404


def test_a_proxy_may_say_that_it_was_secure(pipeline):
    from fastapi.testclient import TestClient

    client = TestClient(create_app(pipeline))
    assert "Secure" not in client.get("/desk").headers["set-cookie"]
    answer = TestClient(create_app(pipeline)).get("/desk", headers={"x-forwarded-proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


def test_it_may_be_elsewhere_and_within_another_application(pipeline):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    inner = FastAPI()
    inner.include_router(router(Service(pipeline), "/people"))
    outer = FastAPI()
    outer.mount("/bank", inner)
    client = TestClient(outer)
    page = client.get("/bank/people")
    assert page.status_code == 200
    assert 'href="/bank/people/policy"' in page.text
    assert "Path=/bank/people" in page.headers["set-cookie"]
    assert client.get("/bank/people/policy").status_code == 200
    found = client.post("/bank/people/find", data={"token": token_of(page), "id": "ann"})
    assert found.status_code == 200
    assert "/bank/people/customer/" in str(found.url)


def test_it_is_in_no_schema(client):
    assert "/desk" not in client.get("/openapi.json").json()["paths"]
