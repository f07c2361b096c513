"""The functions of the rule language, one registry of them, by what they are about."""

from suitably.suitability.language.functions.model import Context, Function, Parameter
from suitably.suitability.language.functions.registry import REGISTRY, called, is_dated, moments

__all__ = ["REGISTRY", "Context", "Function", "Parameter", "called", "is_dated", "moments"]
