"""Sentences that are English and know how every other language says them."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.remarks import Remark

__all__ = ["Told", "languages_told", "listed", "say", "texts_of", "type_told"]


class Told(str):
    """A text in English, as errors and findings are, with the same in every language.

    Attributes:
        texts: The text by language, such as `"en"`.

    Args:
        texts: Likewise.

    Example:
        >>> said = say(Remark.SAYS_THE_SAME, other="age", when=say(Remark.ALWAYS))
        >>> print(said)
        says the same as age, at all times
        >>> print(said.texts["zh"])
        与规则age内容相同（始终）
    """

    texts: Mapping[str, str]

    def __new__(cls, texts: Mapping[str, str]) -> "Told":
        """Return the English text, with all of them."""
        told = super().__new__(cls, texts["en"])
        told.texts = dict(texts)
        return told

    def __reduce__(self) -> tuple[Any, ...]:
        return Told, (self.texts,)


def say(remark: Remark, **facts: Any) -> Told:
    """Say something in every language.

    Args:
        remark: Which sentence.
        facts: What stands in its braces; a part that is `Told` is said in the same language.
    """
    return Told(
        {
            code: said.remarks[remark].format(
                **{name: texts_of(fact).get(code, fact) for name, fact in facts.items()}
            )
            for code, said in LANGUAGES.items()
        }
    )


def texts_of(text: Any) -> Mapping[str, str]:
    """Return a text by language; nothing of one that is not `Told`."""
    return text.texts if isinstance(text, Told) else {}


def listed(parts: Iterable[Any], between: Literal["and_", "or_", "between_items"]) -> Told:
    """Join parts as every language does.

    Args:
        parts: The parts, `Told` or the same in all languages.
        between: What stands between them, as `Sentences` calls it.

    Example:
        >>> listed(["user.age", "user.tier"], "or_")
        'user.age or user.tier'
    """
    some = list(parts)
    return Told(
        {
            code: getattr(said, between).join(str(texts_of(one).get(code, one)) for one in some)
            for code, said in LANGUAGES.items()
        }
    )


def languages_told(codes: Iterable[str]) -> Told:
    """Say which languages are meant, each by what a language calls it, or by its own name."""
    return listed((_language(code) for code in codes), "or_")


def _language(code: str) -> Told:
    own = LANGUAGES[code].own_name
    return Told({where: said.languages.get(code, own) for where, said in LANGUAGES.items()})


def type_told(name: str) -> Told:
    """Say what a type of the rule language is called."""
    return Told({code: said.types[name] for code, said in LANGUAGES.items()})
