"""A lending marketplace, where every loan is new: nobody has ever bid on it.

A list of best sellers has nothing to say about loans that opened yesterday. The hybrid ranker
goes by what is known of them (grade, term, purpose, rate) and of the lenders, who bid on other
loans before. Which loans a lender may see at all, the rules decide: limits by grade and in total,
set by the lender, and what is left of the loan. People, loans and figures are made up.
Needs the extra `suitably[lightfm]`. Run it with `python examples/p2p_lending.py`.
"""

import numpy as np
import pandas as pd

import suitably as st

POLICY = """
[policy]
id = "p2p-lending"
version = "1"
title = { en = "Lending marketplace: house rules" }

[scales]
grade = ["A", "B", "C", "D", "E", "F", "G"]

[fields]
"user.lowest_grade" = "grade"
"product.grade" = "grade"

[[rules]]
id = "open"
article = "House rules, 1: bids are taken from the day a loan opens until before it closes"
require = "product.opens <= as_of < product.closes"
because = { en = "bids are closed: it was open from {product.opens} to {product.closes}" }

[[rules]]
id = "not-funded"
article = "House rules, 2: a loan is offered while the least bid still fits in"
require = "product.remaining > 0 and product.remaining >= product.min_bid"
because = { en = "{product.remaining} is left to fund, the least bid is {product.min_bid}" }

[[rules]]
id = "lowest-grade"
article = "House rules, 3: no loan below the lowest grade that the lender has chosen"
require = "rank(product.grade) <= rank(user.lowest_grade)"
because = { en = "grade {product.grade} is below {user.lowest_grade}, the lowest you chose" }

[[rules]]
id = "headroom-of-grade"
article = "House rules, 4: the lender's limit for the grade, less what is lent out in it"
require = "lookup(user.headroom_by_grade, product.grade) >= product.min_bid"
because = { en = "the least bid, {product.min_bid}, is above what your limit leaves for its grade" }

[[rules]]
id = "headroom-in-total"
article = "House rules, 5: the lender's limit for all loans, less what is lent out"
require = "user.headroom_total >= product.min_bid"
because = { en = "least bid {product.min_bid}: your total limit leaves {user.headroom_total}" }
"""

TODAY = pd.Timestamp("2025-09-15")
GRADES = list("ABCDEFG")
RATES = dict(zip(GRADES, [0.04, 0.06, 0.08, 0.11, 0.14, 0.18, 0.23], strict=True))
STYLES = {  # the grades, terms and purposes a kind of lender likes, and the lowest it takes
    "careful": ("ABC", (12, 24), ("car", "solar roof", "study"), "C"),
    "balanced": ("BCDE", (24, 36), ("home repair", "car", "study"), "E"),
    "daring": ("DEFG", (36, 60), ("small shop", "debt swap", "home repair"), "G"),
}
PURPOSES = sorted({purpose for *_, purposes, _ in STYLES.values() for purpose in purposes})
rng = np.random.default_rng(42)


def draw_loans(first: int, count: int, opens: np.ndarray) -> pd.DataFrame:
    """Give loans that open on given days and take bids for a fortnight."""
    grades = rng.choice(GRADES, count, p=[0.14, 0.18, 0.2, 0.18, 0.14, 0.1, 0.06])
    rates = np.array([RATES[grade] for grade in grades]) + rng.normal(0, 0.004, count)
    return pd.DataFrame(
        {
            "product_id": [f"loan-{number}" for number in range(first, first + count)],
            "product_timestamp": opens,
            "grade": grades,
            "term_months": rng.choice([12, 24, 36, 60], count),
            "purpose": rng.choice(PURPOSES, count),
            "rate": rates.round(4),
            "opens": opens,
            "closes": opens + np.timedelta64(14, "D"),
            "min_bid": rng.choice([25.0, 50.0, 100.0], count),
            "remaining": 0.0,
        }
    )


# A year of loans that are funded, and forty that opened yesterday afternoon, without a bid.
days = np.sort(rng.integers(15, 365, 500))[::-1].astype("timedelta64[D]")
past = draw_loans(1001, 500, TODAY.to_datetime64() - days)
new = draw_loans(2001, 40, np.full(40, (TODAY - pd.Timedelta(hours=9)).to_datetime64()))
new["remaining"] = rng.choice([400.0, 1_500.0, 6_000.0, 12_000.0], 40)
new.loc[0, "remaining"] = 10.0  # all but funded
loans = pd.concat([past, new], ignore_index=True)

