"""Whoever has not consented gets a list that does not depend on what they did."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import suitably as st
from suitably.pipeline.decision_block import DecisionBlock

USERS, PRODUCTS = [f"u{n}" for n in range(8)], list("abcdef")
POLICY = st.Policy.from_toml("""
[policy]
id = "levels"
[[rules]]
id = "level"
require = "product.level <= user.level"
""")
PEOPLE = pd.DataFrame({"user_id": USERS, "level": [5.0, 3, 5, 5, 2, 5, 5, 5]})
SHELF = pd.DataFrame({"product_id": PRODUCTS, "level": [0.0, 1, 2, 3, 4, 5]})
OTHERS = [(1, "a"), (2, "a"), (3, "a"), (2, "b"), (3, "b"), (4, "c"), (5, "d"), (6, "d"), (7, "e")]


def _log(mine: list[tuple[str, str]]) -> pd.DataFrame:
    rows = [("u0", product, event) for product, event in mine]
    rows += [(f"u{user}", product, "buy") for user, product in OTHERS]
    frame = pd.DataFrame(rows, columns=["user_id", "product_id", "event"])
    return frame.assign(timestamp="2024-01-01")


def _consent(*users: str) -> st.governance.Consent:
    return st.governance.Consent(
        pd.DataFrame({"user_id": list(users), "purpose": "personalisation",
                      "granted_at": "2023-01-01", "withdrawn_at": None})
    )  # fmt: skip


def _fitted(mine: list[tuple[str, str]], consent: Any, **options: Any) -> st.Pipeline:
    data = st.Dataset(PEOPLE, SHELF, _log(mine), disposed_events=["sell"], rejected_events=["no"])
    given = {"policy": POLICY, "ranker": st.ranking.ALS(factors=2), "consent": consent, **options}
    return st.Pipeline(**given).fit(data, as_of="2024-02-01")


histories = some.lists(
    some.tuples(some.sampled_from(PRODUCTS), some.sampled_from(["buy", "sell", "no"])), max_size=6
)
rankers = some.sampled_from(
    [st.ranking.ALS(factors=2), st.ranking.Popularity(), st.ranking.ItemKNN(),
     st.ranking.Explore(st.ranking.Popularity())]
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(mine=histories, ranker=rankers, learned=some.booleans())
def test_list_stays_whatever_the_history(mine: Any, ranker: Any, learned: bool) -> None:
    """Also where the customer withdrew after the fit, so that their history was learned from."""
    lists = []
    for history in ([], mine):
        pipeline = _fitted(history, _consent(*USERS) if learned else _consent(*USERS[1:]),
                           ranker=ranker)  # fmt: skip
        pipeline.consent = _consent(*USERS[1:])
        lists.append(pipeline.recommend(["u0"], k=6).to_frame())
    pd.testing.assert_frame_equal(*lists)
    assert lists[0]["product_id"].tolist() == ["a", "b", "d", "c", "e"]
    assert lists[0]["score"].tolist() == [3, 2, 2, 1, 1]


def test_withdrawal_between_counting_and_asking_is_taken_out() -> None:
    """A register that changes while it is asked: the counts made before still hold the user."""

    class Register:
        out: tuple[str, ...] = ("u7",)

        def granted(self, user_ids: Any, purpose: str, as_of: Any) -> Any:
            return np.array([user not in self.out for user in user_ids.to_pylist()])

    register = Register()
    pipeline = _fitted([("f", "buy"), ("a", "buy")], register)
    assert pipeline.recommend(["u7"], k=2).to_frame()["score"].tolist() == [4, 2]
    register.out = ("u7", "u0")
    found = pipeline.recommend(["u0"], k=6).to_frame()
    assert found["product_id"].tolist() == ["a", "b", "d", "c"]
    assert found["score"].tolist() == [3, 2, 2, 1]


def test_list_is_filtered_and_counts_only_who_consents() -> None:
    pipeline = _fitted([], _consent("u2", "u3", "u5"))
    found = pipeline.recommend(["u4", "u6"], k=6).to_frame()
    # b comes before d by catalogue; nobody of those who consent owns c or e; u4 may not have d.
    assert found.to_dict("list") == {
        "user_id": ["u4"] * 2 + ["u6"] * 3,
        "rank": [1, 2, 1, 2, 3],
        "product_id": ["a", "b", "a", "b", "d"],
        "score": [2, 2, 2, 2, 1],
    }


def test_nothing_is_learned_from_whoever_has_opted_out() -> None:
    with_them = _fitted([], _consent("u1", "u2", "u3"))
    without = _fitted([], None)
    assert with_them.ranker_.can_score(np.array(USERS, object)).tolist() == [  # type: ignore[attr-defined]
        False, True, True, True, False, False, False, False
    ]  # fmt: skip
    assert without.ranker_.can_score(np.array(USERS[1:], object)).all()
    news = pd.DataFrame({"user_id": ["u5", "u1"], "product_id": ["b", "b"], "event": "buy",
                         "timestamp": "2024-03-01"})  # fmt: skip
    updated = with_them.update(news)
    popularity = updated._model.rankers[1].counts_.tolist()  # type: ignore[union-attr]
    assert popularity == [3, 3, 0, 0, 0, 0]


def test_opt_out_takes_effect_on_the_next_call() -> None:
    pipeline = _fitted([("a", "buy"), ("b", "buy")], _consent(*USERS))
    before = pipeline.recommend(["u0"], k=6).to_frame()["product_id"].tolist()
    assert not {"a", "b"} & set(before)
    withdrawn = pd.DataFrame({"user_id": USERS, "purpose": "personalisation",
                              "granted_at": "2023-01-01",
                              "withdrawn_at": ["2024-02-15"] + [None] * 7})  # fmt: skip
    pipeline.consent = st.governance.Consent(withdrawn)
    assert pipeline.recommend(["u0"], k=6).to_frame()["product_id"].tolist() == before
    after = pipeline.recommend(["u0"], k=6, as_of="2024-02-16").to_frame()["product_id"].tolist()
    assert after == ["a", "b", "d", "c", "e"]
    assert not [v for v in pipeline.why_not("u0", "a", as_of="2024-02-16") if v.verdict == "fail"]
    assert "not owned" in pipeline.trace("u0", as_of="2024-02-16").stages


def test_reranker_sees_neither_fields_nor_holdings_of_whoever_has_opted_out() -> None:
    seen: list[Any] = []

    class Spy:
        def rerank(self, lists: Any, context: Any, k: int) -> Any:
            seen.append((context.user_fields.to_pylist(), context.owned.toarray().sum(axis=1)))
            return lists.keep(lists.filled, k)

    pipeline = _fitted([("a", "buy")], _consent(*USERS[1:]), rerankers=[Spy()])
    pipeline.recommend(["u0", "u2"], k=2)
    ((fields, owned),) = seen
    assert fields == [{"level": None}, {"level": 5.0}]
    assert owned.tolist() == [0, 2]


SENSITIVE = pd.DataFrame(
    {"user_id": [*USERS, "u1", "u2"], "purpose": ["personalisation"] * 8 + ["sensitive"] * 2,
     "granted_at": "2023-01-01", "withdrawn_at": [None] * 9 + ["2024-02-10"]}
)  # fmt: skip


def _doubled(users: pa.Table, as_of: Any) -> dict[str, Any]:
    return {"doubled": pc.multiply(users["level"], 2.0)}


class _Told:
    """Notes which fields rankers and rerankers were shown."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def fit(self, context: Any) -> Any:
        fields, profiles = context.data.user_fields, context.profiles
        self.seen.append([*zip(_values(fields), _values(profiles), strict=True)])
        return self

    fold_in = fit

    def scorer(self, user_ids: Any) -> Any:
        return st.ranking.protocol.Scores(np.ones((len(user_ids), len(PRODUCTS))))

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)

    def rerank(self, lists: Any, context: Any, k: int) -> Any:
        self.seen.append(context.user_fields.to_pylist())
        return lists.keep(lists.filled, k)


