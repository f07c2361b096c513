"""The desk: pages at which people look up what is recommended to whom, and why."""

from typing import TYPE_CHECKING

from suitably.serving.desk.desk import Desk
from suitably.serving.service import Service

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["Desk", "router"]


def router(service: Service, prefix: str = "/desk") -> "APIRouter":
    """Return the routes of the desk, to be included in an application.

    `create_app` has them already; this is for an application that wants the desk alone, or
    elsewhere. It needs the extra `serve`.

    Args:
        service: What answers.
        prefix: Where the desk is.

    Raises:
        ImportError: The extra `serve` is not installed.

    Example:
        >>> import suitably as st
        >>> from suitably.serving import Service
        >>> bank = st.data.simulate_bank(users=50, products=20)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> [route.path for route in router(Service(pipeline)).routes]
        ['/desk', '/desk/{path:path}']
    """
    from suitably.utils.extras import import_extra

    import_extra("fastapi", "the desk", "fastapi", "serve")
    from suitably.serving.desk.routes import routes_of

    return routes_of(service, prefix)
