"""Which metrics of a released version Prometheus is asked for, as a team's policy names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from lifecycle.calendar import Duration, duration_text

_PLACEHOLDERS = frozenset({"environment", "job", "window"})


class _Metric(BaseModel, frozen=True, extra="forbid"):
    """What every metric has. A query is PromQL with `{environment}`, `{job}` and `{window}` filled in."""

    name: str = Field(min_length=1)
    limit: float | None = Field(default=None, gt=0, description="a hard limit; none: only compared")
    compare: bool = Field(default=True, description="with the same hours before the release")
    window: Duration = Field(default=timedelta(minutes=30), description="what one look looks back over")

    @field_validator("bad", "total", "buckets", "level", check_fields=False)
    @classmethod
    def _known_placeholders(cls, query: str) -> str:
        unknown = sorted(set(re.findall(r"\{(\w+)\}", query)) - _PLACEHOLDERS)
        if unknown:
            raise ValueError(f"a query knows environment, job and window, not {', '.join(unknown)}")
        return query

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.limit is None and not self.compare:
            raise ValueError(f"metric {self.name}: without a limit and a comparison it judges nothing")
        if self.window < timedelta(seconds=1):
            raise ValueError(f"metric {self.name}: a window of {duration_text(self.window)} sees nothing")
        return self


class ErrorRate(_Metric, frozen=True):
    """The share of bad requests, 0 to 1. `effect`: a rise of less is never called worse."""

    kind: Literal["error_rate"]
    bad: str = Field(description="how many requests failed in the window; no series counts as none")
    total: str = Field(description="how many requests there were in the window")
    minimum: int = Field(default=100, ge=1, description="requests that a window needs to be judged")
    effect: float = Field(default=0.01, ge=0, lt=1, description="the least rise that counts")


class Latency(_Metric, frozen=True):
    """A percentile of the time to answer, in seconds. `effect`: a smaller ratio is never called worse."""

    kind: Literal["latency"]
    buckets: str = Field(description="the histogram's increase in the window, summed by le")
    quantile: float = Field(default=0.95, gt=0, lt=1)
    minimum: int = Field(default=100, ge=1, description="requests that a window needs to be judged")
    effect: float = Field(default=1.5, ge=1, description="so many times slower at the least")


class Saturation(_Metric, frozen=True):
    """How full something is, such as CPU or a pool. Without a count of requests there is no exact test."""

    kind: Literal["saturation"]
    level: str = Field(description="the level over the window")
    effect: float = Field(default=1.5, ge=1, description="so many times fuller at the least")


Metric = Annotated[ErrorRate | Latency | Saturation, Field(discriminator="kind")]


class Comparison(BaseModel, frozen=True, extra="forbid"):
    """With which time before it a new version is compared, and how often the whole watch may be wrong."""

    before: Duration = Field(
        default=timedelta(weeks=1),
        description="so long before; where too little is known of then, the time just before the release",
    )
    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="how likely the comparison may call an unchanged version worse, in the whole watch",
    )


def problems(metrics: Sequence[Metric], comparison: Comparison, lasts: timedelta) -> list[str]:
    """What is wrong with the metrics of one watch."""
    names = [metric.name for metric in metrics]
    found = [f"metric {name} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if metrics and comparison.before < lasts:
        before = duration_text(comparison.before)
        found.append(
            f"{before} before, a watch of {duration_text(lasts)} would compare a version with itself"
        )
    return found


def filled(query: str, environment: str, job: str, window: timedelta) -> str:
    """The PromQL that is sent."""
    values = {"environment": environment, "job": job, "window": f"{window // timedelta(seconds=1)}s"}
    return re.sub(r"\{(environment|job|window)\}", lambda found: values[found[1]], query)


def window_of(metric: Metric, started: datetime, at: datetime) -> timedelta:
    """What a look at `at` looks back over: never to before the new version; whole seconds, at least one."""
    return timedelta(seconds=max(1, min(metric.window, at - started) // timedelta(seconds=1)))


def times_before(at: datetime, begun: datetime, comparison: Comparison) -> tuple[tuple[datetime, str], ...]:
    """When the windows to compare with end, the better first. `begun`: when production began to change."""
    same_hours = min(at - comparison.before, begun)
    return (same_hours, f"{duration_text(comparison.before)} before"), (begun, "just before the release")
