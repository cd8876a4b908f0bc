"""The watch as Prefect walks it, over restarts: ticks by the clock, gaps that are told, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from deployments.sandbox_policy import metrics
from flows.stages.watching import watch as stage
from integrations.settings import settings
from lifecycle import events as e
from lifecycle import timeline
from lifecycle.release import Phase, Release
from tasks import context
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait, new_events
from tests.watching.world import Watched

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]
Team = Any
SUBJECT = "release:shop:1.4.0"
SHA = "a" * 40
LIVE = datetime(2026, 11, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Died(Exception):
    """The process ended here."""


class Production:
    """Answers every page alike, and counts how often it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                world.asked += 1
                self.send_response(world.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def production(team: Team) -> Iterator[Production]:
    """1.4.0 is in production since `LIVE` and is watched for 20 minutes, every five."""
    served = Production()
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["projects"][0]["production_url"] = f"http://127.0.0.1:{served.server.server_port}"
    data["watch"] = {
        "rules": {"lasts": "20m", "every": "5m", "failures_allowed": 1, "minimum_observations": 2},
        "probes": [{"name": "cart", "path": "/cart"}],
    }
    path.write_text(json.dumps(data))
    key = team.file("dora", "Gift wrap")
    tell(
        *until_staged(key),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=LIVE),
    )
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def shop(team: Team, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> tuple[datetime, datetime]:
    """1.4.0 has broken the cart of a real shop, which a real Prometheus sees; the probe looks elsewhere."""
    monkeypatch.setenv("CONVEYOR_PROMETHEUS_URL", watched.prometheus.url)
    settings.cache_clear()
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["projects"][0]["production_url"] = watched.url
    data["watch"]["rules"] |= {"lasts": "20s", "every": "3s"}
    data["watch"] |= {"probes": [{"name": "health", "path": "/healthz"}], "metrics": metrics("demo")}
    path.write_text(json.dumps(data))
    return watched.replace(broken=True)


def until_staged(key: str) -> tuple[e.ReleaseEvent, ...]:
    return (
        e.Planned(project="shop", version="1.4.0", issues=(key,), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
    )


def tell(*facts: e.ReleaseEvent, at: datetime = LIVE) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=at)


@flow(name="one look at production")
def look(minute: float, *, dies: bool = False) -> Wait | None:
    """A walk at that time; one that `dies` does so before it can write anything."""

    def lease() -> None:
        if dies:
            raise Died

    walk = ReleaseWalk(SUBJECT, LIVE + minute * MINUTE, lease)
    return stage(walk)


def release() -> Release:
    return ReleaseWalk(SUBJECT, LIVE, lambda: None).release


def ticks() -> list[tuple[int, int]]:
    """The number of each tick, and how many were missed before it."""
    return [(tick.tick, tick.missed) for tick in release().ticks]


def history() -> str:
    return "\n".join(timeline.sentence(e.parse(event.data)) for event in context.ledger().events(SUBJECT))


def test_every_tick_is_looked_at_once_however_often_the_run_comes_by(production: Production) -> None:
    for minute in (0, 1, 5, 5, 7, 10.5, 15, 14, 15):
        waiting = look(minute)
        assert waiting is not None
        assert waiting.name == "Watching"
    assert ticks() == [(1, 0), (2, 0), (3, 0)]
    assert production.asked == 3
    assert waiting.until == LIVE + 20 * MINUTE
    assert waiting.message == "tick 3 of 4: healthy so far"
    assert look(20) is None
    assert (release().watch, release().phase) == (e.WatchEnded(verdict="healthy"), Phase.FEEDBACK)


def test_who_dies_between_the_look_and_its_record_shifts_no_number(production: Production) -> None:
    with pytest.raises(Died):
        look(5, dies=True)
    assert (production.asked, ticks()) == (1, [])
    look(6)
    look(10)
    assert ticks() == [(1, 0), (2, 0)]


def test_a_tick_that_was_due_while_nothing_ran_is_told_everywhere_and_never_ends_healthy(
    team: Team, production: Production
) -> None:
    look(5)
    waiting = look(15)
    gap = "tick 2 (20 Nov 10:10:00 UTC) missed: cart"
    assert waiting is not None
    assert waiting.message == f"tick 3 of 4: healthy so far; {gap}"
    assert ticks() == [(1, 0), (3, 1)]
    assert "tick 3: healthy; tick 2 was missed" in history()
    look(20)
    assert release().watch == e.WatchEnded(verdict="inconclusive", reasons=(gap,))
    assert f"the watch ended inconclusive: {gap}" in history()
    assert gap in str(team.messages(team.releases)[-1]["blocks"])


def test_a_restart_long_after_the_end_ends_inconclusive_at_once(production: Production) -> None:
    look(5)
    assert look(3 * 24 * 60) is None
    assert ticks() == [(1, 0), (4, 2)]
    gap = "ticks 2 to 4 (20 Nov 10:10:00 to 20 Nov 10:20:00 UTC) missed: cart"
    assert release().watch == e.WatchEnded(verdict="inconclusive", reasons=(gap,))


def test_a_clock_that_was_put_back_looks_at_no_tick_twice(production: Production) -> None:
    look(10)
    waiting = look(-60)
    assert waiting is not None
    assert waiting.until == LIVE + 5 * MINUTE
    look(5)
    assert ticks() == [(2, 1)]


def test_how_it_ended_is_told_once_though_the_run_died_before_it_could(
    team: Team, production: Production
) -> None:
    tell(e.WatchEnded(verdict="inconclusive", reasons=("no data",)))
    for _ in range(2):
        assert look(21) is None
    texts = [message["text"] for message in team.messages(team.releases)]
    assert texts == ["Shop 1.4.0: the watch ended inconclusive"]


def test_a_fault_without_an_earlier_version_ends_unhealthy_and_says_so(
    team: Team, production: Production
) -> None:
    production.status = 500
    look(5)
    assert look(10) is None
    reason = "cart was bad 2 times in a row: answered 500"
    assert release().watch == e.WatchEnded(verdict="unhealthy", reasons=(reason,))
    message = team.messages(team.releases)[-1]
    assert message["text"] == "Shop 1.4.0: the watch ended unhealthy"
    assert "no earlier version to go back to" in str(message["blocks"])


def test_a_version_whose_errors_rose_goes_back_though_every_probe_is_well(
    team: Team, shop: tuple[datetime, datetime]
) -> None:
    begun, live = shop
    started = e.ProductionStarted(number=1, tag="1.4.0", sha=SHA, previous_tag="1.3.0", previous_sha="b" * 40)
    tell(*until_staged(team.file("dora", "Gift wrap")))
    tell(started, at=begun)
    tell(e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=live), at=live)
    assert look((datetime.now(UTC) - LIVE) / MINUTE) is None
    assert release().phase is Phase.ROLLING_BACK
    assert release().ticks[0].observations[0].ok
    rollback = release().rollback
    assert rollback is not None
    assert (rollback.person, rollback.to_tag) == (None, "1.3.0")
    assert rollback.reasons[0].startswith("errors rose from 0 % (0 of ")
    assert "just before the release" in rollback.reasons[0]


def test_metrics_that_nobody_can_be_asked_for_end_inconclusive(production: Production) -> None:
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["watch"]["metrics"] = [{"name": "cpu", "kind": "saturation", "level": "cpu", "limit": 0.9}]
    path.write_text(json.dumps(data))
    for minute in (5, 10, 15, 20):
        look(minute)
    ended = release().watch
    assert ended is not None
    assert ended.verdict == "inconclusive"
    assert "cpu had enough to be compared at 0 of 4 looks, not at 2" in ended.reasons
    assert "cpu was not read: set CONVEYOR_PROMETHEUS_URL" in history()
