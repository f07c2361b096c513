"""The frame around every page of the desk: head, navigation, language, footer."""

import re

from suitably.serving.desk.languages import TEXTS
from suitably.serving.desk.parts import Page, form, link, submit
from suitably.serving.desk.visit import Visit
from suitably.utils.html import Markup, element

__all__ = ["render"]

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_EDITED = re.compile(r"(<textarea\b.*?</textarea>)", re.DOTALL)


def render(visit: Visit, page: Page, version: str = "") -> str:
    """Return a page as HTML.

    Args:
        visit: For whom.
        page: What is in it.
        version: The version of the model that answered; empty where none did.
    """
    texts = visit.texts
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{page.title} · {texts.desk}"),
        element("link", rel="stylesheet", href=visit.url("desk.css")),
        element("link", rel="icon", href="data:,"),
        element("script", src=visit.url("desk.js"), defer=""),
    )
    body = element(
        "body",
        link(texts.skip, "#main", **{"class": "skip"}),
        _top(visit, page),
        element(
            "main",
            element(
                "header",
                element("h1", page.title),
                element("div", page.lead, css="lead") if page.lead else "",
            ),
            *page.body,
            id="main",
            tabindex="-1",
            **({"data-waits": "1"} if page.waits else {}),
        ),
        element(
            "footer",
            element("p", texts.disclaimer),
            element("p", texts.served.format(version=version)) if version else "",
        ),
        css="suitably desk",
    )
    return _seen(f"<!doctype html>\n{element('html', head, body, lang=texts.code)}\n")


def _seen(page: str) -> str:
    """Write out what is not seen or turns the text around it; what is edited stays as it is."""
    parts = _EDITED.split(page)
    parts[::2] = [
        _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", part) for part in parts[::2]
    ]
    return "".join(parts)


def _top(visit: Visit, page: Page) -> Markup:
    texts = visit.texts
    entries = (
        ("find", texts.find, ""),
        ("policy", texts.policy, "policy"),
        ("try", texts.try_title, "try"),
        ("watch", texts.watch, "watch"),
    )
    shown = entries if visit.may("explain") else ()
    listed = [
        element(
            "li",
            link(
                text,
                visit.url(*filter(None, [path])),
                **({"aria-current": "page"} if page.at == name else {}),
            ),
        )
        for name, text, path in shown
    ]
    languages = [
        element(
            "li",
            element("span", other.language_name, lang=other.code, **{"aria-current": "true"})
            if code == visit.language
            else link(
                other.language_name, visit.here(lang=code), lang=other.code, hreflang=other.code
            ),
        )
        for code, other in TEXTS.items()
    ]
    out = (
        form(visit, visit.url("sign-out"), submit(texts.sign_out, "plain"), post=True)
        if visit.signed_in
        else ""
    )
    navigation = (
        element("nav", element("ul", *listed), **{"aria-label": texts.pages}) if listed else ""
    )
    return element(
        "header",
        element("p", link(texts.desk, visit.url()), css="brand"),
        navigation,
        element(
            "nav", element("ul", *languages), css="languages", **{"aria-label": texts.language}
        ),
        out,
        css="top",
    )
