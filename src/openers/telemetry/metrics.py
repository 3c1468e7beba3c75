"""The metrics of the service for Prometheus. Each process has one `Metrics` with its own registry.

The edge, the store and the due runner call it; `/metrics` shows it. Label values are few by design: operations, kinds
of work, classes of status and linked services, never data of a request.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_ENTRIES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_CLASSES: Final = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")


class RequestMeter:
    """Counts the requests of one operation. The edge keeps it, so that a request needs no look-up."""

    __slots__ = ("_children", "_operation", "_requests")

    def __init__(self, requests: Histogram, operation: str) -> None:
        """Store `requests`, which has the labels operation and status."""
        self._requests, self._operation = requests, operation
        self._children: list[Histogram | None] = [None] * len(_CLASSES)

    def done(self, status: int, seconds: float) -> None:
        """Count one answered request with its duration."""
        group = status // 100 if 100 <= status < 600 else 0
        child = self._children[group]
        if child is None:
            child = self._children[group] = self._requests.labels(self._operation, _CLASSES[group])
        child.observe(seconds)


class Metrics:
    """All metrics."""

    def __init__(self) -> None:
        """Create all metrics at zero."""
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "openers_request_seconds",
            "Requests answered, by operation and class of status: how many, and how long they took",
            ("operation", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._groups = Histogram(
            "openers_audit_group_entries",
            "Audit entries made durable by one commit",
            buckets=_ENTRIES,
            registry=self._registry,
        )
        self._due = Counter(
            "openers_due_items",
            "Items of due work run, by kind and outcome",
            ("kind", "outcome"),
            registry=self._registry,
        )
        self._unlogged = Counter(
            "openers_exchanges_dropped",
            "Exchanges that were not logged, since the log could not keep up or the database failed",
            registry=self._registry,
        )
        self._polled = Gauge(
            "openers_slots_polled_seconds",
            "When this process last polled the slots of a service, in seconds since 1970",
            ("service",),
            registry=self._registry,
        )

        self._neighbours = Histogram(
            "openers_neighbour_seconds",
            "Requests to national services, by service and outcome (reply, silent, skipped), and how long they took",
            ("service", "outcome"),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def requests_of(self, operation: str) -> RequestMeter:
        """Return the meter of one operation, for the caller to keep."""
        return RequestMeter(self._requests, operation)

    def group_committed(self, entries: int) -> None:
        """Count one commit group with this number of audit entries."""
        self._groups.observe(entries)

    def due_run(self, kind: str, *, succeeded: bool) -> None:
        """Count one item of due work."""
        self._due.labels(kind, "done" if succeeded else "failed").inc()

    def slots_polled(self, service: str, at: float) -> None:
        """Record that the slots of a service were polled; `at` is in seconds since 1970."""
        self._polled.labels(service).set(at)

    def neighbour_asked(self, service: str, outcome: str, seconds: float) -> None:
        """Count one request to a national service."""
        self._neighbours.labels(service, outcome).observe(seconds)

    def exchanges_dropped(self, count: int) -> None:
        """Count exchanges that were not logged."""
        self._unlogged.inc(count)

    def serve(self, host: str, port: int) -> None:
        """Serve the metrics on their own address, in a thread. Raises OSError if it is in use."""
        start_http_server(port, host, self._registry)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format (`CONTENT_TYPE`)."""
        return generate_latest(self._registry)
