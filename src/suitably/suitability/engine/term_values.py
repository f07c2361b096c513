"""What a term comes to for one pair, as a Python object to be written in a text."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.language.evaluator import evaluate
from suitably.suitability.language.nodes import Field, Node
from suitably.suitability.language.types import Column, Kleene
from suitably.suitability.messages import Months

__all__ = ["shown_value", "term_value"]


def term_value(node: Node, scope: EvalScope) -> Any:
    """Return the value of an expression for one user and one product, None where unknown.

    Args:
        node: The expression; a field alone is shown as it was read.
        scope: The pair.
    """
    if isinstance(node, Field):
        return scope.cell(node)
    return shown_value(evaluate(node, scope), scope)


def shown_value(found: Column, scope: EvalScope) -> Any:
    """Return the same of what an expression was evaluated to."""
    if not found.known.any():
        return None
    if isinstance(found, Kleene):
        return bool(found.true.any())
    value = found.data.item()
    match found.type.name:
        case "number":
            return float(f"{value:.15g}")  # 0.1 + 0.2 reads 0.3
        case "level" if found.type.scale is not None:
            return found.type.scale.levels[value]
        case "text":
            return scope.texts.text(value)
        case "date":
            wall = scope.clock.wall(np.datetime64(value, "us"))
            return pd.Timestamp(wall).to_pydatetime()
        case "duration":
            return timedelta(microseconds=value)
        case "period":
            return Months(value)
    return value
