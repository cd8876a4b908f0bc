"""Production goes back on the real shop: what is told, what waits, and how long it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.stages.held import hold
from flows.stages.production import release_to_production, tell_everybody
from flows.stages.rolling_back import roll_back
from flows.stages.watching import watch
from integrations.sandbox.jira import catalogue
from lifecycle import events as e
from lifecycle import rollback as rules
from lifecycle.release import Phase
from lifecycle.rollback import NoWay
from lifecycle.watch import Observation
from tasks import alertmanager, context, rollbacks
from tasks.decisions import Decision, decide

Shop = Any
STAGES = (hold, release_to_production, tell_everybody, watch, roll_back)


def live(shop: Shop, *keys: str, **how: Any) -> str:
    """A release that production really serves."""
    stream = shop.signed(*keys, **how)
    walk = shop.walk_on(stream, release_to_production, tell_everybody)
    assert (walk.phase, shop.serves()) == (Phase.WATCHING, shop.second)
    return stream


def tick(shop: Shop, stream: str, *, ok: bool, number: int = 1) -> datetime:
    """What the watch saw at that tick, three looks long; when it was."""
    now, attempt = datetime.now(UTC), shop.release(stream).attempt
    seen = tuple(
        Observation(
            at=now - timedelta(milliseconds=n), probe="cart", ok=ok, status=200 if ok else 500, latency_ms=12
        )
        for n in range(3)
    )
    shop.tell(stream, e.WatchTicked(attempt=attempt, tick=number, at=now, observations=seen))
    return now


def incident(shop: Shop) -> Any:
    """The newest incident in Jira."""
    del shop
    [*_, newest] = context.jira().search("project = SHOP AND labels = incident ORDER BY key ASC")
    return newest


def test_what_was_never_in_production_is_not_rolled_back(shop: Shop) -> None:
    stream = shop.signed()
    with pytest.raises(NoWay, match="has not been in production"):
        rollbacks.look(stream)
    said = rollbacks.decide_back(stream, "olli", "slack", "why not")
    assert (said.accepted, shop.release(stream).rollback) == (False, None)


def test_an_unhealthy_release_is_taken_back_within_the_limit_and_everybody_is_told(shop: Shop) -> None:
    key = shop.issue("Gift wrap")
    stream = live(shop, key)
    version = stream.split(":")[2]
    seen_at = tick(shop, stream, ok=False)
    walk = shop.walk_on(stream, *STAGES, until="Rolled back")
    release = walk.release
    assert shop.serves() == shop.first
    took_s = release.rolled_back.took_s
    assert took_s == (release.rolled_back.at - seen_at).total_seconds()
    assert (shop.status(key), release.hold.person) == ("Waiting Release", None)
    issue = incident(shop)
    assert issue.summary == f"Shop {version} was rolled back to 1.3.0"
    assert "cart was bad 3 times in a row: answered 500" in issue.description
    assert "UTC cart: answered 500 in 12 ms" in issue.description
    said = shop.said()
    since = f"the tick that showed the fault ({seen_at:%H:%M:%S} UTC)"
    assert f"1.3.0 served again {took_s:.1f} s after {since}; all probes are well." in said
    assert [(one.probe, one.status) for one in release.rolled_back.seen] == [
        ("health", 200),
        ("catalogue", 200),
        ("cart", 200),
    ]
    # The way back is measured now, and the button is gone.
    [measured] = rollbacks.measured(stream)
    assert measured.endswith(f"took {took_s:.1f} s")
    assert "release.rollback" not in said.split(f"Shop {version} is live (rolled back since)")[1][:900]


def test_the_rollback_is_rolled_back_and_a_second_fault_waits_for_a_person(shop: Shop) -> None:
    stream = live(shop)
    version = stream.split(":")[2]
    tick(shop, stream, ok=False)
    shop.walk_on(stream, *STAGES, until="Rolled back")
    # Another release of the project has to wait.
    other = shop.signed()
    assert shop.walk(other, release_to_production).waiting.message == f"{version} is rolled back and held"
    assert rollbacks.decide_back(stream, "mara", "slack", "it was the network", version).accepted
    walk = shop.walk_on(stream, *STAGES, until="Watching")
    assert (walk.release.attempt, shop.serves()) == (2, shop.second)
    tick(shop, stream, ok=False)
    for _ in range(2):
        walk = shop.walk_on(stream, *STAGES)
        assert (walk.waiting.name, walk.phase, shop.serves()) == ("On hold", Phase.WATCHING, shop.second)
    assert len(walk.release.rollbacks) == 1
    assert shop.said().count(f'"text":"Shop {version} is unhealthy again and stays') == 1
    # A person takes it back.
    assert rollbacks.decide_back(stream, "olli", "slack", "it is bad").accepted
    shop.walk_on(stream, *STAGES, until="Rolled back")
    assert shop.serves() == shop.first


def test_who_releases_the_hold_after_a_second_fault_keeps_it_and_the_watch_ends_inconclusive(
    shop: Shop,
) -> None:
    stream = live(shop)
    tick(shop, stream, ok=False)
    shop.walk_on(stream, *STAGES, until="Rolled back")
    assert decide(Decision("resume", stream, "mara", "slack")).accepted
    shop.walk_on(stream, *STAGES, until="Watching")
    tick(shop, stream, ok=False)
    shop.walk_on(stream, *STAGES, until="On hold")
    assert decide(Decision("resume", stream, "mara", "slack", "known")).accepted
    assert shop.walk(stream, *STAGES).waiting.message.startswith("kept by a person: cart was bad")
    walk = shop.walk(stream, *STAGES, now=datetime.now(UTC) + timedelta(days=2))
    assert (walk.release.watch.verdict, walk.phase, len(walk.release.rollbacks)) == (
        "inconclusive",
        Phase.FEEDBACK,
        1,
    )


def test_any_earlier_version_is_a_way_back_and_takes_the_issues_between_along(
    shop: Shop, rule: Callable[..., None]
) -> None:
    rule(contracts=["shop/extra.py"], top={"no_return": ["management"]})
    below, key = shop.issue("Search"), shop.issue("Gift wrap")
    first = live(shop, below, irreversible=("0002_orders",))
    shop.tell(first, e.WatchEnded(verdict="healthy"))
    third = shop.third()
    stream = shop.signed(key, sha=third)
    shop.walk_on(stream, release_to_production, tell_everybody)
    assert shop.serves() == third
    way = rollbacks.look(stream, "1.3.0")
    assert (way.issues, way.also) == ((key,), (below,))
    assert way.unsafe == (
        "migrations cannot be taken back: 0002_orders",
        "others may rely on what changed in shop/extra.py",
    )
    assert [change.title for change in way.commits] == ["Add shop/extra.py", "Add shop/more.py"]
    near = rollbacks.look(stream)
    assert (near.to.tag, near.also, near.unsafe) == (first.split(":")[2], (), ())
    with pytest.raises(NoWay, match=f"production serves {stream.split(':')[2]}"):
        rollbacks.look(first)
    assert not rollbacks.decide_back(stream, "gerd", "slack", "bad", "1.3.0").accepted
    assert rollbacks.decide_back(stream, "gerd", "slack", "bad", "1.3.0", force=True).accepted
    shop.walk_on(stream, *STAGES, until="Rolled back")
    assert shop.serves() == shop.first
    assert {shop.status(below), shop.status(key)} == {"Waiting Release"}


def closed(shop: Shop, stream: str, key: str) -> None:
    """The watch and the feedback over this release are over, in Jira too."""
    shop.tell(stream, e.WatchEnded(verdict="healthy"), e.Closed())
    context.jira().transition(key, "Closed")


def test_a_closed_release_that_production_serves_is_taken_back_and_goes_out_again(shop: Shop) -> None:
    key = shop.issue("Gift wrap")
    stream = live(shop, key)
    version = stream.split(":")[2]
    closed(shop, stream, key)
    assert shop.walk(stream, *STAGES).ended
    assert rollbacks.decide_back(stream, "olli", "slack", "parcels get lost").accepted
    assert context.ledger().wakeup(stream).pending
    walk = shop.walk_on(stream, *STAGES, until="Rolled back")
    assert (shop.serves(), walk.release.hold.reason) == (shop.first, "rolled back: parcels get lost")
    assert incident(shop).description == "parcels get lost"
    # This Jira has no way back from Closed: the issue says what happened, once.
    [said] = shop.comments(key)
    assert shop.status(key) == "Closed"
    assert f"Shop {version} was rolled back to 1.3.0: production does not have this any more." in said
    other = shop.signed()
    assert shop.walk(other, release_to_production).waiting.message == f"{version} is rolled back and held"
    assert decide(Decision("resume", stream, "mara", "slack")).accepted
    walk = shop.walk_on(stream, *STAGES, until="Watching")
    assert (walk.release.attempt, shop.serves()) == (2, shop.second)


@pytest.fixture
def reopening(shop: Shop) -> Iterator[None]:
    """Jira's workflow has a way back from Closed."""
    way = catalogue.Transition("63", "Roll back", frozenset({"Closed"}), "Waiting Release")
    shop.vendors.jira.state.transitions.append(way)
    yield
    shop.vendors.jira.state.transitions.remove(way)


