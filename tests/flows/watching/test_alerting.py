"""The watch tells in the release's thread what goes bad and what recovers, with the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from flows.stages.alerting import raise_alerts
from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import LOOPBACK, Server
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.release import Phase
from tasks import context, posts, probes, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import new_events

Team = Any
SUBJECT = "release:shop:1.4.0"
DEPLOYED = datetime(2026, 11, 20, 10, tzinfo=UTC)
SHA, BEFORE = "a" * 40, "b" * 40
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Shop:
    """A shop that answers as it is told, path by path; 200 where it was told nothing."""

    url: str = ""
    statuses: dict[str, int] = field(default_factory=dict[str, int])

    async def answer(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("", self.statuses.get(request.url.path, 200))


@pytest.fixture
def shop(team: Team) -> Iterator[Shop]:
    """Production, served; the policy asks it for two pages every five minutes, and allows three bad looks."""
    shop = Shop()
    server = Server(Starlette(routes=[Route("/{path:path}", shop.answer)]))
    shop.url = server.url
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    rules["projects"][0]["production_url"] = shop.url
    rules["watch"] = {
        "rules": {"lasts": "1h", "every": "5m", "failures_allowed": 3},
        "probes": [{"name": "health", "path": "/healthz"}, {"name": "cart", "path": "/cart"}],
    }
    path.write_text(json.dumps(rules))
    live(team)
    yield shop
    server.stop()


def live(team: Team) -> None:
    """1.4.0 is in production, and its card is in the channel."""
    facts: tuple[e.ReleaseEvent, ...] = (
        e.Planned(project="shop", version="1.4.0", issues=("SHOP-1",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA, previous_tag="1.3.0", previous_sha=BEFORE),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=DEPLOYED),
    )
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=DEPLOYED)
    seen = walk(0)
    content = release_messages.card(seen.release, seen.project, "")
    posts.post.fn("card", team.releases, content, release_messages.card_key(SUBJECT), subject=SUBJECT)


def walk(tick: float) -> ReleaseWalk:
    return ReleaseWalk(SUBJECT, DEPLOYED + timedelta(minutes=5 * tick), lambda: None)


def look(tick: int) -> ReleaseWalk:
    """One walk at that tick: look at the shop, put on record what it means, and say it."""
    seen = walk(tick)
    asked = seen.policy.watch.probes
    saw = probes.observe.fn(seen.project.production_url, asked, tick, seen.now)
    seen.append(e.WatchTicked(tick=len(seen.release.ticks) + 1, at=seen.now, observations=tuple(saw)))
    return say(tick)


def say(tick: float) -> ReleaseWalk:
    seen = walk(tick)
    seen.step(raise_alerts)
    seen.settle()
    return seen


@pytest.fixture
def thread(team: Team) -> Callable[[], list[dict[str, Any]]]:
    """The replies under the release's card, as Slack answers them."""

    def replies() -> list[dict[str, Any]]:
        [card] = [m for m in team.messages(team.releases) if "Shop 1.4.0" in m["text"] and "blocks" in m]
        return team.messages(team.releases, card["ts"])[1:]

    return replies


def words(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages if message["text"]]


def pictures(team: Team, messages: list[dict[str, Any]]) -> list[bytes]:
    """The files of these messages, fetched as the app would."""
    urls = [file["url_private"] for message in messages for file in message.get("files", [])]
    auth = {"Authorization": "Bearer xoxb-sandbox"}
    return [httpx.get(url, headers=auth, **LOOPBACK).raise_for_status().content for url in urls]


def test_a_watch_without_a_fault_says_nothing(team: Team, shop: Shop, thread: Any) -> None:
    look(1)
    assert walk(1).release.ticks[0].observations[0].status == 200
    assert thread() == []


