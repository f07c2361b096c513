"""What answers: a version with all that it is asked with, never changed, so that none is mixed."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from suitably.errors import ArtifactError
from suitably.pipeline.pipeline import Pipeline
from suitably.serving.single_answer import SingleAnswers

__all__ = ["Answering", "Served"]


@dataclass(frozen=True)
class Served:
    """A version that is served.

    Attributes:
        version: What it is called.
        pipeline: It, with the audit and the consent that it is asked with.
        model: The model's fingerprint; None where a part of it cannot be saved.
        since: From when it is served, UTC.
    """

    version: str
    pipeline: Pipeline
    model: str | None
    since: datetime

    @cached_property
    def silent(self) -> Pipeline:
        """The same, for answers that are no decisions, so that nothing is recorded."""
        return self.pipeline.with_audit(None)

    @property
    def named(self) -> dict[str, Any]:
        """What every answer begins with: which version and which model gave it."""
        return {"version": self.version, "model": self.model}

    @cached_property
    def singles(self) -> SingleAnswers:
        """What writes lists of single customers."""
        return SingleAnswers(self.named)

    @cached_property
    def as_of(self) -> pd.Timestamp | None:
        """The moment fitted as of."""
        return self.pipeline.as_of_


@dataclass(frozen=True)
class Answering:
    """What a request is answered by: it takes one, and asks nothing else.

    Attributes:
        served: The version.
        pipeline: Its pipeline, narrowed by what is switched off.
        silent: The same, recording nothing.
    """

    served: Served
    pipeline: Any
    silent: Any

    @property
    def version(self) -> str:
        """What the version is called."""
        return self.served.version


def model_of(pipeline: Pipeline) -> str | None:
    """Return a model's fingerprint, None where a part of it cannot be saved."""
    try:
        return pipeline.fingerprint
    except ArtifactError:
        return None
