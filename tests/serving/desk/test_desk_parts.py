"""What the desk stands on: pseudonyms both ways, sessions, cookies, addresses."""

import pyarrow as pa
import pytest

from suitably.data.vocabulary import Vocabulary
from suitably.serving.desk.exchange import Answer, Asking, Cookie
from suitably.serving.desk.people import SHORTEST, People
from suitably.serving.desk.sessions import Sessions
from suitably.serving.desk.visit import Visit
from suitably.utils.pseudonym import keyed_digest


def name(user):
    return keyed_digest(user, b"k" * 16).hex()[:32]


@pytest.fixture(scope="module")
def people():
    return People(Vocabulary(pa.array([f"u{n}" for n in range(2000)])), name)


def test_everybody_is_found_by_pseudonym_and_by_id(people):
    for row in range(0, 2000, 37):
        assert people.find(name(f"u{row}")) == [row]
        assert people.find(f"  {name(f'u{row}')[:16].upper()} ") == [row]
        assert people.row_of_id(f"u{row}") == row
        assert (people.id_of(row), people.name_of(row)) == (f"u{row}", name(f"u{row}"))


@pytest.mark.parametrize(
    "text", ["", "g" * 12, "0" * (SHORTEST - 1), "0" * 200, "é" * 12, "\x00" * 12, "../../../etc"]
)
def test_nobody_is_found_by_anything_else(people, text):
    assert people.find(text) == []


def test_a_beginning_that_many_share_gives_the_first():
    made = People(Vocabulary(pa.array(range(100))), lambda user: f"abcdef01{user:08x}")
    assert made.find("abcdef01") == list(range(20))
    assert made.find("abcdef0100000063") == [99]
    assert made.find("abcdef02") == []
    assert made.row_of_id("63") == 63
    assert made.row_of_id("x") is None


def test_nobody_among_nobody():
    made = People(Vocabulary(pa.array([], pa.string())), name)
    assert made.find("0" * 12) == []
    assert made.row_of_id("ann") is None


def test_sessions_are_bounded(monkeypatch):
    monkeypatch.setattr("suitably.serving.desk.sessions.MOST", 3)
    sessions = Sessions()
    keys = [sessions.begin(f"Bearer {n}") for n in range(5)]
    assert [sessions.find(key) is not None for key in keys] == [False, False, True, True, True]
    assert "Bearer" not in repr(sessions.find(keys[-1]))


def test_what_has_run_out_makes_room():
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    sessions.begin("Bearer old")
    now[0] += 9 * 3600
    sessions.begin("Bearer new")
    assert len(sessions._kept) == 1


def test_a_form_belongs_to_its_browser_and_process():
    sessions = Sessions()
    token = sessions.form_token("a")
    assert sessions.is_form_token("a", token)
    assert not sessions.is_form_token("b", token)
    assert not sessions.is_form_token("", sessions.form_token(""))
    assert not Sessions().is_form_token("a", token)


@pytest.mark.parametrize(("secure", "said"), [(True, "; Secure"), (False, "")])
def test_cookies_are_for_this_site_and_no_script(secure, said):
    asking = Asking(base="/bank/desk", secure=secure)
    header = dict(Answer(cookies=(Cookie("a", "b"),)).headers(asking))["Set-Cookie"]
    assert header == f"a=b; Path=/bank/desk; HttpOnly; SameSite=Strict{said}"
    assert Cookie("a", "").header(asking).endswith("; Max-Age=0")


@pytest.mark.parametrize("text", ["", "=", ";;;", "a", "a=b; c[]=d; e=f", "\x00=\x01", 'a="b'])
def test_cookies_that_cannot_be_read_are_left_out(text):
    assert isinstance(Asking(headers={"cookie": text}).cookies, dict)


def test_addresses_are_quoted():
    visit = Visit("en", base="/bank/desk", path="/customer/a b", query={"id": "x&y"})
    assert visit.url("customer", "../x", id="a&b=c#d") == (
        "/bank/desk/customer/..%2Fx?id=a%26b%3Dc%23d"
    )
    assert visit.here(lang="zh") == "/bank/desk/customer/a%20b?id=x%26y&lang=zh"
    assert visit.url(id="\ud800") == "/bank/desk?id=%3F"


def test_admin_has_every_right():
    assert Visit("en", frozenset({"admin"})).may("identify")
    assert not Visit("en", frozenset({"explain"})).may("identify")
