"""The library's own reasons: why a pair is kept out, or a list is short, besides the rules."""

from enum import StrEnum

__all__ = ["RESERVED", "Reason"]


class Reason(StrEnum):
    """A reason that no rule names; it is written as its value.

    Those with a colon are entries of `verdicts` and `why_not`, those without count what is missing
    from a list.

    Example:
        >>> Reason.OWNED == "owned"
        True
    """

    GOVERNS = "policy:governs"
    EFFECTIVE = "policy:effective"
    ALREADY_OWNED = "pipeline:owned"
    TURNED_DOWN = "pipeline:rejected"
    UNRANKED = "pipeline:no-score"
    RANKED_BELOW_K = "pipeline:ranked-below-k"
    TURNED_OFF = "service:switched-off"
    NOT_IN_CAMPAIGN = "campaign:unknown-user"
    NO_MARKETING = "campaign:no-consent"
    HELD_OUT = "campaign:held-out"
    NO_PROBABILITY = "campaign:no-probability"
    NO_GAIN = "campaign:no-gain"
    PRICED_OUT = "campaign:priced-out"
    BETTER_OFFER = "campaign:better-offer"
    OWNED = "owned"
    REJECTED = "rejected"
    NO_SCORE = "no-score"
    UNKNOWN_USER = "unknown-user"
    RERANKED = "reranked"
    NARROWED = "narrowed"
    CATALOGUE = "catalogue"
    SWITCHED_OFF = "switched-off"
    FINAL_CHECK = "final-check"


RESERVED = frozenset(reason.value for reason in Reason if ":" not in reason)
