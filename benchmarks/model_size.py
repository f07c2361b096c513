"""What a saved blend weighs, and how long everybody's lists take, as JSON.

`PYTHONPATH=other/src python -m benchmarks.model_size` measures another version.
"""

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import suitably as st

PRODUCTS = 300
NUMBER = re.compile(r"^\d+-")


def size(users: int) -> dict[str, Any]:
    """Weigh a saved blend of four with its fallback: bytes in all, and by what files are called."""
    ranking = st.ranking
    members = [
        ranking.ALS(),
        ranking.EASE(),
        ranking.ItemKNN(),
        ranking.Popularity(half_life_days=30),
    ]
    bank = st.data.simulate_bank(users, PRODUCTS)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranking.Blend(members))
    pipeline.fit(bank)
    found: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        pipeline.save(Path(folder) / "model")
        files = [file for file in Path(folder, "model").rglob("*") if file.is_file()]
        for file in files:
            found[NUMBER.sub("", file.name)] += file.stat().st_size
    return {
        "users": users,
        "products": PRODUCTS,
        "interactions": len(bank.interactions),
        "files": len(files),
        "bytes": found.total(),
        "bytes_by_name": dict(found.most_common()),
    }


def seconds(users: int, rounds: int) -> dict[str, Any]:
    """Time lists of ten by ALS for everybody; neither the data nor the fit counts."""
    bank = st.data.simulate_bank(users, PRODUCTS)
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.ALS()).fit(bank)
    times: dict[str, list[float]] = {"recommend": [], "to_arrow": []}
    for _ in range(rounds + 1):  # the first warms up
        start = time.perf_counter()
        recs = pipeline.recommend()
        middle = time.perf_counter()
        recs.to_arrow()
        times["recommend"].append(middle - start)
        times["to_arrow"].append(time.perf_counter() - middle)
    return {
        "users": users,
        "products": PRODUCTS,
        "rounds": rounds,
        **{f"{name}_seconds": round(median(taken[1:]), 4) for name, taken in times.items()},
        "recommend_fastest": round(min(times["recommend"][1:]), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_size", description=__doc__)
    parser.add_argument("--users", type=int, default=20_000, metavar="N", help="of the saved model")
    parser.add_argument("--lists", type=int, default=100_000, metavar="N", help="users to time")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    given = parser.parse_args()
    found = {
        "suitably": str(st.__file__),
        "size": size(given.users),
        "lists": seconds(given.lists, given.rounds),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
