"""A pipeline that answers as if what is off were not there."""

from suitably.pipeline.pipeline import Pipeline
from suitably.pipeline.switched_off import SwitchState

__all__ = ["switched"]


def switched(pipeline: Pipeline, state: SwitchState) -> Pipeline:
    """Return a pipeline that offers nothing that is off; see `Pipeline.switched`.

    Args:
        pipeline: Fitted.
        state: What is off.

    Returns:
        The pipeline itself where nothing is off, and the same object for the same state.
    """
    return pipeline.switched(state) if state.any else pipeline
