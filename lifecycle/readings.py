"""What Prometheus says of a released version at one look, beside the time before it.

The metrics are in `lifecycle.watch_metrics`; what many readings add up to is in `lifecycle.worsening`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel

from lifecycle.comparison import Buckets, Counts, chance, percentile, requests_in, slower
from lifecycle.watch_metrics import ErrorRate, Latency, Metric, Saturation


class Side(BaseModel, frozen=True):
    """What one window gave. `value`: a share, seconds or a level, None without a request.

    `bad` of `total` requests is what is tested: failed ones, or those slower than the most telling bound.
    """

    value: float | None
    bad: int = 0
    total: int = 0


class Reading(BaseModel, frozen=True):
    """What one metric gave at one tick; `missing` says why it gave nothing.

    `before` is there where both windows held enough to be compared. `chance`: how likely this look's
    difference is by chance alone.
    """

    at: AwareDatetime
    metric: str
    now: Side | None = None
    before: Side | None = None
    against: str = ""
    chance: float | None = None
    missing: str = ""


Measured = Counts | Buckets | float
"""What the queries of a metric gave for one window: an error rate's, a latency's, a saturation's."""


def side(metric: Metric, measured: Measured) -> Side:
    """A window as it is told and kept."""
    if isinstance(measured, Counts):
        return Side(value=measured.share if measured.total else None, bad=measured.bad, total=measured.total)
    if isinstance(measured, Mapping):
        assert isinstance(metric, Latency)
        return Side(value=percentile(measured, metric.quantile), total=requests_in(measured))
    return Side(value=measured)


def enough(metric: Metric, seen: Side | None) -> bool:
    """Whether a window holds enough to be judged."""
    if seen is None or seen.value is None:
        return False
    return isinstance(metric, Saturation) or seen.total >= metric.minimum


def compared(
    metric: Metric, at: datetime, now: Measured, before: Measured | None = None, against: str = ""
) -> Reading:
    """What one look found, beside the window before where both hold enough."""
    here = side(metric, now)
    there = None if before is None else side(metric, before)
    found = Reading(at=at, metric=metric.name, now=here)
    if there is None or not (enough(metric, here) and enough(metric, there)):
        return found
    likely: float | None = None
    if isinstance(now, Counts) and isinstance(before, Counts):
        likely = chance(now, before)
    elif isinstance(now, Mapping) and isinstance(before, Mapping):
        beyond, beyond_before, likely = slower(now, before)
        here = here.model_copy(update={"bad": beyond.bad})
        there = there.model_copy(update={"bad": beyond_before.bad})
    update = {"now": here, "before": there, "against": against, "chance": likely}
    return found.model_copy(update=update)


def told(metric: Metric, seen: Side | None) -> str:
    """A window for people: `2.5 % (10 of 400 requests)`, `0.12 s (400 requests)`, `0.83`."""
    if seen is None or seen.value is None:
        return "no requests" if seen else "nothing"
    if isinstance(metric, ErrorRate):
        return f"{100 * seen.value:.2g} % ({seen.bad} of {seen.total} requests)"
    if isinstance(metric, Latency):
        return f"{seen.value:.3g} s ({seen.total} requests)"
    return f"{seen.value:.3g}"
