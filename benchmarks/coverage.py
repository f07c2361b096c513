"""Who is left with nothing by each built-in policy, and by which rule, as a table in Markdown.

`python -m benchmarks.coverage [POLICY ...]` judges the simulated bank, and FAR-Trans where
SUITABLY_DATA has it. What the bank does not know of its customers is made up here, by hand and
from a seed: the figures show which rules bite, and are evidence of no market.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

import suitably as st
from benchmarks.coverage_world import AS_OF, world

__all__ = ["Coverage", "measure"]

_FOLDER = resources.files("suitably.suitability") / "regimes"
POLICIES = sorted(
    f.name[:-5]
    for f in _FOLDER.iterdir()
    if f.name.endswith(".toml") and f.name != "contact.toml"  # which judges offers, not products
)
USERS, PRODUCTS = 2_000, 300


@dataclass(frozen=True)
class Coverage:
    """What a policy leaves.

    Attributes:
        policy: Its name.
        customers: How many.
        products: How many products it governs.
        nothing: Customers whom it offers none of these.
        rules: Of them, whom a rule alone keeps from all; a customer may stand under several rules.
        together: Of them, whom no single rule keeps from all.
        share: Pairs that are eligible, as a share of those governed.
        lacking: Fields that the data does not have; whatever reads them is unknown.
    """

    policy: str
    customers: int
    products: int
    nothing: int
    rules: dict[str, int]
    together: int
    share: float
    lacking: tuple[str, ...]


def measure(name: str, dataset: st.Dataset, as_of: str, lacking: Sequence[str] = ()) -> Coverage:
    """Judge everybody by a built-in policy, then by each of its rules alone."""
    pipeline = st.Pipeline(policy=name, ranker=st.ranking.Popularity()).fit(dataset, as_of=as_of)
    mask = pipeline.eligibility().mask()
    governed = pipeline.eligibility(policy=_without_rules(name)).mask().any(axis=0)
    mask = mask[:, governed]
    empty = ~mask.any(axis=1)
    rules, alone = {}, np.zeros(len(mask), bool)
    for rule, policy in _one_by_one(name):
        none = empty & ~pipeline.eligibility(policy=policy).mask()[:, governed].any(axis=1)
        rules[rule] = int(none.sum())
        alone |= none
    return Coverage(
        policy=name,
        customers=len(mask),
        products=int(governed.sum()),
        nothing=int(empty.sum()),
        rules={rule: n for rule, n in rules.items() if n},
        together=int((empty & ~alone).sum()),
        share=float(mask.mean()),
        lacking=tuple(lacking),
    )


def _parts(name: str) -> tuple[str, list[str]]:
    head, *rules = (_FOLDER / f"{name}.toml").read_text(encoding="utf-8").split("[[rules]]")
    return head, rules


def _without_rules(name: str) -> st.Policy:
    everything = '[[rules]]\nid = "everything"\nrequire = "True"\n'
    return st.Policy.from_toml(_parts(name)[0] + everything)


def _one_by_one(name: str) -> Iterator[tuple[str, st.Policy]]:
    head, rules = _parts(name)
    for text in rules:
        policy = st.Policy.from_toml(f"{head}[[rules]]{text}")
        yield policy.rules[0].id, policy


def line(found: Coverage) -> str:
    """Write a row of the table."""
    by = [f"`{r}` {n:,}" for r, n in sorted(found.rules.items(), key=lambda one: -one[1])]
    if found.together:
        by.append(f"several together {found.together:,}")
    nothing = f"{found.nothing:,} ({found.nothing / found.customers:.0%})"
    return (
        f"| `{found.policy}` | {found.customers:,} | {found.products:,} | {found.share:.0%} | "
        f"{nothing} | {', '.join(by) or '–'} |"
    )


def main(names: Sequence[str]) -> None:
    print("| policy | customers | products | eligible | left with nothing | by rule alone |")
    print("|---|---|---|---|---|---|")
    notes = []
    for name in names or POLICIES:
        if name == "far-trans":
            try:
                data: st.Dataset = st.data.far_trans()
            except st.DataError as error:
                notes.append(f"far-trans: {error}")
                continue
            found = measure(name, data, "2020-12-18")
        else:
            data, lacking = world(name, USERS, PRODUCTS)
            found = measure(name, data, AS_OF, lacking)
        print(line(found), flush=True)
        if found.lacking:
            notes.append(f"{name}: the data lacks {', '.join(found.lacking)}")
    print("\n".join(["", *notes]) if notes else "", end="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
