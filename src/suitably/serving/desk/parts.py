"""What pages of the desk are made of, beside what reports are; every text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass

from suitably.report.page import Block
from suitably.serving.desk.visit import Visit
from suitably.utils.html import Markup, element

__all__ = ["Page", "banner", "choice", "code", "disclosure", "form", "given", "link", "notice"]
__all__ += ["section", "stacked", "submit", "tag", "text_field"]


@dataclass(frozen=True)
class Page:
    """A page before its frame: what it is called, and its sections.

    Attributes:
        title: Its heading, and the window's title; it names nobody but by pseudonym.
        body: Its sections.
        lead: A line beneath the heading.
        at: The entry of the navigation that it belongs to.
        status: The status of HTTP that goes with it.
        waits: Whether it is to be asked for again in a moment.
    """

    title: str
    body: Sequence[Markup]
    lead: object = ""
    at: str = ""
    status: int = 200
    waits: bool = False


def section(title: object, *parts: object, name: str = "") -> Markup:
    """Return a section; a block of a report is one of the parts, and a text is a paragraph."""
    attributes = {"id": name} if name else {}
    return element("section", element("h2", title), *map(_drawn, parts), **attributes)


def _drawn(part: object) -> Markup:
    if isinstance(part, Markup):
        return part
    if isinstance(part, str):
        return element("p", part) if part else Markup("")
    block: Block = part  # type: ignore[assignment]
    return Markup(block.html())


def given(*parts: object) -> Markup:
    """Return parts one after another."""
    return Markup("".join(map(_drawn, parts)))


def stacked(*lines: object) -> Markup:
    """Return lines below each other, for a cell; empty ones are left out."""
    return Markup("".join(element("div", line) for line in lines if line))


def link(text: object, address: str, **attributes: str) -> Markup:
    """Return a link to an address that `Visit` made."""
    return element("a", text, href=address, **attributes)


def code(text: object) -> Markup:
    """Return a name or an expression, exactly as it is; it may not turn the text around it."""
    return element("code", element("bdi", text))


def tag(word: object, tone: str = "open") -> Markup:
    """Return a word in the colour of what it says: `"good"`, `"bad"` or `"open"`."""
    return element("span", word, css=f"tag {tone}")


def banner(heading: object, said: object, tone: str = "open") -> Markup:
    """Return a word that decides, and the sentence that says why."""
    return element("div", element("strong", heading), element("p", said), css=f"decision {tone}")


def notice(*said: object, tone: str = "open", role: str = "") -> Markup:
    """Return something to mind; with a role, such as `"alert"`, it is read out by itself."""
    return element("p", *said, css=f"notice {tone}", **({"role": role} if role else {}))


def disclosure(summary: object, *parts: object) -> Markup:
    """Return what opens when it is asked for."""
    return element("details", element("summary", summary), *map(_drawn, parts))


def form(visit: Visit, address: str, *parts: object, css: str = "", post: bool = False) -> Markup:
    """Return a form; one that changes something, or must not be in an address, is posted."""
    if not post:
        return element("form", *parts, css=css, method="get", action=address)
    token = element("input", type="hidden", name="token", value=visit.token)
    return element("form", token, *parts, css=css, method="post", action=address)


def text_field(
    name: str, label: object, value: str = "", hint: object = "", kind: str = "text", **more: str
) -> Markup:
    """Return a labelled field for a line of text."""
    described = {"aria-describedby": f"{name}-hint"} if hint else {}
    attributes = {"type": kind, "id": name, "name": name, "value": value, **described, **more}
    return element(
        "div",
        element("label", label, **{"for": name}),
        element("input", **attributes),
        element("small", hint, id=f"{name}-hint") if hint else "",
        css="field",
    )


def choice(name: str, label: object, options: Sequence[tuple[str, object]], chosen: str) -> Markup:
    """Return a labelled choice: of values, with what they are called."""
    listed = [
        element("option", text, value=value, **({"selected": ""} if value == chosen else {}))
        for value, text in options
    ]
    return element(
        "div",
        element("label", label, **{"for": name}),
        element("select", *listed, id=name, name=name),
        css="field",
    )


def submit(text: object, css: str = "") -> Markup:
    """Return the button of a form."""
    return element("button", text, css=css, type="submit")
