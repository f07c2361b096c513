"""Run benchmarks by name, all of them by default."""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

import benchmarks
from benchmarks.runner import Row, machine, table, write_json

_PARTS = (
    "__main__",
    "coverage",
    "coverage_world",
    "far_trans_profiles",
    "far_trans_protocol",
    "growth_rooms",
    "growth_table",
    "long_tail",
    "model_size",
    "runner",
    "same_answers",
    "sentences",
    "serving",
    "stated_revealed",
    "uplift_contender",
    "workload",
)
RESULTS = Path(__file__).with_name("results.json")


def main(arguments: list[str] | None = None) -> None:
    known = sorted(
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name not in _PARTS
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    names = parser.parse_args(arguments).names or known
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")

    results: dict[str, list[Row]] = {}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = importlib.import_module(f"benchmarks.{name}").run()
    here = machine()
    print(f"Python {here['python']}, {here['architecture']}, {here['cores']} cores\n")
    print(table([row for rows in results.values() for row in rows]))
    write_json(RESULTS, results)
    print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
