"""Texts that the data spells otherwise than a policy, or than the field they are held against."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from suitably.suitability.language.document import PolicyDocument
from suitably.suitability.language.nodes import Call, Compare, Constant, Field, Membership, walk
from suitably.suitability.lint.finding import Finding
from suitably.suitability.lint.sentences import sentences
from suitably.suitability.lint.value_checks import alike
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["check_spelling"]

_MOST = 1_000  # different texts of a field: beyond, they are names and no codes


def check_spelling(
    policy: PolicyDocument, users: pa.Table, products: pa.Table
) -> Iterator[Finding]:
    """Find texts of the data that are compared with one of another spelling: text is exact.

    Args:
        policy: The policy.
        users: The users of the data.
        products: Its products.
    """
    texts = {
        str(field): _texts(users if field.side == "user" else products, field.name)
        for field in policy.reads
    }
    told = set()
    for rule, _, _, node in sentences(policy):
        for part in walk(node):
            for field, text, said, of in _compared(part, texts):
                if text != said and alike(text, said) and (rule, field, text, said) not in told:
                    told.add((rule, field, text, said))
                    words = say(
                        Remark.SPELT_OTHERWISE,
                        field=field,
                        text=repr(text),
                        other=repr(said),
                        of=say(Remark.OF_FIELD, field=of) if of else "",
                    )
                    yield Finding("warning", "spelling", words, rule, policy.id)


def _compared(part: object, texts: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str, str]]:
    """Iterate a field, a text that it holds, and what that is compared with.

    Yields:
        These, and the field that holds the latter; empty where it is written in the rule.
    """
    called = isinstance(part, Call) and part.function in ("contains", "subset", "disjoint")
    if not isinstance(part, Compare | Membership | Call) or not (
        called or not isinstance(part, Call)
    ):
        return
    fields = [str(child) for child in part.children if isinstance(child, Field)]
    constants = [child.value for child in part.children if isinstance(child, Constant)]
    for place, field in enumerate(fields):
        for text in texts.get(field, ()):
            for value in constants:
                if isinstance(value, str):
                    yield field, text, value, ""
            for other in fields[:place]:
                for value in texts.get(other, ()):
                    yield field, text, value, other


def _texts(table: pa.Table, name: str) -> list[str]:
    """List the different texts of a column, those in its lists; nothing where it has none."""
    if name not in table.column_names:
        return []
    column = table[name].combine_chunks()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = column.flatten()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return []
    found = pc.unique(column.drop_null())
    return found.to_pylist() if len(found) <= _MOST else []
