"""Serving: versions of saved pipelines, the off-switch, and a service that answers from them."""

from typing import TYPE_CHECKING, Any

from suitably.serving.canary import Canary, CanaryReport
from suitably.serving.promotions import Promotion, PromotionRefused
from suitably.serving.service import Service
from suitably.serving.settings import Settings
from suitably.serving.switched import switched
from suitably.serving.switches import Switch, Switches, SwitchState
from suitably.serving.versions import ModelFolder, Version

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from suitably.pipeline import Pipeline

__all__ = ["Canary", "CanaryReport", "ModelFolder", "Promotion", "PromotionRefused", "Service"]
__all__ += ["Settings", "Switch", "SwitchState", "Switches", "Version", "create_app", "switched"]


def create_app(
    source: "Pipeline | str | Path | Service", settings: Settings | None = None, **limits: Any
) -> "FastAPI":
    """Return an application that answers what a pipeline knows, to be run or mounted.

    It needs the extra `serve`. Started alone or mounted in another application, it answers alike;
    what reloads models in the background is started with the first request.

    Args:
        source: A fitted pipeline, a saved one's folder, a folder of versions (see `ModelFolder`),
            or a `Service` made of one of them.
        settings: What the file of `suitably serve --config` says; None: the defaults. Without a
            file of tokens nobody is asked for one: whoever mounts the application does that.
        limits: Single settings of `Limits` by name, such as `k=50`.

    Raises:
        ImportError: The extra `serve` is not installed.
        DataError: There is no such folder.
        ValueError: A limit that there is not, or out of its range.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": ["bond", "etf"]})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> app = st.serving.create_app(pipeline.fit(st.Dataset(None, None, log)))
        >>> app.title
        'Suitably'
    """
    from suitably.utils.extras import import_extra

    import_extra("fastapi", "create_app", "fastapi", "serve")
    import_extra("prometheus_client", "create_app", "prometheus-client", "serve")
    from suitably.serving.app import app_of

    chosen = Settings() if settings is None else settings
    service = (
        source if isinstance(source, Service) else Service(source, chosen.with_limits(**limits))
    )
    return app_of(service)
