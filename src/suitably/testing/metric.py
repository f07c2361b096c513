"""Contract of metrics."""

__all__ = ["MetricContract"]


class MetricContract:
    """To come."""
