"""A pipeline as a diagram for notebooks: its steps in their order, with what each is made of."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from suitably.errors import SuitablyError
from suitably.suitability.policy import Policy
from suitably.utils.html import Markup, box, element
from suitably.utils.params import own_params

__all__ = ["pipeline_html"]

_MOST = 120


class _Pipeline(Protocol):
    """What of a pipeline is drawn."""

    profiles: Any
    policy: Any
    ranker: Any
    rerankers: Any
    fallback: Any
    audit: Any
    consent: Any
    seed: int

    @property
    def is_fitted(self) -> bool: ...
    @property
    def as_of_(self) -> Any: ...
    @property
    def user_ids(self) -> Any: ...
    @property
    def product_ids(self) -> Any: ...
    @property
    def policies(self) -> Any: ...


def pipeline_html(pipeline: _Pipeline) -> str:
    """Draw a pipeline for a notebook, fitted or not, without ids.

    Args:
        pipeline: What to draw.
    """
    steps = [
        _step("data", [_data(pipeline)], idle=not pipeline.is_fitted),
        _step("profiles", map(_part, pipeline.profiles)),
        _step("policy", _policies(pipeline)),
        _step("ranker", [_part(pipeline.ranker), _fallback(pipeline.fallback)]),
        _step("rerankers", map(_part, pipeline.rerankers)),
        _step("recommendations", [_attendants(pipeline)], idle=not pipeline.is_fitted),
    ]
    arrow = element("span", "→", css="arrow")
    drawn = [part for step in steps for part in (arrow, step)][1:]
    return box(f"Pipeline, {_state(pipeline)}", element("div", *drawn, css="suitably-flow"))


def _step(name: str, parts: Iterable[Markup], idle: bool = False) -> Markup:
    lines = [part for part in parts if part]
    return element(
        "section",
        element("h4", name),
        *(lines or [element("div", "none", css="soft")]),
        css="idle" if idle or not lines else "",
    )


def _state(pipeline: _Pipeline) -> str:
    if not pipeline.is_fitted:
        return "not fitted"
    return "fitted" if pipeline.as_of_ is None else f"fitted as of {pipeline.as_of_.isoformat(' ')}"


def _data(pipeline: _Pipeline) -> Markup:
    if not pipeline.is_fitted:
        return element("div", "users, products, interactions")
    users, products = len(pipeline.user_ids), len(pipeline.product_ids)
    return element("div", f"{users:,} users, {products:,} products")


def _policies(pipeline: _Pipeline) -> list[Markup]:
    try:
        return [_policy(policy) for policy in pipeline.policies]
    except (SuitablyError, OSError):
        given = pipeline.policy
        several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        return [_policy(one) for one in several if one is not None]


def _policy(policy: Policy | str | Path) -> Markup:
    if not isinstance(policy, Policy):
        return element("div", element("code", _short(policy)), " (not read)")
    rules = f"{len(policy.rules)} rule{'s' * (len(policy.rules) != 1)}"
    name = " ".join(filter(None, (policy.id, policy.version)))
    return element("div", element("code", name), f", {rules}")


def _part(part: Any) -> Markup:
    """Name a part, and below it what it was given, as its own repr has it."""
    if part is None:
        return Markup()
    if isinstance(part, type) or not hasattr(part, "get_params"):
        return element("div", element("code", _short(repr(part))))
    lines = [
        element("div", element("code", f"{name}={_short(repr(value))}"), css="soft")
        for name, value in own_params(part).items()
    ]
    return element("div", element("code", type(part).__name__), *lines)


def _fallback(fallback: Any) -> Markup:
    if fallback is None:
        return element("div", "no fallback", css="soft")
    name = fallback if isinstance(fallback, str) else repr(fallback)
    return element("div", "fallback: ", element("code", _short(name)), css="soft")


def _attendants(pipeline: _Pipeline) -> Markup:
    attendants = [name for name in ("audit", "consent") if getattr(pipeline, name) is not None]
    with_them = f", with {' and '.join(attendants)}" if attendants else ""
    return element("div", f"lists with reasons{with_them}, seed {pipeline.seed}")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
