"""English."""

from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["ENGLISH"]

ENGLISH = Sentences(
    name="English",
    missing="missing",
    no="no",
    yes="yes",
    passes="The rule {rule} is met{facts}.",
    fails="The rule {rule} is not met{facts}.",
    unknown="The rule {rule} cannot be judged{facts}.",
    flagged="Flagged by the rule {rule}, which bars nothing{facts}.",
    flag_unknown="It is unknown whether the rule {rule}, which bars nothing, flags this{facts}.",
    overflows=" Overflow, beyond what dates or numbers can hold: {expressions}.",
    introduces=": ",
    equals=" = ",
    lacks=" = missing",
    between_facts=", ",
    between_items=", ",
    reasons={
        Reason.GOVERNS: "No policy is known to govern this product for this customer.",
        Reason.EFFECTIVE: "The policy {policy} is not known to be in force on {as_of}.",
        Reason.ALREADY_OWNED: "The customer already owns this product.",
        Reason.TURNED_DOWN: "The customer has turned this product down.",
        Reason.UNRANKED: (
            "The product may be offered, but the ranker knows too little to place it."
        ),
        Reason.RANKED_BELOW_K: "The product may be offered, but is not among the first {k}.",
    },
    eligible="It passes every rule that applies ({rules})",
    unruled="No rule applies to it",
    by_history="past behaviour",
    by_others="the behaviour of others, since {ranker} knows nothing of this customer yet",
    reordered=", reordered by {rerankers},",
    and_=" and ",
    ranked="{eligible} and ranks {rank} of {length} by {ranker}{reordered} on {basis}.",
    flags=" Flagged: {rules}.",
    unsure="{rule} (unknown)",
    date="{year:04}-{month:02}-{day:02}",
    money="{currency} {amount}",
    currencies={},
    days="{count} days",
    months="{count} months",
)
