"""What one look at Prometheus' metrics gives, and what a watch's readings add up to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lifecycle.comparison import Counts
from lifecycle.readings import Measured, Reading, Side, compared, enough, side, told
from lifecycle.watch_metrics import (
    Comparison,
    ErrorRate,
    Latency,
    Metric,
    Saturation,
    filled,
    problems,
    times_before,
    window_of,
)
from lifecycle.worsening import holes, part_of_alpha, worsenings

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ERRORS = ErrorRate(name="errors", kind="error_rate", bad="b", total="t", limit=0.5)
P95 = Latency(name="p95", kind="latency", buckets="h", limit=2)
CPU = Saturation(name="cpu", kind="saturation", level="l", limit=0.9)
WEEK = "1w before"


def errors(at: datetime, bad: int, before: int = 10) -> Reading:
    return compared(ERRORS, at, Counts(bad=bad, total=1000), Counts(bad=before, total=1000), WEEK)


def cpu(minute: int, level: float, before: float | None = 0.4) -> Reading:
    return compared(CPU, START + minute * MINUTE, level, before, WEEK)


def latency(minute: int, now: dict[float, float], before: dict[float, float]) -> Reading:
    return compared(P95, START + minute * MINUTE, now, before, WEEK)


def judged(readings: Sequence[Reading], *metrics: Metric, looks: int = 10, allowed: int = 2) -> list[str]:
    return list(worsenings(readings, metrics, Comparison(), looks, allowed))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"kind": "error_rate", "bad": "b", "total": "x[{minutes}]"}, "not minutes"),
        ({"kind": "error_rate", "bad": "b"}, "total"),
        ({"kind": "latency", "buckets": "b", "quantile": 1}, "quantile"),
        ({"kind": "latency", "buckets": "b", "effect": 0.9}, "effect"),
        ({"kind": "saturation", "level": "b", "compare": False}, "judges nothing"),
        ({"kind": "saturation", "level": "b", "window": "0s"}, "sees nothing"),
        ({"kind": "saturation", "level": "b", "limit": 0}, "limit"),
        ({"kind": "weather", "level": "b"}, "kind"),
    ],
)
def test_a_metric_that_cannot_be_judged_by_is_refused(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter[Any](Metric).validate_python({"name": "m", **bad})


def test_metrics_have_names_of_their_own_and_are_not_compared_with_themselves() -> None:
    day = Comparison(before=timedelta(days=1))
    assert problems((ERRORS, P95), day, timedelta(days=1)) == []
    assert problems((ERRORS, ERRORS), day, timedelta(hours=25)) == [
        "metric errors stands twice",
        "1d before, a watch of 1d1h would compare a version with itself",
    ]
    assert problems((), day, timedelta(days=2)) == []


def test_the_placeholders_are_filled_and_promqls_own_braces_stay() -> None:
    query = 'sum(rate(x{job="{job}",env="{environment}",code=~"5.{2}"}[{window}]))'
    expected = 'sum(rate(x{job="shop",env="production",code=~"5.{2}"}[90s]))'
    assert filled(query.replace("{2}", "."), "production", "shop", 1.5 * MINUTE) == expected.replace(
        "{2}", "."
    )


def test_a_window_never_reaches_back_before_the_new_version() -> None:
    assert window_of(ERRORS, START, START + 90 * MINUTE) == 30 * MINUTE
    assert window_of(ERRORS, START, START + 5 * MINUTE) == 5 * MINUTE
    assert window_of(ERRORS, START, START) == timedelta(seconds=1)


def test_the_windows_to_compare_with_end_before_production_began_to_change() -> None:
    begun, week = START - MINUTE, Comparison()
    assert times_before(START + 5 * MINUTE, begun, week) == (
        (START + 5 * MINUTE - timedelta(weeks=1), "1w before"),
        (begun, "just before the release"),
    )
    assert times_before(START + timedelta(days=9), begun, week)[0][0] == begun


FAST = {0.1: 950.0, 1.0: 1000.0, inf: 1000.0}
SLOW = {0.1: 100.0, 1.0: 1000.0, inf: 1000.0}


@pytest.mark.parametrize(
    ("metric", "measured", "value", "total", "is_enough"),
    [
        (ERRORS, Counts(bad=3, total=300), 0.01, 300, True),
        (ERRORS, Counts(bad=3, total=99), 3 / 99, 99, False),
        (ERRORS, Counts(bad=0, total=0), None, 0, False),
        (P95, FAST, 0.1, 1000, True),
        (P95, {0.1: 0.0, inf: 0.0}, None, 0, False),
        (CPU, 0.7, 0.7, 0, True),
    ],
)
def test_what_a_window_gives_and_whether_it_is_enough(
    metric: Metric, measured: Measured, value: float | None, total: int, is_enough: bool
) -> None:
    found = side(metric, measured)
    assert (found.value, found.total, enough(metric, found)) == (value, total, is_enough)
    assert not enough(metric, None)


def test_what_is_not_enough_is_kept_but_not_compared() -> None:
    few = compared(ERRORS, START, Counts(bad=50, total=50), Counts(bad=0, total=1000), WEEK)
    assert (few.now, few.before, few.chance) == (Side(value=1, bad=50, total=50), None, None)
    alone = compared(ERRORS, START, Counts(bad=1, total=1000), Counts(bad=0, total=5), WEEK)
    assert (alone.before, alone.chance) == (None, None)
    assert compared(CPU, START, 0.5).before is None


def test_a_level_is_compared_without_a_probability() -> None:
    assert cpu(1, 0.5).chance is None
    assert cpu(1, 0.5).before == Side(value=0.4)


def test_a_rise_counts_if_it_is_large_enough_and_not_by_chance() -> None:
    [reason] = judged([errors(START, 60)], ERRORS)
    said = "errors rose from 1 % (10 of 1000 requests) 1w before to 6 % (60 of 1000 requests)"
    assert reason.startswith(f"{said}, by chance with a probability of ")
    assert judged([errors(START, 24)], ERRORS) == []  # by chance 1 in 80; ten looks need 1 in 1000
    assert judged([errors(START, 19, before=0)], ERRORS, looks=1)
    assert judged([errors(START, 9, before=0)], ERRORS, looks=1) == []  # significant, but no whole percent


def test_each_metric_that_is_compared_takes_its_part_of_alpha() -> None:
    alone = ErrorRate(name="alone", kind="error_rate", bad="b", total="t", limit=0.5, compare=False)
    assert part_of_alpha((ERRORS, alone), Comparison(), 10) == 0.001
    assert part_of_alpha((ERRORS, P95), Comparison(), 10) == 0.0005
    assert part_of_alpha((alone,), Comparison(), 10) == 0.01
    told_of = errors(START, 60).model_copy(update={"metric": "alone"})
    assert judged([told_of], alone) == []


def test_a_latency_is_worse_if_its_percentile_rose_and_not_by_chance() -> None:
    [reason] = judged([latency(1, SLOW, FAST)], P95)
    assert reason.startswith(
        "p95 rose from 0.1 s (1000 requests) 1w before to 0.95 s (1000 requests), by chance"
    )
    assert judged([latency(1, FAST, SLOW), latency(2, FAST, FAST)], P95) == []
    assert latency(1, SLOW, FAST).now == Side(value=0.95, bad=900, total=1000)
    assert latency(1, SLOW, FAST).before == Side(value=0.1, bad=50, total=1000)


def test_a_hard_limit_holds_for_so_many_readings_in_a_row_as_for_probes() -> None:
    high = [cpu(m, 0.95, before=None) for m in (1, 2, 3)]
    said = "cpu was over its limit 3 times in a row: 0.95, the limit is 0.9"
    assert judged(high, CPU) == [said]
    assert judged(high[:2], CPU) == []
    assert judged([*high[:2], cpu(4, 0.5), cpu(5, 0.95)], CPU) == []
    assert judged(high[::-1], CPU) == [said]


def test_without_a_limit_or_without_enough_requests_nothing_is_over_it() -> None:
    free = CPU.model_copy(update={"limit": None})
    assert judged([cpu(m, 0.95, before=None) for m in (1, 2, 3)], free) == []
    few = [compared(ERRORS, START + m * MINUTE, Counts(bad=9, total=9)) for m in (1, 2, 3)]
    missing = [Reading(at=START + m * MINUTE, metric="errors", missing="no data") for m in (4, 5, 6)]
    assert judged([*few, *missing], ERRORS) == []


def test_a_saturation_is_worse_if_it_rose_more_often_in_a_row_than_a_coin_would_show() -> None:
    fuller = [cpu(m, 0.8) for m in range(1, 11)]  # 10 coins: 1 in 1024, and 1 in 1000 is the bound
    assert judged(fuller, CPU) == ["cpu rose from 0.4 1w before to 0.8, 10 times in a row"]
    assert judged(fuller[1:], CPU) == []
    assert judged([cpu(m, 0.5) for m in range(1, 11)], CPU) == []


def test_a_metric_that_was_not_read_for_longer_than_its_window_is_a_hole_with_its_reason() -> None:
    metric = ERRORS.model_copy(update={"window": 3 * MINUTE})
    read = [errors(START + m * MINUTE, 10) for m in (1, 2, 6, 7, 8, 9)]
    lost = [Reading(at=START + m * MINUTE, metric="errors", missing="no answer") for m in (3, 4, 5)]
    found = list(holes([*read, *lost], (metric,), START, START + 10 * MINUTE, MINUTE, 3))
    assert found == ["errors was not read for 4m from 2026-03-02T12:02:00+00:00: no answer"]
    assert list(holes([*read, *lost], (ERRORS,), START, START + 10 * MINUTE, MINUTE, 3)) == []
    silent = list(holes(read, (metric,), START, START + 10 * MINUTE, MINUTE, 3))
    assert silent == ["errors was not read for 4m from 2026-03-02T12:02:00+00:00"]


def test_a_metric_with_too_little_traffic_is_a_hole() -> None:
    few = [compared(ERRORS, START + m * MINUTE, Counts(bad=0, total=9)) for m in range(1, 11)]
    found = list(holes(few, (ERRORS,), START, START + 10 * MINUTE, MINUTE, 3))
    assert found == ["errors had enough to be compared at 0 of 10 looks, not at 3"]
    limited = ERRORS.model_copy(update={"compare": False})
    found = list(holes(few, (limited,), START, START + 10 * MINUTE, MINUTE, 3))
    assert found == ["errors had enough to be judged at 0 of 10 looks, not at 3"]


@pytest.mark.parametrize(
    ("metric", "seen", "said"),
    [
        (ERRORS, None, "nothing"),
        (ERRORS, Side(value=None), "no requests"),
        (ERRORS, Side(value=0.025, bad=10, total=400), "2.5 % (10 of 400 requests)"),
        (P95, Side(value=0.12345, total=400), "0.123 s (400 requests)"),
        (CPU, Side(value=0.8333), "0.833"),
    ],
)
def test_a_window_is_told_in_its_own_unit(metric: Metric, seen: Side | None, said: str) -> None:
    assert told(metric, seen) == said
