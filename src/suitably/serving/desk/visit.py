"""A visit: who reads a page, with which rights, in which language, and where the desk is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from suitably.serving.desk.languages import TEXTS, Texts

__all__ = ["Visit"]


@dataclass(frozen=True)
class Visit:
    """What a page needs to know of whom it is for; nothing of it is the service's.

    Attributes:
        language: A key of `TEXTS`.
        roles: Of `"recommend"`, `"explain"`, `"identify"` and `"admin"`.
        base: Where the desk is, such as `"/desk"`.
        path: What was asked for, below `base`.
        query: What was asked, by name.
        token: What a form sends back to show that it was made here.
        signed_in: Whether there is anything to sign out of.

    Example:
        >>> visit = Visit("en", frozenset({"explain"}), "/desk", "/policy", {"k": "5"})
        >>> visit.url("customer", "a/b", k=3)
        '/desk/customer/a%2Fb?k=3'
        >>> visit.here(lang="zh")
        '/desk/policy?k=5&lang=zh'
    """

    language: str
    roles: frozenset[str] = frozenset()
    base: str = "/desk"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    signed_in: bool = False

    @property
    def texts(self) -> Texts:
        """The texts of its language."""
        return TEXTS[self.language]

    def may(self, role: str) -> bool:
        """Return whether it has a right; `"admin"` has all."""
        return role in self.roles or "admin" in self.roles

    def url(self, *parts: str, **query: object) -> str:
        """Return the address of a page of the desk; what is None is left out of the query."""
        path = "/".join([self.base, *(quote(part, safe="") for part in parts)])
        return path + _asked({name: value for name, value in query.items() if value is not None})

    def here(self, **query: object) -> str:
        """Return the address of this page with another query beside what was asked."""
        return self.base + quote(self.path) + _asked({**self.query, **query})


def _asked(query: Mapping[str, object]) -> str:
    return f"?{urlencode(query, errors='replace')}" if query else ""
