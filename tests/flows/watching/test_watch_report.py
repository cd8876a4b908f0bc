"""The report at the end of the watch, told in the release's thread: with the real shop's own log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.stages.watch_report import report_watch
from integrations.sandbox.http import LOOPBACK
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.watch import Observation
from tasks import context, posts, release_messages, watch_report
from tasks.release_walk import ReleaseWalk
from tasks.walk import new_events
from tests.flows.watching.shop import RealShop, running

Team = Any
SUBJECT = "release:shop:1.4.0"
SHA, BEFORE = "a" * 40, "b" * 40


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RealShop]:
    with running(tmp_path / "production", SHA) as shop:
        yield shop


def policy(**project: Any) -> None:
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["projects"][0] |= project
    path.write_text(json.dumps(data))


def live(team: Team, deployed: datetime, ticks: int = 2) -> None:
    """1.4.0 was watched from `deployed` to now; its card is in the channel."""
    now = datetime.now(UTC)
    facts: list[e.ReleaseEvent] = [
        e.Planned(project="shop", version="1.4.0", issues=("SHOP-1",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA, previous_tag="1.3.0", previous_sha=BEFORE),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=deployed),
    ]
    for number in range(1, ticks + 1):
        seen = Observation(at=now, probe="health", ok=True, status=200, latency_ms=12)
        facts.append(e.WatchTicked(tick=number, at=now, observations=(seen,)))
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=now)
    content = release_messages.card(walk().release, walk().project, "")
    posts.post.fn("card", team.releases, content, release_messages.card_key(SUBJECT), subject=SUBJECT)


def walk() -> ReleaseWalk:
    return ReleaseWalk(SUBJECT, datetime.now(UTC), lambda: None)


def reports(team: Team) -> list[str]:
    """What the thread says, as text."""
    [card] = [m for m in team.messages(team.releases) if "Shop 1.4.0" in m["text"] and "blocks" in m]
    replies = team.messages(team.releases, card["ts"])[1:]
    return [json.dumps(reply["blocks"], ensure_ascii=False) for reply in replies]


def test_while_the_watch_goes_on_there_is_no_report(team: Team) -> None:
    live(team, datetime.now(UTC) - timedelta(hours=1))
    assert report_watch(walk()) is None
    assert reports(team) == []


def test_a_new_error_in_the_shops_log_is_told_once_with_what_was_slow(team: Team, shop: RealShop) -> None:
    policy(logs={"production": f"file:{shop.log}"})
    with httpx.Client(base_url=shop.url, **LOOPBACK) as customer:
        for _ in range(3):
            customer.get("/").raise_for_status()
    deployed = datetime.now(UTC)
    with httpx.Client(base_url=shop.url, **LOOPBACK) as customer:
        customer.get("/api/products").raise_for_status()
    with shop.log.open("a") as log:  # as the shop writes what goes wrong
        for product in (7, 8):
            line = {"time": datetime.now(UTC).isoformat(), "level": "error", "message": "request"}
            line |= {"path": "/cart", "ms": 900.0, "error": f"KeyError: no price for {product}, token=abc123"}
            log.write(json.dumps(line) + "\n")
    live(team, deployed)
    walk().append(e.WatchEnded(verdict="healthy"))
    watch_report.publish.fn(SUBJECT)
    watch_report.publish.fn(SUBJECT)
    [said] = reports(team)
    assert "Shop 1.4.0: report of the watch, healthy" in said
    assert "2 ticks, 0 of 2 looks bad, 0 alerts" in said
    assert re.search(r"slowest: /cart 900 ms, /api/products \d+ ms", said)
    assert "new: request: KeyError: no price for N, token=••• (0 → 2)" in said
    assert "abc123" not in said
    assert report_watch(walk()) is None
    assert len(reports(team)) == 1


def test_a_log_that_cannot_be_read_is_said_and_keeps_no_report_back(team: Team, tmp_path: Path) -> None:
    policy(logs={"production": f"file:{tmp_path / 'none.log'}"})
    live(team, datetime.now(UTC) - timedelta(hours=1))
    walk().append(e.WatchEnded(verdict="inconclusive"))
    watch_report.publish.fn(SUBJECT)
    [said] = reports(team)
    assert "The log could not be read: logs: read" in said


def test_without_a_log_in_the_policy_the_probes_are_reported(team: Team) -> None:
    live(team, datetime.now(UTC) - timedelta(hours=1))
    walk().append(e.WatchEnded(verdict="healthy"))
    watch_report.publish.fn(SUBJECT)
    [said] = reports(team)
    assert "slowest: health 12 ms" in said
    assert "No log is named in the policy" in said
