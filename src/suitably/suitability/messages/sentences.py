"""What a language must say: the sentences and words that people read."""

from collections.abc import Mapping
from dataclasses import dataclass

from suitably.suitability.messages.remarks import Remark
from suitably.suitability.reasons import Reason

__all__ = ["Sentences"]


@dataclass(frozen=True)
class Sentences:
    """Every sentence in one language.

    Attributes:
        name: The language, in English.
        own_name: The same as it calls itself.
        languages: What it calls languages, by code; others go by their own names.
        missing: What stands for a missing value.
        no: What stands for false.
        yes: What stands for true.
        passes: A rule that is met, with `{rule}` and `{facts}`.
        fails: A rule that is not.
        unknown: A rule that cannot be judged.
        flagged: A rule that never bars and is not met.
        flag_unknown: One that cannot be judged.
        overflows: What is added where `{expressions}` are too large to be known.
        introduces: What comes before the facts.
        equals: What stands between a field and its value.
        lacks: What stands behind a field without a value.
        between_facts: What stands between facts.
        between_items: What stands between the items of a list.
        change: What to do about a `{fact}` of which a policy does not say it.
        reasons: The library's own reasons, with what they need in braces.
        ruled: What opens the sentence of a place in a list, with `{closest}`, which may be empty.
        unruled: The same where no rule applies.
        closest: The rules that were passed by the least, with `{margins}`.
        spare: A rule passed by `{spare}`, with `{left}` and `{right}`, which it compares.
        at_limit: A rule passed exactly at its limit, with both.
        between_margins: What stands between these.
        spans: What margins count, for one and for several (`{count}`), by unit: level, days,
            months, years and points, which are hundredths of a share.
        by_history: What a ranker goes by.
        by_elsewhere: What a ranker goes by that was given scores or vectors.
        by_others: What its fallback goes by, with `{ranker}`, which knows nothing of the user.
        by_owners: What the list of a user goes by who has not consented to personal lists.
        reordered: That rerankers had a say, with `{rerankers}`.
        and_: What stands between rerankers.
        or_: What stands between what one of may be meant.
        between_reasons: What stands between what has a say in a score.
        between_sentences: What stands between sentences, perhaps nothing.
        ranked: A place in a list, with `{ruled}`, `{rank}`, `{eligible}`, how many products may be
            offered and have a score, `{ranker}`, `{reordered}` and `{basis}`.
        for_it: What of the user's history and profile speaks for a product, with `{reasons}`.
        against_it: What speaks against it.
        popular: Its place by popularity, with `{rank}` and `{products}`.
        popular_alike: The same among users alike, with `{field}` and `{value}`, which they share.
        past_product: A product of the user's past, with `{product}` and its `{share}` of the score.
        turned_down: The same of one that the user turned down.
        profile_field: A field, with `{field}`, `{value}` and its `{share}`.
        flags: What is added for an adviser where `{rules}` flag it.
        to_mind: What a customer is told of a rule that flags it and has no text for customers.
        risk_lowest: A risk note, with `{level}` and the number of `{levels}`.
        risk_between: The same for a level in between, at a `{position}`.
        risk_highest: The same for the highest level.
        barred: Words that no sentence here may hold: they promise a return, or play a risk down.
        date: A day, with `{year}`, `{month}` and `{day}`.
        money: An `{amount}` of a `{currency}` that has no name of its own.
        currencies: The same for those that have one.
        days: A span of `{count}` days.
        months: A span of `{count}` months.
        unsure: One of these, `{rule}`, of which it is unknown whether it does.
        since: Something new, `{what}`, with the `{day}` from which there is it.
        alarm: A series that has changed, with its mean `{before}` and `{now}`, `{since}` when, the
            `{users}` that rests on, what is no change, from `{low}` to `{high}`, and `{over}`.
        alarm_over: What is added where the latest day is back within these.
        alarm_look: What to do about it, with `{look_at}`.
        alarm_look_first: The same where there were `{changes}` then.
        look_at: Where causes may be, by kind of series; for the others under no name.
        severities: How grave a finding is, by its name: the word, one, and `{count}` of them.
        nothing_found: That there is no finding.
        remarks: What a check of a policy says, and the parts of it, with what they need in braces.
        types: What the types of the rule language are called, by their names.
    """

    name: str
    own_name: str
    languages: Mapping[str, str]
    missing: str
    no: str
    yes: str
    passes: str
    fails: str
    unknown: str
    flagged: str
    flag_unknown: str
    overflows: str
    introduces: str
    equals: str
    lacks: str
    between_facts: str
    between_items: str
    change: str
    reasons: Mapping[Reason, str]
    ruled: str
    unruled: str
    closest: str
    spare: str
    at_limit: str
    between_margins: str
    spans: Mapping[str, tuple[str, str]]
    by_history: str
    by_elsewhere: str
    by_others: str
    by_owners: str
    reordered: str
    and_: str
    or_: str
    between_reasons: str
    between_sentences: str
    ranked: str
    for_it: str
    against_it: str
    popular: str
    popular_alike: str
    past_product: str
    turned_down: str
    profile_field: str
    flags: str
    to_mind: str
    unsure: str
    risk_lowest: str
    risk_between: str
    risk_highest: str
    barred: tuple[str, ...]
    date: str
    money: str
    currencies: Mapping[str, str]
    days: str
    months: str
    since: str
    alarm: str
    alarm_over: str
    alarm_look: str
    alarm_look_first: str
    look_at: Mapping[str, str]
    severities: Mapping[str, tuple[str, str, str]]
    nothing_found: str
    remarks: Mapping[Remark, str]
    types: Mapping[str, str]
