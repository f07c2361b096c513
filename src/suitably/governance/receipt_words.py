"""The words of a receipt, in every language: made of what it shows, and of nothing else."""

from collections.abc import Mapping
from typing import Any

__all__ = ["words_of"]

_OPTED_OUT, _UNKNOWN = 2, 4


def words_of(receipt: Mapping[str, Any]) -> dict[str, str]:
    """Return the sentences of a receipt by language.

    Args:
        receipt: All of it but the words.
    """
    header, flags = receipt["header"], receipt["flags"]
    policies = ", ".join(f"{name} {version}".strip() for name, version, _ in header["policies"])
    given = {
        "listed": len(receipt["list"]),
        "candidates": receipt["candidates"],
        "k": header["k"],
        "policies": policies,
        "as_of": header["as_of"],
        "at": receipt["at"][:10],
        "decision": receipt["decision"],
    }
    return {
        language: "".join(_said(sentences, given, flags)) for language, sentences in _WORDS.items()
    }


def _said(words: Mapping[str, str], given: Mapping[str, Any], flags: int) -> list[str]:
    said = [words["made"].format_map(given)]
    said.append(words["as_of" if given["as_of"] is not None else "undated"].format_map(given))
    if flags & _UNKNOWN:
        said.append(words["unknown"])
    else:
        said.append(words["listed"].format_map(given))
    if flags & _OPTED_OUT:
        said.append(words["opted_out"])
    said.append(words["proof"].format_map(given))
    return said


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "made": "Decision {decision}, recorded on {at} under {policies}",
        "as_of": ", on the facts known before {as_of}. ",
        "undated": ". ",
        "listed": "{candidates} products could have been listed for you, and {listed} are "
        "({k} at the most). ",
        "unknown": "You were not known, so nothing is listed. ",
        "opted_out": "You have not agreed to personal lists, so it does not depend on what you "
        "bought. ",
        "proof": "The facts are those that the rules read; whoever has the head of the log can "
        "check that nothing here was changed. A listed product may lose value.",
    },
    "zh": {
        "made": "决定 {decision}，记录于 {at}，依据 {policies}",
        "as_of": "，以 {as_of} 之前已知的事实为准。",
        "undated": "。",
        "listed": "可向您列出的产品有 {candidates} 个，实际列出 {listed} 个（最多 {k} 个）。",
        "unknown": "系统中没有您的记录，因此未列出任何产品。",
        "opted_out": "您未同意个性化推荐，因此该列表与您的购买记录无关。",
        "proof": "所列事实即规则所读取的事实；持有日志头的任何人都可核验此处内容未被更改。"
        "所列产品可能亏损。",
    },
}
