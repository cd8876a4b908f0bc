"""A person merges what says the same; Jira follows, requesters are kept, and it can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasks import context, planning_messages, requests
from tasks.backlog import state_of
from tasks.review_decisions import merge, unmerge

Team = Any
GERD = "U0GERD"


@pytest.fixture
def duplicate(team: Team) -> tuple[str, str, str]:
    """The client's request, management's that says the same, and the id of the finding."""
    first = team.take(team.from_jira(team.file("clara", "Show the sum in the cart", "", "request")))
    second = team.take(team.from_slack("The cart should show the sum", GERD, team.planning))
    [alike] = team.buttons(team.messages()[-1])["request.merge"]
    return first, second, alike


@pytest.mark.parametrize("person", ["nobody", "", "clara"])
def test_who_is_not_of_the_team_merges_nothing(
    team: Team, duplicate: tuple[str, str, str], person: str
) -> None:
    outcome = merge(duplicate[2], person)
    assert not outcome.accepted
    assert "nothing was decided" in outcome.message
    assert context.ledger().events("project:shop") == ()


@pytest.mark.parametrize("value", ["", "x", "AlikeFound:x", "' OR 1=1", "SHOP-1"])
def test_a_value_that_no_button_of_ours_carries_merges_nothing(team: Team, value: str) -> None:
    assert not merge(value, "mara").accepted
    assert not unmerge(value, "mara").accepted


def test_a_merge_closes_the_duplicate_links_it_and_keeps_every_requester_once(
    team: Team, duplicate: tuple[str, str, str]
) -> None:
    first, second, alike = duplicate
    outcome = merge(alike, "mara")
    assert (outcome.accepted, outcome.subject) == (True, f"request:{second}")
    assert context.ledger().wakeup("project:shop").pending
    team.carry_out_merges()
    assert [team.jira().issue(key).status for key in (first, second)] == ["To Do", "Closed"]
    [link] = team.jira().issue(second).links
    assert (link.type, link.direction, link.key) == ("Duplicate", "outward", first)
    assert requests.requesters(first) == ["clara", "gerd"]
    shown = team.jira().property(first, "conveyor.request")
    assert [who["person"] for who in shown["requesters"]] == ["clara", "gerd"]
    [comment] = team.get(f"/issue/{second}/comment")["comments"]
    assert first in comment["body"]
    message = team.messages()[-1]
    assert "merged into" in str(message["blocks"])
    assert "Mara" in str(message["blocks"])
    assert "request.merge" not in team.buttons(message)
    assert f"goes on as {first}" in team.seen_by("gerd")


def test_the_name_of_who_merged_stands_in_the_message_before_jira_follows(
    team: Team, duplicate: tuple[str, str, str]
) -> None:
    outcome = merge(duplicate[2], "mara")
    assert planning_messages.refresh(outcome.subject) is True
    assert "Mara" in str(team.messages()[-1]["blocks"])
    assert planning_messages.refresh(outcome.subject) is False


def test_a_second_click_and_a_second_run_change_nothing(team: Team, duplicate: tuple[str, str, str]) -> None:
    first, second, alike = duplicate
    merge(alike, "mara")
    fact = state_of("shop").pending[0]
    team.carry_out_merges()
    before = (
        context.ledger().head(),
        team.get(f"/issue/{first}/comment"),
        team.get(f"/issue/{second}/comment"),
    )
    again = merge(alike, "gerd")
    assert (again.accepted, again.repeated) == (True, True)
    team.carry_out_merges()
    team.settle(fact)
    after = context.ledger().head(), team.get(f"/issue/{first}/comment"), team.get(f"/issue/{second}/comment")
    assert after == before


@pytest.mark.parametrize("do", ["503", "503_after", "drop_before", "drop_after"])
def test_a_merge_that_is_cut_short_anywhere_is_finished_by_the_next_run(
    team: Team, duplicate: tuple[str, str, str], do: str
) -> None:
    first, second, alike = duplicate
    merge(alike, "mara")
    [fact] = state_of("shop").pending
    runs: list[str] = []
    while not runs or runs[-1] == "cut short":
        team.fail_jira("* /rest/api/2/.*", times=1, skip=len(runs), do=do)
        runs.append(team.settle(fact))
        team.heal_jira()
    assert len(runs) > 6
    assert state_of("shop").pending == ()
    assert team.jira().issue(second).status == "Closed"
    assert len(team.jira().issue(second).links) == 1
    assert requests.requesters(first) == ["clara", "gerd"]
    said = [comment["body"] for comment in team.get(f"/issue/{first}/comment")["comments"]]
    assert len([text for text in said if "Also asked for by" in text]) == 1
    assert len(team.get(f"/issue/{second}/comment")["comments"]) == 1


def test_taking_a_merge_back_restores_the_requesters_and_the_link(
    team: Team, duplicate: tuple[str, str, str]
) -> None:
    first, second, alike = duplicate
    merge(alike, "mara")
    team.carry_out_merges()
    [value] = team.buttons(team.messages()[-1])["request.unmerge"]
    assert unmerge(value, "olli").accepted
    team.carry_out_merges()
    assert requests.requesters(first) == ["clara"]
    assert requests.requesters(second) == ["gerd"]
    assert team.jira().issue(second).links == ()
    shown = team.jira().property(first, "conveyor.request")
    assert [who["person"] for who in shown["requesters"]] == ["clara"]
    assert "request.merge" in team.buttons(team.messages()[-1])
    assert unmerge(second, "olli").repeated
    assert merge(alike, "mara").accepted
    team.carry_out_merges()
    assert requests.requesters(first) == ["clara", "gerd"]


def test_what_is_in_work_by_now_is_not_merged_and_the_message_shows_it(
    team: Team, duplicate: tuple[str, str, str]
) -> None:
    first, second, alike = duplicate
    merge(alike, "mara")
    for status in ("In Progress", "Code Review"):
        team.jira("dora").transition(second, status)
    team.carry_out_merges()
    assert team.jira().issue(second).status == "Code Review"
    assert team.jira().issue(second).links == ()
    assert requests.requesters(first) == ["clara"]
    assert state_of("shop").pending == ()
    assert "it is in Code Review by now" in str(team.messages()[-1]["blocks"])
    assert "request.merge" in team.buttons(team.messages()[-1])


def test_merging_into_a_deleted_issue_comes_to_nothing(team: Team, duplicate: tuple[str, str, str]) -> None:
    first, second, alike = duplicate
    merge(alike, "mara")
    team.delete_issue(first)
    team.carry_out_merges()
    assert team.jira().issue(second).status == "To Do"
    assert state_of("shop").standing == {}


def test_two_people_who_merge_crosswise_at_once_make_no_circle(team: Team) -> None:
    keys = [team.take(team.from_slack(f"Show the sum {n}", GERD, team.planning)) for n in (1, 2)]
    ids = [team.find_alike(*keys), team.find_alike(*reversed(keys))]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda id_: merge(id_, "mara"), ids * 4))
    assert any(outcome.accepted for outcome in outcomes)
    assert any(not outcome.accepted for outcome in outcomes)
    assert len(state_of("shop").standing) == 1
