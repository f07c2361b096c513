"""Metrics of a service, in Prometheus' text format; of customers there are counts alone."""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from suitably.serving.service import Service

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Counts what is asked and answered; of several processes that share a port, of all of them.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._shared = bool(os.environ.get(_SHARED))
        self._requests = Counter(
            "suitably_requests",
            "Requests by route and status.",
            ("route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "suitably_request_seconds",
            "How long they took.",
            ("route",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._customers = Counter(
            "suitably_customers",
            "Lists handed out: all, those that the fallback ranked, and those without a product.",
            ("list",),
            registry=self._registry,
        )
        self._answered, self._stood_in, self._empty = (
            self._customers.labels(name) for name in ("answered", "stood-in", "empty")
        )
        if not self._shared:
            ProcessCollector(registry=self._registry)
        # One look-up of a label costs more than to count.
        self._counter = lru_cache(512)(lambda route, status: self._requests.labels(route, status))
        self._timer = lru_cache(64)(self._seconds.labels)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._counter(route, status).inc()
        self._timer(route).observe(seconds)

    def count_lists(self, users: int, stood_in: int, empty: int) -> None:
        """Count lists."""
        self._answered.inc(users)
        if stood_in:
            self._stood_in.inc(stood_in)
        if empty:
            self._empty.inc(empty)

    def text(self) -> bytes:
        """Return all figures, those of the watch too."""
        counted = self._registry
        if self._shared:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        own.register(_OfService(self._service))
        watched = self._service.watching.text().encode("utf-8")
        return generate_latest(counted) + generate_latest(own) + watched


class _OfService:
    """What is read of the service when it is asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Any]:
        """Yield what is served, how often that changed, and what is switched off."""
        service = self._service
        yield GaugeMetricFamily(
            "suitably_ready", "Whether a version is served.", float(service.ready)
        )
        if service.ready:
            served = service.served()
            told = {"version": served.version, "model": served.model or ""}
            yield InfoMetricFamily("suitably_served", "The version that answers.", told)
            yield GaugeMetricFamily(
                "suitably_served_since_seconds", "From when on.", served.since.timestamp()
            )
        reloads = CounterMetricFamily(
            "suitably_reloads", "Other versions that were swapped in, or refused.", labels=["what"]
        )
        for what, count in service.reloads.items():
            reloads.add_metric([what], count)
        yield reloads
        off = GaugeMetricFamily("suitably_switched_off", "What is switched off.", labels=["kind"])
        state = service.switches.state()
        off.add_metric(["everything"], float(bool(state.everything)))
        for kind, ids in (
            ("user", state.users),
            ("product", state.products),
            ("policy", state.policies),
        ):
            off.add_metric([kind], len(ids))
        yield off
