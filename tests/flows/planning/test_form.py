"""A request by form becomes one issue that leads back to its message, however often the form comes."""

from __future__ import annotations

from typing import Any

from tasks import context, requests

Team = Any
GERD = "U0GERD"


def test_a_form_without_a_title_is_no_request(team: Team) -> None:
    assert "few words" in team.take(team.from_form("\u200b", GERD, "V1"))
    assert team.issues() == []


def test_a_form_makes_one_issue_with_its_source_and_who_asked(team: Team) -> None:
    key = team.take(team.from_form("Vouchers", GERD, "V1", text="for the summer"))
    assert team.issues() == [key]
    assert requests.requesters(key) == ["gerd"]
    assert team.jira().property(key, "conveyor.request")["source"] == "management"
    assert "for the summer" in team.jira().issue(key).description
    assert "your request is" in team.seen_by("gerd")


def test_a_form_that_is_sent_twice_asks_once(team: Team) -> None:
    twice = [team.from_form("Vouchers", GERD, "V1", trigger=trigger) for trigger in ("1.1", "2.2")]
    assert len(set(twice)) == 2
    first, second = map(team.take, twice)
    assert first == second
    assert team.issues() == [first]
    assert len(team.messages()) == 1
    assert [event.kind for event in context.ledger().events(f"request:{first}")] == ["Received"]


def test_the_same_wish_in_another_form_is_another_request(team: Team) -> None:
    keys = [team.take(team.from_form("Vouchers", GERD, view)) for view in ("V1", "V2")]
    assert team.issues() == keys


def test_a_request_from_a_message_leads_back_to_it(team: Team) -> None:
    ts = team.say("dora", "The cart forgets everything")
    key = team.take(team.from_form("The cart forgets", GERD, "V1", ts=ts))
    links = [link["object"]["url"] for link in team.get(f"/issue/{key}/remotelink")]
    assert context.slack().permalink(team.planning, ts) in links


def test_a_message_that_is_gone_leaves_the_request_without_a_link_back(team: Team) -> None:
    key = team.take(team.from_form("The cart forgets", GERD, "V1", ts="1.000001"))
    assert team.issues() == [key]
    assert len(team.get(f"/issue/{key}/remotelink")) == 1
