"""Who may see what: tokens, sessions, forms, and customers who stay pseudonyms."""

import re

import pytest

import suitably as st
from suitably.serving import Service, Settings
from suitably.serving.desk.desk import Desk
from suitably.serving.desk.sessions import Sessions
from support.desk import POLICY, Browser, bank, desk_of, fitted, signed_in

SECRET = "customer-of-note-{}"
USERS = [SECRET.format(n) for n in range(5)]
TELLING = """
[policy]
id = "telling"
version = "1"
[[rules]]
id = "names"
applies = "user.user_id != 'x'"
require = "product.level == 'R1'"
because = { en = "Not for {user.user_id}.", zh = "{user.user_id}不可。" }
[[rules]]
id = "writes"
require = "user.email != product.product_id and product.level == 'R1'"
"""


@pytest.fixture(scope="module")
def pipeline():
    people = {"email": [f"{user}@example.org" for user in USERS]}
    return fitted(bank(users=USERS, people=people), [POLICY, TELLING])


@pytest.fixture
def opened(pipeline, tmp_path):
    return desk_of(pipeline, tmp_path / "tokens")


def names(pipeline):
    from suitably.utils.pseudonym import pseudonym

    return [pseudonym(user) for user in pipeline.user_ids]


def every_page(browser, name):
    for address in (
        "/desk",
        f"/desk?customer={name[:8]}",
        f"/desk/customer/{name}",
        f"/desk/customer/{name}?as_of=1999-01-01",
        f"/desk/customer/{name}/product?id=bond",
        f"/desk/customer/{name}/product?id=fund",
        f"/desk/customer/{name}/product?id=nothing",
        "/desk/policy",
        "/desk/try",
        "/desk/watch",
    ):
        yield address, browser.get(address, follow=False)
    browser.get("/desk/try")
    edited = POLICY.replace("<=", "<")
    yield "tried", browser.post("/desk/try", policy="levels", toml=edited)
    browser.get("/desk/try")
    # A value off a scale, which the library's error may show beside the customer it is of.
    wrong = POLICY.replace('investor = ["C1", "C2", "C3"]', 'investor = ["C1"]')
    yield "wrong", browser.post("/desk/try", policy="levels", toml=wrong)


def test_without_the_right_no_id_is_seen_anywhere(pipeline, opened):
    desk, secrets = opened
    browser = signed_in(desk, secrets["explain"])
    for name in names(pipeline)[:2]:
        for address, answer in every_page(browser, name):
            assert answer.status in (200, 303, 404, 422), address
            assert answer.body or answer.location
            told = [answer.body, answer.location, *answer.more.values()]
            told += [cookie.value for cookie in answer.cookies]
            assert not any("customer-of-note" in text for text in told), address
    browser.get("/desk")
    assert "By customer number" not in browser.body
    assert browser.post("/desk/find", id=USERS[0]).status == 403
    assert "customer-of-note" not in browser.body


def test_with_the_right_an_id_is_in_no_address_and_no_title(pipeline, opened):
    desk, secrets = opened
    browser = signed_in(desk, secrets["identify"])
    browser.get("/desk")
    assert browser.post("/desk/find", id=USERS[0]).status == 200
    assert USERS[0] in browser.body
    for name in names(pipeline)[:2]:
        for address, answer in every_page(browser, name):
            title = re.search(r"<title>(.*?)</title>", answer.body)
            links = re.findall(r'(?:href|action|src|value)="([^"]*)"', answer.body)
            told = [address, answer.location, title[1] if title else "", *links]
            assert not any("customer-of-note" in text for text in told), address


def test_a_rule_that_names_the_customer_is_withheld(pipeline, opened):
    desk, secrets = opened
    address = f"/desk/customer/{names(pipeline)[0]}/product?id=fund"
    body = signed_in(desk, secrets["explain"]).get(address).body
    assert body.count("Withheld: this rule reads what identifies the customer.") == 2
    body = signed_in(desk, secrets["identify"]).get(address).body
    assert f"Not for {USERS[0]}." in body


def test_nothing_is_shown_without_a_token(pipeline, opened):
    desk, _ = opened
    browser = Browser(desk)
    for address in ("/desk", f"/desk/customer/{names(pipeline)[0]}", "/desk/policy", "/desk/x"):
        answer = browser.get(address, follow=False)
        assert (answer.status, answer.body) == (303, "")
        assert answer.location.startswith("/desk/sign-in")
    assert browser.get("/desk/policy").status == 401
    assert "Policy" not in browser.body.partition("<main")[0]


def test_signing_in_goes_on_to_what_was_asked(opened):
    desk, secrets = opened
    browser = Browser(desk)
    browser.get("/desk/policy?lang=en")
    assert 'name="next" value="/desk/policy"' in browser.body
    browser.post("/desk/sign-in", bearer=secrets["explain"], next="/desk/policy")
    assert browser.seen[-1][0] == "/desk/policy"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/desk.evil", "/deskx", "/other", "/desk\\x",
     "javascript:alert(1)", "/desk\n/x", "/desk/\u202e"],
)  # fmt: skip
def test_signing_in_goes_nowhere_else(opened, address):
    desk, secrets = opened
    browser = Browser(desk)
    browser.get("/desk/sign-in")
    answer = browser.post("/desk/sign-in", follow=False, bearer=secrets["explain"], next=address)
    assert answer.location == "/desk"


