"""When policies and rules are in force: never, two at once, or none for a while."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from itertools import combinations
from typing import Any

from suitably.suitability.language.document import PolicyDocument, Rule, dates_in_words
from suitably.suitability.lint.finding import Finding
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, say

__all__ = ["check_dates", "check_side_by_side", "overlap"]

_VERSION = re.compile(r"[-_. ]?(v\d[\d.]*|20\d\d([-_.]\d+)*)$", re.IGNORECASE)


def overlap(first: PolicyDocument | Rule, second: PolicyDocument | Rule) -> bool | None:
    """Return whether two are ever in force at once; None where that depends on a time zone."""
    begins = [_moment(each.effective) for each in (first, second) if each.effective is not None]
    ends = [_moment(each.expires) for each in (first, second) if each.expires is not None]
    try:
        return not begins or not ends or max(begins) < min(ends)
    except TypeError:  # some have a time zone, some not
        return None


def check_dates(policy: PolicyDocument) -> Iterator[Finding]:
    """Find rules outside their policy's dates, and versions of one rule in force at once."""
    for rule in policy.rules:
        if overlap(rule, rule) is False or overlap(policy, rule) is False:
            own, its = dates_in_words(rule), dates_in_words(policy)
            text = say(Remark.NEVER_IN_FORCE, own=own, its=its)
            yield Finding("error", "out-of-force", text, rule.id, policy.id)
    for first, second in combinations(policy.rules, 2):
        if not overlap(first, second):
            continue
        when = dates_in_words(first, second)
        dated = any((r.effective, r.expires) != (None, None) for r in (first, second))
        stems = [_VERSION.sub("", rule.id) for rule in (first, second)]
        versions = dated or all(_VERSION.search(rule.id) for rule in (first, second))
        if (first.require_node, first.applies_node) == (second.require_node, second.applies_node):
            yield _duplicate(policy, first, second, when)
        elif stems[0] == stems[1] and versions:
            text = say(Remark.LIKE_A_VERSION, other=first.id, when=when)
            yield Finding("warning", "overlap", text, second.id, policy.id)


def _duplicate(policy: PolicyDocument, first: Rule, second: Rule, when: Told) -> Finding:
    """Say which of two equal rules there is no need for: of a bar and a flag, the flag."""
    if first.effect == second.effect:
        text = say(Remark.SAYS_THE_SAME, other=first.id, when=when)
        return Finding("warning", "duplicate", text, second.id, policy.id)
    flag, bar = (first, second) if first.effect == "flag" else (second, first)
    text = say(Remark.FLAGS_WHAT_IS_BARRED, other=bar.id, when=when)
    return Finding("warning", "duplicate", text, flag.id, policy.id)


def check_side_by_side(policies: Sequence[PolicyDocument]) -> Iterator[Finding]:
    """Find versions of one policy that are in force at once, or a time when none is."""
    for name in dict.fromkeys(policy.id for policy in policies):
        versions = [policy for policy in policies if policy.id == name]
        for first, second in combinations(versions, 2):
            if overlap(first, second):
                text = say(
                    Remark.VERSIONS_AT_ONCE,
                    first=first.version or say(Remark.NAMELESS),
                    second=second.version or say(Remark.ANOTHER),
                    when=dates_in_words(first, second),
                )
                yield Finding("error", "overlap", text, "", name)
        yield from _gaps(name, versions)


def _gaps(name: str, versions: Sequence[PolicyDocument]) -> Iterator[Finding]:
    if any(overlap(a, b) is None for a, b in combinations(versions, 2)):
        return
    starts = [p.effective for p in versions if p.effective is not None]
    for policy in versions:
        end = policy.expires
        if end is None or any(_covers(other, _moment(end)) for other in versions):
            continue
        later = [start for start in starts if _moment(start) > _moment(end)]
        if later:
            text = say(Remark.GAP, end=end, start=min(later, key=_moment))
            yield Finding("note", "gap", text, "", name)


def _covers(policy: PolicyDocument, moment: datetime) -> bool:
    begun = policy.effective is None or _moment(policy.effective) <= moment
    return begun and (policy.expires is None or moment < _moment(policy.expires))


def _moment(day: Any) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time.min)
