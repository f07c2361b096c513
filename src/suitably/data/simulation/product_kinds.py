# ruff: noqa: E501
"""Kinds of products in the simulation: shares, risk levels, amounts, terms and fees."""

from dataclasses import dataclass

__all__ = ["CATEGORIES", "KINDS", "LEVELS", "TICKETS", "Kind"]

LEVELS = ("R1", "R2", "R3", "R4", "R5")
CATEGORIES = ("fund", "wealth", "insurance", "deposit", "loan")
TICKETS = (1.0, 1_000.0, 10_000.0, 50_000.0, 300_000.0, 1_000_000.0)
"""The minimum amounts that exist, in yuan."""


@dataclass(frozen=True)
class Kind:
    """What all products of a sub-category have in common.

    Attributes:
        sub_category: Its name.
        category: One of `CATEGORIES`.
        regime: Whose rules govern it.
        share: Of the catalogue, before normalisation.
        levels: Probability of R1 to R5.
        tickets: Positions in `TICKETS` of the minimum amounts that occur.
        terms: Months that occur, 0: none.
        fee: A share of the amount.
        complexity: Probability that a product is complex.
        topic: What a customer must know of, None: nothing.
        repeatable: May be bought again.
        window: Months on sale, 0: open-ended.
    """

    sub_category: str
    category: str
    regime: str
    share: float
    levels: tuple[float, ...]
    tickets: tuple[int, ...]
    terms: tuple[int, ...]
    fee: float
    complexity: float
    topic: str | None
    repeatable: bool
    window: int


# A table reads better in rows.
# fmt: off
KINDS = (
    Kind("time_deposit", "deposit", "nfra", .06, (1, 0, 0, 0, 0), (0, 1, 2), (3, 6, 12, 36), 0, 0, None, True, 0),
    Kind("structured_deposit", "deposit", "nfra", .04, (.3, .7, 0, 0, 0), (1, 2), (3, 6, 12), 0, .5, "structured", True, 6),
    Kind("money_fund", "fund", "csrc", .07, (1, 0, 0, 0, 0), (0, 1), (0,), .003, 0, None, True, 0),
    Kind("bond_fund", "fund", "csrc", .11, (.05, .7, .25, 0, 0), (0, 1), (0,), .006, 0, "bonds", False, 0),
    Kind("balanced_fund", "fund", "csrc", .10, (0, .1, .8, .1, 0), (0, 1), (0, 12), .012, 0, "equity", False, 0),
    Kind("equity_fund", "fund", "csrc", .14, (0, 0, .3, .6, .1), (0, 1), (0, 12), .015, .1, "equity", False, 0),
    Kind("private_fund", "fund", "private", .04, (0, 0, .1, .4, .5), (5,), (12, 24, 36), .02, 1, "derivatives", False, 12),
    Kind("cash_wealth", "wealth", "nfra", .06, (.8, .2, 0, 0, 0), (0, 1), (0, 1), .003, 0, None, True, 0),
    Kind("fixed_income_wealth", "wealth", "nfra", .13, (.05, .75, .2, 0, 0), (1, 2), (3, 6, 12, 24), .005, 0, "bonds", False, 9),
    Kind("mixed_wealth", "wealth", "nfra", .06, (0, .1, .7, .2, 0), (2, 3), (6, 12, 24), .01, .2, "equity", False, 9),
    Kind("trust", "wealth", "nfra", .02, (0, .2, .6, .2, 0), (4,), (12, 24), .01, .6, "structured", False, 6),
    Kind("term_life", "insurance", "nfra", .03, (1, 0, 0, 0, 0), (1,), (120, 240), .08, 0, None, False, 0),
    Kind("annuity", "insurance", "nfra", .04, (.6, .4, 0, 0, 0), (1, 2, 3), (60, 120), .05, 0, "insurance", False, 24),
    Kind("unit_linked", "insurance", "nfra", .03, (0, .1, .5, .4, 0), (2, 3), (60, 120), .06, .7, "insurance", False, 24),
    Kind("consumer_loan", "loan", "loan", .04, (1, 0, 0, 0, 0), (2,), (12, 24, 36), .01, 0, None, False, 0),
    Kind("mortgage", "loan", "loan", .03, (1, 0, 0, 0, 0), (4,), (120, 240, 360), .002, 0, None, False, 0),
)
# fmt: on
