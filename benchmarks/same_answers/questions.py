"""What is asked of a pipeline."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.same_answers.answers import Answers

VERDICT = ("rule", "verdict", "article", "inputs", "text", "policy", "version", "fingerprint")
EXPLANATION = ("user_id", "product_id", "rank", "score", "ranker", "stood_in", "text")
LEARNED = (
    *("counts_", "segments_", "segment_counts_", "similarity_", "known_", "regularization_"),
    *("user_factors_", "product_factors_", "popularity_", "unobserved_weight_"),
    *("weights_", "judged_"),
)


def some(ids: Any, count: int) -> list[Any]:
    """Return ids from all over, the first and the last included."""
    places = np.unique(np.linspace(0, len(ids) - 1, count).astype(int))
    return [ids[place] for place in places]


def verdicts(found: Any) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in VERDICT} for one in found]


def learned(ranker: Any) -> dict[str, Any]:
    """Return what a fitted ranker shows of what it learned."""
    shown = {name: getattr(ranker, name) for name in LEARNED if hasattr(ranker, name)}
    if hasattr(ranker, "objective_"):
        # A BLAS sums it in an order that depends on where arrays lie in memory.
        shown["sweeps"] = len(ranker.objective_)
    members = getattr(ranker, "rankers_", ())
    return shown | {f"member {place}": learned(one) for place, one in enumerate(members)}


def ask_lists(answers: Answers, pipeline: Any, k: int = 10, **options: Any) -> None:
    """Ask for everybody's lists and why they are short."""
    recs = pipeline.recommend(k=k, **options)
    answers.ask("lists", recs.to_frame)
    answers.ask("abstentions", recs.abstentions)
    answers.ask("repr", lambda: repr(recs))


def ask_evidence(answers: Answers, pipeline: Any, users: int, later: Any = None) -> None:
    """Ask why some products are listed, why others are not, and how lists came about."""
    people, shelf = some(pipeline.user_ids, users), some(pipeline.product_ids, 6)
    recs = pipeline.recommend(people)
    table = recs.to_arrow()
    pairs = list(zip(table["user_id"].to_pylist(), table["product_id"].to_pylist(), strict=True))

    def explained() -> Any:
        return [_explained(recs.explain(*pair)) for pair in some(pairs, 2 * users)]

    answers.ask("explain", explained)
    asked = [(user, product) for user in people for product in shelf]
    answers.ask("why-not", lambda: [verdicts(pipeline.why_not(*pair)) for pair in asked])
    answers.ask("trace", lambda: [_traced(pipeline.trace(user)) for user in people])
    answers.ask("for-user", lambda: [recs.for_user(user) for user in people])
    if later is not None:
        asked = asked[:6]
        answers.ask(
            "why-not-later",
            lambda: [verdicts(pipeline.why_not(*pair, as_of=later, k=3)) for pair in asked],
        )
        answers.ask("trace-later", lambda: _traced(pipeline.trace(people[1], k=4, as_of=later)))


def ask_pipeline(answers: Answers, pipeline: Any, later: Any = None, users: int = 6) -> None:
    """Ask all that one asks of a fitted pipeline but for its eligibility."""
    ask_lists(answers, pipeline)
    people, shelf = pipeline.user_ids, pipeline.product_ids
    strangers = [*some(people, 40)[::-1], "nobody"]
    ask_lists(answers.at("owned"), pipeline, k=3, exclude_owned=False)
    ask_lists(answers.at("narrowed"), pipeline, k=7, product_ids=[*shelf[::3], "nothing"])
    ask_lists(answers.at("strangers"), pipeline, k=4, user_ids=strangers)
    if later is not None:
        ask_lists(answers.at("later"), pipeline, as_of=later)
    ask_evidence(answers, pipeline, users, later)
    batches = [pa.RecordBatch.from_pydict({"user_id": list(part)}) for part in
               (people[5:300], strangers[:-1], people[5:9])]  # fmt: skip
    answers.ask("arrow", lambda: list(pipeline.apply_arrow(batches, k=5)))
    answers.ask("learned", lambda: learned(pipeline.ranker))
    answers.ask("params", lambda: repr(pipeline.ranker))
    answers.ask("moment", lambda: pipeline.as_of_)
    answers.ask("ids", lambda: [people, shelf])


def ask_eligibility(answers: Answers, eligibility: Any, row: Mapping[str, Any]) -> None:
    """Ask who may be offered what, and why not."""
    people, shelf = eligibility.user_ids, eligibility.product_ids
    few = some(people, 8)
    answers.ask("ids", lambda: [people, shelf])
    answers.ask("mask", eligibility.mask)
    answers.ask("mask-of-some", lambda: eligibility.mask(few[::-1]))
    answers.ask("counts", eligibility.counts)
    pairs = [(user, product) for user in few for product in some(shelf, 25)]
    answers.ask("verdicts", lambda: [verdicts(eligibility.verdicts(*pair)) for pair in pairs])
    columns = list(zip(*pairs, strict=True))
    answers.ask("passes", lambda: eligibility.passes(*map(list, columns)))
    answers.ask("frame", lambda: eligibility.to_frame(few[:3], verdicts=True))
    answers.ask("judge", lambda: eligibility.judge(row))
    answers.ask("judge-nothing", lambda: eligibility.judge({}))
    answers.ask("judge-later", lambda: eligibility.judge(row, as_of="2026-03-01"))
    answers.ask("repr", lambda: repr(eligibility))


def _explained(found: Any) -> dict[str, Any]:
    said = {name: getattr(found, name) for name in EXPLANATION}
    return said | {"verdicts": verdicts(found.verdicts)}


def _traced(found: Any) -> dict[str, Any]:
    parts = ("fields", "profile", "stages", "products")
    return {name: getattr(found, name) for name in parts} | {"repr": repr(found)}
