"""A change of scope after the closing, by its one core: who may, what is refused, and who was first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle import events as e
from lifecycle import release as rules
from lifecycle.release import Release
from lifecycle.scope import ScopeLine
from tasks import context, plan_messages, plans, posts
from tasks.scope_decisions import approve, ask_change, refuse
from tasks.walk import new_events

Team = Any
STREAM = "release:shop:1.4.0"
NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)


@pytest.fixture
def keys(team: Team) -> list[str]:
    """Four issues; the first two are planned for 1.4.0."""
    keys = [team.file("dora", f"Wish {n}") for n in range(1, 5)]
    lines = tuple(ScopeLine(key=key, title=f"Wish {key}", size=3) for key in keys[:2])
    plan = e.Planned(
        project="shop",
        version="1.4.0",
        issues=tuple(keys[:2]),
        base="main",
        plan_hash="p1",
        lines=lines,
        capacity=8,
    )
    context.ledger().append(STREAM, new_events(STREAM, [plan]), now=NOW)
    return keys


def release() -> Release:
    folded = rules.fold(e.parse(event.data) for event in context.ledger().events(STREAM))
    assert folded is not None
    return folded


def ask(keys: list[str]) -> str:
    """Olli asks for the third issue instead of the second; the change's id."""
    outcome = ask_change(STREAM, [keys[2]], [keys[1]], "the client asked", "olli", now=NOW)
    assert outcome.accepted, outcome.message
    return release().scope_asked[-1].request


# What is refused.


@pytest.mark.parametrize("person", ["nobody", "", "clara"])
def test_who_is_not_of_the_team_neither_asks_nor_decides(team: Team, keys: list[str], person: str) -> None:
    del team
    assert not ask_change(STREAM, [keys[2]], [], "why", person).accepted
    request = ask(keys)
    for outcome in (approve(request, person), refuse(request, person, "no")):
        assert not outcome.accepted
        assert "nothing was decided" in outcome.message
    assert release().scope_change is not None


@pytest.mark.parametrize("person", ["dora", "quinn"])
def test_who_holds_no_role_of_the_review_decides_nothing(team: Team, keys: list[str], person: str) -> None:
    del team
    request = ask(keys)
    assert approve(request, person, now=NOW).message == (
        "Not approved: a change of scope is decided by lead and product."
    )
    assert not refuse(request, person, "no", now=NOW).accepted


@pytest.mark.parametrize("value", ["", "x", "ScopeChangeAsked:x", "' OR 1=1", STREAM])
def test_a_value_that_no_button_of_ours_carries_decides_nothing(team: Team, value: str) -> None:
    del team
    assert not approve(value, "mara").accepted
    assert not refuse(value, "mara", "no").accepted
    assert not ask_change(value, ["SHOP-1"], [], "why", "mara").accepted or value == STREAM


def test_what_jira_does_not_have_or_cannot_be_added_is_named_all_at_once(team: Team, keys: list[str]) -> None:
    team.jira("dora").transition(keys[3], "Closed")
    team.jira().edit(keys[2], add_labels=["needs-info"])
    said = ask_change(STREAM, ["SHOP-4711", "KIOSK-1", keys[3], keys[2]], [], "why", "olli").message
    assert "Jira has no SHOP-4711" in said
    assert "KIOSK-1 is no issue of SHOP" in said
    assert f"{keys[3]} is Closed already" in said
    assert f"{keys[2]} has open questions" in said
    assert release().scope_asked == ()


def test_what_goes_out_with_another_release_is_not_added(team: Team, keys: list[str]) -> None:
    other = e.Planned(project="shop", version="1.5.0", issues=(keys[2],), base="main", plan_hash="p")
    context.ledger().append("release:shop:1.5.0", new_events("release:shop:1.5.0", [other]), now=NOW)
    said = ask_change(STREAM, [keys[2]], [], "why", "olli").message
    assert said == f"Not asked: {keys[2]} goes out with 1.5.0."
    del team


def test_what_is_merged_does_not_leave_by_the_plan_alone(team: Team, keys: list[str]) -> None:
    for status in ("In Progress", "Code Review", "QA"):
        team.jira("dora").transition(keys[1], status)
    said = ask_change(STREAM, [], [keys[1]], "why", "olli").message
    assert said == f"Not asked: {keys[1]} is in QA: its changes are merged and would go out all the same."


@pytest.mark.parametrize("why", ["", "  \n"])
def test_a_change_needs_its_reason_and_so_does_a_refusal(team: Team, keys: list[str], why: str) -> None:
    del team
    assert ask_change(STREAM, [keys[2]], [], why, "olli").message == "Not asked: say why."
    assert refuse(ask(keys), "mara", why, now=NOW).message == "Not refused: say why."


