"""Alerts of the watch: each cause once for each time that it goes bad, and once when that is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle.alerts import deciding, due, firing, open_alert
from lifecycle.phases import IllegalEvent
from lifecycle.policy import Alerting
from lifecycle.watch import Firing, Observation, WatchRules
from tests.lifecycle.story import NOW, Story, later, live, sha, signed_off

RULES = WatchRules(every=timedelta(minutes=5), max_latency_ms=1000)
ALERTING = Alerting()
BAD = {"ok": False, "status": 503}
SLOW = {"ok": True, "status": 200, "latency_ms": 1500.0}
GOOD = {"ok": True, "status": 200, "latency_ms": 20.0}


def seen(minutes: float, probe: str = "cart", **what: Any) -> Observation:
    return Observation.model_validate({"at": later(minutes), "probe": probe, **what})


def look(story: Story, minutes: float, *observations: Observation) -> tuple[e.ReleaseEvent, ...]:
    """One tick, and what it means; that is put on record."""
    number = len(story.release.ticks) + 1
    story.tell(e.WatchTicked(tick=number, at=later(minutes), observations=observations))
    said = due(story.release, RULES, ALERTING)
    story.tell(*said)
    return said


def test_nothing_is_due_without_a_look_or_after_good_ones() -> None:
    story = live()
    assert due(story.release, RULES, ALERTING) == ()
    assert look(story, 5, seen(5, **GOOD)) == ()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"ok": False, "status": None, "detail": "ReadTimeout"}, "cart: no answer (ReadTimeout)"),
        (BAD, "cart: answered 503"),
        (SLOW, "cart: 1500 ms, 1000 ms allowed"),
    ],
)
def test_what_was_bad_is_said_in_words(what: dict[str, Any], says: str) -> None:
    [raised] = look(live(), 5, seen(5, **what))
    assert raised == e.AlertRaised(cause="cart", number=1, reason=says, at=later(5))


def test_a_cause_that_stays_bad_is_raised_once_and_again_only_after_it_recovered() -> None:
    story = live()
    assert len(look(story, 5, seen(5, **BAD))) == 1
    assert look(story, 10, seen(10, **SLOW)) == ()
    assert look(story, 15, seen(15, **GOOD)) == ()
    assert look(story, 20, seen(20, **BAD)) == ()
    assert look(story, 25, seen(25, **GOOD)) == ()
    over = e.AlertRecovered(cause="cart", number=1, reason="2 good looks in a row", at=later(25))
    assert look(story, 30, seen(30, **GOOD)) == (over,)
    assert open_alert(story.release, "cart") is None
    assert look(story, 35, seen(35, **GOOD)) == ()
    [again] = look(story, 40, seen(40, **BAD))
    assert again == e.AlertRaised(cause="cart", number=2, reason="cart: answered 503", at=later(40))
    assert open_alert(story.release, "cart") == again


def test_an_alert_is_raised_since_the_first_of_as_many_bad_looks_as_the_policy_wants() -> None:
    story = live()
    for minutes in (5, 10):
        tick = e.WatchTicked(tick=int(minutes / 5), at=later(minutes), observations=(seen(minutes, **BAD),))
        story.tell(tick)
        said = due(story.release, RULES, Alerting(raise_after=2))
    assert [fact.at for fact in said if isinstance(fact, e.AlertRaised)] == [later(5)]


def test_the_causes_of_one_tick_are_alerts_of_their_own() -> None:
    said = look(live(), 5, seen(5, **BAD), seen(5, "health", **BAD), seen(5, "home", **GOOD))
    assert [fact.cause for fact in said if isinstance(fact, e.AlertRaised)] == ["cart", "health"]


def test_a_rollback_takes_back_what_is_open_and_raises_nothing_more() -> None:
    story = live()
    look(story, 5, seen(5, **BAD))
    story.tell(e.WatchTicked(tick=2, at=later(10), observations=(seen(10, "health", **BAD),)))
    story.start_rollback()
    story.tell(e.RolledBack(to_sha=sha(0), pipeline_id=9, at=later(12)))
    said = due(story.release, RULES, ALERTING)
    back = "production serves 1.3.0 again"
    assert said == (e.AlertRecovered(cause="cart", number=1, reason=back, at=later(12)),)


def test_another_attempt_begins_without_alerts() -> None:
    story = live()
    look(story, 5, seen(5, **BAD))
    story.tell(received("f1", "firing")).start_rollback().roll_back().resume()
    story.start_production(attempt=2)
    release = story.release
    assert (release.alerts_raised, release.alerts_recovered, release.alerts_received) == ((), (), ())


def received(fingerprint: str, status: str, minutes: float = 1) -> e.AlertReceived:
    return e.AlertReceived.model_validate(
        {"fingerprint": fingerprint, "status": status, "name": "HighErrors", "starts_at": later(minutes)}
    )


def test_what_alertmanager_says_fires_until_it_is_resolved_whatever_the_order() -> None:
    story = live()
    assert firing(story.release) == ()
    story.tell(received("b", "resolved"), received("a", "firing"), received("b", "firing"))
    assert firing(story.release) == (received("a", "firing"),)
    story.tell(received("b", "firing", 9))
    assert [alert.fingerprint for alert in firing(story.release)] == ["a", "b"]


def test_only_alerts_of_the_policys_severities_that_began_since_it_is_live_decide() -> None:
    critical = Alerting(deciding=("critical",))
    assert deciding(signed_off().release, critical) == ()
    severe = {"severity": "critical", "summary": "lost"}
    story = live().tell(
        received("before", "firing", -1).model_copy(update=severe),
        received("since", "firing", 0).model_copy(update=severe),
        received("over", "firing").model_copy(update=severe),
        received("over", "resolved").model_copy(update=severe),
        received("mild", "firing").model_copy(update={"severity": "warning"}),
    )
    found = Firing(fingerprint="since", name="HighErrors", summary="lost", since=later(0))
    assert deciding(story.release, critical) == (found,)
    assert deciding(story.release, Alerting()) == ()


def test_an_episode_is_raised_once_and_over_once() -> None:
    raised = e.AlertRaised(cause="cart", number=1, reason="r", at=NOW)
    over = e.AlertRecovered(cause="cart", number=1, reason="r", at=NOW)
    unfit: list[tuple[Story, e.ReleaseEvent, str]] = [
        (live(), over, "this alert is not open"),
        (live(), raised.model_copy(update={"number": 2}), "the alert is 1, not 2"),
        (live(), raised.model_copy(update={"attempt": 2}), "the attempt is 1, not 2"),
        (live().tell(raised), raised.model_copy(update={"number": 2}), "this alert is open already"),
        (live().tell(raised), over.model_copy(update={"number": 2}), "the alert is 1, not 2"),
        (live(), received("a", "firing").model_copy(update={"attempt": 2}), "the attempt is 1, not 2"),
    ]
    for story, fact, why in unfit:
        with pytest.raises(IllegalEvent, match=why):
            story.tell(fact)


looks = st.lists(st.tuples(st.sampled_from([BAD, SLOW, GOOD]), st.sampled_from([BAD, GOOD])), max_size=12)


@given(looks)
def test_whatever_is_seen_every_alert_fits_and_a_repeat_says_nothing(
    ticks: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    story = live()
    for number, (cart, health) in enumerate(ticks, start=1):
        look(story, 5 * number, seen(5 * number, **cart), seen(5 * number, "health", **health))
        assert due(story.release, RULES, ALERTING) == ()
        for cause, last in (("cart", cart), ("health", health)):
            assert last is GOOD or open_alert(story.release, cause) is not None
    numbers = [alert.number for alert in story.release.alerts_raised if alert.cause == "cart"]
    assert numbers == list(range(1, len(numbers) + 1))
