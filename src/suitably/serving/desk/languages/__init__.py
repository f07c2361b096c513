"""The languages of the desk, a file each, called by its code; `choose` picks one for a browser."""

from collections.abc import Mapping

from suitably.serving.desk.languages.en import TEXTS as ENGLISH
from suitably.serving.desk.languages.texts import Texts
from suitably.serving.desk.languages.zh import TEXTS as CHINESE

__all__ = ["TEXTS", "Texts", "choose"]

TEXTS: Mapping[str, Texts] = {"en": ENGLISH, "zh": CHINESE}
"""By code; the first is that of browsers that ask for none of them."""


def choose(accepted: str) -> str:
    """Return the language that a header `Accept-Language` likes best.

    Example:
        >>> choose("fr, zh-CN;q=0.9, en;q=0.8"), choose("de"), choose("zh;q=0"), choose("en;q=x")
        ('zh', 'en', 'en', 'en')
    """
    liked = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, weight = part.partition(";")
        code = tag.strip().lower().partition("-")[0]
        try:
            value = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code in TEXTS and value > 0:
            liked.append((-value, place, code))
    return min(liked)[2] if liked else next(iter(TEXTS))
