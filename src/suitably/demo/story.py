"""The main job, told: which pipeline is better, then a customer, their list and its reasons."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from suitably.data.frames import read_frame
from suitably.demo.scenarios import Scenario
from suitably.evaluation import ABResult, ABTest
from suitably.pipeline.pipeline import Pipeline
from suitably.profiles import RecencyFrequencyValue
from suitably.ranking import IALS, Popularity
from suitably.recommendations import Recommendations
from suitably.report import Block, Facts, PointPlot, Report, Table
from suitably.report.numbers import number
from suitably.suitability.messages import show_value
from suitably.suitability.policy import Policy
from suitably.suitability.verdicts import RuleVerdict
from suitably.utils.masking import masked
from suitably.utils.pseudonym import pseudonym

__all__ = ["tell"]

K = 10
SHOWN = 5
CONSIDERED = 50
# Erases the line of a terminal, so that the next step or the answer takes its place.
_ERASE = "\r\x1b[2K"
METRICS = ("dcg@10", "ndcg@10", "recall@10", "hit_rate@10")


@dataclass
class _Narrator:
    """Says the story to the terminal and to the report, and every step to stderr, with its time."""

    speak: Callable[[str], None]
    report: Report
    started: float = field(default_factory=time.perf_counter)

    def step(self, what: str) -> None:
        text = f"[{time.perf_counter() - self.started:5.1f} s] {what}"
        shown = f"{_ERASE}{text}" if sys.stderr.isatty() else f"{text}\n"
        print(shown, end="", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        if sys.stderr.isatty():
            print(_ERASE, end="", file=sys.stderr, flush=True)
        self.speak(text)

    def section(
        self,
        title: str,
        table: Table,
        *sentences: str,
        page: Block | None = None,
        more: Sequence[Block] = (),
    ) -> None:
        self.say(f"\n{title}")
        for sentence in sentences:
            self.say(f"  {sentence}")
        self.say(_as_text(table))
        self.report.section(title, *sentences, *more, page or table)


def tell(scenario: Callable[[], Scenario], path: Path, say: Callable[[str], None]) -> Path:
    """Run the demonstration: the answer first, then what it rests on and what it means.

    Args:
        scenario: Makes or reads the bank.
        path: Where the report goes.
        say: Takes each line of the story; progress goes to stderr.

    Returns:
        Where the report was written.
    """
    started = time.perf_counter()
    bank = scenario()
    narrator = _Narrator(say, Report("Suitably", bank.title), started)
    narrator.step(f"{bank.title}: {bank.data!r}")
    plain = _fit(narrator, bank, "popularity without rules", Popularity(), None)
    baseline = _fit(narrator, bank, "popularity", Popularity(), bank.policies)
    treatment = _fit(narrator, bank, "IALS", IALS(), bank.policies)
    ground = _decide(narrator, bank, plain, baseline, treatment)
    _customer(narrator, bank, plain, treatment)
    if bank.stricter is not None:
        _expiry(narrator, bank, treatment)
    for title, blocks in ground:
        narrator.report.section(title, *blocks)
    facts = {"source": bank.source, "cut": bank.split.at.date(), "log": repr(bank.data)}
    narrator.report.section("Data", Facts(facts))
    written = narrator.report.write(path)
    narrator.step("done")
    narrator.say(f"\nreport: {written.resolve()}")
    return written


def _fit(
    narrator: _Narrator, bank: Scenario, name: str, ranker: Any, policies: Sequence[Policy] | None
) -> Pipeline:
    pipeline = Pipeline(
        profiles=[RecencyFrequencyValue()],
        policy=[Policy.unrestricted()] if policies is None else policies,
        ranker=ranker,
    ).fit(bank.data, as_of=bank.split.at)
    narrator.step(f"fitted: {name}")
    return pipeline


def _customer(narrator: _Narrator, bank: Scenario, plain: Pipeline, treatment: Pipeline) -> None:
    """Show one customer: profile, list with reasons, and what the rules kept out."""
    users = read_frame(bank.split.relevant, "relevant")[0]["user_id"].unique()
    lists = treatment.recommend(users, k=K, product_ids=bank.split.candidates)
    without = plain.recommend(users, k=K, product_ids=bank.split.candidates)
    user, barred = _example(lists, without, treatment)
    names = _names(bank)
    barred_by = {product: _broken(treatment, user, product) for product in barred}
    shown = read_frame(lists.for_user(user), "list")[0].to_pylist()[:SHOWN]
    rows = []
    for row in shown:
        explanation = lists.explain(user, row["product_id"])
        name = names[row["product_id"]]
        rows.append((row["rank"], name, float(row["score"]), explanation.text["en"]))
    narrator.section(
        f"One customer: the first {len(rows)} of {K} they may be offered and would want",
        Table(("rank", "product", "score", "why"), rows),
        f"customer {pseudonym(user)}, a pseudonym.",
    )
    reasons = [
        (names[product], " ".join(verdict.text["en"] for verdict in broken))
        for product, broken in barred_by.items()
    ]
    narrator.section(
        "What popularity without rules would have offered them, and why not",
        Table(("product", "why not"), reasons),
    )
    trace = treatment.trace(user, k=K)
    profile = {**trace.fields, **trace.profile}
    broken = [verdict for some in barred_by.values() for verdict in some]
    read = {name for verdict in broken for name in verdict.inputs if name.startswith("user.")}
    known = [
        (name, show_value(masked(name, value), "en"))
        for name, value in profile.items()
        if value is not None and f"user.{name}" in read
    ]
    narrator.section(
        "What these rules read of the customer",
        Table(("field", "value"), known),
        f"{len(known)} of {len(profile)} fields; a trace shows all of them.",
        page=Facts(dict(known)),
    )


def _broken(treatment: Pipeline, user: Any, product: Any) -> list[RuleVerdict]:
    """Return the rules that keep a product from a customer, two at most."""
    verdicts = treatment.why_not(user, product, k=K)
    return [verdict for verdict in verdicts if verdict.verdict != "pass"][:2]


def _example(
    lists: Recommendations, without: Recommendations, treatment: Pipeline
) -> tuple[Any, list[Any]]:
    """Find a customer with a full list for whom the rules make a difference, for most reasons."""
    eligibility = treatment.eligibility()
    unruled = without.to_arrow()
    pairs = [unruled[name].to_pylist() for name in ("user_id", "product_id")]
    barred = unruled.filter(pa.array(~eligibility.passes(*pairs)))
    listed = lists.to_arrow()
    full = listed.filter(pc.equal(listed["rank"], K))["user_id"]
    users = barred.filter(pc.is_in(barred["user_id"], full))["user_id"].unique()

    def products(user: Any) -> list[Any]:
        mine = barred.filter(pc.equal(barred["user_id"], user))
        return list(mine["product_id"].to_pylist()[:SHOWN])

    def reasons(user: Any) -> int:
        verdicts = (v for p in products(user) for v in eligibility.verdicts(user, p))
        return len({verdict.rule for verdict in verdicts if verdict.verdict == "fail"})

    if not len(users):
        return listed["user_id"][0].as_py(), []
    user = max(users[:CONSIDERED].to_pylist(), key=reasons)
    return user, products(user)


def _decide(
    narrator: _Narrator, bank: Scenario, plain: Pipeline, baseline: Pipeline, treatment: Pipeline
) -> list[tuple[str, list[Block]]]:
    """Compare the three pipelines on both kinds of relevance, say which is better, and why.

    Returns:
        The sections of the test that say what was compared.
    """
    policy = list(bank.policies)

    def test(control: Pipeline, relevant: Any) -> ABResult:
        arms = ABTest(control, treatment, METRICS, policy=policy, relevant=relevant)
        return arms.run(bank.data, bank.split)

    results = {(c, r): test(c, r) for c in (plain, baseline) for r in ("all", "suitable")}
    narrator.step("compared: popularity without rules, popularity, IALS")
    decided = results[baseline, "suitable"]
    narrator.say(f"{decided}")
    narrator.say(
        f"\n{bank.title}: popularity (control) and IALS (treatment), on suitable buys.\n"
        f"{bank.data!r}; only what lies before {bank.split.at.date()} is known."
    )
    (title, blocks), *ground = decided.sections("A/B: popularity and IALS, on suitable buys")
    narrator.report.section(title, *blocks)
    rows = []
    points: dict[str, tuple[float, float]] = {}
    for name, control, arm in (
        ("popularity without rules", plain, "control"),
        ("popularity", baseline, "control"),
        ("IALS", baseline, "treatment"),
    ):
        every, suitable = results[control, "all"], results[control, "suitable"]
        figures = [_figure(every, "ndcg@10", arm), _figure(suitable, "ndcg@10", arm)]
        figures += [_figure(every, "violation_rate", arm), _figure(every, "coverage", arm)]
        rows.append((name, *figures))
        points[name] = (figures[2], figures[0])
    plot = PointPlot(
        points,
        "violations",
        "nDCG@10, all buys",
    )
    narrator.section(
        "Three figures together",
        Table(
            (
                "list",
                "nDCG@10, all buys",
                "nDCG@10, suitable buys",
                "violations",
                "customers served",
            ),
            rows,
        ),
        "Accuracy on all buys rewards what the rules forbid; on suitable buys it does not. "
        "Violations: the share of a list that the rules do not pass.",
        more=[plot],
    )
    return ground


def _figure(result: ABResult, metric: str, arm: str) -> float:
    row = next(row for row in result.rows if (row.metric, row.segment) == (metric, "all"))
    return float(getattr(row.result, arm))


def _expiry(narrator: _Narrator, bank: Scenario, treatment: Pipeline) -> None:
    """Show what a questionnaire's expiry would change: who is still served, and who is not."""
    strict = _fit(narrator, bank, "IALS, questionnaires expire", IALS(), bank.stricter)
    rows = []
    for name, pipeline in (("level only", treatment), ("level and twelve months", strict)):
        lists = pipeline.recommend(k=K, product_ids=bank.split.candidates)
        served = int((lists.lists.lengths > 0).sum())
        reasons = read_frame(lists.abstentions(), "abstentions")[0]
        short = reasons.group_by("reason").aggregate([("user_id", "count")]).to_pylist()
        said = ", ".join(f"{row['reason']} {row['user_id_count']:,}" for row in short)
        rows.append((name, served, served / len(lists), lists.short, said))
    columns = ("rules", "customers served", "share", f"fewer than {K}", "customers by reason")
    narrator.section("If questionnaires expire", Table(columns, rows))


def _names(bank: Scenario) -> dict[Any, str]:
    view = bank.data.view(bank.split.at)
    columns = [view.product_fields[name].to_pylist() for name in ("name", "category", "risk_level")]
    described = zip(view.product_ids.tolist(), *columns, strict=True)
    return {
        product: f"{name} ({category}, {level})" for product, name, category, level in described
    }


def _as_text(table: Table) -> str:
    cells = [[_cell(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(table.columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _cell(cell: object) -> str:
    if isinstance(cell, float):
        return number(cell)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
