"""Numbers about the queue, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """One registry a queue, so that several servers may be in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.jobs = Counter(
            "depthpaint_jobs", "Requests that ended, by state.", ["state"], registry=self.registry
        )
        self.refused = Counter(
            "depthpaint_refused",
            "Requests that were refused because the queue was full.",
            registry=self.registry,
        )
        self.pictures = Counter("depthpaint_pictures", "Pictures that were painted.", registry=self.registry)
        self.waiting = Gauge("depthpaint_waiting", "Requests that wait.", registry=self.registry)
        self.painting = Gauge(
            "depthpaint_painting", "Requests that are being painted.", registry=self.registry
        )
        self.seconds = Histogram(
            "depthpaint_job_seconds", "Seconds from the start of painting a request to its end.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
