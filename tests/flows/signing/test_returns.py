"""Whoever wrote it hears why it comes back: from Slack, read back as that person sees it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from integrations.settings import settings
from lifecycle import events as e
from tasks import context, returning
from tasks.walk import new_events
from tests.flows.conftest import CAST

Team = Any
SUBJECT = "release:shop:1.4.0"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
SAID = "Quinn (QA) returned {} of Shop 1.4.0"


@pytest.fixture
def returned(team: Team) -> str:
    """Quinn has returned an issue of a candidate that Dora and Emil wrote; its key."""
    key = team.file("clara", "Search")
    sha = "a" * 40
    facts: tuple[e.ReleaseEvent, ...] = (
        e.Planned(project="shop", version="1.4.0", issues=(key,), base="main", plan_hash="p"),
        e.CandidateCut(
            number=1, tag="1.4.0-rc.1", sha=sha, branch="release/1.4.0", authors=("dora", "emil", "gone")
        ),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=sha, url="http://staging.example", pipeline_id=2),
        e.SignOffAsked(
            request="r",
            step="qa",
            number=1,
            issue=key,
            sha=sha,
            plan_hash="p",
            environment="staging",
            due=NOW,
        ),
        e.Returned(request="r", step="qa", issue=key, person="quinn", reason="<teapot> is lost", door="cli"),
    )
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=NOW)
    return key


def heard(team: Team, issue: str) -> list[str]:
    """Who was told, as often as they were; the bot sees what it wrote."""
    said = SAID.format(issue)
    people = [who for who in CAST if not CAST[who].is_bot]
    return [who for who in people for _ in range(team.seen_by(who).count(f"*{said}*"))]


def test_the_assignee_hears_it_once_with_the_reason(team: Team, returned: str) -> None:
    team.assign(returned, "dora")
    for _ in range(2):
        returning.tell_author.fn(SUBJECT, "r", returned)
    assert heard(team, returned) == ["dora"]
    assert "&lt;teapot&gt; is lost" in team.seen_by("dora")


def test_where_nobody_is_assigned_whoever_wrote_the_candidate_hears_it(team: Team, returned: str) -> None:
    returning.tell_author.fn(SUBJECT, "r", returned)
    assert heard(team, returned) == ["dora", "emil"]


def test_nobody_is_told_what_they_said_themselves(team: Team, returned: str) -> None:
    team.assign(returned, "quinn")
    returning.tell_author.fn(SUBJECT, "r", returned)
    assert heard(team, returned) == []


def test_what_was_not_returned_is_told_to_nobody(team: Team, returned: str) -> None:
    returning.tell_author.fn(SUBJECT, "another", returned)
    assert heard(team, returned) == []


def test_what_slack_did_not_take_is_told_by_the_next_walk(team: Team, returned: str) -> None:
    team.slack_sandbox.faults.order(Fault("POST /api/chat.postMessage", "503", times=1))
    with pytest.raises(Transient):
        returning.tell_author.fn(SUBJECT, "r", returned)
    for _ in range(2):
        returning.tell_author.fn(SUBJECT, "r", returned)
    assert heard(team, returned) == ["dora", "emil"]


def test_an_author_whom_slack_does_not_know_holds_up_nothing(team: Team, returned: str) -> None:
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    next(p for p in rules["people"] if p["id"] == "dora")["slack"] = "U0NOBODY"
    path.write_text(json.dumps(rules))
    returning.tell_author.fn(SUBJECT, "r", returned)
    assert heard(team, returned) == ["emil"]
