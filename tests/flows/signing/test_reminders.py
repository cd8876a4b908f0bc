"""What people hear while a sign-off waits, read back from Slack and Jira: once each, and from nobody else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from integrations.settings import settings
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import signoff
from lifecycle.ladder import climb
from lifecycle.policy import Step
from tasks import context, figures, reminders
from tasks.decisions import Decision, Outcome, Verb, decide
from tasks.walk import new_events

Team = Any
SUBJECT = "release:shop:1.4.0"
SHA = "a" * 40
ASKED = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""A Friday."""


@pytest.fixture
def waiting(team: Team) -> Team:
    """QA is asked about two issues; Quinn's deputy is Olli, Quentin is away, releases may be overridden."""
    path = Path(settings().policy)
    rules_ = json.loads(path.read_text())
    people = {person["id"]: person for person in rules_["people"]}
    people["quinn"]["deputy"] = "olli"
    people["quentin"]["active"] = False
    rules_["steps"][0] |= {"remind": ["2h", "4h"], "due": "1d", "expires": "5d"}
    rules_["steps"][2] |= {"remind": ["2h"]}
    rules_["break_glass"] = ["release"]
    path.write_text(json.dumps(rules_))
    issues = [team.file("dora", title) for title in ("Gift wrap", "Search")]
    plan = e.Planned(project="shop", version="1.4.0", issues=tuple(issues), base="main", plan_hash="p")
    tell(
        plan,
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0", authors=("emil",)),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
    )
    ask("qa")
    return team


def tell(*facts: e.ReleaseEvent) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=ASKED)


def release() -> rules.Release:
    folded = rules.fold(e.parse(event.data) for event in context.ledger().events(SUBJECT))
    assert folded is not None
    return folded


def step(step_id: str) -> Step:
    return next(step for step in context.policy().steps if step.id == step_id)


def ask(step_id: str) -> None:
    tell(*signoff.asks(release(), SUBJECT, step(step_id), ASKED, "staging"))


def look(after: timedelta, step_id: str = "qa") -> Sequence[e.ReleaseEvent]:
    """What a walk does at that time."""
    asked_at = {asked.request: ASKED for asked in release().asked}
    facts = climb(release(), step(step_id), asked_at, context.policy(), ASKED + after).facts
    if facts:
        tell(*facts)
    reminders.say.fn(SUBJECT, step_id, 1)
    return facts


def do(verb: Verb, person: str, issue: str | None = None, **more: Any) -> Outcome:
    target = next((a.request for a in release().asked if a.issue == issue), "") if issue else SUBJECT
    told = Decision(verb, target, person, "cli")
    return decide(replace(told, **more))


def heard(team: Team, person: str) -> int:
    """How many messages the person has in direct messages, as their own inbox shows it."""
    return team.seen_by(person).count("⏰ *QA of Shop 1.4.0") or team.seen_by(person).count("\\u23f0 *QA of")


def test_a_signer_is_reminded_once_per_rung_of_all_that_waits(waiting: Team) -> None:
    assert look(timedelta(hours=1)) == ()
    assert heard(waiting, "quinn") == 0
    for _ in range(2):
        look(timedelta(hours=2))
    assert heard(waiting, "quinn") == 1
    look(timedelta(hours=4))
    assert (heard(waiting, "quinn"), heard(waiting, "quentin"), heard(waiting, "olli")) == (2, 0, 0)


def test_who_signed_meanwhile_hears_nothing(waiting: Team) -> None:
    tell(e.SignOffReminded(step="qa", number=1, rung=1, person="quinn"))
    for issue in release().delivers:
        assert do("approve", "quinn", issue).accepted
    reminders.say.fn(SUBJECT, "qa", 1)
    assert heard(waiting, "quinn") == 0


def test_what_slack_did_not_take_is_said_by_the_next_walk_and_once(waiting: Team) -> None:
    waiting.slack_sandbox.faults.order(Fault("POST /api/chat.postMessage", "503", times=1))
    with pytest.raises(Transient):
        look(timedelta(hours=2))
    for _ in range(2):
        reminders.say.fn(SUBJECT, "qa", 1)
    assert heard(waiting, "quinn") == 1


def test_one_whom_slack_does_not_know_is_in_the_way_of_nobody_else(waiting: Team) -> None:
    path = Path(settings().policy)
    rules_ = json.loads(path.read_text())
    next(p for p in rules_["people"] if p["id"] == "quinn")["slack"] = "U0NOBODY"
    path.write_text(json.dumps(rules_))
    tell(e.SignOffReminded(step="qa", number=1, rung=1, person="quinn"))
    look(timedelta(days=3))
    assert heard(waiting, "olli") == 1


