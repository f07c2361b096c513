"""Record every answer of the library that is installed, and compare two such records."""

import argparse
import json
import sys
from pathlib import Path

import suitably as st
from benchmarks.same_answers import (
    evaluations,
    inputs,
    parts,
    policies,
    rankers,
    rerankers,
    updates,
)
from benchmarks.same_answers.answers import compare, record

MODULES = (policies, inputs, rankers, rerankers, parts, updates, evaluations)
SCENARIOS = {name: one for module in MODULES for name, one in module.SCENARIOS.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_answers", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="ask everything and write the answers' digests")
    recording.add_argument("path", type=Path, metavar="OUT.json")
    recording.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"scenarios whose names begin so; there are {', '.join(SCENARIOS)}",
    )
    recording.add_argument(
        "--texts", type=Path, metavar="FOLDER", help="write whole answers there too, for diff -r"
    )
    comparing = verbs.add_parser("compare", help="print what differs; exit status 1 if anything")
    comparing.add_argument("paths", type=Path, nargs=2, metavar="RECORD.json")
    given = parser.parse_args()
    if given.verb == "record":
        print(f"asking {st.__file__}", file=sys.stderr)
        record(SCENARIOS, given.only, given.path, given.texts)
        return 0
    first, second = (json.loads(path.read_text()) for path in given.paths)
    told = compare(first, second)
    print("\n".join(told))
    print(f"{len(told)} of {len({*first, *second}):,} answers differ", file=sys.stderr)
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
