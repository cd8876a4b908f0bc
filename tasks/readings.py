"""Asking Prometheus for what the policy watches."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import task

from integrations.errors import IntegrationError, Transient
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
    found: list[Reading] = []
    silent = "" if settings().prometheus.url else _NOT_SET
    for metric in watch.metrics:
        missing = silent
        if not silent:
            try:
                found.append(_read(metric, project.prometheus_job or project.id, watch, live, begun, now))
                continue
            except IntegrationError as error:
                missing = str(error)
                # Who does not answer is asked once: a rollback must not wait for it.
                silent = missing if isinstance(error, Transient) else ""
        found.append(Reading(at=now, metric=metric.name, missing=missing))
    return found


def _read(metric: Metric, job: str, watch: Watch, live: datetime, begun: datetime, now: datetime) -> Reading:
    window = window_of(metric, live, now)
    here = _measure(metric, job, window, now)
    if here is None:
        return Reading(at=now, metric=metric.name, missing="no data")
    if not metric.compare or not enough(metric, side(metric, here)):
        return compared(metric, now, here)
    try:
        for moment, words in times_before(now, begun, watch.comparison):
            there = _measure(metric, job, window, moment)
            if there is not None and enough(metric, side(metric, there)):
                return compared(metric, now, here, there, words)
    except IntegrationError as error:
        return compared(metric, now, here).model_copy(update={"missing": f"the time before: {error}"})
    return compared(metric, now, here)


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
