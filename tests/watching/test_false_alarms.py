"""How often the comparison is wrong over a whole watch, and how soon it is right: seeded simulations."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from lifecycle.comparison import slower
from lifecycle.watch_metrics import Comparison, Latency
from lifecycle.worsening import part_of_alpha
from tests.watching.simulation import METRIC, RULES, Service, watches

CASES = [(per_second, share) for per_second in (0.4, 1, 10) for share in (0.001, 0.01, 0.1)]


@pytest.mark.parametrize(("effect", "watches_each"), [(METRIC.effect, 100), (0.0, 12)])
def test_a_watch_over_an_unchanged_version_calls_it_worse_at_most_once_in_a_hundred(
    effect: float, watches_each: int
) -> None:
    """Without a least effect every chance rise counts: then the test alone must hold."""
    metric = METRIC.model_copy(update={"effect": effect})
    alarms = [
        tick
        for per_second, share in CASES
        for tick in watches(Service(per_second, share, share), watches_each, seed=1, metric=metric)
        if tick is not None
    ]
    assert len(alarms) <= watches_each * len(CASES) // 100


def test_a_rise_from_one_to_five_per_cent_is_found_within_four_ticks() -> None:
    found = list(watches(Service(1, usual=0.01, then=0.05), 300, seed=3))
    in_time = [tick for tick in found if tick is not None and tick <= 4]
    assert len(in_time) >= 0.95 * len(found)


def test_a_rise_that_begins_after_hours_is_found_within_six_ticks() -> None:
    since = 144
    found = list(watches(Service(1, usual=0.01, then=0.05, since=since), 100, seed=4))
    in_time = [tick for tick in found if tick is not None and since < tick <= since + 6]
    assert len(in_time) >= 0.95 * len(found)


BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, inf)
SHARES = (0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01, 0.005, 0.005)
P95 = Latency(name="p95", kind="latency", buckets="h")


def histograms(chance: np.random.Generator, requests: int, slow: float = 0.0) -> list[dict[float, float]]:
    """One per tick of a watch; a share `slow` of the requests has moved to between half and one second."""
    shares = np.array(SHARES) * (1 - slow)
    shares[BOUNDS.index(1.0)] += slow
    ticks = chance.multinomial(requests, shares, size=RULES.ticks).cumsum(axis=1)
    return [dict(zip(BOUNDS, map(float, tick), strict=True)) for tick in ticks]


def significant(slow: float, count: int, seed: int) -> int:
    """In how many watches some tick is slower by the test alone."""
    chance, bound = np.random.default_rng(seed), part_of_alpha((P95,), Comparison(), RULES.ticks)
    found = 0
    for _ in range(count):
        looks = zip(histograms(chance, 600, slow), histograms(chance, 600), strict=True)
        found += any(slower(now, before)[2] < bound for now, before in looks)
    return found


def test_a_day_of_unchanged_latencies_is_not_called_slower() -> None:
    assert significant(0.0, count=25, seed=5) == 0


def test_latencies_of_which_one_in_ten_became_slow_are_called_slower() -> None:
    assert significant(0.1, count=5, seed=6) == 5
