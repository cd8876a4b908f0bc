"""“Mine too”: one's own new request joins the earlier one, another's gets a vote; a person clicks, once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from integrations import links
from integrations.settings import settings
from lifecycle.requests import Requester
from tasks import context, requests, voting
from tasks.backlog import state_of
from tasks.planning_messages import MINE_TOO
from tasks.review_decisions import finding, unmerge

Team = Any
GERD = "U0GERD"


def person(slug: str) -> Requester:
    return Requester(person=slug, name=slug.title(), slack=f"U0{slug.upper()}")


@pytest.fixture
def alike(team: Team) -> tuple[str, str, str]:
    """Mara's request, Gerd's that says the same, and the button of Gerd's private answer."""
    first = team.take(team.from_slack("Show the sum in the cart", "U0MARA", team.planning))
    second = team.take(team.from_slack("The cart should show the sum", GERD, team.planning))
    return first, second, team.find_alike(second, first)


def private_buttons(team: Team, slug: str) -> list[str]:
    """What the buttons "Mine too" of this person's private answers carry."""
    channels = json.loads(team.seen_by(slug))["channels"]
    answers = [m for channel in channels for m in channel["messages"] if m.get("ephemeral")]
    return [value for m in answers if m.get("blocks") for value in team.buttons(m)[MINE_TOO]]


@pytest.mark.parametrize("target", ["", "x", "SHOP-99", "KIOSK-1", "AlikeFound:x", "' OR 1=1"])
def test_what_no_button_of_ours_carries_is_refused(team: Team, target: str) -> None:
    outcome = voting.mine_too(target, person("gerd"))
    assert (outcome.accepted, outcome.message) == (False, "There is no such request.")
    assert context.ledger().head()[0] == 0


def test_the_answer_offers_the_most_alike_and_the_click_joins_ones_own_request(
    team: Team, alike: tuple[str, str, str]
) -> None:
    first, second, id_ = alike
    assert private_buttons(team, "gerd") == [id_]
    assert private_buttons(team, "mara") == []
    outcome = voting.mine_too(id_, person("gerd"))
    assert (outcome.accepted, outcome.message) == (True, f"{second} is merged into {first}.")
    assert context.ledger().wakeup("project:shop").pending
    team.carry_out_merges()
    voting.show(outcome.subject)
    assert team.jira().issue(second).status == "Closed"
    assert requests.requesters(first) == ["mara", "gerd"]
    assert state_of("shop").standing[second].person == "gerd"
    assert "merged into" in str(team.messages()[-1]["blocks"])
    assert voting.mine_too(id_, person("gerd")).repeated
    assert unmerge(second, "olli").accepted
    team.carry_out_merges()
    assert requests.requesters(second) == ["gerd"]


def test_a_client_may_join_what_they_asked_for_but_nothing_else(team: Team) -> None:
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    second = team.take(team.from_jira(team.file("clara", "The cart should show the sum", "", "request")))
    id_ = team.find_alike(second, first)
    assert voting.mine_too(id_, person("dora")).message == f"You are counted among those who want {first}."
    assert state_of("shop").standing == {}
    clara = Requester(person="clara", name="Clara")
    assert voting.mine_too(id_, clara).accepted
    assert state_of("shop").standing[second].into == first


def test_at_the_other_doors_the_answer_has_a_signed_link_for_who_asked(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEYOR_LINK_SECRET", "s" * 32)
    settings.cache_clear()
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    second = team.take(team.from_jira(team.file("clara", "The cart should show the sum", "", "request")))
    [comment] = team.get(f"/issue/{second}/comment")["comments"]
    token = comment["body"].rpartition("/mine-too/")[2]
    link = links.read(token, purpose="mine-too")
    assert link.person == "person:clara"
    alike = finding(link.request)
    assert alike is not None
    assert (alike.issue, alike.other) == (second, first)


def test_somebody_outside_the_people_file_joins_their_own_request_by_their_account(team: Team) -> None:
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    second = team.take(team.from_slack("The cart should show the sum", "U0NOBODY", team.planning))
    stranger = Requester(name="Nele <b>", slack="U0NOBODY")
    assert voting.mine_too(team.find_alike(second, first), stranger).accepted
    team.carry_out_merges()
    merged = state_of("shop").standing[second]
    assert (merged.person, merged.name) == ("slack:U0NOBODY", "Nele <b>")
    assert "by Nele &lt;b&gt;" in str(team.messages()[-1]["blocks"])
    [comment] = team.get(f"/issue/{second}/comment")["comments"]
    assert "by Nele <b>" in comment["body"]


def test_at_anothers_request_the_click_is_one_vote_in_the_message_and_on_the_issue(
    team: Team, alike: tuple[str, str, str]
) -> None:
    first, second, _ = alike
    [button] = team.buttons(team.messages()[0])[MINE_TOO]
    assert button == first
    outcome = voting.mine_too(button, person("dora"))
    assert (outcome.accepted, outcome.repeated) == (True, False)
    assert voting.mine_too(button, person("dora")).repeated
    voting.show(outcome.subject)
    assert "👍 1: Dora" in str(team.messages()[0]["blocks"])
    assert team.jira().property(first, "conveyor.request")["votes"] == 1
    assert requests.requesters(first) == ["mara"]
    assert team.jira().issue(second).status == "To Do"


def test_who_asked_does_not_vote_for_it(team: Team, alike: tuple[str, str, str]) -> None:
    first, _, _ = alike
    outcome = voting.mine_too(first, person("mara"))
    assert (outcome.repeated, outcome.message) == (True, f"{first} is yours already: you asked for it.")
    assert [e.kind for e in context.ledger().events(f"request:{first}")] == ["Received"]


def test_a_deactivated_account_decides_nothing(team: Team, alike: tuple[str, str, str]) -> None:
    rules = json.loads(settings().policy.read_text())
    for each in rules["people"]:
        each["active"] = each["id"] != "emil"
    settings().policy.write_text(json.dumps(rules))
    assert "deactivated" in voting.mine_too(alike[0], person("emil")).message


def test_many_clicks_at_once_are_one_vote_each_and_one_merge(team: Team, alike: tuple[str, str, str]) -> None:
    first, second, id_ = alike
    clicks = [(first, "dora"), (first, "emil"), (id_, "gerd")] * 4
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda click: voting.mine_too(click[0], person(click[1])), clicks))
    assert all(outcome.accepted for outcome in outcomes)
    assert sum(not outcome.repeated for outcome in outcomes) == 3
    kinds = [event.kind for event in context.ledger().events(f"request:{first}")]
    assert kinds.count("Voted") == 2
    assert list(state_of("shop").standing) == [second]