def _values(table: Any) -> list[Any]:
    return next(iter(table.to_pydict().values()))


def test_sensitive_fields_are_shown_to_rules_alone_without_consent() -> None:
    consent = st.governance.Consent(SENSITIVE, sensitive_fields=["level", "doubled"])
    ranker, reranker = _Told(), _Told()
    profile = st.profiles.FromFunction(_doubled, {"doubled": "derived"}, ["level"])
    pipeline = _fitted(
        [], consent, ranker=ranker, fallback=None, rerankers=[reranker], profiles=[profile]
    )
    nothing = (None, None)
    assert ranker.seen == [[nothing, (3.0, 6.0), (5.0, 10.0), *[nothing] * 5]]
    lists = pipeline.recommend(["u1", "u2", "u3", "u4"], k=6)
    assert lists.to_frame().groupby("user_id").size().tolist() == [3, 4, 4, 2]  # rules read them
    shown = [row["level"] for row in reranker.seen[0]]
    assert shown == [3.0, 5.0, None, None]
    pipeline.recommend(["u1", "u2"], as_of="2024-02-11")
    assert [row["doubled"] for row in reranker.seen[1]] == [6.0, None]
    pipeline.update(pd.DataFrame({"user_id": ["u1"], "product_id": ["d"], "event": ["buy"],
                                  "timestamp": ["2024-02-20"]}))  # fmt: skip
    assert ranker.seen[1] == [nothing, (3.0, 6.0), *[nothing] * 6]


