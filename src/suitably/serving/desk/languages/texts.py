"""What the desk says, whatever the language."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Texts"]


@dataclass(frozen=True)
class Texts:
    """The texts of a language; each is called by what it says, and `{…}` is filled in.

    Attributes:
        code: The language, as HTML names it.
        language_name: What it calls itself.
        verdicts: A verdict, by its name.
        origins: How a field came about, by its origin.
        stages: The steps of a trace.
        severities: How grave a finding is.
        kinds: What may be switched off.
        actions: How a version became the current one.
        declared: What a policy may declare.
        reasons: The library's own reasons.
    """

    # the frame
    code: str
    language_name: str
    desk: str
    skip: str
    pages: str
    language: str
    sign_in: str
    sign_out: str
    served: str
    disclaimer: str
    show: str
    between: str
    of: str
    customer: str
    product: str
    products: str
    users: str
    rule: str
    rules: str
    policy: str
    version: str
    reason: str
    since: str
    since_day: str
    state: str

    # finding a customer
    find: str
    find_lead: str
    by_pseudonym: str
    pseudonym: str
    pseudonym_hint: str
    no_pseudonym: str
    several: str
    by_id: str
    customer_id: str
    id_hint: str
    no_id: str

    # a customer
    ask: str
    product_hint: str
    why_not: str
    another_list: str
    how_many: str
    moment: str
    moment_hint: str
    as_of: str
    list: str
    list_note: str
    nothing: str
    nothing_said: str
    rank: str
    why: str
    to_mind: str
    closest: str
    past: str
    fields: str
    in_full: str
    stood_in: str
    why_short: str
    how_made: str
    short: str
    short_note: str
    lessons: str
    lessons_note: str
    to_do: str
    opens: str
    share: str
    profile: str
    no_profile: str
    on_file: str
    field: str
    value: str
    origin: str
    counts_until: str
    days_of_silence: str
    months_after: str

    # a customer and a product
    why_title: str
    in_short: str
    barred: str
    barred_said: str
    allowed_not_listed: str
    listed: str
    listed_said: str
    no_rules: str
    verdict: str
    says: str
    inputs: str
    spare: str
    flagged: str
    flag_unknown: str
    told_customer: str
    withheld: str
    withheld_text: str
    what_if: str
    what_if_said: str
    what_if_none: str
    about_product: str
    another_product: str
    which_product: str
    products_found: str
    no_product: str

    # the policies
    policy_lead: str
    counts: str
    counts_note: str
    counting: str
    reload: str
    not_counted: str
    judged: str
    failed: str
    unknown: str
    only: str
    flags: str
    name: str
    in_force: str
    governs: str
    every_pair: str
    fingerprint: str
    from_day: str
    before_day: str
    always: str
    definitions: str
    try_this: str
    only_flags: str
    requires: str
    applies: str
    when_not: str
    to_adviser: str

    # trying a change
    try_title: str
    try_lead: str
    editor: str
    which_policy: str
    toml: str
    try_it: str
    cannot_use: str
    place: str
    findings: str
    no_findings: str
    severity: str
    finding: str
    effect: str
    no_effect: str
    pairs: str
    gained: str
    lost: str
    affected_users: str
    affected_products: str
    left_without: str
    no_longer_without: str
    by_rule: str
    examples: str
    examples_note: str
    change: str
    because: str
    gained_one: str
    lost_one: str
    busy: str
    busy_said: str

    # the watch
    watch: str
    watch_lead: str
    problems: str
    alarms: str
    alarm: str
    no_monitor: str
    learning: str
    learning_said: str
    no_alarm: str
    no_alarm_said: str
    alarms_said: str
    series: str
    before: str
    now: str
    over: str
    goes_on: str
    details: str
    figures: str
    all_series: str
    figures_note: str
    day: str
    mean: str
    baseline: str
    no_change: str
    holds: str
    versions: str
    no_versions: str
    current: str
    damaged: str
    saved: str
    history: str
    when: str
    what: str
    previous: str
    by: str
    switches: str
    all_on: str
    all_on_said: str
    which: str
    unknown_user: str
    turn_on: str
    turn_off: str
    why_on: str
    turn_something_off: str
    turn_user_off: str
    off_said: str
    reason_hint: str
    policies_are: str
    refused: str
    which_lacks: str
    reason_lacks: str
    off_banner: str
    everything_off: str
    product_off: str

    # signing in, and what went wrong
    your_token: str
    token: str
    token_hint: str
    token_refused: str
    what_now: str
    to_start: str
    no_right: str
    no_right_said: str
    no_customer: str
    no_customer_said: str
    no_page: str
    no_page_said: str
    stale: str
    stale_said: str
    too_long: str
    too_long_said: str
    cannot: str
    cannot_said: str
    wrong: str
    wrong_said: str
    not_ready: str
    not_ready_said: str

    # names
    verdicts: Mapping[str, str]
    origins: Mapping[str, str]
    stages: Mapping[str, str]
    severities: Mapping[str, str]
    kinds: Mapping[str, str]
    actions: Mapping[str, str]
    declared: Mapping[str, str]
    reasons: Mapping[str, str]
