"""Answers: what a pipeline says, as JSON in the names that its records have."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from suitably.recommendations import Recommendations
from suitably.serving.asked import bad_field
from suitably.serving.problems import Problem
from suitably.serving.served import Answering
from suitably.serving.single_answer import encode
from suitably.utils.json import jsonable

__all__ = ["as_json", "explained", "recommended", "traced", "what_ifs", "why_nots"]


def as_json(said: Any) -> bytes:
    """Return JSON-ready values as JSON."""
    return encode(said).encode("utf-8")


def recommended(answering: Answering, recs: Recommendations) -> bytes:
    """Return lists as JSON, and of each whether the fallback ranked it."""
    single = answering.served.singles.written(recs)
    return as_json(_lists(answering, recs)) if single is None else single.encode("utf-8")


def _lists(answering: Answering, recs: Recommendations) -> dict[str, Any]:
    lists = recs.to_dict()
    for one, stood_in in zip(lists["users"], recs.stood_in.tolist(), strict=True):
        one["stood_in"] = stood_in
    return {**answering.served.named, **lists}


def explained(answering: Answering, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return why products are in a customer's list: some of them, or all."""
    recs = _list_of(answering, asked)
    listed = next(iter(recs)).product_ids
    wanted, one = asked["product_ids"], asked["product_id"]
    if wanted is not None and one is not None:
        raise bad_field("give one of product_id and product_ids")
    wanted = wanted or ([one] if one is not None else listed)
    for product in wanted:
        if product not in listed:
            raise Problem(
                404,
                f"{product!r:.100} is not in this customer's list of {asked['k']}: ask /v1/why-not",
                "not-listed",
            )
    why = [recs.explain(asked["user_id"], one).to_dict(asked["audience"]) for one in wanted]
    return {**_about(answering, asked, recs), "explanations": why}


def why_nots(answering: Answering, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every rule says of a customer and a product."""
    recs = _list_of(answering, asked)
    _check_product(answering, asked)
    verdicts = answering.silent.why_not(**_pair(asked), k=asked["k"])
    told = [one.to_dict(asked["audience"]) for one in verdicts]
    about = {**_about(answering, asked, recs), "product_id": jsonable(asked["product_id"])}
    return {**about, "verdicts": told}


def what_ifs(answering: Answering, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the smallest sets of facts that, changed, would let rules pass a product."""
    recs = _list_of(answering, {**asked, "k": 1})
    _check_product(answering, asked)
    found = answering.silent.what_if(**_pair(asked))
    about = {**_about(answering, asked, recs), "product_id": jsonable(asked["product_id"])}
    return {**about, "what_if": [one.to_dict() for one in found]}


def traced(answering: Answering, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a customer's way through every step."""
    recs = _list_of(answering, asked)
    chosen = {name: asked[name] for name in ("user_id", "k", "as_of", "amount")}
    return {**_about(answering, asked, recs), **answering.silent.trace(**chosen).to_dict()}


def _about(answering: Answering, asked: Mapping[str, Any], recs: Recommendations) -> dict[str, Any]:
    return {
        **answering.served.named,
        "as_of": jsonable(recs.as_of),
        "k": recs.k,
        "user_id": jsonable(asked["user_id"]),
        "stood_in": bool(recs.stood_in[0]),
    }


def _pair(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in ("user_id", "product_id", "as_of", "amount")}


def _list_of(answering: Answering, asked: Mapping[str, Any]) -> Recommendations:
    """Return a customer's list, which is shown to nobody but explains itself.

    Raises:
        Problem: Nobody of this id is known.
    """
    chosen = {name: asked[name] for name in ("k", "as_of", "amount")}
    recs: Recommendations = answering.silent.recommend([asked["user_id"]], **chosen)
    if np.any(recs.rows < 0):
        raise Problem(404, "user_id: the customer is unknown to this version", "unknown-user")
    return recs


def _check_product(answering: Answering, asked: Mapping[str, Any]) -> None:
    product = asked["product_id"]
    if not answering.served.pipeline.knows([asked["user_id"]], [product]):
        raise Problem(
            404, f"product_id: {product!r:.100} is unknown to this version", "unknown-product"
        )