def test_a_cause_is_told_once_with_its_graph_and_once_more_when_it_is_over(
    team: Team, shop: Shop, thread: Any
) -> None:
    shop.statuses["/cart"] = 503
    look(1)
    look(2)
    assert words(thread()) == ["Shop 1.4.0: cart is bad"]
    said = str(thread()[0]["blocks"])
    assert "cart: answered 503" in said
    assert "since 2026-11-20 10:05:00 UTC" in said
    assert f"{shop.url}/cart" in said
    shop.statuses.clear()
    look(3)
    assert len(words(thread())) == 1
    look(4)
    look(5)
    assert words(thread()) == ["Shop 1.4.0: cart is bad", "Shop 1.4.0: cart has recovered"]
    over = next(m for m in thread() if m["text"].endswith("has recovered"))
    assert "after 10m" in str(over["blocks"])
    drawn = pictures(team, thread())
    assert [picture[:8] for picture in drawn] == [PNG, PNG]
    assert drawn[0] != drawn[1]


def test_two_causes_are_two_alerts(team: Team, shop: Shop, thread: Any) -> None:
    shop.statuses |= {"/cart": 503, "/healthz": 500}
    look(1)
    assert sorted(words(thread())) == ["Shop 1.4.0: cart is bad", "Shop 1.4.0: health is bad"]
    assert len(pictures(team, thread())) == 2


def test_what_alertmanager_says_is_told_in_the_thread_once(team: Team, shop: Shop, thread: Any) -> None:
    told = {"name": "HighErrorRate", "severity": "critical", "summary": "5 % <fail>", "starts_at": DEPLOYED}
    for status in ("firing", "resolved"):
        fact = {**told, "fingerprint": "f", "status": status, "url": "http://prometheus.example/graph"}
        walk(1).append(e.AlertReceived.model_validate(fact))
        say(1)
        say(2)
    assert words(thread()) == [
        "Alertmanager: HighErrorRate is firing (critical)",
        "Alertmanager: HighErrorRate is resolved (critical)",
    ]
    said = str(thread()[0]["blocks"])
    assert "5 % &lt;fail&gt;" in said
    assert "http://prometheus.example/graph" in said


def test_the_tick_that_ends_the_watch_is_told_too(team: Team, shop: Shop, thread: Any) -> None:
    shop.statuses["/cart"] = 503
    seen = walk(1)
    saw = probes.observe.fn(shop.url, seen.policy.watch.probes, 1, seen.now)
    seen.append(e.WatchTicked(tick=1, at=seen.now, observations=tuple(saw)))
    seen.append(e.RollbackStarted(person=None, reasons=("bad",), to_tag="1.3.0", to_sha=BEFORE))
    assert say(1).phase is Phase.ROLLING_BACK
    assert words(thread()) == ["Shop 1.4.0: cart is bad"]
    back = e.RolledBack(to_sha=BEFORE, pipeline_id=4, at=DEPLOYED + timedelta(minutes=21))
    walk(2).append(back)
    say(5)
    say(6)
    assert words(thread()) == ["Shop 1.4.0: cart is bad", "Shop 1.4.0: cart has recovered"]
    assert "production serves 1.3.0 again" in str(thread())


def test_a_slack_that_is_down_neither_stops_the_watch_nor_loses_the_alert(
    team: Team, shop: Shop, thread: Any
) -> None:
    shop.statuses["/cart"] = 503
    team.slack_sandbox.faults.order(Fault("POST /api/chat.postMessage", "503", times=1))
    with pytest.raises(Transient):
        look(1)
    assert [a.cause for a in walk(1).release.alerts_raised] == ["cart"]
    assert thread() == []
    say(2)
    assert words(thread()) == ["Shop 1.4.0: cart is bad"]


def test_an_answer_that_is_lost_leaves_one_picture(team: Team, shop: Shop, thread: Any) -> None:
    shop.statuses["/cart"] = 503
    team.slack_sandbox.faults.order(Fault("POST /api/files.completeUploadExternal", "drop_after", times=1))
    look(1)
    look(2)
    assert len(pictures(team, thread())) == 1


def test_a_picture_that_is_refused_keeps_no_alert_back(team: Team, shop: Shop, thread: Any) -> None:
    shop.statuses |= {"/cart": 503, "/healthz": 500}
    team.slack_sandbox.faults.order(Fault("POST /api/files.getUploadURLExternal", "403", times=9))
    look(1)
    assert len(words(thread())) == 2
    assert pictures(team, thread()) == []
