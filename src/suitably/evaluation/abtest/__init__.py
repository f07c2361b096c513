"""Two pipelines, one log, one decision."""

from suitably.evaluation.abtest.abtest import ABTest
from suitably.evaluation.abtest.guardrails import Guardrail
from suitably.evaluation.abtest.result import ABResult

__all__ = ["ABResult", "ABTest", "Guardrail"]
