"""Prometheus metrics; they need a key for all collections, since they show everyone's work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.api.http.auth import authenticate
from app.api.http.operation import Media, Operation, Tag, describes
from app.domain.access import Scope
from app.domain.setback import Chore
from app.services.access.visibility import require_operator
from app.web.context import current_container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

page = Blueprint("metrics", __name__)


class JobCounts(Collector):
    """Reads the numbers of jobs from the job rows at every scrape, for the key that scrapes."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric without a look at the database, for the registration."""
        yield GaugeMetricFamily("vultus_jobs", "Stored jobs.", labels=("type", "state"))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge."""
        gauge = GaugeMetricFamily("vultus_jobs", "Stored jobs.", labels=("type", "state"))
        with current_container().uow() as work:
            counts = work.jobs.counts()
        for (job_type, state), number in counts.items():
            gauge.add_metric((job_type, state), number)
        yield gauge


class PartsWorking(Collector):
    """Asks at every scrape which parts of the service work."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric without asking anybody, for the registration."""
        yield GaugeMetricFamily("vultus_working", "Whether a part works.", labels=("part",))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge."""
        gauge = GaugeMetricFamily("vultus_working", "Whether a part works.", labels=("part",))
        for part, works in current_container().check_parts().items():
            gauge.add_metric((part,), works)
        yield gauge


class SetAside(Collector):
    """Counts at every scrape what chores in the background have set aside."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric without a look at the database, for the registration."""
        yield self._gauge()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge, with a 0 for every chore that has set nothing aside."""
        gauge = self._gauge()
        with current_container().uow() as work:
            counts = work.setbacks.counts()
        for chore in Chore:
            gauge.add_metric((chore,), counts.get(chore, 0))
        yield gauge

    @staticmethod
    def _gauge() -> GaugeMetricFamily:
        title = "Things that a chore in the background has set aside, as they failed."
        return GaugeMetricFamily("vultus_set_aside", title, labels=("chore",))


def register(app: Flask) -> None:
    """Measure every request of the application and serve the figures."""
    registry = CollectorRegistry()
    registry.register(JobCounts())
    registry.register(PartsWorking())
    registry.register(SetAside())
    requests = Counter(
        "vultus_http_requests",
        "Answered requests.",
        ("method", "route", "status"),
        registry=registry,
    )
    latency = Histogram(
        "vultus_http_request_seconds",
        "Time to the answer, waiting for jobs included.",
        ("method", "route"),
        registry=registry,
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    )

    def measure(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.url_rule else "other"
        requests.labels(method, route, str(response.status_code)).inc()
        latency.labels(method, route).observe(time.perf_counter() - g.began)
        return response

    app.after_request(measure)
    app.extensions["metrics"] = registry
    app.register_blueprint(page)


@page.get("/metrics")
@describes(
    Operation(
        tag=Tag("metrics", "Figures for Prometheus."),
        scope=Scope.READ,
        answers={200: Media(("text/plain",), {"type": "string"})},
    )
)
def metrics() -> Response:
    """Return the figures of this process and the numbers of the first tenant's jobs."""
    require_operator(authenticate(Scope.READ))
    registry: CollectorRegistry = current_app.extensions["metrics"]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
