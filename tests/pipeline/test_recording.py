"""What a pipeline tells an audit log: every decision, once, before it is handed out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.persistence.packing import fingerprint
from suitably.pipeline.decision_block import DecisionBlock

POLICY = st.Policy.from_toml("""
[policy]
id = "levels"
[[rules]]
id = "level"
require = "product.level <= user.level"
[[rules]]
id = "age"
require = "user.age >= 18"
""")


class Log:
    """Keeps what it is told, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.blocks: list[DecisionBlock] = []
        self.error = error

    def record(self, block: DecisionBlock) -> None:
        if self.error is not None:
            raise self.error
        self.blocks.append(block)


def _pipeline(log: Any, users: int = 6) -> st.Pipeline:
    people = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(users)],
            "level": [float(n % 4) for n in range(users)],
            "age": [17.0 if n == 5 else 40.0 for n in range(users)],
            "note": "unread",
        }
    )
    shelf = pd.DataFrame({"product_id": list("abcd"), "level": [0.0, 1.0, 2.0, 3.0]})
    buys = pd.DataFrame({"user_id": ["u3", "u3", "u2"], "product_id": ["a", "b", "a"]})
    pipeline = st.Pipeline(policy=POLICY, ranker=st.ranking.Popularity(), audit=log)
    return pipeline.fit(st.Dataset(people, shelf, buys))


def test_block_tells_inputs_candidates_exclusions_and_lists() -> None:
    log = Log()
    pipeline = _pipeline(log)
    made = pipeline.recommend(["u3", "nobody", "u5"], k=2)
    (block,) = log.blocks
    assert block.rows.tolist() == [3, -1, 5]
    assert block.user_ids.to_pylist() == ["u3", "nobody", "u5"]
    assert block.inputs.to_pylist() == [
        {"user.level": 3.0, "user.age": 40.0},
        {"user.level": None, "user.age": None},
        {"user.level": 1.0, "user.age": 17.0},
    ]
    # u3 owns a and b, of the others c and d are eligible, but nobody has bought them: no score.
    assert block.candidates.tolist() == [0, 0, 0]
    assert block.exclusions == {"policy:governs": 0, "level": 2, "age": 4}
    assert block.lists.lengths.tolist() == made.lists.lengths.tolist()
    reasons = [(row["place"], row["reason"], row["count"]) for row in block.abstentions.to_pylist()]
    assert reasons == [
        (0, "owned", 2), (0, "no-score", 2), (1, "unknown-user", 4), (2, "level", 2), (2, "age", 4)
    ]  # fmt: skip
    assert (block.context.k, block.context.narrowed) == (2, None)
    assert block.context.model == fingerprint(pipeline._model)  # type: ignore[arg-type]


class PreparingLog(Log):
    """Makes something of a block before it is kept, in whatever thread."""

    def prepare(self, block: DecisionBlock) -> tuple[int, DecisionBlock]:
        return len(block.rows), block

    def record_all(self, prepared: Any) -> None:
        for count, block in prepared:
            assert count == len(block.rows)
            self.record(block)


def test_a_log_that_prepares_blocks_is_told_what_it_made_in_the_order_of_users() -> None:
    plain, preparing = Log(), PreparingLog()
    for log in (plain, preparing):
        _pipeline(log, users=9_000).recommend(k=2)
    told = [[block.rows.tolist() for block in log.blocks] for log in (plain, preparing)]
    assert told[0] == told[1]
    assert sum(map(len, told[0])) == 9_000
    with pytest.raises(OSError, match="full"):
        _pipeline(PreparingLog(OSError("full"))).recommend(k=2)


def test_candidates_are_what_could_have_been_listed() -> None:
    log = Log()
    pipeline = _pipeline(log)
    pipeline.recommend(["u0", "u1"], k=10, product_ids=["b", "a"])
    (block,) = log.blocks
    assert block.candidates.tolist() == block.lists.lengths.tolist() == [1, 2]
    assert block.context.narrowed.to_pylist() == ["a", "b"]


def test_everybody_is_told_once_in_the_order_asked() -> None:
    log = Log()
    pipeline = _pipeline(log, users=10_000)
    made = pipeline.recommend(k=3)
    told = np.concatenate([block.rows for block in log.blocks])
    assert told.tolist() == list(range(10_000))
    listed = np.concatenate([block.lists.products for block in log.blocks])
    assert (listed == made.lists.products).all()
    short = sum(len(block.abstentions) for block in log.blocks)
    assert short == len(made.abstentions())


def test_no_list_is_handed_out_that_is_not_on_record() -> None:
    pipeline = _pipeline(Log(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        pipeline.recommend(["u1"])


def test_a_batch_of_arrow_is_told_too() -> None:
    import pyarrow as pa

    log = Log()
    pipeline = _pipeline(log)
    list(pipeline.apply_arrow([pa.record_batch({"user_id": ["u1", "u2", "u1"]})]))
    assert [block.user_ids.to_pylist() for block in log.blocks] == [["u1", "u2"]]


def test_what_cannot_record_is_refused() -> None:
    with pytest.raises(ValueError, match=r"audit=.*method record"):
        _pipeline("decisions.sqlite")


def test_fingerprint_outlasts_saving_and_tells_models_apart(tmp_path: Any) -> None:
    pipeline, other = _pipeline(None), _pipeline(None, users=7)
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    ours, theirs, again = (fingerprint(one._model) for one in (pipeline, other, loaded))  # type: ignore[arg-type]
    assert ours == again != theirs
    loaded.update(pd.DataFrame({"user_id": ["u1"], "product_id": ["d"]}))
    assert fingerprint(loaded._model) != ours  # type: ignore[arg-type]


def test_amount_of_the_call_is_an_input_in_steps() -> None:
    log = Log()
    pipeline = _pipeline(log)
    some = pd.DataFrame({"user_id": ["u3"], "amount": [250.0]})
    for stepwise, amount in ((True, some), (False, some), (True, None)):
        pipeline.recommend(["u3", "u4", "nobody"], stepwise=stepwise, amount=amount)
    assert log.blocks[0].inputs["amount"].to_pylist() == [250.0, None, None]
    assert ["amount" in block.inputs.column_names for block in log.blocks] == [True, False, False]


def test_fitted_pipeline_records_elsewhere_or_not() -> None:
    log, other = Log(), Log()
    pipeline = _pipeline(log)
    lists = pipeline.with_audit(None).recommend(k=2).to_arrow()
    assert pipeline.with_audit(other).recommend(k=2).to_arrow() == lists
    assert (len(log.blocks), len(other.blocks)) == (0, 1)
    assert pipeline.audit is log
    with pytest.raises(ValueError, match=r"audit=.*method record"):
        pipeline.with_audit("a file")
    with pytest.raises(st.NotFittedError):
        pipeline.clone().with_audit(log)
