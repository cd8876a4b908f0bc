"""Values and needs of requests: set by people, suggested with reasons, in the plan, in Jira and in Slack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrations.settings import settings
from lifecycle import review
from lifecycle.planning import PlanLine
from lifecycle.requests import Request
from lifecycle.values import Value
from tasks import backlog, context, planning_messages, plans, posts, sizes, valuing
from tasks.needing import show_need, waive_need
from tasks.review_decisions import close_review, decide_line, merge
from tasks.valuing import set_values
from tasks.walk import new_events
from tests.cli.world import in_production

Team = Any
STREAM = "review:shop:2026-W42"
GERD = "U0GERD"


def request(team: Team, title: str = "A wish") -> str:
    return str(team.take(team.from_slack(title, GERD, team.planning)))


def on_ledger(key: str) -> Request:
    return backlog.request_of(key)


def propose(team: Team) -> review.Proposed:
    now = datetime.now(UTC)
    proposed = plans.propose.fn("shop", STREAM, now)
    context.ledger().append(STREAM, new_events(STREAM, [proposed]), now=now)
    state = review.fold([proposed])
    content = planning_messages.review_content(state, context.policy(), STREAM)
    posts.post.fn("review", team.planning, content, planning_messages.message_key(STREAM), subject=STREAM)
    return proposed


def line(proposed: review.Proposed, key: str) -> PlanLine:
    return next(each for each in proposed.plan.lines if each.key == key)


def released(key: str, version: str, days: float) -> None:
    """A release with that issue, in production `days` from now: the issue was begun just before."""
    stream = f"release:shop:{version}"
    at = datetime.now(UTC) + timedelta(days=days)
    facts = in_production((key,), version, at)
    context.ledger().append(stream, new_events(stream, facts), now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("wanted", "why", "person", "told"),
    [
        ({}, "x", "mara", "say which value"),
        ({"priority": "1"}, "x", "mara", "priority is no value"),
        ({"urgency": "9"}, "x", "mara", "from 1 to 5"),
        ({"urgency": "4", "type": "epic"}, "x", "mara", "epic is none of"),
        ({"urgency": "4"}, " \u200b ", "mara", "say why"),
        ({"urgency": "4"}, "x", "clara", "the team's"),
        ({"urgency": "4"}, "x", "nobody", "people file"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_recorded(
    team: Team, wanted: dict[str, str], why: str, person: str, told: str
) -> None:
    key = team.file("dora", "A wish")
    outcome = set_values(key, wanted, person, why)
    assert not outcome.accepted
    assert told in outcome.message
    assert on_ledger(key).values == ()


@pytest.mark.parametrize("key", ["SHOP-99", "KIOSK-1", "", "SHOP-1 or so"])
def test_an_issue_that_is_not_there_has_no_values(team: Team, key: str) -> None:
    assert "no request" in set_values(key, {"urgency": "4"}, "mara", "x").message
    assert "no request" in waive_need(key, "mara", "x").message


def test_a_merged_request_is_valued_where_it_went(team: Team) -> None:
    first, second = team.file("dora", "A wish"), team.file("dora", "The wish")
    assert merge(team.find_alike(second, first), "mara").accepted
    assert f"merged into {first}" in set_values(second, {"urgency": "4"}, "mara", "x").message


def test_what_is_set_is_on_the_ledger_beside_what_was_suggested_and_in_the_plan(team: Team) -> None:
    key = request(team)
    team.due(key, datetime.now(UTC) + timedelta(days=1))
    assert set_values(key, {"urgency": "2", "importance": "5"}, "mara", "a large client", "cli").accepted
    urgency, importance = on_ledger(key).values
    assert (urgency.to, urgency.suggested, urgency.suggested_why) == (2, 5, "due in 1 days")
    assert (importance.to, importance.suggested) == (5, None)
    terms = {term.name: term for term in line(propose(team), key).score.terms}
    assert terms["urgency"].value == 4.0
    assert terms["urgency"].basis == "set by Mara (manager)"
    assert "a large client" in terms["business value"].why
    said = str(team.messages()[-1]["blocks"])
    assert "urgency 4 (set by Mara (manager))" in said


def test_a_repeat_sets_nothing_and_a_new_reason_is_recorded(team: Team) -> None:
    key = request(team)
    first, again = (set_values(key, {"urgency": "4"}, "mara", "soon") for _ in range(2))
    assert (first.repeated, again.repeated) == (False, True)
    assert len(on_ledger(key).values) == 1
    assert not set_values(key, {"urgency": "4"}, "mara", "sooner").repeated
    assert [fact.round for fact in on_ledger(key).values] == [1, 2]


def test_of_people_who_set_at_once_nobody_is_lost(team: Team) -> None:
    key = request(team)
    people = ["mara", "olli", "dora", "emil"]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda who: set_values(key, {"urgency": "4"}, who, f"says {who}"), people))
    assert all(outcome.accepted and not outcome.repeated for outcome in outcomes)
    assert {fact.person for fact in on_ledger(key).values} == set(people)
    assert [fact.round for fact in on_ledger(key).values] == [1, 2, 3, 4]


def test_a_size_that_a_person_sets_is_in_jira_and_counts(team: Team) -> None:
    key = request(team)
    set_values(key, {"complexity": "5"}, "dora", "two screens")
    for _ in range(2):
        valuing.show(key)
    assert team.jira().property(key, sizes.ESTIMATE) == {"points": 5}
    entry = line(propose(team), key)
    assert (entry.size, entry.score.terms[-1].basis) == (5, "set by Dora (developer)")
    [message] = [m for m in team.messages() if key in m["text"]]
    assert "complexity *5*, Dora (developer): two screens" in str(message["blocks"])


def test_an_estimate_in_jira_stands_for_people_where_nobody_set_one_here(team: Team) -> None:
    key = request(team)
    team.jira().set_property(key, sizes.ESTIMATE, {"points": 2})
    assert line(propose(team), key).size == 2


def test_while_jira_is_down_what_is_known_can_be_valued_without_its_suggestion(team: Team) -> None:
    key = request(team)
    team.fail_jira("GET .*", 50)
    assert set_values(key, {"urgency": "4"}, "mara", "soon").accepted
    team.heal_jira()
    assert on_ledger(key).values[0].suggested_why == ""


def test_a_linked_incident_makes_it_urgent_and_shows_its_need(team: Team) -> None:
    key, incident = request(team), team.file("dora", "The shop was down", "", "incident")
    team.jira().link("Relates", incident, key)
    entry = line(propose(team), key)
    assert entry.need == f"incident {incident}"
    urgency = next(term for term in entry.score.terms if term.name == "urgency")
    assert (urgency.value, urgency.basis) == (8.0, "suggested")
    assert incident in urgency.why


def test_the_size_is_suggested_from_finished_work_and_measured_once(team: Team) -> None:
    done = team.file("dora", "Pay by invoice")
    team.jira().set_property(done, sizes.ESTIMATE, {"points": 5})
    team.jira("dora").transition(done, "In Progress")
    released(done, "1.0.0", 4)
    key = request(team, "Clubs pay by invoice")
    [took] = sizes.measure(context.policy().project("shop"))
    assert (took.issue, took.points, round(took.days or 0)) == (done, 5, 4)
    assert valuing.suggestions(key, datetime.now(UTC))[Value.COMPLEXITY] == (5, f"5 points, as {done} took")
    entry = line(propose(team), key)
    assert (entry.size, entry.score.terms[-1].basis) == (5, "suggested")
    team.jira().set_property(done, sizes.ESTIMATE, {"points": 8})
    assert sizes.measure(context.policy().project("shop")) == (took,)
    assert len(context.ledger().events("finished:shop")) == 1


def test_what_is_gone_from_jira_was_never_measured(team: Team) -> None:
    done = team.file("dora", "Pay by invoice")
    released(done, "1.0.0", 4)
    team.delete_issue(done)
    assert sizes.measure(context.policy().project("shop")) == ()


# The need


@pytest.fixture
def strict(team: Team) -> Team:
    """The policy asks for a need."""
    path = Path(settings().policy)
    data = yaml.safe_load(path.read_text())
    data["review"]["need"] = "required"
    path.write_text(yaml.safe_dump(data))
    return team


@pytest.mark.parametrize(
    ("need", "said", "told"),
    [
        ("metric", "it is slow", "by its link"),
        ("feedback", "  ", "in words"),
        ("incident", "the outage", "Jira key"),
        ("incident", "SHOP-99", "Jira has no SHOP-99"),
        ("rumour", "somebody said", "rumour"),
    ],
)
def test_what_shows_no_need_is_refused(team: Team, need: str, said: str, told: str) -> None:
    key = request(team)
    outcome = show_need(key, need, said, "mara")
    assert not outcome.accepted
    assert told in outcome.message
    assert on_ledger(key).needs == ()


def test_a_need_is_waived_by_name_and_only_by_the_review_s_roles(team: Team) -> None:
    key = request(team)
    assert waive_need(key, "dora", "I like it").message == "Not waived: a need is waived by lead or product."
    assert waive_need(key, "olli", " ").message == "Not waived: say why."
    assert waive_need(key, "olli", "the law asks for it").accepted
    assert waive_need(key, "olli", "the law asks for it").repeated
    valuing.show(key)
    assert "waived by olli: the law asks for it" in str(team.messages()[0]["blocks"])


def test_without_a_need_the_review_stays_open_and_says_what_to_do(strict: Team) -> None:
    first, second = request(strict, "A wish"), request(strict, "Pay by invoice")
    proposed = propose(strict)
    for key in (first, second):
        decide_line(review.line_id(proposed.proposal, key), "accept", "olli")
    told = close_review(STREAM, "mara").message
    assert f"{first} has no need on record: link a metric, feedback or incident, or waive it" in told
    planning_messages.refresh(STREAM)
    assert f"{second} has no need on record" in str(strict.messages()[-1]["blocks"])
    assert show_need(first, "metric", "https://metrics.example/d/7", "dora").accepted
    assert first not in close_review(STREAM, "mara").message
    assert waive_need(second, "mara", "promised in writing").accepted
    assert close_review(STREAM, "mara").accepted


def test_where_the_policy_asks_for_none_the_review_closes_without(team: Team) -> None:
    key = request(team)
    proposed = propose(team)
    decide_line(review.line_id(proposed.proposal, key), "accept", "olli")
    assert close_review(STREAM, "mara").accepted
