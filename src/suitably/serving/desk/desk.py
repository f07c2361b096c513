"""Desk: answers what browsers ask, from a service; rights, forms and sessions are looked after."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from suitably.errors import DataError, PolicyError, SuitablyError
from suitably.governance.audit_trail import AuditTrail
from suitably.serving.desk.customer_page import customer_page
from suitably.serving.desk.exchange import Answer, Asking, Cookie
from suitably.serving.desk.find_page import find_page
from suitably.serving.desk.languages import TEXTS, choose
from suitably.serving.desk.parts import Page
from suitably.serving.desk.policy_page import policy_page
from suitably.serving.desk.product_page import product_page, products_page
from suitably.serving.desk.question import Question, asked_of
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.script import SCRIPT
from suitably.serving.desk.sessions import Sessions
from suitably.serving.desk.shell import render
from suitably.serving.desk.sign_in_page import problem_page, sign_in_page
from suitably.serving.desk.style import STYLE
from suitably.serving.desk.switching import what_lacks
from suitably.serving.desk.try_page import MOST_TEXT, try_page, try_policy
from suitably.serving.desk.visit import Visit
from suitably.serving.desk.watch_page import Watched, watch_page
from suitably.serving.problems import Problem
from suitably.serving.served import Answering, Served
from suitably.serving.service import Service
from suitably.utils.fork import ForkLock
from suitably.utils.html import element
from suitably.utils.progress import logger
from suitably.utils.pseudonym import pseudonym

__all__ = ["MOST_BYTES", "Desk"]

MOST_BYTES = 3 * MOST_TEXT + 10_000
"""How long a form may be: a byte takes three in what browsers send."""

_log = logger(__name__)
_SESSION, _LANGUAGE = "suitably-desk", "suitably-desk-language"
_SHOWN_AT = {"/find": "", "/switches": "/watch"}  # where what a form says can be seen again
_YEAR = 365 * 24 * 3600
_FILES = {"/desk.css": (STYLE, "text/css"), "/desk.js": (SCRIPT, "text/javascript")}


class Desk:
    """Answers what browsers ask.

    Args:
        service: What answers; see `suitably.serving`.
        sessions: Who has signed in; None: nobody yet.
    """

    def __init__(self, service: Service, sessions: Sessions | None = None) -> None:
        self._service = service
        self._sessions = Sessions() if sessions is None else sessions
        self._reading: tuple[object, object, str, Reading] | None = None
        self._lock, self._trying = ForkLock(), Lock()

    def answer(self, asking: Asking) -> Answer:
        """Answer, whatever was asked; what the library refuses is a page too."""
        if asking.path in _FILES:
            return _file(asking)
        cookies = asking.cookies
        key = cookies.get(_SESSION, "")
        made: tuple[Cookie, ...] = ()
        if not key:
            key = secrets.token_urlsafe(32)
            made = (Cookie(_SESSION, key),)
        visit, authorization = self._visit(asking, key)
        if asking.query.get("lang") in TEXTS:
            made = (*made, Cookie(_LANGUAGE, visit.language, _YEAR))
        answer = self._answered(asking, visit, key, authorization)
        token = self._service.token(authorization)
        by = {} if token is None else {"by": token.name}
        return replace(answer, cookies=(*made, *answer.cookies), about={**answer.about, **by})

    def _visit(self, asking: Asking, key: str) -> tuple[Visit, str | None]:
        """Return whom a page is for, and what they showed to get here."""
        asked = asking.query.get("lang") or asking.cookies.get(_LANGUAGE, "")
        language = asked if asked in TEXTS else choose(asking.headers.get("accept-language", ""))
        authorization, signed_in = asking.headers.get("authorization"), False
        if self._service.asks_tokens and authorization is None:
            session = self._sessions.find(key)
            authorization = None if session is None else session.authorization
            signed_in = session is not None
        roles = frozenset(self._service.roles(authorization))
        query = {name: text for name, text in asking.query.items() if name != "lang"}
        path, token = asking.path, self._sessions.form_token(key)
        if asking.method == "POST":
            path, query = _SHOWN_AT.get(path, path), {}
        visit = Visit(language, roles, asking.base, path, query, token, signed_in)
        return visit, authorization

    def _answered(
        self, asking: Asking, visit: Visit, key: str, authorization: str | None
    ) -> Answer:
        texts = visit.texts
        posted = asking.method == "POST"
        if posted and not (
            asking.same_origin and self._sessions.is_form_token(key, asking.form.get("token", ""))
        ):
            return _shown(visit, problem_page(visit, texts.stale, texts.stale_said, 403))
        if asking.path == "/sign-in":
            return self._sign_in(asking, visit, key)
        if asking.path == "/sign-out" and posted:
            self._sessions.end(key)
            return Answer.to(visit.url("sign-in"), Cookie(_SESSION, ""))
        if not visit.roles:
            back = "" if posted else visit.here()
            return Answer.to(visit.url("sign-in", next=back or None))
        if not visit.may("explain"):
            return _no_right(visit, "explain")
        try:
            return self._page(asking, visit, authorization)
        except PolicyError as error:
            page = problem_page(visit, texts.cannot, str(error), 422, english=True)
        except SuitablyError as error:
            # Its words may name a customer to whom an id is not shown.
            told = visit.may("identify")
            said = str(error) if told else texts.cannot_said
            page = problem_page(visit, texts.cannot, said, 422, english=told)
        except Exception as error:  # a page, never a stack trace; what it says may name somebody
            _log.error("desk: %s on a page", type(error).__name__)
            page = problem_page(visit, texts.wrong, texts.wrong_said, 500)
        return _shown(visit, page)

    def _page(self, asking: Asking, visit: Visit, authorization: str | None) -> Answer:
        try:
            answering = self._service.answering()
        except Problem:  # no version is served yet
            texts = visit.texts
            page = problem_page(visit, texts.not_ready, texts.not_ready_said, 503)
            return _shown(visit, page)
        reading = self._read(answering.served)
        posted = asking.method == "POST"
        match asking.path.strip("/").split("/"):
            case [""] if not posted:
                return self._find(asking, visit, reading)
            case ["find"] if posted:
                return self._find_by_id(asking, visit, reading)
            case ["customer", name] if not posted:
                return self._of_customer(asking, visit, reading, answering, name, False)
            case ["customer", name, "product"] if not posted:
                return self._of_customer(asking, visit, reading, answering, name, True)
            case ["policy"] if not posted:
                return _shown(visit, policy_page(visit, reading), reading)
            case ["try"]:
                return self._try(asking, visit, reading)
            case ["watch"] if not posted:
                page = watch_page(visit, reading, self._watched(answering.served))
                return _shown(visit, page, reading)
            case ["switches"] if posted:
                return self._switch(asking, visit, reading, answering.served, authorization)
        texts = visit.texts
        return _shown(visit, problem_page(visit, texts.no_page, texts.no_page_said, 404))

    def _read(self, served: Served) -> Reading:
        """Return what reads the version that is served, made anew where that is another one."""
        moment, audit = self._service.moment(served), self._service.audit
        name = audit.subject if isinstance(audit, AuditTrail) else pseudonym
        probe = name("")  # another one where the key is
        with self._lock:
            known = self._reading
            if known is None or known[0] is not served or known[1:3] != (moment, probe):
                made = Reading(served.version, served.pipeline, name, moment)
                self._reading = known = (served, moment, probe, made)
            return known[3]

    def _find(self, asking: Asking, visit: Visit, reading: Reading) -> Answer:
        asked = asking.query.get("customer", "").strip()
        if not asked:
            return _shown(visit, find_page(visit, reading), reading)
        rows = reading.people.find(asked)
        if len(rows) == 1:
            return Answer.to(visit.url("customer", reading.people.name_of(rows[0])))
        missed = "" if rows else "pseudonym"
        return _shown(visit, find_page(visit, reading, asked[:200], rows, missed), reading)

    def _find_by_id(self, asking: Asking, visit: Visit, reading: Reading) -> Answer:
        if not visit.may("identify"):
            return _no_right(visit, "identify")
        row = reading.people.row_of_id(asking.form.get("id", ""))
        if row is None:
            return _shown(visit, find_page(visit, reading, missed="id"), reading)
        return Answer.to(visit.url("customer", reading.people.name_of(row)))

    def _of_customer(
        self,
        asking: Asking,
        visit: Visit,
        reading: Reading,
        answering: Answering,
        name: str,
        about_product: bool,
    ) -> Answer:
        rows, texts = reading.people.find(name), visit.texts
        if len(rows) != 1:
            page = problem_page(visit, texts.no_customer, texts.no_customer_said, 404)
            return _shown(visit, page, reading)
        state = self._service.switches.state()
        question = Question(reading, answering.silent, rows[0], asked_of(asking.query), state)
        about = {"user": question.user_id}
        if not about_product:
            return _shown(visit, customer_page(visit, question), reading, about)
        text = asking.query.get("id", "")
        product = reading.product_row(text)
        found = [] if product is not None else reading.search(text)
        if product is None and len(found) != 1:
            page = products_page(visit, question, text, found)
            return _shown(visit, page, reading, about)
        product = found[0] if product is None else product
        return _shown(visit, product_page(visit, question, product), reading, about)

    def _try(self, asking: Asking, visit: Visit, reading: Reading) -> Answer:
        texts = visit.texts
        if asking.method != "POST":
            return _shown(visit, try_page(visit, reading, asking.query.get("policy", "")), reading)
        replaced, text = asking.form.get("policy", ""), asking.form.get("toml", "")
        if len(text.encode("utf-8", "replace")) > MOST_TEXT:
            return self.too_long(visit)
        if not self._trying.acquire(blocking=False):
            return _shown(visit, problem_page(visit, texts.busy, texts.busy_said, 503))
        try:
            tried = try_policy(reading, replaced, text)
        finally:
            self._trying.release()
        return _shown(visit, try_page(visit, reading, replaced, tried), reading)

    def too_long(self, visit: Visit) -> Answer:
        """Return what is said of a form that is too long."""
        texts = visit.texts
        said = texts.too_long_said.format(most=f"{MOST_TEXT:,}")
        return _shown(visit, problem_page(visit, texts.too_long, said, 413))

    def refuse_length(self, asking: Asking) -> Answer:
        """Return the same before the form was read."""
        return self.too_long(self._visit(asking, asking.cookies.get(_SESSION, ""))[0])

    def _watched(self, served: Served) -> Watched:
        service, folder = self._service, self._service.folder
        versions: Sequence[Any] = ()
        history: Sequence[Any] = ()
        problems = service.problems
        if folder is not None:
            try:
                versions, history = folder.versions(), folder.history()
            except SuitablyError as error:
                problems.append(str(error))
        problem = service.switches.problem
        return Watched(
            version=served.version,
            since=served.since,
            monitor=service.monitor,
            versions=versions,
            history=history,
            switches=service.switches.entries(),
            problems=[*problems, *([problem] if problem else [])],
        )

    def _switch(
        self, asking: Asking, visit: Visit, reading: Reading, served: Served, shown: str | None
    ) -> Answer:
        """Turn something off or on, and go back to where that is seen."""
        if not visit.may("admin"):
            return _no_right(visit, "admin")
        form, switches = asking.form, self._service.switches
        lacking = what_lacks(visit, form)
        if lacking:
            return _shown(
                visit, watch_page(visit, reading, self._watched(served), lacking), reading
            )
        which, back = form.get("id", ""), visit.url("watch")
        kind: Any = form.get("kind", "")  # which `Switches` checks
        try:
            given: Any = None if kind == "everything" and not which else which
            if kind == "user":
                given = self._user(reading, which)
                if not which.startswith("place:"):
                    back = visit.url("customer", which)
            turn = switches.off if form.get("action") == "off" else switches.on
            token = self._service.token(shown)
            by = "desk" if token is None else f"{token.name}, at the desk"
            turn(kind, given, reason=form.get("reason", ""), by=by, audit=self._service.audit)
        except (SuitablyError, OSError, ValueError) as error:
            said = element("span", str(error), lang="en")
            page = watch_page(visit, reading, self._watched(served), said)
            return _shown(visit, page, reading)
        return Answer.to(back)

    def _user(self, reading: Reading, which: str) -> Any:
        """Return the id that is meant by a pseudonym, or by the place of a switch."""
        if which.startswith("place:") and which[6:].isdecimal() and len(which) < 12:
            entries = self._service.switches.entries()
            place = int(which[6:])
            if place < len(entries) and entries[place].kind == "user":
                return entries[place].id
        rows = reading.people.find(which)
        if len(rows) != 1:
            raise DataError("user: no customer of this version has that pseudonym")
        return reading.people.id_of(rows[0])

    def _sign_in(self, asking: Asking, visit: Visit, key: str) -> Answer:
        if not self._service.asks_tokens:
            return Answer.to(visit.url())
        back = _own(visit, (asking.form or asking.query).get("next", ""))
        if asking.method != "POST":
            return _shown(replace(visit, query={"next": back} if back else {}),
                          sign_in_page(visit, back))  # fmt: skip
        authorization = f"Bearer {asking.form.get('bearer', '').strip()}"
        if not self._service.roles(authorization):
            return _shown(visit, sign_in_page(visit, back, refused=True))
        self._sessions.end(key)  # an id that was there before is nobody's afterwards
        fresh = self._sessions.begin(authorization)
        return Answer.to(back or visit.url(), Cookie(_SESSION, fresh))


def _own(visit: Visit, address: str) -> str:
    """Return an address of the desk as it is, any other as none."""
    rest = address.removeprefix(visit.base)
    plain = address.isascii() and address.isprintable() and "\\" not in address
    ours = address.startswith(visit.base) and (not rest or rest[0] in "/?")
    return address if plain and ours and not address.startswith("//") else ""


def _shown(
    visit: Visit,
    page: Page,
    reading: Reading | None = None,
    about: Mapping[str, Any] | None = None,
) -> Answer:
    version = "" if reading is None else reading.version
    known = {"version": version} if version else {}
    return Answer(render(visit, page, version), page.status, about={**known, **(about or {})})


def _no_right(visit: Visit, role: str) -> Answer:
    texts = visit.texts
    said = texts.no_right_said.format(role=role)
    return _shown(visit, problem_page(visit, texts.no_right, said, 403))


def _file(asking: Asking) -> Answer:
    text, kind = _FILES[asking.path]
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    more = {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Encoding"}
    if asking.headers.get("if-none-match") == tag:
        return Answer("", 304, f"{kind}; charset=utf-8", more=more)
    return Answer(text, 200, f"{kind}; charset=utf-8", more=more)
