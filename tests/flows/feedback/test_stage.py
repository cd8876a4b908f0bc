"""The stage as Prefect walks it: asked, reminded, followed up, closed; and an answer after the closing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from flows.feedback import feedback as show
from flows.stages.feedback import feedback as stage
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import context
from tasks.decisions import Decision, decide
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait, new_events

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]
Team = Any
SUBJECT = "release:shop:1.4.0"
SHA = "a" * 40
DEPLOYED = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""A Friday."""


@pytest.fixture
def asked_about(team: Team) -> str:
    """Gerd's request, out with 1.4.0; who is asked after 2 days, reminded after 2, with 6 to answer."""
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["feedback"] = {"after": "2d", "remind_after": "2d", "closes_after": "6d", "settles_after": "1h"}
    path.write_text(json.dumps(data))
    key = team.take(team.from_slack("Gift wrap", "U0GERD", team.planning))
    for status in (
        Status.IN_PROGRESS,
        Status.CODE_REVIEW,
        Status.QA,
        Status.WAITING_RELEASE,
        Status.RELEASED,
    ):
        team.jira("bot").transition(key, context.policy().project("shop").statuses.to_theirs(status))
    tell(
        e.Planned(
            project="shop",
            version="1.4.0",
            issues=(key,),
            titles={key: "Gift wrap"},
            base="main",
            plan_hash="p",
        ),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=DEPLOYED),
        e.WatchEnded(verdict="healthy"),
    )
    return key


def tell(*facts: e.ReleaseEvent, at: datetime = DEPLOYED) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=at)


@flow(name="one look")
def look(now: datetime) -> tuple[Wait | None, bool]:
    walk = ReleaseWalk(SUBJECT, now, lambda: None)
    walk.step(stage)
    return walk.waiting, walk.ended


def at(days: float) -> datetime:
    return DEPLOYED + timedelta(days=days)


def walk() -> ReleaseWalk:
    return ReleaseWalk(SUBJECT, at(30), lambda: None)


def answer(said: str, now: datetime, comment: str = "", score: int | None = None) -> None:
    request = walk().release.feedback_asked[0].request
    wanted = Decision("feedback", request, "gerd", "slack", comment, answer=said, score=score)
    assert decide(wanted, now).accepted


def until(days: float) -> datetime:
    waiting, ended = look(at(days))
    assert waiting is not None
    assert (waiting.name, ended) == ("Awaiting feedback", False)
    return waiting.until


def test_a_run_is_due_when_there_is_something_to_do_and_reminds_once(team: Team, asked_about: str) -> None:
    assert until(0) == at(2)
    # Asked on Sunday; two days later is a Tuesday, 10:00.
    assert until(2) == at(4)
    assert until(3) == at(4)
    assert until(4) == at(8)
    assert until(5) == at(8)
    seen = team.seen_by("gerd")
    assert (seen.count('"Did Gift wrap help?"'), seen.count('"Reminder: did Gift wrap help?"')) == (1, 1)
    waiting, ended = look(at(8))
    assert (waiting, ended, walk().phase) == (None, True, Phase.CLOSED)
    assert "Nobody answered." in str(team.messages(team.releases)[-1]["blocks"])
    assert walk().release.ended == e.Closed(answers=0, asked=1)
    assert team.jira().issue(asked_about).status == "Closed"


def test_a_bare_not_waits_for_its_comment_and_becomes_a_request_before_the_closing(
    team: Team, asked_about: str
) -> None:
    until(2)
    before = team.issues()
    answer("not", at(3))
    assert until(3) == at(3) + timedelta(hours=1)
    assert team.issues() == before
    answer("", at(3) + timedelta(minutes=5), "No <ribbon>", 1)
    assert look(at(3) + timedelta(minutes=6)) == (None, True)
    [new] = [key for key in team.issues() if key not in before]
    assert "No <ribbon>" in team.jira().issue(new).description
    [closed] = [m for m in team.messages(team.releases) if m["text"] == "Shop 1.4.0 is closed"]
    said = str(closed["blocks"])
    assert "1 of 1 answered · 0 solved, 0 partly, 1 not · satisfaction 1.0 of 5" in said
    assert f"• {asked_about}: not (1 of 5; No &lt;ribbon&gt;)" in said
    assert f"goes on as {new}" in show(SUBJECT)


def test_a_release_that_was_superseded_ends_whatever_was_not_solved(team: Team, asked_about: str) -> None:
    until(2)
    answer("not", at(3))
    tell(
        e.RollbackStarted(person="mara", reasons=("bad",), to_tag="1.3.0", to_sha="b" * 40),
        e.RolledBack(to_sha="b" * 40, pipeline_id=4, at=at(3)),
        e.Superseded(by="1.4.1"),
        at=at(3),
    )
    before = team.issues()
    assert look(at(4)) == (None, True)
    assert team.issues() == before


def test_an_answer_after_the_closing_is_followed_up_too(team: Team, asked_about: str) -> None:
    until(2)
    assert look(at(9)) == (None, True)
    before = team.issues()
    answer("not", at(10), "Still no ribbon")
    assert not walk().ended
    assert look(at(10)) == (None, True)
    assert look(at(11)) == (None, True)
    [new] = [key for key in team.issues() if key not in before]
    assert team.jira().issue(new).links[0].key == asked_about
    page = show(SUBJECT)
    assert "Still no ribbon" in page
    assert f"late, goes on as {new}" in page
