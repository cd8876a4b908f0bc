"""What Jira refuses waits for a person: who asked and the log are told once, nothing is lost or twice."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from integrations.settings import settings
from tasks import context

Team = Any
GERD = "U0GERD"


def issue_type(name: str) -> None:
    """Somebody changes the policy's file."""
    rules = json.loads(settings().policy.read_text())
    rules["projects"][0]["issue_type"] = name
    settings().policy.write_text(json.dumps(rules))


def test_a_project_without_the_issue_type_keeps_the_request_until_a_person_mends_it(
    team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    issue_type("Wish")
    delivery = team.from_form("Vouchers for all", GERD, "V1")
    with caplog.at_level(logging.WARNING, "tasks.requests"):
        outcomes = [team.take(delivery) for _ in range(3)]
    assert all("400" in outcome for outcome in outcomes)
    assert len([r for r in caplog.records if "waits for a person" in r.getMessage()]) == 1
    assert team.seen_by("gerd").count("cannot be filed now") == 1
    assert team.issues() == []
    kept = context.ledger().delivery(delivery)
    assert (kept.handled_at, kept.attempts) == (None, 3)
    issue_type("Task")
    key = team.take(delivery)
    assert team.issues() == [key]
    assert "your request is" in team.seen_by("gerd")
    assert team.take(delivery) == key
    assert team.issues() == [key]


def test_the_reason_is_jiras_own(team: Team) -> None:
    issue_type("Wish")
    team.take(team.from_slack("Vouchers", GERD, team.planning))
    assert "issuetype selected is invalid" in team.seen_by("gerd").lower()


def test_somebody_who_left_slack_is_a_requester_and_not_answered(team: Team) -> None:
    key = team.take(team.from_form("A last wish", "U0LEFT", "V1"))
    assert team.issues() == [key]
    answer = context.ledger().effect("slack:V1:taken")
    assert answer is not None
    assert answer.outcome == {"to": "nobody"}


def test_a_form_with_fields_missing_is_no_request_and_no_crash(team: Team) -> None:
    payload = {"type": "view_submission", "user": {}, "view": {"callback_id": "request.form"}}
    body = "payload=" + json.dumps(payload)
    delivery = team.deliver("slack", body.encode(), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert "few words" in team.take(delivery)
    assert team.issues() == []
