"""The page of the watch: alarms, versions, and the off-switch."""

import re

import pytest

import suitably as st
from suitably.serving import ModelFolder, Service
from suitably.serving.desk.desk import Desk
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.visit import Visit
from suitably.serving.desk.watch_page import Watched, watch_page
from support.desk import Browser, bank, desk_of, fitted, signed_in


def shown(watched, roles=("explain",), language="en"):
    reading = Reading("1", fitted(), str)
    return "".join(watch_page(Visit(language, frozenset(roles)), reading, watched).body)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_alarms(language):
    data = st.data.simulate_bank(users=300, products=40)
    pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(data)
    monitor = st.monitoring.Monitor(pipeline, baseline=pipeline.recommend())
    quiet = shown(Watched("1", monitor=monitor), language=language)
    monitor.observe(pipeline.recommend(as_of="2026-06-01"))
    loud = shown(Watched("1", monitor=monitor), language=language)
    assert monitor.alarms()
    for alarm in monitor.alarms():
        assert alarm.series not in re.findall(r"decision.*?</div>", quiet)
        assert f"<bdi>{alarm.series}</bdi>" in loud
    assert ("decision bad" in quiet, "decision bad" in loud) == (False, True)


def test_a_watch_without_a_baseline_is_learning():
    pipeline = fitted()
    monitor = st.monitoring.Monitor(pipeline)
    assert "no baseline to judge by yet" in shown(Watched("1", monitor=monitor))
    assert "Nothing watches the answers" in shown(Watched("1"))


def test_versions_and_their_history(tmp_path):
    pipeline = fitted(bank(users=[f"u{n}" for n in range(30)]))
    for name in ("2026-06-01", "2026-07-01"):
        pipeline.save(tmp_path / name)
    folder = ModelFolder(tmp_path)
    from suitably.serving import Canary

    for name in ("2026-06-01", "2026-07-01"):
        folder.promote(name, canary=Canary(max_abstention=1.0), by="ops")
    folder.rollback(by="ops & co")
    service = Service(tmp_path)
    try:
        body = Browser(Desk(service)).get("/desk/watch").body
    finally:
        service.close()
    assert body.count("2026-07-01") >= 3
    assert "rolled back" in body
    assert "ops &amp; co" in body
    assert "current" in body


def test_switches_are_turned_by_an_administrator_alone(tmp_path):
    desk, secrets = desk_of(None, tmp_path / "tokens")
    switches = desk._service.switches
    form = {"action": "off", "kind": "product", "id": "bond", "reason": "misprinted price"}
    reader = signed_in(desk, secrets["explain"])
    assert "Turn something off" not in reader.get("/desk/watch").body
    assert reader.post("/desk/switches", **form).status == 403
    assert switches.entries() == []
    admin = signed_in(desk, secrets["admin"])
    admin.get("/desk/watch")
    assert admin.post("/desk/switches", **form).status == 200
    (one,) = switches.entries()
    assert (one.kind, one.id, one.reason, one.by) == (
        "product", "bond", "misprinted price", "admin, at the desk")  # fmt: skip
    assert "misprinted price" in reader.get("/desk/watch").body
    assert "Turn on" not in reader.body
    assert admin.post("/desk/switches", **{**form, "action": "on"}).status == 200
    assert switches.entries() == []


def test_a_customer_is_turned_off_on_their_page():
    desk, _ = desk_of()
    browser = Browser(desk)
    browser.get("/desk")
    browser.post("/desk/find", id="bob")
    name = browser.seen[-1][0].rpartition("/")[2]
    assert "Turn this customer off" in browser.body
    form = {"action": "off", "kind": "user", "id": name, "reason": "complaint"}
    assert browser.post("/desk/switches", **form).status == 200
    assert browser.seen[-1][0] == f"/desk/customer/{name}"
    assert "nothing is recommended to this customer" in browser.body
    assert "product?id=" not in re.search(r"What may be recommended.*?</section>", browser.body)[0]
    assert [one.id for one in desk._service.switches.entries()] == ["bob"]
    body = browser.get("/desk/watch").body
    assert name in body
    assert "bob" not in body
    assert browser.post("/desk/switches", **{**form, "action": "on"}).status == 200
    assert desk._service.switches.entries() == []


def test_a_product_that_is_off_says_so():
    desk, _ = desk_of()
    browser = Browser(desk)
    browser.get("/desk")
    browser.post("/desk/find", id="cat")
    name = browser.seen[-1][0].rpartition("/")[2]
    browser.post("/desk/switches", action="off", kind="product", id="etf", reason="misprint")
    body = browser.get(f"/desk/customer/{name}/product?id=etf").body
    assert "this product is recommended to nobody" in body
    assert "Switched off" in body
    browser.get("/desk/watch")
    browser.post("/desk/switches", action="off", kind="everything", id="", reason="storm")
    assert "nothing is recommended to anybody" in browser.get(f"/desk/customer/{name}").body


def test_a_customer_who_is_gone_can_be_turned_on():
    desk, _ = desk_of()
    switches = desk._service.switches
    switches.off("user", "gone", reason="left", by="ops")
    browser = Browser(desk)
    body = browser.get("/desk/watch").body
    assert "a customer this version does not know" in body
    assert "gone" not in body
    assert 'value="place:0"' in body
    browser.post("/desk/switches", action="on", kind="user", id="place:0", reason="back")
    assert switches.entries() == []


@pytest.mark.parametrize(
    "form",
    [
        {"action": "off", "kind": "nothing", "id": "x", "reason": "y"},
        {"action": "off", "kind": "product", "id": "", "reason": "y"},
        {"action": "off", "kind": "product", "id": "bond", "reason": " "},
        {"action": "off", "kind": "everything", "id": "x", "reason": "y"},
        {"action": "off", "kind": "user", "id": "0123456789ab", "reason": "y"},
        {"action": "on", "kind": "user", "id": "place:7", "reason": "y"},
        {"action": "on", "kind": "user", "id": "place:x", "reason": "y"},
        {"action": "on", "kind": "product", "id": "bond", "reason": "y"},
        {},
    ],
)
def test_what_cannot_be_switched_is_said(form):
    desk, _ = desk_of()
    browser = Browser(desk)
    browser.get("/desk/watch")
    assert browser.post("/desk/switches", **form).status == 422
    assert "Not switched" in browser.body
    assert desk._service.switches.entries() == []
