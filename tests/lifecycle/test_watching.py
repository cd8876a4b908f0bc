"""The verdict on a release, from what its own ticks recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle import events as e
from lifecycle.policy import Probe, Watch
from lifecycle.readings import Reading
from lifecycle.watch import Firing, Observation, WatchRules, WatchState
from lifecycle.watch_metrics import Saturation
from lifecycle.watching import verdict_on
from tests.lifecycle.story import NOW, live, signed_off

WATCH = Watch(
    rules=WatchRules(lasts=timedelta(minutes=10), every=timedelta(minutes=5), minimum_observations=1),
    probes=(Probe(name="cart", path="/cart"),),
    metrics=(Saturation(name="cpu", kind="saturation", level="l", limit=0.9),),
)


def test_probes_and_metrics_of_all_ticks_are_judged_together() -> None:
    story, began = live(), NOW
    for tick in (1, 2):
        at = began + tick * timedelta(minutes=5)
        seen = (Observation(at=at, probe="cart", ok=True),)
        story = story.tell(
            e.WatchTicked(
                tick=tick, at=at, observations=seen, readings=(Reading(at=at, metric="cpu", missing="?"),)
            )
        )
    verdict = verdict_on(story.release, WATCH, began + timedelta(minutes=10))
    assert verdict.state is WatchState.INCONCLUSIVE
    assert verdict.reasons == ("cpu had enough to be compared at 0 of 2 looks, not at 1",)


def test_before_production_there_is_nothing_to_judge() -> None:
    assert verdict_on(signed_off().release, WATCH, NOW).state is WatchState.WATCHING


def test_a_watch_that_would_compare_a_version_with_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="would compare a version with itself"):
        Watch.model_validate({**WATCH.model_dump(), "comparison": {"before": "5m"}})


def ticked(*firing: Firing, tick: int) -> e.WatchTicked:
    at = NOW + tick * timedelta(minutes=1)
    return e.WatchTicked(tick=tick, at=at, observations=(), firing=firing)


LOST = Firing(fingerprint="a", name="OrdersLost", since=NOW)
SLOW = Firing(fingerprint="b", name="Slow", summary="p95 is 3 s", since=NOW)


def test_an_alert_that_fires_as_often_in_a_row_as_no_probe_may_be_bad_is_unhealthy() -> None:
    story = live().tell(*(ticked(LOST, SLOW, tick=tick) for tick in (1, 2)), ticked(SLOW, tick=3))
    verdict = verdict_on(story.release, WATCH, NOW + timedelta(minutes=3))
    assert verdict.state is WatchState.UNHEALTHY
    assert verdict.reasons == ("Alertmanager's Slow fired at 3 looks in a row: p95 is 3 s",)
    story.tell(*(ticked(LOST, tick=tick) for tick in (4, 5, 6)))
    assert verdict_on(story.release, WATCH, NOW + timedelta(minutes=6)).reasons == (
        "Alertmanager's OrdersLost fired at 3 looks in a row",
        "Alertmanager's Slow fired at 3 looks in a row: p95 is 3 s",
    )


@given(st.lists(st.booleans(), max_size=12))
def test_an_alert_counts_like_a_probe_that_is_bad_as_long_as_it_fires(fires: list[bool]) -> None:
    looks = [ticked(*([LOST] if fired else []), tick=n) for n, fired in enumerate(fires, 1)]
    state = verdict_on(live().tell(*looks).release, WATCH, NOW + timedelta(minutes=9)).state
    allowed = "x" * (WATCH.rules.failures_allowed + 1)
    row = "".join("x" if fired else "." for fired in fires)
    assert (state is WatchState.UNHEALTHY) == (allowed in row)
