"""What a policy's author should look at again before it goes live."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from suitably.data.columns import Columns
from suitably.data.frames import read_frame
from suitably.errors import PolicyError
from suitably.suitability.language.nodes import Constant
from suitably.suitability.lint.audience_checks import check_audiences
from suitably.suitability.lint.data_checks import check_spelling
from suitably.suitability.lint.effective_dates import check_dates, check_side_by_side, overlap
from suitably.suitability.lint.finding import SEVERITIES, Finding, Severity
from suitably.suitability.lint.proofs import Proof, conflicts, governs_nothing, prove
from suitably.suitability.lint.rule_checks import check_rules
from suitably.suitability.lint.text_checks import (
    check_declarations,
    check_names,
    check_never,
    check_texts,
    check_types,
)
from suitably.suitability.lint.value_checks import check_values
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, say
from suitably.suitability.policy import Policy, Rule
from suitably.typing import AsOf, IntoFrame

__all__ = ["check_policy", "check_versions"]

_WITHIN = {"applies": Remark.WITHIN_APPLIES, "governs": Remark.WITHIN_GOVERNS}


def check_policy(
    policy: Policy | str | Path,
    users: IntoFrame | None = None,
    products: IntoFrame | None = None,
    as_of: AsOf | None = None,
    columns: Columns | None = None,
) -> list[Finding]:
    """Look for what is wrong with a policy, without data or with some.

    What is said to be never so is proved, for all users, products and moments; not
    everything that is so can be proved.

    Args:
        policy: A `Policy`, TOML text, a file or a built-in name.
        users: Users to try the policy on; with `products` and `as_of`.
        products: Products to try it on.
        as_of: The moment to judge at.
        columns: How the ids and timestamps are called.

    Returns:
        Errors first, then warnings, then notes; each in the policy's order.

    Raises:
        PolicyError: The policy cannot be read at all.
        DataError: The frames cannot be read, or hold a value off its scale.
        ValueError: Only some of `users`, `products` and `as_of` are given.

    Example:
        >>> for finding in check_policy('''
        ... [policy]
        ... id = "adults"
        ... version = "1"
        ... title = { en = "Of age", zh = "成年" }
        ... [[rules]]
        ... id = "age"
        ... article = "House rule 1"
        ... require = "65 <= age(user.birth_date) < 18"
        ... because = { en = "Not of age.", zh = "未成年。" }
        ... '''):
        ...     print(finding)
        error: age: keeps out every pair: `require` can never be true
    """
    given = [part is not None for part in (users, products, as_of)]
    if any(given) and not all(given):
        raise ValueError("users, products and as_of: give all three, or none")
    read = _read(policy)
    found = [*check_types(read), *check_dates(read), *check_texts(read)]
    found += [*check_declarations(read), *check_never(read)]
    found += [*check_values(read), *check_rules(read), *check_audiences(read)]
    unfit = {one.rule for one in found if one.kind == "type" and one.severity == "error"}
    sound = [rule for rule in read.rules if rule.id not in unfit]
    found += _proofs(read, sound, governed="" not in unfit)
    if all(given):
        found += _tried(read, users, products, as_of, columns)
    else:
        found += check_names(read)
    places = {rule.id: place for place, rule in enumerate(read.rules)}
    found.sort(key=lambda one: (SEVERITIES.index(one.severity), places.get(one.rule, -1)))
    return found


def check_versions(policies: Sequence[Policy | str | Path]) -> list[Finding]:
    """Look for versions of one policy that are in force at once, or leave a gap.

    Args:
        policies: What would be kept side by side; those of one id are its versions.

    Raises:
        PolicyError: A policy cannot be read.

    Example:
        >>> first = '''
        ... rules = []
        ... [policy]
        ... id = "house"
        ... version = "1"
        ... '''
        >>> second = first.replace('"1"', '"2"') + "effective = 2026-01-01"
        >>> for finding in check_versions([first, second]):
        ...     print(finding)
        error: house: versions 1 and 2 are both in force from 2026-01-01: end one first
    """
    return list(check_side_by_side([_read(policy) for policy in policies]))


def _read(policy: Any) -> Policy:
    if isinstance(policy, str) and ("\n" in policy or "=" in policy):
        return Policy.from_toml(policy)
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, str | Path):
        raise PolicyError(f"policy: expected a Policy, TOML, a file or a name, got {policy!r:.60}")
    return Policy.load(policy)


def _proofs(policy: Policy, rules: Sequence[Rule], governed: bool) -> Iterator[Finding]:
    """Put into words what is proved of rules."""
    if governed and governs_nothing(policy):
        text = say(Remark.GOVERNS_NOTHING)
        yield Finding("error", "governs-nothing", text, "", policy.id)
        return
    if not policy.rules:
        yield Finding("note", "no-rules", say(Remark.NO_RULES), "", policy.id)
    elif all(rule.effect == "flag" for rule in policy.rules):
        yield Finding("note", "no-rules", say(Remark.ONLY_FLAGS), "", policy.id)
    proved = set()
    for rule in rules:
        proof = prove(policy, rule, governed)
        if proof is not None:
            proved.add(rule.id)
            if rule.effect == "flag":
                yield from _of_flag(proof, policy, rule)
                continue
            severity, text = _worded(proof, policy, rule)
            yield Finding(severity, proof.kind, text, rule.id, policy.id)
    rest = [rule for rule in rules if rule.id not in proved and rule.effect == "bar"]
    for first, second in conflicts(policy, rest):
        if overlap(first, second):
            text = say(Remark.CONFLICT, other=first.id)
            yield Finding("error", "conflict", text, second.id, policy.id)


def _worded(proof: Proof, policy: Policy, rule: Rule) -> tuple[Severity, Told]:
    where = _within(proof)
    if proof.kind == "unreachable":
        where = where if proof.within == "governs" else ""
        return "error", say(Remark.NEVER_APPLIES, where=where)
    if proof.kind == "never-fails":
        never = Remark.NEVER_FAILS if proof.decided else Remark.NEVER_FAILS_IF_KNOWN
        return "warning", say(never, where=where)
    narrow = rule.applies_node is not None
    if rule.require_node == Constant(False) and (narrow or policy.governs_node is not None):
        return "note", say(Remark.PROHIBITION)
    governed = Remark.EVERY_GOVERNED_PAIR if policy.governs else Remark.EVERY_PAIR
    pairs = say(Remark.EVERY_APPLIED_PAIR if narrow else governed)
    text = say(Remark.KEEPS_OUT, pairs=pairs, where=where if narrow else "")
    return ("warning" if narrow else "error"), text


def _of_flag(proof: Proof, policy: Policy, rule: Rule) -> Iterator[Finding]:
    """Say what is proved of a rule that bars nothing: it flags always, or never."""
    where, kind = _within(proof), proof.kind
    severity: Severity = "warning"
    if kind == "unreachable":
        severity, text = _worded(proof, policy, rule)
    elif kind == "never-fails":
        never = Remark.NEVER_FLAGS if proof.decided else Remark.NEVER_FLAGS_IF_KNOWN
        text = say(never, where=where)
    elif rule.require_node == Constant(False) and rule.applies_node is not None:
        return  # how a duty that `applies` describes is written
    else:
        narrow = rule.applies_node is not None
        pairs = say(Remark.EVERY_APPLIED_PAIR if narrow else Remark.EVERY_PAIR)
        kind, text = "flags-everything", say(Remark.FLAGS, pairs=pairs, where=where)
    yield Finding(severity, kind, text, rule.id, policy.id)


def _within(proof: Proof) -> str:
    """Say within what something holds: nothing where that is everywhere."""
    return say(_WITHIN[proof.within]) if proof.within else ""


def _tried(
    policy: Policy, users: Any, products: Any, as_of: Any, columns: Columns | None
) -> Iterator[Finding]:
    """Find what shows on data only: fields that are not there, rules that none passes."""
    people, shelf = read_frame(users, "users")[0], read_frame(products, "products")[0]
    try:
        eligibility = policy.evaluate(people, shelf, as_of, columns=columns)
    except PolicyError as error:
        text = say(Remark.DOES_NOT_FIT, error=error.args[0])
        yield Finding("error", "does-not-fit", text, "", policy.id)
        return
    yield from check_spelling(policy, people, shelf)
    pairs = len(eligibility.user_ids) * len(eligibility.product_ids)
    for row in eligibility.counts().to_pylist():
        failed, unknown = row["failed"], row["unknown"]
        if pairs and row["flagged"] == pairs:
            text = say(Remark.FLAGS_DATA, pairs=pairs)
            yield Finding("warning", "flags-this-data", text, row["rule"], policy.id)
        if pairs and failed + unknown == pairs:
            own = not row["rule"].startswith("policy:")
            text = say(
                Remark.KEEPS_OUT_DATA if own else Remark.REASON_KEEPS_OUT_DATA,
                reason=row["rule"],
                pairs=pairs,
                failed=failed,
                unknown=say(Remark.AND_UNKNOWN, count=unknown) if unknown else "",
            )
            rule = row["rule"] if own else ""
            yield Finding("warning", "excludes-this-data", text, rule, policy.id)
