"""The desk in a real browser: every path clicked, with and without a script, seen by axe.

It needs Debian's Chromium, Playwright and axe-core (`SUITABLY_AXE`, or `node_modules` here).
"""

import os
import re
import shutil
import threading
import time
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest

import suitably as st
from suitably.serving import Canary, ModelFolder, Service, Settings, create_app
from support.desk import ATTACKS, bank, desk_of, fitted

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
CHROMIUM = os.environ.get("SUITABLY_CHROMIUM") or shutil.which("chromium")
AXE = Path(os.environ.get("SUITABLY_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@contextmanager
def served(service):
    """Run a service on a free port of this machine."""
    uvicorn = pytest.importorskip("uvicorn")
    config = uvicorn.Config(create_app(service), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/desk"
    server.should_exit = True
    thread.join(10)
    service.close()


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium: set SUITABLY_CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe():
    if not AXE.is_file():
        pytest.skip(f"no axe-core at {AXE}: npm install axe-core, or set SUITABLY_AXE")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A service of two versions, with tokens and a watch that has alarms."""
    folder = tmp_path_factory.mktemp("desk")
    data = st.data.simulate_bank(users=300, products=40)
    house = resources.files("suitably.demo") / "house-rules.toml"
    policies = ["cn-csrc-amac", st.Policy.from_toml(house.read_text(encoding="utf-8"))]
    profiles = [st.profiles.RecencyFrequencyValue(), st.profiles.Lifecycle()]
    pipeline = st.Pipeline(profiles=profiles, policy=policies, ranker=st.ranking.EASE()).fit(data)
    models = ModelFolder(folder / "models")
    for name in ("2026-06-01", "2026-07-01"):
        pipeline.save(folder / "models" / name)
        models.promote(name, canary=Canary(users=20, max_abstention=1.0), by="ops")
    monitor = st.monitoring.Monitor(pipeline, baseline=pipeline.recommend())
    monitor.observe(pipeline.recommend(as_of="2026-06-01"))
    monitor.save(folder / "watch.json")
    _, secrets = desk_of(fitted(), folder / "tokens")
    settings = Settings.read(
        {
            "tokens": {"file": str(folder / "tokens")},
            "watch": {"on": True, "state": str(folder / "watch.json")},
        }
    )
    with served(Service(folder / "models", settings)) as address:
        yield address, secrets


class Visitor:
    """A page of a context of its own, which fails on what the browser complains of."""

    def __init__(self, chromium, **options):
        self.context = chromium.new_context(**{"viewport": WIDE, **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))

    def _listen(self, message):
        # A status of 4xx is what some pages are answered with on purpose.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def sign_in(self, address, secret):
        self.page.goto(f"{address}/sign-in")
        self.page.fill("#bearer", secret)
        self.page.locator("main form button").click()
        self.page.wait_for_url(re.compile(f"{re.escape(address)}/?$"))
        return self.page

    def close(self):
        assert self.complaints == []
        self.context.close()


@pytest.fixture
def visitor(chromium):
    """Return what makes visitors, whose pages may not complain."""
    made = []

    def make(**options):
        made.append(Visitor(chromium, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def customer_with_list(page, address):
    """Go to the page of somebody who has a list."""
    for number in range(2, 30):
        page.goto(address)
        page.fill("#id", f"u{number:06}")
        page.press("#id", "Enter")
        page.wait_for_url("**/customer/*")
        if page.locator("td a[href*='product?id=']").count():
            return page.url
    raise AssertionError("nobody has a list")


def addresses(page, address):
    """Return every page of the desk there is to look at, by name."""
    customer = customer_with_list(page, address)
    listed = page.locator("td a[href*='product?id=']").first.get_attribute("href")
    origin = address.removesuffix("/desk")
    return {
        "find": address,
        "missed": f"{address}?customer=0123456789",
        "customer": customer,
        "listed": origin + listed,
        "barred": f"{customer}/product?id=p0003",
        "products": f"{customer}/product?id=fund",
        "policy": f"{address}/policy",
        "try": f"{address}/try",
        "watch": f"{address}/watch",
        "nowhere": f"{address}/nowhere",
    }


@pytest.mark.parametrize(
    ("script", "language"), [(True, "en"), (False, "zh")], ids=["script", "no-script"]
)
def test_every_path(visitor, desk, script, language):
    expect = pytest.importorskip("playwright.sync_api").expect  # waits for the page that comes
    address, secrets = desk
    visit = visitor(java_script_enabled=script, locale=LOCALES[language])
    page = visit.sign_in(address, secrets["admin"])
    other = {"en": "zh-CN", "zh": "en"}[language]
    assert page.locator("html").get_attribute("lang") != other
    page.locator(f".languages a[lang={other}]").click()
    expect(page.locator("html")).to_have_attribute("lang", other)
    page.locator(".languages a").click()

    customer = customer_with_list(page, address)
    name = customer.rpartition("/")[2]
    page.goto(address)
    page.fill("#customer", name[:8])
    page.press("#customer", "Enter")
    page.wait_for_url(customer)
    page.locator("td details summary").first.click()
    expect(page.locator("td details p").first).to_be_visible()
    page.locator("td a[href*='product?id=']").first.click()
    expect(page.locator(".decision.good")).to_be_visible()
    page.fill("#id", "fund")
    page.press("#id", "Enter")
    page.locator("main ul.plain a").first.click()
    expect(page.locator(".decision")).to_be_visible()
    page.locator("a[href*='policy#rule-']").first.click()
    expect(page.locator(":target")).to_be_visible()

    page.locator("nav a[href$='/try']").click()
    text = page.input_value("#toml")
    page.fill("#toml", text.replace("<= rank", "< rank"))
    page.locator("form:has(#toml) button").click()
    expect(page.locator("#result h3")).to_have_count(2)
    assert page.input_value("#toml") == text.replace("<= rank", "< rank")
    page.locator("#result td a").first.click()
    page.wait_for_url("**/customer/*")
    page.goto(f"{address}/try")
    page.select_option("#policy", "house-rules")
    page.locator("form:has(#policy) button").click()
    expect(page.locator("#toml")).to_have_value(re.compile("house"))
    page.fill("#toml", text.replace("rank(", "ronk("))
    page.locator("form:has(#toml) button").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator("pre mark")).to_be_visible()

    page.goto(f"{address}/watch")
    expect(page.locator(".decision.bad")).to_be_visible()
    for kind, which in (("product", "p0001"), ("policy", "house-rules"), ("everything", "")):
        page.locator("section:has(form[action$='/switches']) summary").click()
        page.select_option("#kind", kind)
        page.fill("#id", which)
        page.fill("#reason", "a trial")
        page.locator("form:has(#kind) button").click()
        expect(page.locator("td button")).to_have_count(1)
        page.fill("[id^=reason-]", "the trial is over")
        page.locator("td button").click()
        expect(page.locator("td button")).to_have_count(0)
    page.goto(customer)
    page.locator("summary").nth(1).click()
    page.fill("#reason", "a trial")
    page.locator("form[action$='/switches'] button").click()
    expect(page.locator(".notice.bad")).to_be_visible()
    expect(page.locator("td a[href*='product?id=']")).to_have_count(0)
    page.goto(f"{address}/watch")
    page.fill("[id^=reason-]", "the trial is over")
    page.locator("td button").click()
    page.wait_for_url(customer)
    expect(page.locator("td a[href*='product?id=']").first).to_be_visible()

    page.locator("header button").click()
    page.wait_for_url("**/sign-in")
    page.goto(customer)
    assert "/sign-in" in page.url


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [(WIDE, "light", "en"), (WIDE, "dark", "zh"), (PHONE, "light", "zh"), (PHONE, "dark", "en")],
    ids=["wide-light", "wide-dark", "phone-light", "phone-dark"],
)
def test_every_page_is_accessible_and_fits(chromium, desk, axe, size, scheme, language):
    address, secrets = desk
    # axe is put into the page by the browser's own tools; the page's policy would refuse it.
    visit = Visitor(
        chromium, viewport=size, color_scheme=scheme, locale=LOCALES[language], bypass_csp=True
    )
    page = visit.page
    page.goto(f"{address}/sign-in")
    check(page, axe, f"sign-in-{language}-{scheme}-{size['width']}")
    visit.sign_in(address, secrets["admin"])
    for name, where in addresses(page, address).items():
        page.goto(where)
        check(page, axe, f"{name}-{language}-{scheme}-{size['width']}")
    page.goto(f"{address}/try")
    text = page.input_value("#toml")
    for name, edited in (("tried", text.replace("<=", "<")), ("broken", text + "[")):
        page.fill("#toml", edited)
        page.locator("form:has(#toml) button").click()
        page.locator("#result").wait_for()
        check(page, axe, f"{name}-{language}-{scheme}-{size['width']}")
    visit.close()


def check(page, axe, name):
    """Let axe look at a page with everything open, and see that it is no wider than it may be."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    folder = os.environ.get("SUITABLY_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], f"{name}: {width} pixels wide"
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    grave = [
        f"{name}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_the_keyboard_is_enough(visitor, desk):
    address, secrets = desk
    visit = visitor()
    page = visit.sign_in(address, secrets["identify"])
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.get_attribute("href") == "#main"
    assert skip.bounding_box()["x"] >= 0  # it comes into view
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "customer"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "id"
    page.keyboard.type("u000002")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customer/*")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getBoundingClientRect().top"))
    rows = [round(top / 40) for top in seen[6:]]
    assert rows == sorted(rows)  # from top to bottom


def test_it_is_printed_without_what_paper_cannot_do(visitor, desk):
    address, secrets = desk
    visit = visitor()
    page = visit.sign_in(address, secrets["admin"])
    customer = customer_with_list(page, address)
    for where in (customer, f"{address}/policy"):
        page.goto(where)
        page.emulate_media(media="print")
        assert not page.locator(".top").is_visible()
        assert page.locator("main form button:visible").count() == 0
        assert page.locator("td").first.is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgba(0, 0, 0, 0)"
        )
        printed = page.pdf()
        assert printed.startswith(b"%PDF")
        assert len(printed) > 10_000
        folder = os.environ.get("SUITABLY_SCREENSHOTS")
        if folder:
            Path(folder, f"{'policy' if 'policy' in where else 'customer'}.pdf").write_bytes(
                printed
            )
        page.emulate_media(media="screen")


def test_names_that_attack_do_nothing(visitor):
    data = bank(users=ATTACKS, products=ATTACKS, name=list(ATTACKS))
    with served(Service(fitted(data))) as address:
        page = visitor().page
        for text in ATTACKS:
            page.goto(address)
            page.fill("#id", text)
            page.press("#id", "Enter")
            page.wait_for_url("**/customer/*")
            page.fill("#id", text)
            page.press("#id", "Enter")
            page.wait_for_url("**/product?*")
            page.goto(f"{address}/try")
            page.fill("#toml", text)
            page.locator("form:has(#toml) button").click()
            page.locator("#result").wait_for()
            assert page.input_value("#toml") == text
            assert page.evaluate("document.scripts.length") == 1
