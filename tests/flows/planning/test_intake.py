"""Three doors, one Jira issue each; what cannot be a request is answered; a repeat changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.settings import settings
from tasks import context, requests

Team = Any
GERD, GONE = "U0GERD", "U0NOBODY"


@pytest.mark.parametrize("text", ["", "   ", "|", "\u200b\u200b | a text without a title", "\x00\x07"])
def test_a_request_without_a_title_is_answered_and_not_taken(team: Team, text: str) -> None:
    assert "no title" in team.take(team.from_slack(text, GERD, team.planning))
    assert team.issues() == []
    assert "not taken in as a request" in team.seen_by("gerd")


def test_a_text_of_a_hundred_kilobytes_is_cut_with_a_note(team: Team) -> None:
    iid = team.gitlab("POST", "issues", "dora", title="Long", description="ab😀 " * 25_000, labels="request")[
        "iid"
    ]
    key = team.take(team.from_gitlab(iid))
    text = team.jira().issue(key).description
    assert len(text.encode("utf-16-le")) // 2 <= 32_767
    assert "cut here" in text
    assert f"/issues/{iid}" in text


def test_a_title_that_is_too_long_stands_whole_in_the_text_and_who_asked_hears_of_a_cut(team: Team) -> None:
    title = "gift wrap " * 30 + "at the end"
    key = team.take(team.from_slack(f"{title} | with a ribbon", GERD, team.planning))
    issue = team.jira().issue(key)
    assert (len(issue.summary), issue.summary[-1]) == (255, "…")
    assert issue.description.startswith(f"{title}\n\nwith a ribbon\n\nAsked for by")
    assert "too long" not in team.seen_by("gerd")
    key = team.take(team.from_slack("x" * 100_000, GERD, team.planning))
    assert "x" * 30_000 in team.jira().issue(key).description
    assert "too long for Jira: it has the first 30,000 characters" in team.seen_by("gerd")


@pytest.mark.parametrize(
    "title",
    ["<script>alert(1)</script> & <!channel>", "Wunsch 🛒🚀 für alle", "סל הקניות ריק", "🛒"],
)
def test_what_people_write_stays_what_they_wrote_in_every_vendor(team: Team, title: str) -> None:
    key = team.take(team.from_slack(title, GERD, team.planning))
    assert team.jira().issue(key).summary == title
    [message] = team.messages()
    said = message["blocks"][0]["text"]["text"]
    assert "<script>" not in said
    assert "<!channel>" not in said
    assert title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in said


def test_characters_that_turn_the_reading_order_are_left_out_of_a_title(team: Team) -> None:
    key = team.take(team.from_slack("pay \u202egnp.exe", GERD, team.planning))
    assert team.jira().issue(key).summary == "pay gnp.exe"


def test_somebody_outside_the_people_file_is_a_requester_but_no_person(team: Team) -> None:
    key = team.take(team.from_slack("A wish", GONE, team.planning))
    assert requests.requesters(key) == []
    shown = team.jira().property(key, "conveyor.request")
    assert shown["requesters"] == [{"slack": GONE}]
    assert shown["source"] == "management"


def test_a_gitlab_issue_without_the_label_any_more_is_no_request(team: Team) -> None:
    iid = team.gitlab("POST", "issues", "dora", title="Changed my mind", labels="request")["iid"]
    delivery = team.from_gitlab(iid)
    team.gitlab("PUT", f"issues/{iid}", "dora", labels="later")
    assert "no label" in team.take(delivery)
    assert team.issues() == []
    assert context.ledger().delivery(delivery).handled_at is not None


def test_a_jira_issue_that_was_deleted_meanwhile_is_no_request(team: Team) -> None:
    key = team.file("clara", "Gone", "", "request")
    delivery = team.from_jira(key)
    team.delete_issue(key)
    assert "gone" in team.take(delivery)
    assert context.ledger().delivery(delivery).handled_at is not None


def test_a_delivery_that_cannot_be_read_is_handled_and_says_so(team: Team) -> None:
    assert "cannot be read" in team.take(team.deliver("jira", b"\xff not json"))
    assert "no issue" in team.take(team.deliver("gitlab", b"[]"))


def test_a_vendor_that_is_down_leaves_the_delivery_for_later(team: Team) -> None:
    delivery = team.from_slack("A wish", GERD, team.planning)
    team.fail_jira("* /rest/api/2/.*", times=1)
    assert "503" in team.take(delivery)
    noted = context.ledger().delivery(delivery)
    assert noted.handled_at is None
    assert noted.attempts == 1
    key = team.take(delivery)
    assert team.issues() == [key]


def test_each_door_makes_one_issue_with_its_source_and_its_link_back(team: Team) -> None:
    by_client = team.take(team.from_jira(team.file("clara", "Show the sum in the cart", "", "request")))
    opened = team.gitlab("POST", "issues", "dora", title="Log failed payments", labels="request")
    by_developer = team.take(team.from_gitlab(opened["iid"]))
    by_management = team.take(team.from_slack("Vouchers | for the summer", GERD, team.planning))
    assert team.issues() == [by_client, by_developer, by_management]
    shown = {key: team.jira().property(key, "conveyor.request") for key in team.issues()}
    assert [shown[key]["source"] for key in team.issues()] == ["client", "developer", "management"]
    assert [requests.requesters(key) for key in team.issues()] == [["clara"], ["dora"], ["gerd"]]
    assert {team.jira().issue(key).status for key in team.issues()} == {"To Do"}
    links = [link["object"]["url"] for link in team.get(f"/issue/{by_developer}/remotelink")]
    assert opened["web_url"] in links
    [permalink] = [link["object"]["url"] for link in team.get(f"/issue/{by_management}/remotelink")]
    assert permalink.startswith(team.slack_sandbox.url)
    assert "for the summer" in team.jira().issue(by_management).description


def test_a_repeat_of_everything_changes_nothing(team: Team) -> None:
    deliveries = [
        team.from_jira(team.file("clara", "Show the sum", "", "request")),
        team.from_gitlab(team.gitlab("POST", "issues", "dora", title="Log it", labels="request")["iid"]),
        team.from_slack("Vouchers", GERD, team.planning),
    ]
    once = [team.take(delivery) for delivery in deliveries]
    before = (team.issues(), len(team.messages()), context.ledger().head())
    assert [team.take(delivery) for delivery in deliveries] == once
    assert (team.issues(), len(team.messages()), context.ledger().head()) == before
    assert len(team.get(f"/issue/{once[0]}/comment")["comments"]) == 1
    assert len(team.gitlab("GET", "issues/1/notes", "dora")) == 1


def test_the_issue_that_conveyor_made_does_not_come_in_again(team: Team) -> None:
    key = team.take(team.from_slack("Vouchers", GERD, team.planning))
    assert "made by Conveyor" in team.take(team.from_jira(key, "bot"))
    assert team.issues() == [key]


def test_everybody_is_answered_where_they_asked(team: Team) -> None:
    by_client = team.take(team.from_jira(team.file("clara", "Show the sum", "", "request")))
    iid = team.gitlab("POST", "issues", "dora", title="Log failed payments", labels="request")["iid"]
    by_developer = team.take(team.from_gitlab(iid))
    by_management = team.take(team.from_slack("Vouchers", GERD, team.planning))
    [comment] = team.get(f"/issue/{by_client}/comment")["comments"]
    assert by_client in comment["body"]
    [note] = team.gitlab("GET", f"issues/{iid}/notes", "dora")
    assert by_developer in note["body"]
    assert f"your request is <{settings().jira.url}/browse/{by_management}" in team.seen_by("gerd")
    assert "your request is" not in team.seen_by("mara")


def test_the_message_names_the_most_alike_earlier_request(team: Team) -> None:
    first = team.take(team.from_jira(team.file("clara", "Show the sum in the cart", "", "request")))
    team.take(team.from_slack("Vouchers for the summer", GERD, team.planning))
    third = team.take(team.from_slack("The cart should show the sum", GERD, team.planning))
    message = team.messages()[-1]
    assert f"Merge into {first}" in str(message["blocks"])
    assert len(team.buttons(message)["request.merge"]) == 1
    assert first in team.seen_by("gerd")
    found = [event.data["other"] for event in context.ledger().events(f"request:{third}")[1:]]
    assert found == [first]
