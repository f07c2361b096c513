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
        overflows: What is added where `{expressions}` are too large to be known.
        introduces: What comes before the facts.
        equals: What stands between a field and its value.
        between_facts: What stands between facts.
        between_items: What stands between the items of a list.
        reasons: The library's own reasons, with what they need in braces.
    """

    name: str
    missing: str
    no: str
    yes: str
    passes: str
    fails: str
    unknown: str
    overflows: str
    introduces: str
    equals: str
    between_facts: str
    between_items: str
    reasons: Mapping[Reason, str]
