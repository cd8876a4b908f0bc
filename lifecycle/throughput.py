"""How much a team really finishes: what its plans may count on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from lifecycle.planning import capacity_from


class Capacity(BaseModel, frozen=True):
    """What one plan may hold, in points. `periods`: how many were measured, 0 for a capacity that was set.

    `note` says why a set figure stands where one was to be measured.
    """

    low: int
    likely: int
    high: int
    periods: int = 0
    weeks: int = 1
    note: str = ""


def fixed(points: float, note: str = "") -> Capacity:
    """A capacity that people set: no range, for nothing was measured."""
    whole = int(points)
    return Capacity(low=whole, likely=whole, high=whole, note=note)


def measured(
    finished: Iterable[tuple[datetime, int]],
    now: datetime,
    *,
    weeks: int,
    period: int = 1,
    time_zone: str = "UTC",
    otherwise: float,
) -> Capacity:
    """The range of what was finished in each period of `period` weeks, over the last `weeks` whole weeks.

    `finished` holds times (aware) and points. The present week is not over and does not count, nor does a
    period before the first one in which something was finished. A period in which nothing was finished
    counts as 0. A plan takes `likely`: half of the periods finished as much. Where there is none, or
    that is 0, it is `otherwise`, with the reason.
    """
    monday = _monday(now.astimezone(ZoneInfo(time_zone)).date())
    sums = [0] * max(1, weeks // period)
    first = 0
    for at, points in finished:
        back = (monday - _monday(at.astimezone(ZoneInfo(time_zone)).date())).days // 7 - 1
        number = back // period
        first = max(first, number + 1)
        if 0 <= number < len(sums):
            sums[number] += points
    known = sums[:first]
    if not known:
        return fixed(otherwise, "nothing was released yet that could be measured")
    low, likely, high = capacity_from(known)
    if likely == 0:
        return fixed(otherwise, f"in most of the last {len(known)} periods nothing was released")
    return Capacity(low=low, likely=likely, high=high, periods=len(known), weeks=period)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
