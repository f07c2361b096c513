"""Drafts of policies: commented TOML and a table of cases, put together from parts."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from suitably.errors import PolicyError
from suitably.suitability.workbench.blocks import BLOCKS, Block

__all__ = ["PRODUCT_TYPES", "REGIMES", "Draft", "draft_policy"]

PRODUCT_TYPES = tuple(BLOCKS)
_FIVE = [f"{place}" for place in range(1, 6)]
_SCALES: dict[str, tuple[list[str], list[str]]] = {
    "cn": ([f"C{place}" for place in _FIVE], [f"R{place}" for place in _FIVE]),
    "eu": (["1", "2", "3", "4", "5", "6", "7"], ["1", "2", "3", "4", "5", "6", "7"]),
    "uk": (["cautious", "balanced", "adventurous"], ["low", "medium", "high"]),
    "us": (["conservative", "moderate", "aggressive"], ["low", "medium", "high"]),
    "in": (
        ["low", "low to moderate", "moderate", "moderately high", "high", "very high"],
        ["low", "low to moderate", "moderate", "moderately high", "high", "very high"],
    ),
    "hk": (_FIVE, _FIVE),
    "generic": (["low", "medium", "high"], ["low", "medium", "high"]),
}
REGIMES = tuple(_SCALES)
_AS_OF = "2026-07-01"
_NAMES = {
    "funds": ("funds", "基金"),
    "securities": ("securities", "证券"),
    "private": ("private products", "私募产品"),
    "crypto": ("crypto-assets", "加密资产"),
    "insurance": ("insurance", "保险"),
    "loans": ("loans", "贷款"),
    "deposits": ("deposits", "存款"),
}


@dataclass(frozen=True)
class Draft:
    """A policy to begin with.

    Attributes:
        toml: The policy.
        cases: Its table of cases, as CSV: a case that passes every rule, and for each rule one that
            fails it and one where what it asks is missing.
    """

    toml: str
    cases: str


def draft_policy(regime: str, products: Sequence[str], policy_id: str = "my-policy") -> Draft:
    """Put a policy together.

    Args:
        regime: Whose words the scales are in: one of `REGIMES`.
        products: What is on the shelf: some of `PRODUCT_TYPES`.
        policy_id: The policy's name.

    Raises:
        PolicyError: A regime, a type of product or a name that cannot be used.

    Example:
        >>> from suitably.suitability.policy import Policy
        >>> draft = draft_policy("generic", ["deposits"], "savings")
        >>> [rule.id for rule in Policy.from_toml(draft.toml).rules]
        ['adult', 'affordable-deposit']
    """
    if regime not in _SCALES:
        raise PolicyError(f"regime {regime!r}: must be one of {', '.join(REGIMES)}")
    unknown = [one for one in products if one not in BLOCKS]
    if unknown or not products:
        found = repr(unknown[0]) if unknown else "none"
        raise PolicyError(f"products: {found}; name some of {', '.join(PRODUCT_TYPES)}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", policy_id):
        raise PolicyError(f"id {policy_id!r}: small letters, digits and hyphens, such as my-policy")
    blocks = list({block.id: block for one in products for block in BLOCKS[one]}.values())
    return Draft(_toml(regime, products, policy_id, blocks), _csv(regime, blocks))


def _toml(regime: str, products: Sequence[str], policy_id: str, blocks: Sequence[Block]) -> str:
    investor, product = _SCALES[regime]
    fields = {name: kind for block in blocks for name, kind in block.fields.items()}
    scaled = {"investor", "product"} & set(fields.values())
    english = "Draft: " + ", ".join(_NAMES[one][0] for one in products)
    chinese = "草案：" + "、".join(_NAMES[one][1] for one in products)
    lines = [
        "# A draft to begin with. It lets a firm express and evidence rules; it makes nobody",
        "# compliant, and whether these are the rules that bind the firm is for the firm to judge.",
        "# Read each rule, replace its article by the one that you rely on, set its numbers.",
        "[policy]",
        f"id = {_quoted(policy_id)}",
        'version = "1"',
        f"title = {{ en = {_quoted(english)}, zh = {_quoted(chinese)} }}",
    ]
    if scaled:
        lines += ["", "[scales]  # ordered, lowest first"]
        lines += [
            f"{name} = {json.dumps(levels, ensure_ascii=False)}"
            for name, levels in (("investor", investor), ("product", product))
            if name in scaled
        ]
    lines += ["", "[fields]  # what columns hold; other values are refused, not guessed"]
    lines += [f"{_quoted(name)} = {_quoted(kind)}" for name, kind in fields.items()]
    for block in blocks:
        lines += [
            "",
            f"# {block.comment}",
            "[[rules]]",
            f"id = {_quoted(block.id)}",
            'article = "House rule 1: replace by the article that you rely on"',
            f"require = {_quoted(block.require)}",
            f"because = {{ en = {_quoted(block.because[0])}, zh = {_quoted(block.because[1])} }}",
        ]
    return "\n".join(lines) + "\n"


def _csv(regime: str, blocks: Sequence[Block]) -> str:
    fields = list({name: "" for block in blocks for name in block.fields})
    passing = {name: _cell(regime, name, block.passing[name], block)
               for block in blocks for name in block.fields}  # fmt: skip
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "as_of", *fields, *(block.id for block in blocks)])
    writer.writerow(
        ["all pass", _AS_OF, *(passing[name] for name in fields), *["pass"] * len(blocks)]
    )
    for block in blocks:
        failing = {n: _cell(regime, n, cell, block) for n, cell in block.failing.items()}
        missing = dict.fromkeys(block.fields, "")
        for word, verdict, cells in (
            ("fails", "fail", failing),
            ("is unknown", "unknown", missing),
        ):
            row = {**passing, **cells}
            said = [verdict if one is block else "" for one in blocks]
            writer.writerow([f"{block.id} {word}", _AS_OF, *(row[n] for n in fields), *said])
    return out.getvalue()


def _cell(regime: str, name: str, cell: str, block: Block) -> str:
    """Return a cell; the highest and the lowest level are those of the regime's scale."""
    if block.fields[name] not in ("investor", "product"):
        return cell
    levels = _SCALES[regime][0 if block.fields[name] == "investor" else 1]
    return levels[0] if cell == "lowest" else levels[-1]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
