"""What a customer asks at the service desk is a request of the team, linked, and answered there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from deployments.gateway.hints import hint
from integrations.sandbox.http import LOOPBACK
from lifecycle.values import Standing, Value
from tasks import context, plans, requests, valuing
from tasks.review_decisions import merge_keys

Team = Any
GERD = "U0GERD"


def test_an_issue_of_the_desk_becomes_one_request_in_the_teams_project(team: Team) -> None:
    asked = team.ask_at_desk("clara", "Show the sum in the cart", "I lose count")
    delivery = team.from_jira(asked)
    assert hint(context.ledger(), context.ledger().delivery(delivery)).flow == "intake"
    key = team.take(delivery)
    assert team.issues() == [key]
    issue = team.jira().issue(key)
    assert (issue.summary, issue.status) == ("Show the sum in the cart", "To Do")
    assert "I lose count" in issue.description
    assert [(link.type, link.key) for link in issue.links] == [("Relates", asked)]
    assert requests.requesters(key) == ["clara"]
    shown = team.jira().property(key, "conveyor.request")
    assert (shown["source"], shown["origin"]) == ("client", f"desk:{asked}")
    [comment] = team.get(f"/issue/{asked}/comment")["comments"]
    assert f"your request is {key}" in comment["body"]
    assert "visibility" not in comment


def test_the_same_issue_of_the_desk_again_changes_nothing(team: Team) -> None:
    asked = team.ask_at_desk("clara", "Show the sum")
    keys = {team.take(team.from_jira(asked)) for _ in range(3)}
    assert team.issues() == list(keys)
    assert len(team.get(f"/issue/{asked}/comment")["comments"]) == 1
    assert len(team.jira().issue(asked).links) == 1


def test_what_becomes_of_it_is_said_at_the_desk(team: Team) -> None:
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    asked = team.ask_at_desk("clara", "The cart should show the sum")
    second = team.take(team.from_jira(asked))
    assert merge_keys(second, first, "mara").accepted
    team.carry_out_merges()
    said = [comment["body"] for comment in team.get(f"/issue/{asked}/comment")["comments"]]
    assert any(f"goes on as {first}" in text for text in said)
    assert requests.requesters(first) == ["gerd", "clara"]


def promised_ago(team: Team, desk_key: str, ago: timedelta) -> None:
    """Let the clocks of the customer's request have begun so long ago."""
    team.jira_sandbox.state.issue(desk_key).created -= ago


def urgency(key: str) -> Standing:
    return valuing.standing_of(key, datetime.now(UTC))[Value.URGENCY]


def asked_for_slas(team: Team) -> list[str]:
    noted = httpx.get(f"{team.jira_sandbox.url}/_sandbox/requests", **LOOPBACK).json()
    return [each["path"] for each in noted if each["path"].startswith("/rest/servicedeskapi")]


def test_what_is_left_of_the_customers_sla_is_a_reason_to_hurry(team: Team) -> None:
    asked = team.ask_at_desk("clara", "Show the sum")
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    key = team.take(team.from_jira(asked))
    assert (urgency(key).to, urgency(key).why) == (4, "SLA Time to resolution: 4 days left")
    promised_ago(team, asked, timedelta(days=4, hours=20, minutes=30))
    assert (urgency(key).to, urgency(key).why) == (5, "SLA Time to resolution: 3 h left")
    promised_ago(team, asked, timedelta(hours=6))
    assert (urgency(key).to, urgency(key).why) == (5, "SLA Time to resolution breached 2 h ago")
    assert urgency(first).why == "no due date, no SLA, no incident, and not old"
    assert merge_keys(key, first, "mara").accepted
    team.carry_out_merges()
    before = len(asked_for_slas(team))
    proposed = plans.propose.fn("shop", "review:shop:2026-W42", datetime.now(UTC))
    [line] = [line for line in proposed.plan.lines if line.key == first]
    [term] = [term for term in line.score.terms if term.name == "urgency"]
    assert term.why == "urgency 5 (suggested: SLA Time to resolution breached 2 h ago)"
    assert len(asked_for_slas(team)) - before == 1
    assert team.jira().transition(asked, "Closed")
    assert urgency(first).to is None


@pytest.mark.parametrize("do", ["403", "404"])
def test_an_sla_that_jira_does_not_show_us_counts_as_none(
    team: Team, caplog: pytest.LogCaptureFixture, do: str
) -> None:
    asked = team.ask_at_desk("clara", "Show the sum")
    key = team.take(team.from_jira(asked))
    team.fail_jira("GET /rest/servicedeskapi/.*", times=1, do=do)
    assert urgency(key).to is None
    [line] = [record.getMessage() for record in caplog.records if "SLA" in record.getMessage()]
    assert line.startswith(f"{asked} counts without its SLA: ")


def test_an_issue_of_the_desk_that_is_gone_is_no_request(team: Team) -> None:
    asked = team.ask_at_desk("clara", "Never mind")
    delivery = team.from_jira(asked)
    team.delete_issue(asked)
    assert "gone" in team.take(delivery)
    assert team.issues() == []
