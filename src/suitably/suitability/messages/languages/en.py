"""English."""

from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.sentences import Sentences
from suitably.suitability.reasons import Reason

__all__ = ["SENTENCES"]

SENTENCES = Sentences(
    name="English",
    own_name="English",
    languages={"en": "English", "zh": "Chinese"},
    missing="missing",
    no="no",
    yes="yes",
    passes="The rule {rule} is met{facts}.",
    fails="The rule {rule} is not met{facts}.",
    unknown="The rule {rule} cannot be judged{facts}.",
    flagged="Flagged by the rule {rule}, which bars nothing{facts}.",
    flag_unknown="It is unknown whether the rule {rule}, which bars nothing, flags this{facts}.",
    overflows=" Overflow, beyond what dates or numbers can hold: {expressions}.",
    introduces=": ",
    equals=" = ",
    lacks=" = missing",
    between_facts=", ",
    between_items=", ",
    change="Bring {fact} up to date.",
    reasons={
        Reason.GOVERNS: "No policy is known to govern this product for this customer.",
        Reason.EFFECTIVE: "The policy {policy} is not known to be in force on {as_of}.",
        Reason.ALREADY_OWNED: "The customer already owns this product.",
        Reason.TURNED_DOWN: "The customer has turned this product down.",
        Reason.UNRANKED: (
            "The product may be offered, but the ranker knows too little to place it."
        ),
        Reason.RANKED_BELOW_K: "The product may be offered, but is not among the first {k}.",
        Reason.TURNED_OFF: "It is switched off for now.",
        Reason.NOT_IN_CAMPAIGN: "The plan was not made for this customer.",
        Reason.NO_MARKETING: "The customer has not consented to marketing.",
        Reason.HELD_OUT: "The customer is kept aside to tell the effect of the campaign.",
        Reason.NO_PROBABILITY: "No probability of a purchase is known for the product.",
        Reason.NO_GAIN: "The offer is expected to earn {net}, no more than nothing.",
        Reason.PRICED_OUT: "The offer would earn {net}; what it takes up is worth more: {limits}.",
        Reason.BETTER_OFFER: (
            "The customer gets at most {per_user}, and others are worth more than {net}."
        ),
    },
    ruled="It passes every rule that applies{closest}",
    unruled="No rule applies to it",
    closest=" (closest: {margins})",
    spare="{rule}, with {spare} to spare: {left} against {right}",
    at_limit="{rule}, right at its limit: {left} against {right}",
    between_margins="; ",
    spans={
        "level": ("one level", "{count} levels"),
        "days": ("one day", "{count} days"),
        "months": ("one month", "{count} months"),
        "years": ("one year", "{count} years"),
        "points": ("one percentage point", "{count} percentage points"),
    },
    by_history="past behaviour",
    by_elsewhere="what another system has learned",
    by_others="the behaviour of others, since {ranker} knows nothing of this customer yet",
    by_owners="what others own, since this customer has not agreed to personal lists",
    reordered=", reordered by {rerankers},",
    and_=" and ",
    or_=" or ",
    between_reasons=", ",
    between_sentences=" ",
    ranked="{ruled} and ranks {rank} of {eligible} eligible products by {ranker}{reordered} "
    "on {basis}.",
    for_it=" Of what is known of the customer, this speaks for it: {reasons}.",
    against_it=" This speaks against it: {reasons}.",
    popular=" It is number {rank} of {products} products by popularity.",
    popular_alike=" It is number {rank} of {products} products by popularity among customers like "
    "this one, with {field} {value}.",
    past_product="the past choice of {product} ({share})",
    turned_down="that {product} was turned down ({share})",
    profile_field="{field} {value} ({share})",
    flags=" Flagged: {rules}.",
    to_mind="There is something to mind with this product: please ask your adviser.",
    unsure="{rule} (unknown)",
    date="{year:04}-{month:02}-{day:02}",
    money="{currency} {amount}",
    currencies={},
    days="{count} days",
    months="{count} months",
    risk_lowest="Risk level {level}, the lowest of {levels}: its value can fall all the same.",
    risk_between="Risk level {level}, number {position} of {levels} from the lowest: you may lose "
    "part of what you invest.",
    risk_highest="Risk level {level}, the highest of {levels}: you may lose part or all of what "
    "you invest.",
    # What `zh.py` bars, in English.
    barred=(
        "low risk",
        "low-risk",
        "no risk",
        "risk-free",
        "riskless",
        "without risk",
        "high return",
        "high yield",
        "guarantee",
        "principal-protected",
        "capital-protected",
        "sure profit",
        "cannot lose",
        "can't lose",
        "will earn",
        "will rise",
    ),
    since="{what} since {day}",
    alarm="{series}: {before} before, {now} since {since} ({users:,} users; {low} to {high} is no "
    "change{over})",
    alarm_over="; the latest day is back within that",
    alarm_look=". Look at {look_at}.",
    alarm_look_first=". New then: {changes}. Look at this first, then at {look_at}.",
    look_at={
        "exclusion": "the rule, its policy's version, and the users' and products' fields it "
        "reads: pipeline.eligibility().counts(), why_not of a user it keeps out",
        "abstention": "recs.abstentions(): which reason shortens lists",
        "empty": "recs.abstentions(): which reason leaves users without any product",
        "unknown-user": "whether the model is older than the customer base: update or fit it",
        "stood-in": "whether interactions still arrive: the ranker knows nothing of these users",
        "opted-out": "the register of consent",
        "unfiltered-violation": "the ranker: it wants more, or less, of what rules bar",
        "score": "the ranker and what it was fitted on: its scores have moved",
        "field": "where the field comes from: the feed, the builder, or the customers themselves",
        "stale": "the questionnaires that have run out, and whether reminders are sent",
        "missing": "the feed of the field",
        "event": "what was offered to those who rejected or complained",
        "": "what has changed on that day",
    },
    severities={
        "error": ("error", "1 error", "{count} errors"),
        "warning": ("warning", "1 warning", "{count} warnings"),
        "note": ("note", "1 note", "{count} notes"),
    },
    nothing_found="Nothing found.",
    remarks={
        # what is proved
        Remark.GOVERNS_NOTHING: "governs nothing: `governs` can never be true",
        Remark.NO_RULES: "has no rules, so it bars nothing",
        Remark.ONLY_FLAGS: "only flags, so it bars nothing",
        Remark.NEVER_APPLIES: "never applies: `applies` can never be true{where}",
        Remark.NEVER_FAILS: "can never fail: `require` is always true{where}",
        Remark.NEVER_FAILS_IF_KNOWN: (
            "can never fail: `require` is true{where} unless an input is missing; if that is what "
            "is meant, write `not missing(...)`"
        ),
        Remark.NEVER_FLAGS: "never flags anything: `require` is always true{where}",
        Remark.NEVER_FLAGS_IF_KNOWN: (
            "never flags anything: `require` is always true{where} unless an input is missing"
        ),
        Remark.PROHIBITION: "is a prohibition: it keeps out every pair that it applies to",
        Remark.KEEPS_OUT: "keeps out {pairs}: `require` can never be true{where}",
        Remark.FLAGS: "flags {pairs}: `require` can never be true{where}",
        Remark.CONFLICT: (
            "keeps out every pair together with {other}: the two can never both pass"
        ),
        Remark.EVERY_PAIR: "every pair",
        Remark.EVERY_GOVERNED_PAIR: "every pair that the policy governs",
        Remark.EVERY_APPLIED_PAIR: "every pair that it applies to",
        Remark.WITHIN_APPLIES: " where `applies` is",
        Remark.WITHIN_GOVERNS: " where the policy governs",
        # what shows on data
        Remark.DOES_NOT_FIT: "{error}",
        Remark.FLAGS_DATA: "flags all {pairs:,} pairs of this data",
        Remark.KEEPS_OUT_DATA: (
            "keeps out all {pairs:,} pairs of this data: {failed:,} fail{unknown}"
        ),
        Remark.REASON_KEEPS_OUT_DATA: (
            "{reason} keeps out all {pairs:,} pairs of this data: {failed:,} fail{unknown}"
        ),
        Remark.AND_UNKNOWN: ", {count:,} are unknown",
        Remark.SPELT_OTHERWISE: "{field} holds {text}, which is not {other}{of}: spell both alike",
        Remark.OF_FIELD: " of {field}",
        # dates
        Remark.FROM_DAY: "from {start}",
        Remark.BEFORE_DAY: "before {end}",
        Remark.FROM_DAY_BEFORE_DAY: "from {start} before {end}",
        Remark.ALWAYS: "at all times",
        Remark.NEVER_IN_FORCE: "is never in force: the rule is {own}, the policy {its}",
        Remark.LIKE_A_VERSION: ("looks like a version of {other}, and both are in force {when}"),
        Remark.SAYS_THE_SAME: "says the same as {other}, {when}",
        Remark.FLAGS_WHAT_IS_BARRED: "flags only what {other} keeps out, {when}",
        Remark.VERSIONS_AT_ONCE: (
            "versions {first} and {second} are both in force {when}: end one first"
        ),
        Remark.NAMELESS: "without a name",
        Remark.ANOTHER: "another",
        Remark.GAP: "no version is in force from {end} to {start}",
        # what is weaker than it looks
        Remark.GOVERNS_LESS: (
            "does not govern where {field} is missing, so that other policies alone decide there: "
            "if it is meant, name {field} in the policy's note"
        ),
        Remark.STEPS_ASIDE: (
            "does not apply where {field} is missing, and keeps out one of its values: unknown is "
            "no pass; if it is meant, or another rule asks for it, name {field} in note"
        ),
        Remark.PASSES_MISSING: (
            "passes where {field} is missing, and keeps out one of its values: unknown is no "
            "pass; if it is meant, or another rule asks for it, name {field} in note"
        ),
        Remark.PASSES_BY_DEFAULT: (
            "passes where {lookup} falls back on its default, and keeps out what the map may "
            "hold: leave the default out; if it is meant, name the map in note"
        ),
        Remark.MINIMUM_ALONE: (
            "compares {field} with the minimum amount alone, so that all of it in one product "
            "passes: compare what would be invested, `amount`"
        ),
        Remark.CITES_NO_ARTICLE: (
            "cites {article} without an article: name it, or say House limit"
        ),
        # texts, and who reads them
        Remark.NO_VERSION: "has no version: name one, so that evidence can",
        Remark.NO_ARTICLE: "names no article: say where it comes from",
        Remark.NO_TITLE: "has no title in {languages}",
        Remark.NO_BECAUSE: "has no `because` in {languages}: {what} gets a generated text",
        Remark.A_FLAG: "a flag",
        Remark.A_FAILURE: "a failure",
        Remark.NO_LANGUAGE: "has no `{key}` in {language}",
        Remark.NO_CHANGE: (
            "does not say in {languages} what to do about {field}: it gets a generated text"
        ),
        Remark.NAMES_ANOTHER: "its text names {field}, which the rule does not use",
        Remark.NAMES_ONE_OF: (
            "its text names {field}, but the {function} of {fields} decides: name that, as a term"
        ),
        Remark.RAW_CODE: "its text shows the code of {field}: say in [labels] what to call it",
        Remark.DISCLOSES_FIELD: (
            "the customer reads of {field}: give `because` an adviser's text, and a customer's "
            "that does not say it"
        ),
        Remark.DISCLOSES_WORD: "the customer's text says {word}: leave that to the adviser's",
        # declarations and names
        Remark.UNUSED_FIELD: "declares {field}, which no rule reads",
        Remark.UNUSED_SCALE: "has a scale {name} that no field is on",
        Remark.UNUSED_CHANGE: "lets {field} be suggested, which no rule reads",
        Remark.UNUSED_TERM: "has a term {name} that no rule uses",
        Remark.UNUSED_MAP: "has a map {name} that no rule uses",
        Remark.UNUSED_LABEL: "has a label {name} that no rule uses",
        Remark.UNDECLARED_SCALE: (
            "{field} is usually a level: declare its scale in [fields], or values off the scale "
            "are not refused"
        ),
        Remark.UNKNOWN_FIELD: (
            "{field} is not in the vocabulary of fields: the data must have such a column"
        ),
        Remark.LIKE_A_FIELD: ("{field} is not in the vocabulary of fields: did you mean {near}?"),
        # values
        Remark.SHARE_WITHOUT_RANGE: (
            "{field} is a share without a range, so that -0.6 or 60 is believed: declare "
            '{{ type = "number", min = 0, max = 1, unit = "share" }}'
        ),
        Remark.NEVER_HELD: "{field} never holds {value}{hint}",
        Remark.IS_SPELT: ": it is spelt {near}",
        Remark.HOLDS_ONLY: ": it holds {values}",
        Remark.TWO_SPELLINGS: ("{field} is compared with {one} and with {other}: text is exact"),
        Remark.NOT_GOVERNED: (
            "does not govern {field} {values}, which it may hold: see that others do"
        ),
        Remark.NO_RULE_FOR: "no rule applies to {field} {values}, which it may hold",
        Remark.DECIDES_BY_SPELLING: (
            "{field} decides which rules apply, and a value that is spelt otherwise meets none of "
            "them, or that for all others: declare its values, or add a rule that requires one of "
            "them"
        ),
        Remark.NEVER_EXPIRES: (
            "{sum} is unknown where {end} is 9999-12-31, for never: compare {end} with an earlier "
            "date instead, as in as_of - {span}(...)"
        ),
        # types
        Remark.AT_PLACE: "line {line}, column {column}: {problem}: {shown}",
        Remark.IN_WORDS: "{where}: {problem}{found}",
        Remark.IN_POLICY: " (line {line}, column {column} of the policy)",
        Remark.IN_FILE: " (line {line}, column {column} of {file})",
        Remark.IF_USUAL: "{problem}, if the fields are of their usual types",
        Remark.NEEDS_SCALE: "{key}: {sentence} needs a scale: declare {field} in [fields]",
        Remark.ORDERS_TEXT: "{key}: {sentence} orders text: declare a scale for {field}",
        Remark.SCALE_LENGTHS: "compares positions on scales of different length: {scales}",
        Remark.SCALE_OF: "{scale} of {count} levels",
        Remark.NO_CONDITION: "{found} is not a condition",
        Remark.NO_MINUS: "{found} has no minus",
        Remark.NO_VALUE: "a condition where a value is wanted",
        Remark.IS_NO_VALUE: "{field} is a condition where a value is wanted",
        Remark.CANNOT_COMPARE: "cannot compare {one} with {other}{hint}",
        Remark.CANNOT_COMPARE_TYPE: "cannot compare {found}{hint}",
        Remark.CANNOT_COMPARE_CONDITION: "cannot compare a condition with {found}",
        Remark.TEXT_HAS_NO_ORDER: ("text has no order: declare a scale, or compare with == or !="),
        Remark.CONDITIONS_HAVE_NO_ORDER: "conditions have no order",
        Remark.CANNOT_COMPUTE: "cannot compute {one} {operator} {other}{hint}",
        Remark.NOT_A_LEVEL: "{function} takes a level, not {found}: declare the field",
        Remark.NOT_A_KEY: "{found} where a text key is wanted",
        Remark.NOT_WANTED: "{found} where a {wanted} is wanted",
        Remark.FIELD_NOT_WANTED: "{field} is {found} where a {wanted} is wanted",
        Remark.NOT_ON_SCALE: "{value} is not on scale {scale} {levels}",
        Remark.MAP_FROM: "this map is from {wanted}, not from {found}",
        Remark.NO_EXTREME: "no {function} of {found}",
        Remark.NO_EXTREME_OF_TWO: "no {function} of {one} and {other}",
        Remark.CANNOT_HOLD: "{container} cannot hold {item}",
        Remark.WRONG_DEFAULT: "a map of {wanted}s, but {found} where a key is absent",
        Remark.ADD_TO_A_DATE: ": add it to a date, and compare dates",
        Remark.COMPARE_DURATIONS: ": compare it with another one, such as days(30)",
        Remark.COMPARE_DATES: (
            ": compare it with as_of or another date, such as user.x + months(12)"
        ),
        Remark.SAY_WHAT_IT_COUNTS: ": say what it counts, such as days(30) or months(12)",
        Remark.A_LEVEL: "a level of scale {scale}",
        Remark.A_LIST: "a list of {element}",
        Remark.A_LIST_OF_LEVELS: "a list of levels of scale {scale}",
        Remark.A_MAP: "a map to {element}",
        # errors: what is not there, or has no place
        Remark.NO_FIELD: "no field {field}; {hint}",
        Remark.DID_YOU_MEAN: "did you mean {near}?",
        Remark.THERE_ARE: "there are {names}",
        Remark.NO_FIELDS_AT_ALL: "there are no fields at all",
        Remark.AND_THERE_IS: "{problem}; there is {field}",
        Remark.UNKNOWN_FUNCTION: "unknown function; there are {names}",
        Remark.UNKNOWN_NAME: (
            "unknown name; there are user.x, product.x, term.x, as_of and amount"
        ),
        Remark.IS_A_FUNCTION: "a function: write {function}",
        Remark.NAME_A_FIELD: "name a field, such as {field}",
        Remark.NAME_A_TERM: "name a term, as in term.name",
        Remark.LIST_AFTER_IN: "a list has its place only after `in`",
    },
    types={
        "any": "any",
        "boolean": "boolean",
        "date": "date",
        "duration": "duration",
        "field": "field",
        "level": "level",
        "list": "list",
        "map": "map",
        "number": "number",
        "period": "period",
        "product field": "product field",
        "span": "span",
        "table": "table",
        "text": "text",
    },
)