def test_what_expires_later_is_told_too(waiting: Team) -> None:
    told: list[str] = []
    for issue, asked in zip(release().delivers, release().asked, strict=True):
        tell(e.SignOffExpired(request=asked.request))
        reminders.say.fn(SUBJECT, "qa", 1)
        told.append(issue)
        last = waiting.messages(waiting.releases)[-1]["text"]
        assert last == f"QA of Shop 1.4.0: nobody signed {', '.join(told)} in time"


def test_a_deputy_is_told_and_signs_in_the_others_place(waiting: Team) -> None:
    first = release().delivers[0]
    assert do("approve", "olli", first).message == "Not signed: QA is signed by qa."
    look(timedelta(days=3))
    assert heard(waiting, "olli") == 1
    assert do("approve", "olli", first).message == "Signed as qa."
    assert [(s.person, s.instead_of) for s in release().signatures] == [("olli", "quinn")]


def test_what_nobody_signed_expires_for_all_and_the_channel_hears_it_once(waiting: Team) -> None:
    first, second = release().delivers
    assert do("approve", "quinn", first).accepted
    for _ in range(2):
        look(timedelta(days=5))
    assert do("approve", "quinn", second).message.startswith("Not signed: it was not signed in time")
    told = [m["text"] for m in waiting.messages(waiting.releases)]
    assert told == [f"QA of Shop 1.4.0: nobody signed {second} in time"]


def test_an_override_is_told_to_the_channel_and_on_every_issue_and_is_counted(waiting: Team) -> None:
    assert do("override", "quinn", step="qa", reason="now").message == (
        "Not overridden: a sign-off is overridden by release."
    )
    assert do("override", "olli", step="qa").message == "Not overridden: say why it cannot wait."
    assert do("override", "olli", step="no", reason="x").message.endswith("this release has no such step.")
    assert do("override", "olli", step="qa", reason="the shop is down").accepted
    for _ in range(2):
        reminders.say.fn(SUBJECT, "qa", 1)
    said = "QA of Shop 1.4.0 was overridden by Olli (release) (release): the shop is down"
    assert [m["text"] for m in waiting.messages(waiting.releases)] == [said]
    for issue in release().delivers:
        comments = waiting.get(f"issue/{issue}/comment")["comments"]
        assert [said in json.dumps(comment) for comment in comments] == [True]
    now = datetime.now(UTC)
    assert figures.overridden_of("shop", now) == 1
    assert "Sign-offs overridden: 1" in figures.markdown("shop", figures.four_keys_of("shop", now), 1)
    assert figures.overridden_of("shop", now + timedelta(days=400)) == 0


def test_a_client_without_slack_is_reminded_through_who_looks_after_them(waiting: Team) -> None:
    tell(e.StepPassed(step="qa", number=1), e.StepPassed(step="check", number=1))
    ask("client")
    look(timedelta(hours=2), "client")
    seen = waiting.seen_by("mara")
    assert "The client's consent of Shop 1.4.0 still waits for Clara (client)" in seen


@pytest.mark.parametrize(
    ("at", "zone", "says"),
    [
        ("2026-11-30 22:00", "Europe/Berlin", "The release goes out at 2026-11-30 22:00 Europe/Berlin"),
        ("2027-03-28 02:30", "Europe/Berlin", "Not timed: 2027-03-28 02:30 does not exist"),
        ("2026-10-25 02:30", "Europe/Berlin", "Not timed: 2026-10-25 02:30 happens twice"),
        ("soon", "UTC", "Not timed: Invalid isoformat"),
        ("", "", "The release goes out as soon as it is approved."),
    ],
)
def test_when_a_release_goes_out_is_said_by_the_wall_clock(
    waiting: Team, at: str, zone: str, says: str
) -> None:
    assert do("time", "mara", at=at, zone=zone).message.startswith(says)
    assert (release().timed is None) == says.startswith("Not")


def test_a_time_is_changed_and_taken_back_and_said_twice_changes_nothing(waiting: Team) -> None:
    at = "2026-11-30 22:00"
    assert do("time", "quinn", at=at).message.startswith("To time a release is for manager")
    assert do("time", "mara", at=at).accepted
    assert do("time", "mara", at=at).repeated
    assert do("time", "olli").message == "The release goes out as soon as it is approved."
    timed = release().timed
    assert timed is not None
    assert (timed.round, timed.at) == (2, None)
