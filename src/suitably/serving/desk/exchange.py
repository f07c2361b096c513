"""What is asked and what is answered, apart from any web framework."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from suitably.utils.html import Markup

__all__ = ["SAFE_HEADERS", "Answer", "Asking", "Cookie"]

SAFE_HEADERS: Mapping[str, str] = {
    # Styles, scripts and forms are the desk's own, and nothing may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}
"""What goes out with every page."""


@dataclass(frozen=True)
class Asking:
    """What a browser asks.

    Attributes:
        method: `"GET"`, `"HEAD"` or `"POST"`.
        path: Below the desk's own address, decoded; empty for the first page.
        query: By name.
        form: What was posted, by name.
        headers: By lower-case name.
        base: The desk's own address, such as `"/desk"`.
        secure: Whether it came by HTTPS.

    Example:
        >>> Asking(headers={"cookie": "a=1; b=2"}).cookies
        {'a': '1', 'b': '2'}
        >>> Asking(headers={"origin": "https://evil.example", "host": "bank.example"}).same_origin
        False
    """

    method: str = "GET"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    base: str = "/desk"
    secure: bool = False

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies; those that cannot be read are left out."""
        jar: SimpleCookie = SimpleCookie()
        for part in self.headers.get("cookie", "").split(";"):
            try:
                jar.load(part.strip())
            except CookieError:
                continue
        return {name: morsel.value for name, morsel in jar.items()}

    @property
    def same_origin(self) -> bool:
        """Whether nothing says that a page of somebody else's sent it.

        Browsers say so; what says nothing still needs the form's token.
        """
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        told = self.headers.get("origin") or self.headers.get("referer")
        if told is None:
            return True
        try:
            return urlsplit(told).netloc == self.headers.get("host", "")
        except ValueError:
            return False


@dataclass(frozen=True)
class Cookie:
    """What a browser keeps; no script sees it, and no other site makes a browser send it.

    Attributes:
        name: Its name.
        value: Its value; empty: it is forgotten.
        seconds: For how long; None: until the browser is closed.
    """

    name: str
    value: str
    seconds: int | None = None

    def header(self, asking: Asking) -> str:
        """Return the header `Set-Cookie` for it."""
        age = 0 if not self.value else self.seconds
        parts = [f"{self.name}={self.value}", f"Path={asking.base or '/'}", "HttpOnly"]
        parts += ["SameSite=Strict"] + ["Secure"] * asking.secure
        return "; ".join(parts + ([] if age is None else [f"Max-Age={age}"]))


@dataclass(frozen=True)
class Answer:
    """What goes back.

    Attributes:
        body: The text.
        status: Of HTTP.
        kind: The media type.
        location: Where to go on; empty: nowhere.
        cookies: What the browser is to keep.
        more: Further headers, in place of the usual ones of their names.
        about: What the log of requests says of it: `user`, `by` and `version`.
    """

    body: str = ""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    location: str = ""
    cookies: tuple[Cookie, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def headers(self, asking: Asking) -> Iterator[tuple[str, str]]:
        """Iterate the headers of the answer."""
        yield from {**SAFE_HEADERS, **self.more, "Content-Type": self.kind}.items()
        if self.location:
            yield "Location", self.location
        for cookie in self.cookies:
            yield "Set-Cookie", cookie.header(asking)

    @staticmethod
    def to(location: str, *cookies: Cookie) -> "Answer":
        """Return the answer that sends a browser on, which then asks by GET."""
        return Answer(Markup(""), 303, location=location, cookies=cookies)
