"""What to mind about listed products: the rules that flag them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.engine.flags import flag_table
from suitably.suitability.verdicts import Audience

__all__ = ["flag_texts", "flags_of_lists"]


def flags_of_lists(
    generator: ListGenerator, rows: NDArray[np.int64], lists: Lists
) -> tuple[NDArray[np.int64], pa.Table]:
    """Return the flags of what is listed, in the order of the lists.

    Args:
        generator: What drew the lists up.
        rows: The users' positions; those of unknown users have nothing listed.
        lists: Their lists.

    Returns:
        Which list each is of, and a table: rank, product_id, rule and unknown.
    """
    eligibility = generator.snapshot.eligibility
    user, rank = np.nonzero(lists.filled)
    products = lists.products[user, rank].astype(np.int64)
    pairs, said = flag_table(eligibility.flagged(rows[user], products), eligibility.flag_ids)
    table = {
        "rank": pa.array(rank[pairs] + 1, pa.int32()),
        "product_id": generator.state.catalogue.ids.decode(products[pairs]),
    }
    return user[pairs], pa.table({**table, **said})


def flag_texts(
    eligibility: Eligibility, row: Mapping[str, Any], audience: Audience
) -> Mapping[str, str]:
    """Return what a flag says, by language.

    Args:
        eligibility: Which judges pairs.
        row: The flag: user_id, product_id and rule.
        audience: Who reads it.
    """
    verdicts = eligibility.verdicts(row["user_id"], row["product_id"])
    flags = [one for one in verdicts if one.flag and one.rule == row["rule"]]
    return min(flags, key=lambda one: one.unknown).texts_for(audience)
