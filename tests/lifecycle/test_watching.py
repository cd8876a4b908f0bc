"""The verdict on a release, from what its own ticks recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from lifecycle import events as e
from lifecycle.policy import Probe, Watch
from lifecycle.readings import Reading
from lifecycle.watch import Observation, WatchRules, WatchState
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
