"""Arguments of commands: what they are read as."""

import argparse
from typing import Any

__all__ = ["add_trust", "positive_int"]


def positive_int(text: str) -> int:
    """Return a whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a positive integer")
    return int(text)


def add_trust(parser: Any) -> None:
    """Add the option that names what saved models may be made of, as `named_parts` reads it."""
    parser.add_argument(
        "--trust",
        action="append",
        metavar="MODULE:NAME",
        default=[],
        help="a class or function of your own that models are made of; its module is imported, "
        "which runs it (may be repeated)",
    )
