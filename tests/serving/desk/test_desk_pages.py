"""Every page of the desk, asked for as a browser does, in both languages."""

import re

import pytest

import suitably as st
from support.desk import Browser, Elements, desk_of, fitted


@pytest.fixture(scope="module")
def desk():
    return desk_of()[0]


@pytest.fixture
def browser(desk):
    return Browser(desk)


def name_of(browser, user="ann"):
    browser.get("/desk")
    browser.post("/desk/find", id=user)
    return re.search(r"<code><bdi>([0-9a-f]{12})</bdi>", browser.body)[1]


def pages(name):
    return {
        "/desk": 200,
        "/desk/": 200,
        f"/desk/customer/{name}": 200,
        f"/desk/customer/{name}?k=1": 200,
        f"/desk/customer/{name}?k=zero&as_of=2024-06-01": 200,
        f"/desk/customer/{name}/product?id=fund": 200,
        f"/desk/customer/{name}/product?id=d": 200,
        f"/desk/customer/{name}/product?id=none-such": 404,
        "/desk/policy": 200,
        "/desk/try": 200,
        "/desk/try?policy=none-such": 200,
        "/desk/watch": 200,
        "/desk/none-such": 404,
        "/desk/customer/0123456789ab": 404,
        "/desk/customer/": 404,
        f"/desk/customer/{name}/../..": 404,
        f"/desk/customer/{name}?as_of=yesterday": 422,
        f"/desk/customer/{name}?as_of=1999-01-01": 422,
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_whole_in_both_languages(browser, language):
    name = name_of(browser)
    browser.headers["accept-language"] = language
    for address, status in pages(name).items():
        answer = browser.get(address)
        assert (address, answer.status) == (address, status)
        found = Elements(answer.body)
        assert found.named("html") == [{"lang": {"en": "en", "zh": "zh-CN"}[language]}]
        assert [len(found.named(tag)) for tag in ("main", "h1", "title")] == [1, 1, 1]
        ids = [attributes["id"] for _, attributes in found.found if "id" in attributes]
        assert len(ids) == len(set(ids))
        labelled = {attributes["for"] for attributes in found.named("label")}
        fields = [*found.named("input"), *found.named("select"), *found.named("textarea")]
        assert {one["id"] for one in fields if one.get("type") != "hidden"} == labelled
        # A strict policy of content: no style and no handler within a page.
        assert not any(
            key == "style" or key.startswith("on") for _, at in found.found for key in at
        )
        assert not re.search(
            r"\bNone\b|\{[a-z_]+\}(?!.*</code>)", re.sub("<code.*?</code>", "", "")
        )


def test_every_link_of_every_page_leads_somewhere(browser):
    name = name_of(browser)
    waiting, seen = [f"/desk/customer/{name}", "/desk/policy", "/desk/watch", "/desk/try"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = browser.get(address)
        assert answer.status == 200, address
        links = [at["href"] for at in Elements(answer.body).named("a")]
        waiting += [one for one in links if not one.startswith("#") and "lang=" not in one]
    assert len(seen) > 8


def test_the_language_is_kept(browser):
    assert "查找客户" in browser.get("/desk?lang=zh").body
    assert "查找客户" in browser.get("/desk").body
    assert "Find a customer" in browser.get("/desk?lang=en").body
    assert "Find a customer" in browser.get("/desk?lang=xx").body


def test_the_language_changes_in_place(browser):
    browser.headers["accept-language"] = "en"
    name = name_of(browser)
    body = browser.get(f"/desk/customer/{name}/product?id=fund&k=3").body
    (other,) = [at["href"] for at in Elements(body).named("a") if at.get("lang") == "zh-CN"]
    assert other == f"/desk/customer/{name}/product?id=fund&k=3&lang=zh"


def test_a_customer_by_the_beginning_of_a_pseudonym(browser):
    name = name_of(browser)
    assert browser.get(f"/desk?customer={name[:8].upper()}").body.count(name) > 1
    assert browser.get("/desk?customer=00000000ffff").status == 404
    assert browser.get("/desk?customer=xyz").status == 404
    assert browser.get("/desk?customer=").status == 200


def test_a_customer_by_id(browser):
    browser.get("/desk")
    assert browser.post("/desk/find", id="nobody").status == 404
    name = name_of(browser, "bob")
    address, answer = browser.seen[-1]
    assert (address, answer.status) == (f"/desk/customer/{name}", 200)
    assert answer.about["user"] == "bob"
    assert "bob" in answer.body  # a desk without tokens may identify


def test_whole_numbers_are_ids_too():
    from support.desk import bank

    desk, _ = desk_of(fitted(bank(users=[7, 8, 9], products=[70, 80, 90])))
    browser = Browser(desk)
    name = name_of(browser, "8")
    assert "<bdi>8</bdi>" in browser.body
    assert browser.get(f"/desk/customer/{name}/product?id=70").status == 200
    browser.get("/desk")
    for nobody in ("", "8.0", "９", "8" * 60, "-", "eight"):
        assert browser.post("/desk/find", id=nobody).status == 404
        browser.get("/desk")


def test_the_list_is_that_of_the_pipeline():
    pipeline = fitted()
    browser = Browser(desk_of(pipeline)[0])
    for user in pipeline.user_ids:
        name_of(browser, user)
        (listed,) = pipeline.recommend([user])
        shown = re.findall(r"product\?id=(\w+)\"><code>", browser.body)
        assert tuple(shown[: len(listed)]) == listed.product_ids


def test_the_profile_says_how_fields_came_about(browser):
    name_of(browser)
    assert "RecencyFrequencyValue" in browser.body
    assert "observed" in browser.body
    assert "interactions.timestamp" in browser.body
    assert "<dt>age</dt><dd><bdi>40</bdi></dd>" in browser.body


def test_a_short_list_says_why_and_what_would_open_more(browser):
    name_of(browser, "ann")
    assert "Why the list is short" in browser.body
    assert "Answer the questionnaire anew." in browser.body


def test_who_stood_in_is_named():
    data = st.data.simulate_bank(users=60, products=30)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE()).fit(data)
    recs = pipeline.recommend()
    one = next(user for user, stood in zip(pipeline.user_ids, recs.stood_in, strict=True) if stood)
    browser = Browser(desk_of(pipeline)[0])
    name_of(browser, one)
    assert "ranked this list: it stood in" in browser.body
    assert "Popularity(by=" in browser.body


def test_why_not_has_both_texts_and_what_would_change_it(browser):
    name = name_of(browser, "ann")
    body = browser.get(f"/desk/customer/{name}/product?id=fund").body
    assert "May not be recommended" in body
    assert "R3 above C1." in body  # what the adviser is told
    assert "The customer is told: Not for you." in body
    assert "House rules, 1" in body
    assert "Answer the questionnaire anew." in body
    assert "<code><bdi>user.level</bdi></code> C1" in body


def test_a_flag_is_shown_and_bars_nothing(browser):
    name = name_of(browser, "dan")  # 67 years
    assert "⚑ elderly" in browser.body
    body = browser.get(f"/desk/customer/{name}/product?id=bond").body
    assert "to mind" in body
    assert "Mind the age." in body
    assert "May not be recommended" not in body


def test_a_part_of_a_name_finds_products(browser):
    name = name_of(browser)
    assert browser.get(f"/desk/customer/{name}/product?id=ETF").status == 200  # the only one
    body = browser.get(f"/desk/customer/{name}/product?id=").body
    assert "Products: 3" in body


def test_a_later_day_is_judged_anew(browser):
    name = name_of(browser)
    assert "As of 2024-06-01" in browser.get(f"/desk/customer/{name}?as_of=2024-06-01").body
    assert "as_of=2024-06-01" in browser.body  # links keep it


def test_files_are_asked_for_once(browser):
    from suitably.serving.desk.exchange import Asking

    for path in ("/desk.css", "/desk.js"):
        first = browser.desk.answer(Asking(path=path))
        headers = {"if-none-match": first.more["ETag"]}
        assert browser.desk.answer(Asking(path=path, headers=headers)).status == 304
        assert first.cookies == ()


def test_the_language_changes_where_a_form_was_refused(browser):
    for page, form in (("/desk/find", {"id": "nobody"}), ("/desk/switches", {"kind": "x"})):
        browser.get("/desk/watch")
        browser.post(page, **form)
        (link,) = [at for at in Elements(browser.body).named("a") if "lang=" in at["href"]]
        assert browser.get(link["href"]).status == 200
