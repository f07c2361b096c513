"""English."""

from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["SENTENCES"]

SENTENCES = Sentences(
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
    change="Bring {fact} up to date.",
    reasons={
        Reason.GOVERNS: "No policy is known to govern this product for this customer.",
        Reason.EFFECTIVE: "The policy {policy} is not known to be in force on {as_of}.",
        Reason.ALREADY_OWNED: "The customer already owns this product.",
        Reason.TURNED_DOWN: "The customer has turned this product down.",
        Reason.UNRANKED: (
            "The product may be offered, but the ranker knows too little to place it."
        ),
        Reason.RANKED_BELOW_K: "The product may be offered, but is not among the first {k}.",
        Reason.TURNED_OFF: "It is switched off for now.",
        Reason.NOT_IN_CAMPAIGN: "The plan was not made for this customer.",
        Reason.NO_MARKETING: "The customer has not consented to marketing.",
        Reason.HELD_OUT: "The customer is kept aside to tell the effect of the campaign.",
        Reason.NO_PROBABILITY: "No probability of a purchase is known for the product.",
        Reason.NO_GAIN: "The offer is expected to earn {net}, no more than nothing.",
        Reason.PRICED_OUT: "The offer would earn {net}; what it takes up is worth more: {limits}.",
        Reason.BETTER_OFFER: (
            "The customer gets at most {per_user}, and others are worth more than {net}."
        ),
    },
    ruled="It passes every rule that applies{closest}",
    unruled="No rule applies to it",
    closest=" (closest: {margins})",
    spare="{rule}, with {spare} to spare: {left} against {right}",
    at_limit="{rule}, right at its limit: {left} against {right}",
    between_margins="; ",
    spans={
        "level": ("one level", "{count} levels"),
        "days": ("one day", "{count} days"),
        "months": ("one month", "{count} months"),
        "years": ("one year", "{count} years"),
        "points": ("one percentage point", "{count} percentage points"),
    },
    by_history="past behaviour",
    by_elsewhere="what another system has learned",
    by_others="the behaviour of others, since {ranker} knows nothing of this customer yet",
    by_owners="what others own, since this customer has not agreed to personal lists",
    reordered=", reordered by {rerankers},",
    and_=" and ",
    between_reasons=", ",
    between_sentences=" ",
    ranked="{ruled} and ranks {rank} of {eligible} eligible products by {ranker}{reordered} "
    "on {basis}.",
    for_it=" Of what is known of the customer, this speaks for it: {reasons}.",
    against_it=" This speaks against it: {reasons}.",
    popular=" It is number {rank} of {products} products by popularity.",
    popular_alike=" It is number {rank} of {products} products by popularity among customers like "
    "this one, with {field} {value}.",
    past_product="the past choice of {product} ({share})",
    turned_down="that {product} was turned down ({share})",
    profile_field="{field} {value} ({share})",
    flags=" Flagged: {rules}.",
    to_mind="There is something to mind with this product: please ask your adviser.",
    unsure="{rule} (unknown)",
    date="{year:04}-{month:02}-{day:02}",
    money="{currency} {amount}",
    currencies={},
    days="{count} days",
    months="{count} months",
    risk_lowest="Risk level {level}, the lowest of {levels}: its value can fall all the same.",
    risk_between="Risk level {level}, number {position} of {levels} from the lowest: you may lose "
    "part of what you invest.",
    risk_highest="Risk level {level}, the highest of {levels}: you may lose part or all of what "
    "you invest.",
    # What `zh.py` bars, in English.
    barred=(
        "low risk",
        "low-risk",
        "no risk",
        "risk-free",
        "riskless",
        "without risk",
        "high return",
        "high yield",
        "guarantee",
        "principal-protected",
        "capital-protected",
        "sure profit",
        "cannot lose",
        "can't lose",
        "will earn",
        "will rise",
    ),
)
