"""What a customer asks at the service desk is a request of the team, linked, and answered there."""

from __future__ import annotations

from typing import Any

from deployments.gateway.hints import hint
from tasks import context, requests
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


def test_an_issue_of_the_desk_that_is_gone_is_no_request(team: Team) -> None:
    asked = team.ask_at_desk("clara", "Never mind")
    delivery = team.from_jira(asked)
    team.delete_issue(asked)
    assert "gone" in team.take(delivery)
    assert team.issues() == []
