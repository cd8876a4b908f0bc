"""The weekly review: a proposal from all open requests, decided line by line, closed by the right people."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lifecycle import review
from lifecycle.planning import Decision
from tasks import context, planning_messages, plans, posts, review_walk
from tasks.review_decisions import close_review, decide_line
from tasks.walk import new_events

Team = Any
STREAM = "review:shop:2026-W42"
NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)


def propose(team: Team) -> review.Proposed:
    """What the first two stages of the flow do."""
    proposed = plans.propose.fn("shop", STREAM, NOW)
    context.ledger().append(STREAM, new_events(STREAM, [proposed]), now=NOW)
    content = planning_messages.review_content(state(), context.policy(), STREAM)
    key = planning_messages.message_key(STREAM)
    posts.post.fn("review", team.planning, content, key, subject=STREAM)
    return proposed


def state() -> review.Review:
    return review.fold(review.parse(event.data) for event in context.ledger().events(STREAM))


def line(proposed: review.Proposed, key: str) -> str:
    return review.line_id(proposed.proposal, key)


def test_a_review_of_nothing_has_no_line_to_decide(team: Team) -> None:
    proposed = propose(team)
    assert (proposed.open, proposed.plan.lines) == (0, ())
    decide = decide_line(line(proposed, "SHOP-1"), "accept", "mara")
    assert not decide.accepted
    assert close_review(proposed.proposal, "olli").message == "Not closed: nobody has taken part as product."


@pytest.mark.parametrize("person", ["nobody", "", "clara"])
def test_who_is_not_of_the_team_decides_nothing(team: Team, person: str) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    assert not decide_line(line(proposed, key), "reject", person).accepted
    assert not close_review(STREAM, person).accepted
    assert state().decided == ()


@pytest.mark.parametrize(
    ("line_id", "decision"), [("", "accept"), ("x.y", "accept"), ("{}", "accept"), ("{}.zz", "defer")]
)
def test_a_line_that_is_in_no_review_is_refused(team: Team, line_id: str, decision: str) -> None:
    proposed = propose(team)
    assert not decide_line(line_id.format(proposed.proposal), decision, "mara").accepted


def test_a_word_that_is_no_decision_is_refused(team: Team) -> None:
    key = team.file("dora", "A wish")
    assert not decide_line(line(propose(team), key), "merge", "mara").accepted


def test_what_fits_is_proposed_and_the_blocker_comes_first(team: Team) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(3)]
    team.jira().link("Blocks", keys[2], keys[0])
    for key in keys:
        team.jira().set_property(key, plans.ESTIMATE, {"points": 3})
    plan = propose(team).plan
    assert set(plan.accepted) == {keys[2], keys[0]}
    assert plan.waves == ((keys[2],), (keys[0],))
    deferred = next(entry for entry in plan.lines if not entry.accepted)
    assert "do not fit" in deferred.why


@pytest.mark.parametrize("value", [None, "three", {"points": 0}, {"points": True}, {"points": "3"}, [3]])
def test_an_estimate_that_is_none_counts_as_not_estimated(team: Team, value: object) -> None:
    iid = team.gitlab("POST", "issues", "dora", title="A wish", labels="request")["iid"]
    key = team.take(team.from_gitlab(iid))
    team.jira().set_property(key, plans.ESTIMATE, value)
    [entry] = propose(team).plan.lines
    assert entry.size == 3
    assert entry.score.terms[-1].why == "nobody estimated it"


def test_a_blocker_that_is_finished_holds_nothing_back_and_one_in_work_does(team: Team) -> None:
    finished, working, first, second = (team.file("dora", f"Wish {n}") for n in range(4))
    team.jira().link("Blocks", finished, first)
    team.jira().link("Blocks", working, second)
    team.jira("dora").transition(finished, "Closed")
    team.jira("dora").transition(working, "In Progress")
    lines = {entry.key: entry for entry in propose(team).plan.lines}
    assert set(lines) == {first, second}
    assert lines[first].accepted
    assert working in lines[second].why


def test_what_is_planned_or_in_work_is_not_proposed_again(team: Team) -> None:
    planned, working, wish = (team.file("dora", f"Wish {n}") for n in range(3))
    team.jira().ensure_version("SHOP", "1.0.0")
    team.jira().add_fix_version(planned, "1.0.0")
    team.jira("dora").transition(working, "In Progress")
    proposed = propose(team)
    assert [entry.key for entry in proposed.plan.lines] == [wish]


@pytest.mark.parametrize(
    ("tags", "planned", "expected"),
    [
        ([], [], "0.1.0"),
        (["1.3.0", "1.3.2-rc.1", "v9.0.0", "nightly"], [], "1.4.0"),
        (["1.9.0", "1.10.1"], [], "1.11.0"),
        (["1.3.0"], ["1.4.0"], "1.5.0"),
    ],
)
def test_the_version_is_the_next_minor_after_what_is_out_or_on_its_way(
    team: Team, tags: list[str], planned: list[str], expected: str
) -> None:
    team.commit("README.md", "shop")
    for tag in tags:
        team.gitlab("POST", "repository/tags", "olli", tag_name=tag, ref="main")
    for version in planned:
        team.plan_release(version)
    assert propose(team).plan.version == expected


def test_the_message_has_a_line_per_request_and_stays_one_message_within_slacks_limits(team: Team) -> None:
    for n in range(60):
        team.file("dora", f"Wish {n} " + "long & <b>bold</b> " * 10)
    proposed = propose(team)
    [message] = team.messages()
    assert len(message["blocks"]) <= 50
    assert proposed.open == 60
    assert len(proposed.plan.lines) == len(proposed.plan.accepted) + review.DEFERRED_SHOWN
    values = team.buttons(message)["review.accept"]
    assert len(values) == len(set(values)) == len(proposed.plan.lines)
    assert team.buttons(message)["review.close"] == [proposed.proposal]
    assert all("SHOP" not in value for value in values)


def test_a_decision_shows_at_once_with_its_name_and_a_second_one_replaces_it(team: Team) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    assert decide_line(line(proposed, key), "defer", "mara", "after the summer").accepted
    assert context.ledger().wakeup(STREAM).pending
    assert planning_messages.refresh(STREAM)
    said = str(team.messages()[0]["blocks"])
    assert "Mara" in said
    assert "after the summer" in said
    assert "review.defer" not in team.buttons(team.messages()[0])
    assert decide_line(line(proposed, key), "accept", "olli").accepted
    assert state().plan.lines[0].decision is Decision.ACCEPT
    assert [(d.person, d.round) for d in state().decided] == [("mara", 1), ("olli", 2)]


def test_a_second_click_of_the_same_person_changes_nothing(team: Team) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    with ThreadPoolExecutor(8) as pool:
        clicks = list(pool.map(lambda _: decide_line(line(proposed, key), "reject", "mara"), range(16)))
    assert all(outcome.accepted for outcome in clicks)
    assert sum(not outcome.repeated for outcome in clicks) == 1
    assert len(state().decided) == 1


def test_of_two_people_who_decide_at_once_neither_decision_is_lost(team: Team) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    wanted = [("mara", "accept"), ("olli", "reject"), ("dora", "defer"), ("emil", "accept")]
    with ThreadPoolExecutor(4) as pool:
        clicks = list(pool.map(lambda each: decide_line(line(proposed, key), each[1], each[0]), wanted))
    assert all(outcome.accepted and not outcome.repeated for outcome in clicks)
    assert {(d.person, d.decision.value) for d in state().decided} == set(wanted)
    assert [d.round for d in state().decided] == [1, 2, 3, 4]


def test_the_review_is_closed_only_when_every_role_has_taken_part(team: Team) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    refused = close_review(proposed.proposal, "mara")
    assert (refused.accepted, refused.message) == (False, "Not closed: nobody has taken part as lead.")
    assert decide_line(line(proposed, key), "accept", "olli").accepted
    assert close_review(STREAM, "mara").accepted
    assert close_review(STREAM, "olli").repeated
    late = decide_line(line(proposed, key), "reject", "olli")
    assert (late.accepted, late.message) == (False, "The review is closed.")


def test_an_inverted_dependency_keeps_the_review_open_and_is_named(team: Team) -> None:
    blocker, blocked = team.file("dora", "First"), team.file("dora", "Then")
    team.jira().link("Blocks", blocker, blocked)
    proposed = propose(team)
    decide_line(line(proposed, blocked), "accept", "olli")
    decide_line(line(proposed, blocker), "defer", "mara")
    refused = close_review(STREAM, "mara")
    assert not refused.accepted
    assert f"{blocked} is accepted but waits for {blocker}" in refused.message


def test_the_week_of_a_run_is_as_given_or_the_present_one_in_the_teams_zone(team: Team) -> None:
    late_sunday = datetime(2026, 10, 18, 23, 30, tzinfo=UTC)
    assert review_walk.this_week("shop", None, late_sunday) == "2026-W42"
    assert review_walk.this_week("shop", None, late_sunday + timedelta(hours=1)) == "2026-W43"
    assert review_walk.this_week("shop", "2026-W01") == "2026-W01"
    with pytest.raises(ValueError, match="not an ISO week"):
        review_walk.this_week("shop", "last")
