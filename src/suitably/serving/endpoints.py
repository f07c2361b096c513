"""Endpoints: who may ask, how the body is read, and who works on the answer."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from suitably.serving.answers import as_json, explained, recommended, traced, what_ifs, why_nots
from suitably.serving.asked import bad_field, read_asked
from suitably.serving.bodies import Headers, parse_object, read_body
from suitably.serving.gate import HANDLED, send_bytes
from suitably.serving.metrics import Metrics
from suitably.serving.problems import Problem
from suitably.serving.request_log import Handled
from suitably.serving.served import Answering
from suitably.serving.service import Service
from suitably.serving.workers import Workers, told

__all__ = ["QUESTIONS", "Question", "QuestionEndpoint", "RecommendationEndpoint", "authorize"]

Scope = MutableMapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What may be asked of a version.

    Attributes:
        path: Where.
        role: Which role may ask.
        about: What is answered.
        fields: The fields of the body, with their defaults.
        required: Those that must be there.
        answer: Returns the answer of one version.
    """

    path: str
    role: str
    about: str
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ("user_id",)
    answer: Callable[[Answering, Mapping[str, Any]], dict[str, Any]] | None = field(default=None)


_LIST: dict[str, Any] = {"k": 10, "as_of": None, "amount": None}
_PAIR: dict[str, Any] = {"user_id": None, "product_id": None, "as_of": None, "amount": None}

RECOMMENDATIONS = Question(
    "/v1/recommendations",
    "recommend",
    "A list for one customer (`user_id`) or for several (`user_ids`), best first; fewer than k is "
    "an answer, and `reasons` says why.",
    {"user_id": None, "user_ids": None, "product_ids": None, "exclude_owned": True, **_LIST},
    (),
)
QUESTIONS = (
    Question(
        "/v1/explanations",
        "explain",
        "Why products are in a customer's list of k: `product_id`, `product_ids`, or all of it.",
        {"user_id": None, "product_id": None, "product_ids": None, "audience": None, **_LIST},
        answer=explained,
    ),
    Question(
        "/v1/why-not",
        "explain",
        "What every rule says of a customer and a product, and what else keeps it out of the list.",
        {**_PAIR, "k": 10, "audience": None},
        ("user_id", "product_id"),
        why_nots,
    ),
    Question(
        "/v1/what-if",
        "explain",
        "The smallest sets of facts that, changed, would let every rule pass a product.",
        _PAIR,
        ("user_id", "product_id"),
        what_ifs,
    ),
    Question(
        "/v1/trace",
        "explain",
        "A customer's way through every step: fields, profile, products left, list.",
        {"user_id": None, **_LIST},
        answer=traced,
    ),
)
"""What may be asked beside lists."""


def authorize(service: Service, headers: Headers, handled: Handled, role: str) -> None:
    """Let through who may ask.

    Raises:
        Problem: There is no token that counts (401), or it is not good for this (403).
    """
    if not service.asks_tokens:
        return
    token = service.token(headers.get(b"authorization"))
    if token is None:
        raise Problem(
            401,
            "send a token that is known here: Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )
    handled.by = token.name
    if role not in token.roles:
        raise Problem(403, f"this token has not the role {role}, which this needs", "missing-role")


class QuestionEndpoint:
    """Answers a question (ASGI), in a thread.

    Args:
        question: Which.
        service: What answers.
        workers: Who works on it.
    """

    def __init__(self, question: Question, service: Service, workers: Workers) -> None:
        self.question = question
        self._service, self._workers = service, workers

    async def __call__(
        self, scope: Scope, receive: Any, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        handled, service = scope[HANDLED], self._service
        handled.route = self.question.path
        headers: Headers = dict(scope["headers"])
        authorize(service, headers, handled, self.question.role)
        body = await read_body(receive, headers, service.settings.limits)
        limits = service.settings.limits
        known, required = self.question.fields, self.question.required
        asked = read_asked(parse_object(body), known, required, limits)
        answering = service.answering()
        handled.version = answering.served.version
        await send_bytes(send, await self._answered(answering, asked, handled))

    async def _answered(
        self, answering: Answering, asked: dict[str, Any], handled: Handled
    ) -> bytes:
        handled.users, handled.user = 1, asked["user_id"]
        if asked["as_of"] is None:
            asked["as_of"] = self._service.moment(answering.served)
        answer = self.question.answer
        assert answer is not None
        return await self._workers.run(lambda: as_json(answer(answering, asked)))


class RecommendationEndpoint(QuestionEndpoint):
    """Answers with lists: one at once, several in a thread.

    To work a single list out takes less time than to hand it to a thread; but for what has to wait
    for a disk, or to judge everybody anew as of a moment of its own.

    Args:
        service: What answers.
        workers: Who works on several.
        metrics: Count lists.
    """

    def __init__(self, service: Service, workers: Workers, metrics: Metrics) -> None:
        super().__init__(RECOMMENDATIONS, service, workers)
        self._metrics = metrics

    async def _answered(
        self, answering: Answering, asked: dict[str, Any], handled: Handled
    ) -> bytes:
        users = asked["user_ids"]
        if (users is None) == (asked["user_id"] is None):
            raise bad_field("give one of user_id and user_ids")
        if users is None:
            users = [asked["user_id"]]
            handled.user = asked["user_id"]
        handled.users = len(users)
        served, own = answering.served, asked["as_of"] is not None
        if not own:
            asked["as_of"] = self._service.moment(served)

        def answer() -> bytes:
            return self._lists(answering, asked, users)

        alone = len(users) == 1 and not own and served.pipeline.audit is None
        if alone and self._service.is_prepared(served, asked["as_of"]):
            return told(answer)
        return await self._workers.run(answer)

    def _lists(self, answering: Answering, asked: Mapping[str, Any], users: list[Any]) -> bytes:
        recs = answering.pipeline.recommend(
            users,
            asked["k"],
            asked["as_of"],
            asked["exclude_owned"],
            asked["product_ids"],
            asked["amount"],
        )
        said = recommended(answering, recs)
        stood_in, empty = recs.counted
        self._metrics.count_lists(len(users), stood_in, empty)
        self._service.watching.observe(recs)
        return said
