"""What a check of a policy may remark: names of sentences and of their parts, for languages."""

from enum import StrEnum, auto

__all__ = ["Remark"]


class Remark(StrEnum):
    """A sentence about a policy, or a part of one, which every language has in `remarks`.

    Example:
        >>> Remark.NO_VERSION.value
        'no_version'
    """

    # what is proved
    GOVERNS_NOTHING = auto()
    NO_RULES = auto()
    ONLY_FLAGS = auto()
    NEVER_APPLIES = auto()
    NEVER_FAILS = auto()
    NEVER_FAILS_IF_KNOWN = auto()
    NEVER_FLAGS = auto()
    NEVER_FLAGS_IF_KNOWN = auto()
    PROHIBITION = auto()
    KEEPS_OUT = auto()
    FLAGS = auto()
    CONFLICT = auto()
    EVERY_PAIR = auto()
    EVERY_GOVERNED_PAIR = auto()
    EVERY_APPLIED_PAIR = auto()
    WITHIN_APPLIES = auto()
    WITHIN_GOVERNS = auto()

    # what shows on data
    DOES_NOT_FIT = auto()
    FLAGS_DATA = auto()
    KEEPS_OUT_DATA = auto()
    REASON_KEEPS_OUT_DATA = auto()
    AND_UNKNOWN = auto()
    SPELT_OTHERWISE = auto()
    OF_FIELD = auto()

    # dates
    FROM_DAY = auto()
    BEFORE_DAY = auto()
    FROM_DAY_BEFORE_DAY = auto()
    ALWAYS = auto()
    NEVER_IN_FORCE = auto()
    LIKE_A_VERSION = auto()
    SAYS_THE_SAME = auto()
    FLAGS_WHAT_IS_BARRED = auto()
    VERSIONS_AT_ONCE = auto()
    NAMELESS = auto()
    ANOTHER = auto()
    GAP = auto()

    # what is weaker than it looks
    GOVERNS_LESS = auto()
    STEPS_ASIDE = auto()
    PASSES_MISSING = auto()
    PASSES_BY_DEFAULT = auto()
    MINIMUM_ALONE = auto()
    CITES_NO_ARTICLE = auto()

    # texts, and who reads them
    NO_VERSION = auto()
    NO_ARTICLE = auto()
    NO_TITLE = auto()
    NO_BECAUSE = auto()
    A_FLAG = auto()
    A_FAILURE = auto()
    NO_LANGUAGE = auto()
    NO_CHANGE = auto()
    NAMES_ANOTHER = auto()
    NAMES_ONE_OF = auto()
    RAW_CODE = auto()
    DISCLOSES_FIELD = auto()
    DISCLOSES_WORD = auto()

    # declarations and names
    UNUSED_FIELD = auto()
    UNUSED_SCALE = auto()
    UNUSED_CHANGE = auto()
    UNUSED_TERM = auto()
    UNUSED_MAP = auto()
    UNUSED_LABEL = auto()
    UNDECLARED_SCALE = auto()
    UNKNOWN_FIELD = auto()
    LIKE_A_FIELD = auto()

    # values
    SHARE_WITHOUT_RANGE = auto()
    NEVER_HELD = auto()
    IS_SPELT = auto()
    HOLDS_ONLY = auto()
    TWO_SPELLINGS = auto()
    NOT_GOVERNED = auto()
    NO_RULE_FOR = auto()
    DECIDES_BY_SPELLING = auto()
    NEVER_EXPIRES = auto()

    # types
    AT_PLACE = auto()
    IN_WORDS = auto()
    IN_POLICY = auto()
    IN_FILE = auto()
    IF_USUAL = auto()
    NEEDS_SCALE = auto()
    ORDERS_TEXT = auto()
    SCALE_LENGTHS = auto()
    SCALE_OF = auto()
    NO_CONDITION = auto()
    NO_MINUS = auto()
    NO_VALUE = auto()
    IS_NO_VALUE = auto()
    CANNOT_COMPARE = auto()
    CANNOT_COMPARE_TYPE = auto()
    CANNOT_COMPARE_CONDITION = auto()
    TEXT_HAS_NO_ORDER = auto()
    CONDITIONS_HAVE_NO_ORDER = auto()
    CANNOT_COMPUTE = auto()
    NOT_A_LEVEL = auto()
    NOT_A_KEY = auto()
    NOT_WANTED = auto()
    FIELD_NOT_WANTED = auto()
    NOT_ON_SCALE = auto()
    MAP_FROM = auto()
    NO_EXTREME = auto()
    NO_EXTREME_OF_TWO = auto()
    CANNOT_HOLD = auto()
    WRONG_DEFAULT = auto()
    ADD_TO_A_DATE = auto()
    COMPARE_DURATIONS = auto()
    COMPARE_DATES = auto()
    SAY_WHAT_IT_COUNTS = auto()
    A_LEVEL = auto()
    A_LIST = auto()
    A_LIST_OF_LEVELS = auto()
    A_MAP = auto()

    # errors: what is not there, or has no place
    NO_FIELD = auto()
    DID_YOU_MEAN = auto()
    THERE_ARE = auto()
    NO_FIELDS_AT_ALL = auto()
    AND_THERE_IS = auto()
    UNKNOWN_FUNCTION = auto()
    UNKNOWN_NAME = auto()
    IS_A_FUNCTION = auto()
    NAME_A_FIELD = auto()
    NAME_A_TERM = auto()
    LIST_AFTER_IN = auto()
