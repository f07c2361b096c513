"""Run some of the lines, or all at another size; `python -m benchmarks ranking` keeps results."""

import argparse

from benchmarks.ranking.lines import EVERY, KINDS, USERS, lines
from benchmarks.runner import table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS, help="memory: five times as many")
    parser.add_argument("--only", nargs="+", choices=EVERY, default=EVERY)
    parser.add_argument("--eligibility", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(table(lines(given.users, given.only, given.eligibility, given.rounds)))


if __name__ == "__main__":
    main()
