"""A fund platform records what it offers, and proves it: to an auditor, and to one customer.

The trail is kept in a folder of its own; a head of it is what the platform would hand to its
auditor every evening. The example then plays whoever has the file and changes what is in it.
"""

import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import suitably as st
from suitably.governance import AuditTrail, Consent, check_receipt

USERS, PRODUCTS, MOMENT = 400, 100, "2024-06-01"


def main() -> None:
    """Record, verify, hand out a receipt, forget a customer, and find out a change."""
    bank = st.data.simulate_bank(users=USERS, products=PRODUCTS, seed=0)
    with TemporaryDirectory() as folder:
        file = Path(folder, "decisions.sqlite")
        audit = AuditTrail(file)
        pipeline = st.Pipeline(
            policy="cn-csrc-amac",
            ranker=st.ranking.EASE(),
            audit=audit,
            consent=Consent(bank.consent),
        ).fit(bank, as_of=MOMENT)

        lists = pipeline.recommend(k=5)
        count, head = audit.head
        print(f"{len(lists)} decisions on record in {count} records; the head is {head[:16]}…")

        user = lists.to_frame()["user_id"].iloc[0]
        receipt = json.dumps(audit.receipt(user), ensure_ascii=False)
        words = check_receipt(receipt, head)["words"]["en"].partition(", recorded")[0]
        print(f"the receipt of one customer holds ({len(receipt.encode()):,} bytes): {words}")

        pipeline.forget(user)
        reason = pipeline.recommend([user]).abstentions()["reason"].iloc[0]
        print(f"once forgotten the customer is: {reason}")
        print(f"everything is whole: {audit.verify(head).ok}")

        audit.close()
        with sqlite3.connect(file) as connection:
            connection.execute("DROP TRIGGER fixed")
            connection.execute(
                "UPDATE records SET payload = zeroblob(length(payload)) WHERE seq = 2"
            )
        for problem in AuditTrail(file).verify(head).problems:
            print(f"found out: {problem}")


main()
