"""The desk: pages at which people look up what is recommended to whom, and why."""

from suitably.serving.desk.desk import Desk
from suitably.serving.desk.router import router

__all__ = ["Desk", "router"]
