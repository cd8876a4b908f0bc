"""Asking Prometheus for what the policy watches."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import task

from integrations.errors import IntegrationError
from integrations.settings import settings
from lifecycle.comparison import Counts
from lifecycle.policy import Project, Watch
from lifecycle.readings import Measured, Reading, compared, enough, side
from lifecycle.watch_metrics import ErrorRate, Latency, Metric, filled, times_before, window_of
from tasks.context import prometheus

_NOT_SET = "set CONVEYOR_PROMETHEUS_URL: nobody can be asked"


@task(task_run_name="tick {tick}: ask Prometheus")
def read(
    project: Project,
    watch: Watch,
    tick: int,  # noqa: ARG001 - names the task run
    live: datetime,
    begun: datetime,
    now: datetime,
) -> list[Reading]:
    """What every metric of the watch gives at this tick, whose time is `now`; a repeat asks the same.

    `live`: since when production serves the version; `begun`: when it began to change. What cannot be read
    is a reading that says why: it is no reason to take a release back.
    """
    return [
        _read(metric, project.prometheus_job or project.id, watch, live, begun, now)
        for metric in watch.metrics
    ]


def _read(metric: Metric, job: str, watch: Watch, live: datetime, begun: datetime, now: datetime) -> Reading:
    if not settings().prometheus.url:
        return Reading(at=now, metric=metric.name, missing=_NOT_SET)
    window = window_of(metric, live, now)
    try:
        here = _measure(metric, job, window, now)
        if here is None:
            return Reading(at=now, metric=metric.name, missing="no data")
        if metric.compare and enough(metric, side(metric, here)):
            for moment, words in times_before(now, begun, watch.comparison):
                there = _measure(metric, job, window, moment)
                if there is not None and enough(metric, side(metric, there)):
                    return compared(metric, now, here, there, words)
        return compared(metric, now, here)
    except IntegrationError as error:
        return Reading(at=now, metric=metric.name, missing=str(error))


def _measure(metric: Metric, job: str, window: timedelta, moment: datetime) -> Measured | None:
    """What the metric's queries give for the window that ends at `moment`; None for no data."""

    def number(query: str) -> float | None:
        return prometheus().number(filled(query, "production", job, window), moment)

    if isinstance(metric, Latency):
        return prometheus().histogram(filled(metric.buckets, "production", job, window), moment)
    if isinstance(metric, ErrorRate):
        total = number(metric.total)
        return None if total is None else Counts(bad=round(number(metric.bad) or 0.0), total=round(total))
    return number(metric.level)
