"""Answers by name: recorded in one version, compared with those of another."""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.same_answers.canonical import digest, summary, text

Record = dict[str, dict[str, str]]


class Answers:
    """A folder of named answers, within one that is shared by all.

    Attributes:
        found: What has been recorded, by full name.
        prefix: The folder's name.
        texts: Where whole answers are written as well; None: nowhere.
    """

    def __init__(self, found: Record, prefix: str, texts: Path | None) -> None:
        self.found = found
        self.prefix = prefix
        self.texts = texts

    def at(self, name: str) -> "Answers":
        return Answers(self.found, f"{self.prefix}{name}/", self.texts)

    def ask(self, name: str, question: Callable[[], Any]) -> None:
        """Record what a question gives; an error or a warning is an answer too."""
        full = f"{self.prefix}{name}"
        if full in self.found:
            raise ValueError(f"{full}: asked twice")
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            try:
                answer = question()
            except Exception as error:
                answer = f"error: {type(error).__name__}: {error}"
        said = sorted({f"{one.category.__name__}: {one.message}" for one in heard})
        self.found[full] = {"sha256": digest([answer, said] if said else answer)}
        self.found[full]["summary"] = summary(answer) + "".join(f" [{one}]" for one in said)
        if self.texts is not None:
            self.texts.mkdir(parents=True, exist_ok=True)
            path = self.texts / f"{full.replace('/', '~')[:200]}.txt"
            path.write_text("\n".join([text(answer), *said, ""]), encoding="utf-8")

    def made(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what several questions are about; where it cannot be made, that is the answer."""
        held: list[Any] = []
        self.ask(name, lambda: held.append(make()))
        return held[0] if held else None


def record(
    scenarios: dict[str, Callable[[Answers], None]], only: list[str], path: Path, texts: Path | None
) -> None:
    """Run the scenarios whose names begin with one of `only`, and write what they answer."""
    answers = Answers({}, "", texts)
    for name, scenario in scenarios.items():
        if only and not any(name.startswith(one) for one in only):
            continue
        start = time.perf_counter()
        here = answers.at(name)
        here.ask("ran", lambda scenario=scenario, here=here: scenario(here))
        took = time.perf_counter() - start
        print(f"{took:7.1f} s  {len(answers.found):6,}  {name}", file=sys.stderr, flush=True)
    errors = [name for name, one in answers.found.items() if one["summary"].startswith("error: ")]
    print(f"{len(answers.found):,} answers, {len(errors)} of them errors", file=sys.stderr)
    for name in errors:
        if name.endswith("/ran"):
            print(f"broken off: {name}: {answers.found[name]['summary']}", file=sys.stderr)
    path.write_text(json.dumps(answers.found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def compare(first: Record, second: Record) -> list[str]:
    """Return a paragraph for every answer that differs or that one side lacks."""
    told = []
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            told.append(f"{name}: only in the {'second' if one is None else 'first'}")
        elif one["sha256"] != other["sha256"]:
            told.append(f"{name}\n  < {one['summary']}\n  > {other['summary']}")
    return told