# What counts.


def test_both_roles_approve_and_the_plan_follows(team: Team, keys: list[str]) -> None:
    team.jira().link("Blocks", keys[2], keys[0])
    team.jira().set_property(keys[2], plans.ESTIMATE, {"points": 5})
    request = ask(keys)
    assert context.ledger().wakeup(STREAM).pending
    first = approve(request, "mara", now=NOW)
    assert (first.accepted, first.message) == (True, "Approved; still to approve: lead.")
    assert release().plan.issues == (keys[0], keys[1])
    assert approve(request, "olli", now=NOW).message == "Approved: the scope is changed."
    assert release().plan.issues == (keys[0], keys[2])
    assert release().scope.waves == ((keys[2],), (keys[0],))
    assert release().scope.points == 8


def test_who_asked_may_take_it_back_and_then_it_is_over(team: Team, keys: list[str]) -> None:
    del team
    outcome = ask_change(STREAM, [keys[2]], [], "why", "dora", now=NOW)
    assert outcome.accepted
    request = release().scope_asked[0].request
    assert refuse(request, "dora", "a mistake", now=NOW).accepted
    assert refuse(request, "dora", "a mistake", now=NOW).repeated
    assert not approve(request, "mara", now=NOW).accepted
    assert release().plan.plan_hash == "p1"
    assert ask_change(STREAM, [keys[2]], [], "why", "dora", now=NOW).accepted
    assert len(release().scope_asked) == 2


def test_a_double_click_counts_once_and_the_same_wish_is_one(team: Team, keys: list[str]) -> None:
    del team
    with ThreadPoolExecutor(8) as pool:
        asks = list(pool.map(lambda _: ask_change(STREAM, [keys[2]], [], "why", "olli", now=NOW), range(8)))
        request = release().scope_asked[0].request
        clicks = list(pool.map(lambda _: approve(request, "mara", now=NOW), range(8)))
    for outcomes in (asks, clicks):
        assert all(outcome.accepted for outcome in outcomes)
        assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert len(release().scope_asked) == len(release().scope_approved) == 1


def test_of_two_who_decide_at_once_the_first_counts(team: Team, keys: list[str]) -> None:
    del team
    request = ask(keys)
    approve(request, "mara", now=NOW)
    with ThreadPoolExecutor(2) as pool:
        yes = pool.submit(approve, request, "olli", now=NOW)
        no = pool.submit(refuse, request, "mara", "not now", now=NOW)
    assert [yes.result().accepted, no.result().accepted].count(True) == 1
    assert (release().plan.plan_hash != "p1") == yes.result().accepted


# What is said.


def test_the_message_shows_the_difference_and_then_how_it_ended(team: Team, keys: list[str]) -> None:
    request = ask(keys)
    content = plan_messages.change(release(), release().scope_asked[0], context.policy())
    key = plan_messages.change_key(STREAM, request)
    posts.post.fn("change", team.planning, content, key, subject=STREAM)
    [message] = team.messages()
    said = str(message["blocks"])
    for part in (
        "the client asked",
        f"+ {keys[2]}",
        f"- {keys[1]}",
        "points: 6 -&gt; 6 of 8",
        "lead, product",
    ):
        assert part in said
    assert team.buttons(message) == {"scope.approve": [request], "scope.refuse": [request]}
    approve(request, "mara", now=NOW)
    assert plan_messages.refresh(STREAM) == 1
    assert "approved by" in str(team.messages()[0]["blocks"])
    refuse(request, "olli", "<b>not now</b>", now=NOW)
    assert plan_messages.refresh(STREAM) == 1
    assert plan_messages.refresh(STREAM) == 0
    [message] = team.messages()
    assert "&lt;b&gt;not now" in str(message["blocks"])
    assert team.buttons(message) == {}


def test_who_adds_once_the_branch_is_cut_is_told_that_main_alone_brings_nothing(
    team: Team, keys: list[str]
) -> None:
    del team
    cut = e.CandidateCut(number=1, tag="1.4.0-rc.1", sha="a" * 40, branch="release/1.4.0")
    context.ledger().append(STREAM, new_events(STREAM, [cut]), now=NOW)
    asked = ask_change(STREAM, [keys[2]], [], "the client asked", "olli", now=NOW)
    told = f"release/1.4.0 is cut already: {keys[2]} needs its own merge request onto it."
    assert told in asked.message
    [change] = release().scope_asked
    for who in ("olli", "mara"):
        assert told in str(plan_messages.change(release(), change, context.policy()).blocks)
        assert approve(change.request, who, now=NOW).accepted
    assert told not in str(plan_messages.change(release(), change, context.policy()).blocks)
    assert told in str(plan_messages.changed_news(release(), change.request, "", "").blocks)
