"""Nothing that data or policies say is ever markup, whoever wrote it."""

import re

import pytest

from suitably.serving.desk.parts import Page, code, section
from suitably.serving.desk.shell import render
from suitably.serving.desk.visit import Visit
from support.desk import ATTACKS, POLICY, Browser, Elements, bank, desk_of, fitted

BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08]")


def toml(text):
    escaped = text.encode("unicode_escape").decode().replace("\\x", "\\u00")
    return escaped.replace('"', '\\"')


def attacking_policy():
    texts = [toml(one) for one in ATTACKS]
    rules = "".join(
        f"""
[[rules]]
id = "{text.replace(":", ".")}{place}"
article = "{text}"
note = "{text}"
applies = "product.name != '{"x" * place}'"
require = "user.kind == product.name"
because = {{ en = "{text.replace("{", "(").replace("}", ")")}", zh = "坏" }}
"""
        for place, text in enumerate(texts)
    )
    return (
        f'[policy]\nid = "{texts[0]}"\nversion = "{texts[1]}"\nnote = "{texts[4]}"\n'
        f'title = {{ en = "{texts[3]}" }}\n'
        f'[changeable]\n"user.kind" = {{ en = "{texts[4]}" }}\n{rules}'
    )


@pytest.fixture(scope="module")
def browser():
    data = bank(users=ATTACKS, products=ATTACKS, name=list(reversed(ATTACKS)),
                people={"kind": list(ATTACKS)})  # fmt: skip
    return Browser(desk_of(fitted(data, [attacking_policy(), POLICY]))[0])


def assert_plain(body):
    found = Elements(body)
    assert found.named("script") == [{"src": "/desk/desk.js", "defer": ""}]
    assert not {"img", "svg", "iframe", "object", "style", "base"} & {tag for tag, _ in found.found}
    for _, attributes in found.found:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src", "action", "formaction"):
            assert not attributes.get(name, "").lower().lstrip().startswith("javascript")
    assert not BIDI.search(re.sub(r"<textarea.*?</textarea>", "", body, flags=re.DOTALL))


@pytest.mark.parametrize("place", range(len(ATTACKS)))
def test_customers_and_products(browser, place):
    browser.get("/desk")
    answer = browser.post("/desk/find", id=ATTACKS[place])
    assert answer.status == 200
    assert_plain(answer.body)
    name = browser.seen[-1][0].rpartition("/")[2]
    products = {at["href"] for at in Elements(answer.body).named("a") if "product?" in at["href"]}
    from urllib.parse import quote

    asked = f"/desk/customer/{name}/product?id={quote(ATTACKS[place], safe='')}"
    for address in [*products, asked, asked + "zz"]:
        answer = browser.get(address)
        assert answer.status in (200, 404)
        assert_plain(answer.body)


def test_policies_and_switches(browser):
    for address in ("/desk/policy", "/desk/try", "/desk/watch"):
        answer = browser.get(address)
        assert answer.status == 200
        assert_plain(answer.body)
    for text in ATTACKS:
        browser.get("/desk/watch")
        browser.post("/desk/switches", action="off", kind="product", id=text, reason=text)
    assert browser.seen[-1][1].body.count("Turn on") > len(ATTACKS)
    assert_plain(browser.get("/desk/watch").body)


@pytest.mark.parametrize("text", ATTACKS)
def test_what_a_browser_sends(browser, text):
    from urllib.parse import quote

    sent = quote(text, safe="")
    for address in (
        f"/desk?customer={sent}",
        f"/desk/{sent}",
        f"/desk/customer/{sent}",
        f"/desk/try?policy={sent}",
        f"/desk/policy?x={sent}&{sent}=1",
    ):
        assert_plain(browser.get(address).body)
    browser.get("/desk/try")
    assert_plain(browser.post("/desk/try", policy=text, toml=text).body)


def test_an_edited_policy_comes_back_as_it_was(browser):
    text = "</textarea><script>alert(1)</script>\n\u202e# \u2066 [policy"
    browser.get("/desk/try")
    body = browser.post("/desk/try", toml=text).body
    assert_plain(body)
    import html

    kept = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", body, re.DOTALL)[1]
    assert html.unescape(kept) == text


def test_what_is_not_seen_is_written_out():
    page = render(Visit("en"), Page("a\u202eb", [section("x", code("c\x00d\u2066"))]))
    assert "a[U+202E]b" in page
    assert "c[U+0000]d[U+2066]" in page