names = ["Ada", "Bo", "Cleo", *(f"lender-{i}" for i in range(4, 301))]
styles = ["careful", "balanced", "daring", *rng.choice(list(STYLES), 297)]
bids = []
for name, style in zip(names, styles, strict=True):
    liked, terms, purposes, _ = STYLES[style]
    wish = past["grade"].isin(list(liked)) * (
        1 + 4 * past["term_months"].isin(terms) + 4 * past["purpose"].isin(purposes)
    )
    chosen = rng.choice(500, rng.integers(8, 25), replace=False, p=wish / wish.sum())
    bids += [
        (name, past["product_id"][i], past["opens"][i] + np.timedelta64(1, "D")) for i in chosen
    ]
bids = pd.DataFrame(bids, columns=["user_id", "product_id", "timestamp"])
bids["value"] = 100.0

# What a lender's own limits leave: 1,500 by grade and 4,000 in total, less what is lent out.
lent = bids.merge(past[["product_id", "grade"]], on="product_id")
by_grade = lent.pivot_table("value", "user_id", "grade", "sum", fill_value=0.0)
headroom = (1_500 - by_grade.reindex(names, columns=GRADES, fill_value=0.0)).clip(lower=0)
lenders = pd.DataFrame(
    {
        "user_id": names,
        "style_stated": styles,
        "lowest_grade": [STYLES[style][3] for style in styles],
        "headroom_by_grade": headroom.to_dict("records"),
        "headroom_total": 4_000 - by_grade.reindex(names, fill_value=0.0).sum(axis=1).to_numpy(),
    }
)
lenders.loc[0, "headroom_by_grade"]["B"] = 0.0  # Ada wants no more of grade B
newcomer = {"user_id": "Dan", "style_stated": "daring", "lowest_grade": "D"}
newcomer |= {"headroom_by_grade": dict.fromkeys(GRADES, 80.0), "headroom_total": 40.0}
lenders.loc[len(lenders)] = newcomer  # joined today: no bid yet

pipeline = st.Pipeline(
    profiles=[],
    policy=st.Policy.from_toml(POLICY),
    ranker=st.ranking.LightFM(
        user_features=("style_stated", "lowest_grade"),
        product_features=("grade", "term_months", "purpose", "rate"),
    ),
).fit(st.Dataset(lenders, loans, bids), as_of=TODAY)
recommendations = pipeline.recommend(k=5)
shown = recommendations.to_frame().merge(loans, on="product_id")

print(
    f"{TODAY.date()}: {len(new)} loans opened yesterday. Nobody has bid on them yet; "
    "500 loans of the past year had bids.\n"
    "A rate is what the borrower owes; what a lender gets back may be less, or nothing."
)
history = bids.merge(loans, on="product_id")
for name in ["Ada", "Bo", "Cleo", "Dan"]:
    lender = lenders.set_index("user_id").loc[name]
    past_bids = history[history["user_id"] == name]
    usual = [past_bids[column].mode() for column in ("grade", "term_months", "purpose")]
    habit = (
        "{} bids, mostly grade {}, {} months, {}".format(len(past_bids), *(m[0] for m in usual))
        if len(past_bids)
        else "joined today, no bid yet"
    )
    print(
        f"\n{name}, {lender['style_stated']}: {habit}. Lowest grade {lender['lowest_grade']}, "
        f"{lender['headroom_total']:,.0f} left to lend in all."
    )
    mine = shown[shown["user_id"] == name].assign(rate=shown["rate"].map("{:.1%}".format))
    columns = ["product_id", "grade", "term_months", "purpose", "rate", "remaining", "min_bid"]
    print(mine[columns].to_string(index=False))

first = shown[shown["user_id"] == "Ada"]["product_id"].iloc[0]
print(f"\nWhy {first} is in Ada's list:\n")
why = recommendations.explain("Ada", first)
print(f"  {why.text['en']}")
for verdict in why.verdicts:
    print(f"  {verdict.verdict}  {verdict.text['en']}")


def why_not(name: str, loan: str) -> None:
    """Print what keeps a loan out of a lender's list."""
    grade = loans.set_index("product_id")["grade"][loan]
    for verdict in pipeline.why_not(name, loan, k=5):
        if verdict.verdict == "fail":
            print(f"  {name:4} {loan} ({grade})  {verdict.rule:24} {verdict.text['en']}")


def of_grade(grade: str) -> str:
    """Give a new loan of a grade."""
    return new[(new["grade"] == grade) & (new["remaining"] > 100)]["product_id"].iloc[0]


print("\nWhy not?\n")
why_not("Ada", of_grade("F"))
why_not("Ada", of_grade("B"))
why_not("Bo", new["product_id"][0])
why_not("Cleo", past["product_id"].iloc[-1])
why_not("Dan", new[(new["min_bid"] == 50) & (new["remaining"] > 100)]["product_id"].iloc[0])

print("\nWhat each rule keeps out, and what it alone keeps out (all loans, all lenders):\n")
print(pipeline.eligibility().counts().to_string(index=False))