def test_the_cookie_is_a_random_id_and_another_one_afterwards(opened):
    desk, secrets = opened
    browser = Browser(desk)
    browser.get("/desk/sign-in")
    before = browser.cookies["suitably-desk"]
    browser.post("/desk/sign-in", bearer=secrets["explain"])
    after = browser.cookies["suitably-desk"]
    assert after != before
    assert secrets["explain"] not in str(browser.cookies)
    assert len(after) >= 43


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 10_000, "a\nb", "\u202e"])
def test_no_token_no_session(opened, secret):
    desk, _ = opened
    browser = signed_in(desk, secret)
    assert "This is no token of this service." in browser.body
    assert browser.get("/desk").status == 401


def test_a_token_for_lists_alone_sees_nothing(opened):
    desk, secrets = opened
    browser = signed_in(desk, secrets["recommend"])
    assert browser.get("/desk/policy").status == 403
    assert "“explain”" in browser.body


def test_signing_out_ends_it(opened):
    desk, secrets = opened
    browser = signed_in(desk, secrets["explain"])
    kept = dict(browser.cookies)
    assert "Sign out" in browser.get("/desk").body
    browser.post("/desk/sign-out")
    assert browser.get("/desk").status == 401
    browser.cookies = kept  # what somebody has copied is good for nothing either
    assert browser.get("/desk").status == 401


def test_a_session_ends_by_itself(pipeline, tmp_path):
    desk, secrets = desk_of(pipeline, tmp_path / "tokens")
    now = [0.0]
    timed = Desk(desk._service, Sessions(hours=1, idle_minutes=10, clock=lambda: now[0]))
    browser = signed_in(timed, secrets["explain"])
    for _ in range(6):
        now[0] += 9 * 60
        assert browser.get("/desk").status == 200
    now[0] += 7 * 60  # an hour is over
    assert browser.get("/desk").status == 401
    browser = signed_in(timed, secrets["explain"])
    now[0] += 11 * 60
    assert browser.get("/desk").status == 401


def test_a_token_that_is_withdrawn_ends_the_session(pipeline, tmp_path):
    import os

    file = tmp_path / "tokens"
    desk, secrets = desk_of(pipeline, file)
    browser = signed_in(desk, secrets["explain"])
    assert browser.get("/desk").status == 200
    file.write_text("# nobody\n")
    os.utime(file, ns=(1, 1))
    assert browser.get("/desk").status == 401


def test_forms_of_others_are_refused(opened):
    desk, secrets = opened
    browser = signed_in(desk, secrets["admin"])
    browser.get("/desk/watch")
    form = {"action": "off", "kind": "everything", "id": "", "reason": "attack"}
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/desk"},
    ):
        evil = Browser(desk, **headers)
        evil.cookies, evil.body = dict(browser.cookies), browser.body
        assert evil.post("/desk/switches", follow=False, **form).status == 403
    for token in ("", "0" * 64, "é"):
        browser.get("/desk/watch")
        assert browser.post("/desk/switches", follow=False, **form, token=token).status == 403
    stranger = Browser(desk)  # a token belongs to the browser that it was made for
    stranger.get("/desk/sign-in")
    other = re.search(r'name="token" value="(\w+)"', stranger.body)[1]
    assert browser.post("/desk/switches", follow=False, **form, token=other).status == 403
    assert desk._service.switches.entries() == []


def test_forms_of_ones_own_are_taken(opened):
    desk, secrets = opened
    for headers in (
        {"sec-fetch-site": "same-origin"},
        {"origin": "https://bank.example"},
        {"referer": "https://bank.example/desk/watch"},
        {},
    ):
        browser = signed_in(desk, secrets["admin"])
        browser.headers |= headers
        browser.get("/desk/watch")
        form = {"action": "off", "kind": "product", "id": "bond", "reason": "misprint"}
        assert browser.post("/desk/switches", follow=False, **form).status == 303


def test_pseudonyms_are_those_of_the_audit_trail(pipeline, tmp_path):
    audit = st.governance.AuditTrail(tmp_path / "trail.sqlite")
    service = Service(pipeline.with_audit(audit), Settings())
    browser, count = Browser(Desk(service)), audit.head[0]
    name = audit.subject(USERS[0])
    answer = browser.get(f"/desk/customer/{name}")
    assert answer.status == 200
    assert name in answer.body
    assert browser.get(f"/desk/customer/{names(pipeline)[0]}").status == 404
    browser.get(f"/desk/customer/{name}/product?id=bond")
    assert audit.head[0] == count  # to look is no decision
    audit.rotate()
    assert browser.get(f"/desk/customer/{name}").status == 404
    assert browser.get(f"/desk/customer/{audit.subject(USERS[0])}").status == 200


def test_a_fault_is_a_page_without_a_trace(opened, monkeypatch, caplog):
    desk, secrets = opened
    browser = signed_in(desk, secrets["identify"])

    def broken(*_):
        raise RuntimeError(f"about {USERS[0]}")

    monkeypatch.setattr("suitably.serving.desk.desk.policy_page", broken)
    assert browser.get("/desk/policy").status == 500
    assert "Something went wrong" in browser.body
    assert "customer-of-note" not in browser.body + caplog.text
    assert "RuntimeError" in caplog.text