def test_sensitive_fields_that_are_no_fields_are_refused() -> None:
    consent = st.governance.Consent(SENSITIVE, sensitive_fields=["levle"])
    with pytest.raises(st.DataError, match=r"no field 'levle'.*level"):
        _fitted([], consent)
    for wrong in ("level", [3], [""]):
        with pytest.raises(ValueError, match="must be a list of names"):
            st.governance.Consent(SENSITIVE, sensitive_fields=wrong)


def test_loaded_pipeline_answers_nothing_until_it_can_ask(tmp_path: Any) -> None:
    consent = _consent(*USERS[1:])
    pipeline = _fitted([("a", "buy")], consent)
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    for ask in (
        lambda: loaded.recommend(["u1"]),
        lambda: loaded.why_not("u1", "a"),
        lambda: loaded.trace("u1"),
        lambda: loaded.update(_log([])),
        lambda: list(loaded.apply_arrow([])) or loaded.recommend([]),
    ):
        with pytest.raises(st.DataError, match=r"set pipeline\.consent"):
            ask()
    loaded.consent = consent
    again = pipeline.with_consent(consent)
    for one in (loaded, again):
        pd.testing.assert_frame_equal(one.recommend().to_frame(), pipeline.recommend().to_frame())


def test_who_opted_out_is_on_record() -> None:
    class Log:
        blocks: list[DecisionBlock] = []  # noqa: RUF012

        def record(self, block: DecisionBlock) -> None:
            self.blocks.append(block)

    pipeline = _fitted([], _consent(*USERS[1:]), audit=Log())
    pipeline.recommend(["u1", "u0", "nobody"])
    assert Log.blocks[0].opted_out.tolist() == [False, True, False]


@pytest.mark.parametrize("answer", [np.ones(3, int), np.ones(2, bool), None])
def test_register_that_does_not_say_is_refused(answer: Any) -> None:
    class Register:
        def granted(self, user_ids: Any, purpose: str, as_of: Any) -> Any:
            return answer

    with pytest.raises(st.DataError, match="must give a boolean for each of 8"):
        _fitted([], Register())
    with pytest.raises(ValueError, match=r"consent=.*must have a method"):
        _fitted([], object())


def test_explanation_says_what_it_goes_by_and_quotes_no_history() -> None:
    pipeline = _fitted([("a", "buy")], _consent(*USERS[1:]))
    why = pipeline.recommend(["u0"], k=3).explain("u0", "b")
    assert (why.rank, why.eligible, why.ranker, why.stood_in) == (
        2,
        5,
        "number of other owners",
        False,
    )
    assert "what others own, since this customer has not agreed to personal lists" in why.text["en"]
    assert "未同意个性化推荐" in why.text["zh"]
    assert not [*why.history, *why.profile, *why.against]