@pytest.mark.usefixtures("reopening")
def test_where_jira_has_a_way_back_from_closed_the_issue_waits_for_its_release_again(shop: Shop) -> None:
    key = shop.issue("Gift wrap")
    stream = live(shop, key)
    closed(shop, stream, key)
    assert rollbacks.decide_back(stream, "olli", "slack", "parcels get lost").accepted
    shop.walk_on(stream, *STAGES, until="Rolled back")
    assert shop.status(key) == "Waiting Release"


def test_alertmanagers_alert_takes_a_release_back_only_where_the_policy_lets_it_count(
    shop: Shop, rule: Callable[..., None]
) -> None:
    stream = live(shop)
    began = shop.release(stream).deployed.at
    labels = {"alertname": "OrdersLost", "project": "shop", "severity": "critical"}
    alert = {"status": "firing", "labels": labels, "startsAt": (began + timedelta(seconds=1)).isoformat()}
    told = {"alerts": [{**alert, "annotations": {"summary": "orders get lost"}, "fingerprint": "f1"}]}
    assert alertmanager.take(json.dumps(told).encode()) == "evidence of a watched release"
    for tick in (1, 2, 3):
        walk = shop.walk(stream, watch, now=began + timedelta(minutes=5 * tick))
        assert (walk.phase, walk.release.ticks[-1].firing) == (Phase.WATCHING, ())
    watched = context.policy().watch.model_dump(mode="json")
    rule(top={"watch": {**watched, "alerts": {"deciding": ["critical"]}}})
    for tick in (4, 5, 6):
        assert walk.phase is Phase.WATCHING
        walk = shop.walk(stream, watch, now=began + timedelta(minutes=5 * tick))
    assert walk.release.rollback.reasons == (
        "Alertmanager's OrdersLost fired at 3 looks in a row: orders get lost",
    )
    assert "Alertmanager's OrdersLost fires since" in rules.seen_bad(walk.release.ticks)[-1]


def test_a_target_whose_tag_was_moved_is_not_deployed(shop: Shop) -> None:
    stream = live(shop)
    version = stream.split(":")[2]
    assert rollbacks.decide_back(stream, "olli", "slack", "bad").accepted
    shop.untag("1.3.0")
    shop.tag("1.3.0", shop.second)
    try:
        walk = shop.walk(stream, *STAGES)
        assert walk.waiting.name == "Needs a person"
        assert f"stands at {shop.second}" in walk.waiting.message
        assert shop.serves() == shop.second
    finally:
        shop.untag("1.3.0")
        shop.tag("1.3.0", shop.first)
    shop.walk_on(stream, *STAGES, until="Rolled back")
    assert (shop.serves(), shop.release(stream).plan.version) == (shop.first, version)
