"""A desk in process: a small bank with names that attack, and a browser without a network."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urlsplit

import pandas as pd

import suitably as st
from suitably.serving import Service, Settings
from suitably.serving.desk.desk import Desk
from suitably.serving.desk.exchange import Asking
from suitably.serving.tokens import new_token

__all__ = ["ATTACKS", "POLICY", "Browser", "Elements", "bank", "desk_of", "fitted", "signed_in"]

ATTACKS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "</textarea></title><svg/onload=alert(1)>",
    "a/b?c=d&e=f#g",
    "{{7*7}}${7*7}%3Cscript%3E",
    "名" * 120,
    "long " * 80,
)

POLICY = """
[policy]
id = "levels"
version = "1"
title = { en = "Levels", zh = "等级" }
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.level" = "investor"
"product.level" = "product"
[changeable]
"user.level" = { en = "Answer the questionnaire anew.", zh = "请重新填写问卷。" }
[[rules]]
id = "risk"
article = "House rules, 1"
require = "rank(product.level) <= rank(user.level)"
[rules.because]
customer = { en = "Not for you.", zh = "不适合您。" }
adviser = { en = "{product.level} above {user.level}.", zh = "{product.level}高于{user.level}。" }
[[rules]]
id = "elderly"
effect = "flag"
require = "user.age < 65"
because = { en = "Mind the age.", zh = "注意年龄。" }
"""


def bank(users=("ann", "bob", "cat", "dan"), products=("bond", "etf", "fund"), **columns):
    """Return a small data set; level and age follow from the place."""
    people = pd.DataFrame(
        {
            "user_id": list(users),
            "level": [f"C{1 + n % 3}" for n in range(len(users))],
            "age": [40 + 9 * n for n in range(len(users))],
            **columns.pop("people", {}),
        }
    )
    shelf = pd.DataFrame(
        {
            "product_id": list(products),
            "level": [f"R{1 + n % 3}" for n in range(len(products))],
            **columns,
        }
    )
    log = pd.DataFrame(
        {
            "user_id": [users[n % (len(users) - 1)] for n in range(12)],
            "product_id": [products[(n * n) % len(products)] for n in range(12)],
            "timestamp": pd.to_datetime(["2024-01-01"] * 12) + pd.to_timedelta(range(12), "D"),
            "value": 10.0,
        }
    )
    return st.Dataset(people, shelf, log)


def fitted(data=None, policy=POLICY, **options):
    """Return a fitted pipeline."""
    texts = [policy] if isinstance(policy, str) else policy
    given = {
        "profiles": [st.profiles.RecencyFrequencyValue()],
        "policy": [st.Policy.from_toml(text) for text in texts],
        "ranker": st.ranking.Popularity(),
        **options,
    }
    return st.Pipeline(**given).fit(bank() if data is None else data, as_of="2024-02-01")


def desk_of(pipeline=None, tokens=None, **settings):
    """Return a desk; with a path of tokens, and these by role."""
    chosen = dict(settings)
    secrets = {}
    if tokens is not None:
        lines = []
        for role in ("recommend", "explain", "identify", "admin"):
            secrets[role], token = new_token(
                ["explain", role] if role == "identify" else [role], role
            )
            lines.append(token.line)
        tokens.write_text("\n".join(lines))
        chosen["tokens"] = {"file": str(tokens)}
    service = Service(fitted() if pipeline is None else pipeline, Settings.read(chosen))
    return Desk(service), secrets


class Browser:
    """Asks a desk as a browser does: keeps cookies, sends forms with their token, follows."""

    def __init__(self, desk, base="/desk", **headers):
        self.desk, self.base = desk, base
        self.headers = {"host": "bank.example", **headers}
        self.cookies, self.body, self.seen = {}, "", []

    def get(self, address, follow=True):
        """Return the answer to an address of the desk."""
        return self._ask("GET", address, {}, follow)

    def post(self, address, follow=True, **form):
        """Send a form with the token of the page that was asked for last."""
        token = re.search(r'name="token" value="(\w+)"', self.body)
        return self._ask("POST", address, {"token": token[1] if token else "", **form}, follow)

    def _ask(self, method, address, form, follow):
        parts = urlsplit(address)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        asking = Asking(
            method=method,
            path=unquote(parts.path).removeprefix(self.base),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            form=form,
            headers={**self.headers, **({"cookie": cookie} if cookie else {})},
            base=self.base,
        )
        answer = self.desk.answer(asking)
        self.seen.append((address, answer))
        for one in answer.cookies:
            if one.value:
                self.cookies[one.name] = one.value
            else:
                self.cookies.pop(one.name, None)
        if answer.location and follow:
            return self.get(answer.location)
        self.body = answer.body
        return answer


def signed_in(desk, secret):
    """Return a browser that has shown a token."""
    browser = Browser(desk)
    browser.get("/desk/sign-in")
    browser.post("/desk/sign-in", bearer=secret)
    return browser


class Elements(HTMLParser):
    """The elements of a page, every one of which is closed in order: tag, attributes, text."""

    _VOID = ("meta", "link", "input")

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.found.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def named(self, tag):
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.found if name == tag]
