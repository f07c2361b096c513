"""What a language must say: the sentences and words that people read."""

from collections.abc import Mapping
from dataclasses import dataclass

from suitably.suitability.reasons import Reason

__all__ = ["Sentences"]


@dataclass(frozen=True)
class Sentences:
    """Every sentence in one language.

    Attributes:
        name: The language, in English.
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
        reasons: The library's own reasons, with what they need in braces.
        eligible: What opens the sentence of a place in a list, with `{rules}`.
        unruled: The same where no rule applies.
        by_history: What a ranker goes by.
        by_others: What its fallback goes by, with `{ranker}`, which knows nothing of the user.
        reordered: That rerankers had a say, with `{rerankers}`.
        and_: What stands between rerankers.
        ranked: A place in a list, with `{eligible}`, `{rank}`, `{length}`, `{ranker}`,
            `{reordered}` and `{basis}`.
        flags: What is added where `{rules}` flag it.
        date: A day, with `{year}`, `{month}` and `{day}`.
        money: An `{amount}` of a `{currency}` that has no name of its own.
        currencies: The same for those that have one.
        days: A span of `{count}` days.
        months: A span of `{count}` months.
        unsure: One of these, `{rule}`, of which it is unknown whether it does.
    """

    name: str
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
    reasons: Mapping[Reason, str]
    eligible: str
    unruled: str
    by_history: str
    by_others: str
    reordered: str
    and_: str
    ranked: str
    flags: str
    unsure: str
    date: str
    money: str
    currencies: Mapping[str, str]
    days: str
    months: str
