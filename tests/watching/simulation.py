"""A service with made-up traffic under the watch's own rule: how often it is wrong, how soon it is right."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from lifecycle.comparison import Counts
from lifecycle.readings import compared
from lifecycle.watch import WatchRules
from lifecycle.watch_metrics import Comparison, ErrorRate
from lifecycle.worsening import worsenings

RULES = WatchRules(lasts=timedelta(hours=24), every=timedelta(minutes=5))
START = datetime(2026, 3, 2, tzinfo=UTC)
METRIC = ErrorRate(name="errors", kind="error_rate", bad="b", total="t")


@dataclass(frozen=True)
class Service:
    """`per_second` requests, of which a share `usual` fails, and from tick `since` on a share `then`."""

    per_second: float
    usual: float
    then: float
    since: int = 0


def watches(service: Service, count: int, seed: int, metric: ErrorRate = METRIC) -> Iterator[int | None]:
    """For each of `count` whole watches the first tick that calls the version worse, None if none does."""
    chance = np.random.default_rng(seed)
    requests = round(service.per_second * RULES.every.total_seconds())
    shares = [service.then if tick >= service.since else service.usual for tick in range(RULES.ticks)]
    for _ in range(count):
        bad = chance.binomial(requests, shares)
        bad_before = chance.binomial(requests, service.usual, size=RULES.ticks)
        yield _first_alarm(metric, requests, bad, bad_before)


def _first_alarm(metric: ErrorRate, requests: int, bad: np.ndarray, bad_before: np.ndarray) -> int | None:
    in_window = metric.window // RULES.every
    seen: deque[tuple[int, int]] = deque(maxlen=in_window)
    for tick, both in enumerate(zip(bad, bad_before, strict=True), 1):
        seen.append((int(both[0]), int(both[1])))
        total = requests * len(seen)
        now = Counts(bad=sum(b for b, _ in seen), total=total)
        before = Counts(bad=sum(b for _, b in seen), total=total)
        if now.share - before.share < metric.effect:
            continue  # the rule's own first question, asked here to save the test's time
        found = compared(metric, START + tick * RULES.every, now, before)
        if any(worsenings([found], [metric], Comparison(), RULES.ticks, RULES.failures_allowed)):
            return tick
    return None
