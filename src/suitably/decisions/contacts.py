"""Contact policies: rules that judge offers for users of a pipeline, and consent to marketing."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.entities import Entities
from suitably.data.vocabulary import Vocabulary
from suitably.decisions.channels import Channels
from suitably.decisions.offers import offer_table
from suitably.errors import DataError
from suitably.pipeline.opt_out import ConsentRegister
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import PolicySource, read_policies

__all__ = ["judge_offers", "marketing_granted"]

_MARKETING = "marketing"


def marketing_granted(
    register: ConsentRegister | None, eligibility: Eligibility
) -> NDArray[np.bool_] | None:
    """Return which users have agreed to marketing: bool (users,); None without a register.

    Raises:
        DataError: The register does not take such ids or moments, or says nothing of some.
    """
    if register is None:
        return None
    ids = eligibility.users.ids.array
    granted = np.asarray(register.granted(ids, _MARKETING, eligibility.moment))
    if granted.dtype != bool or granted.shape != (len(ids),):
        raise DataError(
            f"consent: {type(register).__name__}.granted must give a boolean for each of "
            f"{len(ids)} users, and gave {granted.dtype} {granted.shape}"
        )
    return granted


def judge_offers(
    policy: PolicySource | None,
    eligibility: Eligibility,
    channels: Channels,
    granted: NDArray[np.bool_] | None,
) -> Eligibility | None:
    """Bind a contact policy to a pipeline's users and the offers; None without a policy.

    Nothing is judged before bits are asked for, block by block. Rules read the users' fields as
    the pipeline's own rules do, and `user.marketing` of a register where users have no such field.

    Args:
        policy: The policy, its file or built-in name, or a list.
        eligibility: The pipeline's users and catalogue, as of the moment.
        channels: The channels.
        granted: Who has agreed to marketing, of a register.

    Raises:
        PolicyError: A rule does not fit users or offers.
        DataError: Products and channels have a column of one name.
    """
    products, users = eligibility.products, eligibility.users
    fields = products.fields
    own = fields.drop_columns([name for name in fields.column_names if name == "product_id"])
    table = offer_table(products.ids.array, own, channels)
    if policy is None:
        return None
    if granted is not None and _MARKETING not in users.fields.column_names:
        columns = {name: users.fields[name] for name in users.fields.column_names}
        users = users.with_fields(pa.table({**columns, _MARKETING: pa.array(granted)}))
    offers = Entities(
        side="products",
        ids=Vocabulary(table["offer_id"].combine_chunks()),
        fields=table.drop_columns(["offer_id"]),
        listed=np.ones(table.num_rows, bool),
        times=None,
        framed=True,
        id_column="offer_id",
        time_column=None,
    )
    moment = (eligibility.as_of, eligibility.clock, eligibility.kind)
    return Eligibility(read_policies(policy), users, offers, *moment)
