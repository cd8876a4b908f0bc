"""A request in parts: sub-tasks by role with their assignees' own estimates, and work orders."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from integrations.errors import Transient
from lifecycle import parts
from tasks import backlog, context, planning_reconciling, plans, sizes, splitting
from tasks.splitting import Role, estimate, make, order, split

Team = Any
NOW = datetime.now(UTC)
ROLES = {"developer": Role("dora", "the form"), "qa": Role("quinn"), "devops": Role("olli")}


def request(team: Team, title: str = "A wish") -> str:
    return str(team.take(team.from_slack(title, "U0GERD", team.planning)))


def fields(team: Team, key: str) -> Any:
    return team.get(f"/issue/{key}")["fields"]


def in_parts(team: Team, roles: dict[str, Role] = ROLES, order_: str = "") -> tuple[str, dict[str, str]]:
    """A request that is split, and its sub-tasks by role."""
    key = request(team)
    assert split(key, roles, "mara", order_).accepted
    make(key)
    return key, {p.asked.role: p.issue for p in parts.fold(backlog.request_of(key).parts)}


def blocked_by(team: Team, key: str) -> set[str]:
    links = team.jira().issue(key).links
    return {link.key for link in links if (link.type, link.direction) == ("Blocks", "inward")}


@pytest.mark.parametrize(
    ("roles", "order_", "person", "told"),
    [
        ({}, "", "mara", "name who does it"),
        ({"qa": Role("nobody")}, "", "mara", "nobody is not among"),
        ({"qa": Role("dora")}, "", "mara", "has not the role qa"),
        ({"qa": Role("quinn")}, "developer qa", "mara", "the order has to name each of qa"),
        ({"qa": Role("quinn")}, "", "clara", "the team's"),
    ],
)
def test_what_cannot_be_split_so_is_refused(
    team: Team, roles: dict[str, Role], order_: str, person: str, told: str
) -> None:
    key = request(team)
    outcome = split(key, roles, person, order_)
    assert not outcome.accepted
    assert told in outcome.message
    assert backlog.request_of(key).parts == ()
    assert make(key) == []


def test_neither_a_sub_task_nor_what_is_not_there_is_split(team: Team) -> None:
    _, made = in_parts(team)
    assert "is a sub-task itself" in split(made["qa"], ROLES, "mara").message
    assert "no request SHOP-99" in split("SHOP-99", ROLES, "mara").message


def test_each_role_has_its_sub_task_with_assignee_and_brief_in_the_order_of_the_work(team: Team) -> None:
    key, made = in_parts(team)
    assert [part["key"] for part in fields(team, key)["subtasks"]] == list(made.values())
    developer = fields(team, made["developer"])
    assert developer["assignee"]["displayName"] == "Dora (developer)"
    assert developer["description"].startswith("the form\n")
    assert key in developer["description"]
    assert fields(team, made["qa"])["issuetype"]["subtask"] is True
    assert blocked_by(team, made["qa"]) == {made["developer"]}
    assert blocked_by(team, made["devops"]) == {made["qa"]}
    assert blocked_by(team, made["developer"]) == set()


def test_another_order_is_drawn_as_it_was_given(team: Team) -> None:
    _, made = in_parts(team, order_="devops developer+qa")
    assert blocked_by(team, made["developer"]) == blocked_by(team, made["qa"]) == {made["devops"]}


def test_the_same_once_more_makes_nothing_new(team: Team) -> None:
    key, made = in_parts(team)
    again = split(key, {**ROLES, "developer": Role("dora", "another brief")}, "olli")
    assert again.repeated
    assert "is split already: developer Dora" in again.message
    make(key)
    assert len(fields(team, key)["subtasks"]) == 3
    assert len(team.jira().issue(made["qa"]).links) == 2
    assert fields(team, made["developer"])["description"].startswith("the form\n")


def test_a_part_that_comes_later_is_drawn_between_those_that_are_there(team: Team) -> None:
    key, made = in_parts(team, {"developer": Role("dora"), "devops": Role("olli")})
    outcome = split(key, {"developer": Role("emil", "the back end"), "qa": Role("quinn")}, "mara")
    assert outcome.message.startswith(f"{key} is split: developer Emil (developer), qa Quinn (QA). There")
    make(key)
    issues = {part.asked.part: part.issue for part in parts.fold(backlog.request_of(key).parts)}
    assert [part["key"] for part in fields(team, key)["subtasks"]] == list(issues.values())
    assert fields(team, issues["developer-emil"])["assignee"]["displayName"] == "Emil (developer)"
    assert blocked_by(team, issues["qa"]) == {made["developer"], issues["developer-emil"]}
    assert blocked_by(team, made["devops"]) == {made["developer"], issues["qa"]}
    assert split(key, {"qa": Role("quinn")}, "mara").repeated


def test_an_order_that_goes_against_what_is_there_is_refused(team: Team) -> None:
    key, _ = in_parts(team, {"developer": Role("dora"), "qa": Role("quinn")})
    told = split(key, {"devops": Role("olli")}, "mara", "qa devops developer").message
    assert "Not split: with the parts that are there already" in told
    assert len(backlog.request_of(key).parts) == 4


@pytest.mark.parametrize("do", ["503", "drop_after"])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_jira_failing_half_way_costs_no_sub_task_and_makes_none_twice(team: Team, do: str, skip: int) -> None:
    key = request(team)
    assert split(key, ROLES, "mara").accepted
    team.fail_jira("POST /rest/api/2/issue$", 1, skip=skip, do=do)
    with pytest.raises(Transient):
        make(key)
    make(key)
    assert len(fields(team, key)["subtasks"]) == 3
    assert len(backlog.request_of(key).parts) == 6


def test_people_who_split_at_once_split_once(team: Team) -> None:
    key = request(team)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda who: split(key, ROLES, who), ["mara", "olli", "dora", "emil"]))
        list(pool.map(make, [key] * 2))
    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert len(fields(team, key)["subtasks"]) == 3


@pytest.mark.parametrize(
    ("points", "person", "told"),
    [
        ("many", "dora", "whole number"),
        ("0", "dora", "from 1 to 100"),
        ("3", "mara", "Dora (developer) does"),
        ("3", "emil", "only who does it"),
    ],
)
def test_an_estimate_that_does_not_count_is_refused(team: Team, points: str, person: str, told: str) -> None:
    _, made = in_parts(team)
    outcome = estimate(made["developer"], points, person)
    assert not outcome.accepted
    assert told in outcome.message
    assert team.jira().property(made["developer"], sizes.ESTIMATE) is None


def test_what_is_no_part_or_gone_is_not_estimated(team: Team) -> None:
    key, made = in_parts(team)
    assert "no part of a request" in estimate(key, "3", "dora").message
    team.delete_issue(made["developer"])
    assert "Jira has no" in estimate(made["developer"], "3", "dora").message


def test_the_whole_is_the_sum_once_everybody_has_estimated(team: Team) -> None:
    key, made = in_parts(team)
    for role, person, points in (("developer", "dora", 3), ("qa", "quinn", 2), ("devops", "olli", 1)):
        assert team.jira().property(key, sizes.ESTIMATE) is None
        assert estimate(made[role], str(points), person).accepted
        splitting.show_estimate(made[role])
        assert team.jira().property(made[role], sizes.ESTIMATE) == {"points": points}
    assert team.jira().property(key, sizes.ESTIMATE) == {"points": 6}
    assert estimate(made["qa"], "2", "quinn").repeated
    assert not estimate(made["qa"], "5", "quinn").repeated
    lines = plans.propose.fn("shop", "review:shop:2026-W42", NOW).plan.lines
    assert [(entry.key, entry.size) for entry in lines] == [(key, 9)]


def test_who_took_it_over_in_jira_estimates_it(team: Team) -> None:
    _, made = in_parts(team)
    team.assign(made["developer"], "emil")
    assert not estimate(made["developer"], "3", "dora").accepted
    assert estimate(made["developer"], "3", "emil").accepted


def test_a_sub_task_is_neither_proposed_nor_alike(team: Team) -> None:
    key, made = in_parts(team)
    lines = plans.propose.fn("shop", "review:shop:2026-W42", NOW).plan.lines
    assert [entry.key for entry in lines] == [key]
    again = request(team, "developer: Dora (developer): the form")
    assert not {found.other for found in backlog.alike_to(again)} & set(made.values())


# Work orders


def day(days: int) -> str:
    return (NOW.date() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("to", "text", "by", "told"),
    [
        ("", "Try it", day(3), "to whom"),
        ("Testers", " ", day(3), "what"),
        ("Testers", "Try it", "soon", "YYYY-MM-DD"),
        ("Testers", "Try it", "2026-02-30", "YYYY-MM-DD"),
        ("Testers", "Try it", day(-1), "is over"),
    ],
)
def test_an_order_that_lacks_something_is_refused(team: Team, to: str, text: str, by: str, told: str) -> None:
    key = request(team)
    outcome = order(key, to, text, by, "mara")
    assert not outcome.accepted
    assert told in outcome.message
    assert backlog.request_of(key).parts == ()


def test_an_order_is_a_sub_task_with_its_text_its_day_and_its_way_back(team: Team) -> None:
    key = request(team)
    assert order(key, "Night testers", "Try it by <b>night</b>", day(3), "mara").accepted
    [issue] = make(key)
    found = fields(team, issue)
    assert (found["duedate"], found["assignee"], found["parent"]["key"]) == (day(3), None, key)
    for said in ("Try it by <b>night</b>", "Night testers", "The way back", "Mara (manager)", key):
        assert said in found["description"]
    assert order(key, "Night testers", "Try it by <b>night</b>", day(3), "olli").repeated
    assert "has it, by" in order(key, "Night testers", "Try it by <b>night</b>", day(4), "mara").message
    assert make(key) == [issue]


def test_an_order_is_done_when_its_sub_task_is_and_told_when_it_is_overdue(team: Team) -> None:
    key = request(team)
    for text, days in (("First", 1), ("Second", 5), ("Third", 0)):
        assert order(key, "olli", text, day(days), "mara").accepted
    make(key)
    third, first, second = (each.issue for each in splitting.orders(project()))
    assert fields(team, first)["assignee"]["displayName"] == "Olli (release)"
    later = NOW.date() + timedelta(days=2)
    overdue = [o.issue for o in splitting.orders(project()) if o.overdue(later)]
    assert overdue == [third, first]
    team.jira("olli").transition(third, "Closed")
    assert [o.issue for o in splitting.orders(project()) if o.overdue(later)] == [first]
    assert not any(o.overdue(date.max) for o in splitting.orders(project()) if o.done)
    assert second not in overdue
    assert parts.total([o.part for o in splitting.orders(project())]) is None


def test_an_overdue_order_is_told_by_reconcile(team: Team) -> None:
    key = request(team)
    past = NOW - timedelta(days=9)
    assert order(key, "Night testers", "Try it", day(-5), "mara", now=past).accepted
    [issue] = make(key)
    [told] = planning_reconciling.overdue_orders()
    assert (told.mend, issue in told.text, "Night testers" in told.text) == ("tell", True, True)


def project() -> Any:
    return context.policy().project("shop")
