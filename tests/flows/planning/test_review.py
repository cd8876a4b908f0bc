"""The weekly review: a proposal from all open requests, decided line by line, closed by the right people."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.weekly_review import weekly_review
from integrations.settings import settings
from lifecycle import review, review_ladder
from lifecycle.planning import Decision
from tasks import context, planning_messages, plans, posts, review_reminders, review_walk
from tasks.review_decisions import close_review, decide_line, merge
from tasks.review_starting import begin_due, start_review
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


@pytest.mark.parametrize(("size", "every_line_has_buttons"), [(1, True), (40, False), (41, False)])
def test_the_message_stays_one_within_slacks_limits_and_names_up_to_40_lines(
    team: Team, size: int, every_line_has_buttons: bool
) -> None:
    for n in range(size):
        team.file("dora", f"Wish {n} " + "long & <b>bold</b> " * 10)
    proposed = propose(team)
    [message] = team.messages()
    assert (proposed.open, len(proposed.plan.lines)) == (size, size)
    found = team.buttons(message)
    assert found["review.close"] == [proposed.proposal]
    assert ("review.all" not in found) is every_line_has_buttons
    assert len(found["review.accept"]) == len(set(found["review.accept"])) > 0
    assert (len(found["review.accept"]) == size) is every_line_has_buttons
    assert all("SHOP" not in value for value in found["review.accept"])
    said = str(message["blocks"])
    assert sum(f"|{entry.key}>" in said for entry in proposed.plan.lines) == min(size, 40)
    assert ("and 1 more line" in said) is (size == 41)


def test_the_agenda_is_by_who_asked(team: Team) -> None:
    for person, title in (("clara", "Gift wrap"), ("dora", "Logs"), ("gerd", "Figures")):
        team.file(person, title)
    propose(team)
    said = str(team.messages()[0]["blocks"])
    parts = ["*Clients* · 1 line", "Gift wrap", "*Management*", "Figures", "*Developers*", "Logs"]
    assert [said.index(part) for part in parts] == sorted(said.index(part) for part in parts)


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


def test_the_week_is_that_of_the_teams_zone(team: Team) -> None:
    late_sunday = datetime(2026, 10, 18, 23, 30, tzinfo=UTC)
    assert review_walk.this_week(late_sunday) == "2026-W42"
    assert review_walk.this_week(late_sunday + timedelta(hours=1)) == "2026-W43"


def test_a_run_walks_the_week_it_is_given_and_no_other_word(team: Team) -> None:
    assert review_walk.turn("shop", "2026-W01").week == "2026-W01"
    with pytest.raises(ValueError, match="not an ISO week"):
        review_walk.turn("shop", "last")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - timedelta(seconds=1), "the next is due 2026-10-16 10:00 UTC"),
        (NOW, "2026-W42"),
        (NOW + timedelta(hours=13, minutes=59), "2026-W42"),
        (NOW + timedelta(hours=14), "the next is due 2026-10-23 10:00 UTC"),
    ],
)
def test_a_scheduled_run_walks_the_review_that_is_due(team: Team, now: datetime, expected: str) -> None:
    found = review_walk.turn("shop", None, now)
    assert (found.week or found.why) == expected


def test_a_review_that_a_holiday_moved_is_started_by_hand_as_the_one_it_is(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    rules["review"]["holidays"] = {"dates": ["2026-10-16", "2026-10-19"]}
    settings().policy.write_text(json.dumps(rules))
    monday = NOW + timedelta(days=3)
    assert start_review("shop", monday).subject == STREAM
    tuesday = review_walk.turn("shop", None, NOW + timedelta(days=4))
    assert tuesday.why == "the review of 2026-W42 has begun already"
    assert start_review("shop", NOW + timedelta(days=4)).repeated
    assert start_review("shop", NOW + timedelta(days=5)).subject == "review:shop:2026-W43"


def test_a_review_that_has_begun_is_not_begun_by_the_schedule_again(team: Team) -> None:
    assert start_review("shop", NOW - timedelta(hours=1)).subject == STREAM
    assert review_walk.turn("shop", None, NOW).why == "the review of 2026-W42 has begun already"
    propose(team)
    context.ledger().run_started(STREAM, 1, "some-run", NOW)
    assert review_walk.turn("shop", None, NOW).week is None


def test_the_policys_schedule_begins_one_review_for_each_project_once(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    other = {**rules["projects"][0], "id": "cafe", "jira": "CAFE", "gitlab": 2, "service_desk": ""}
    rules["projects"].append(other)
    settings().policy.write_text(json.dumps(rules))
    assert begin_due(NOW - timedelta(seconds=1)) == []
    assert start_review("cafe", NOW - timedelta(hours=1)).subject == "review:cafe:2026-W42"
    missed = NOW + timedelta(hours=13)
    assert begin_due(missed) == [STREAM]
    assert begin_due(missed) == []
    assert context.ledger().wakeup(STREAM).pending
    assert begin_due(NOW + timedelta(hours=14)) == []


def test_a_changed_schedule_counts_at_once_and_a_holiday_moves_the_beginning(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    rules["review"]["holidays"] = {"dates": ["2026-10-16"]}
    settings().policy.write_text(json.dumps(rules))
    assert begin_due(NOW) == []
    assert begin_due(NOW + timedelta(days=3)) == [STREAM]


def test_a_run_on_a_day_without_a_review_ends_at_once_and_says_when_the_next_is(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    holidays = [str(datetime.now(UTC).date() + timedelta(days=n)) for n in range(-1, 3)]
    rules["review"] |= {"cron": "0 0 * * *", "holidays": {"dates": holidays}}
    settings().policy.write_text(json.dumps(rules))
    state = weekly_review.fn("shop")
    assert (state.type.value, state.name) == ("COMPLETED", "No review today")
    assert str(state.message).startswith("the next is due ")
    assert context.ledger().subjects("review:") == ()


def test_a_circle_is_named_and_keeps_the_review_open(team: Team) -> None:
    first, second = team.file("dora", "First"), team.file("dora", "Second")
    team.jira().link("Blocks", first, second)
    team.jira().link("Blocks", second, first)
    proposed = propose(team)
    assert proposed.plan.accepted == ()
    assert decide_line(line(proposed, first), "accept", "olli").accepted
    assert decide_line(line(proposed, second), "accept", "mara").accepted
    refused = close_review(STREAM, "mara")
    assert not refused.accepted
    assert f"{first} waits for {second} waits for {first}" in refused.message
    assert planning_messages.refresh(STREAM)
    assert f"⛔ {first} waits for {second}" in str(team.messages()[0]["blocks"])
    assert state().closed is None


def label(team: Team, key: str, change: str) -> None:
    body = {"update": {"labels": [{change: "needs-info"}]}}
    team._jira.put(f"/issue/{key}", json=body).raise_for_status()


def test_open_questions_keep_the_review_open_until_they_are_answered_in_jira(team: Team) -> None:
    asked, later = team.file("dora", "What?", "", "needs-info"), team.file("dora", "Clear")
    proposed = propose(team)
    for key, person in ((asked, "olli"), (later, "mara")):
        assert decide_line(line(proposed, key), "accept", person).accepted
    planning_messages.refresh(STREAM)
    assert "to be answered before the closing" in str(team.messages()[0]["blocks"])
    label(team, later, "add")
    said = close_review(STREAM, "mara").message
    assert said.startswith("Not closed: ")
    assert all(f"{key} is accepted but has open questions" in said for key in (asked, later))
    label(team, later, "remove")
    assert close_review(STREAM, "mara").message == f"Not closed: {asked} is accepted but has open questions."
    label(team, asked, "remove")
    assert close_review(STREAM, "mara").accepted


def test_while_jira_does_not_answer_nothing_is_closed(team: Team) -> None:
    key = team.file("dora", "A wish")
    proposed = propose(team)
    decide_line(line(proposed, key), "accept", "olli")
    team.fail_jira("POST /rest/api/2/search/jql", times=20)
    refused = close_review(STREAM, "mara")
    assert (refused.accepted, state().closed) == (False, None)
    assert "could not be seen" in refused.message
    team.heal_jira()
    assert close_review(STREAM, "mara").accepted


def test_what_was_merged_meanwhile_is_not_planned(team: Team) -> None:
    kept, twin = team.file("dora", "A wish"), team.file("dora", "The same wish")
    proposed = propose(team)
    for key, person in ((kept, "olli"), (twin, "mara")):
        decide_line(line(proposed, key), "accept", person)
    assert merge(team.find_alike(twin, kept), "mara").accepted
    assert (
        close_review(STREAM, "mara").message == f"Not closed: {twin} is accepted but was merged into {kept}."
    )
    decide_line(line(proposed, twin), "defer", "mara", "the same")
    assert close_review(STREAM, "mara").accepted


def test_what_reads_alike_and_is_open_is_on_the_agenda(team: Team) -> None:
    kept, twin, merged = (team.file("dora", title) for title in ("A wish", "The same", "Merged"))
    team.find_alike(twin, kept)
    merge(team.find_alike(merged, kept), "mara")
    team.find_alike(kept, "SHOP-99")
    proposed = propose(team)
    assert [(found.issue, found.other) for found in proposed.agenda.alike] == [(twin, kept)]
    assert len(team.buttons(team.messages()[0])["request.merge"]) == 1


def remind(now: datetime) -> None:
    """What the stage does about who is missing, `now`."""
    ladder = review_ladder.climb(state(), context.policy(), now)
    context.ledger().append(STREAM, new_events(STREAM, ladder.facts), now=now)
    review_reminders.say.fn(STREAM)


def replies(team: Team) -> list[str]:
    [message] = team.messages()
    thread = team.messages(thread=message["ts"])
    return [reply["text"] for reply in thread if reply["ts"] != message["ts"]]


def test_who_is_missing_is_reminded_once_and_then_their_deputy_may_take_part(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    next(person for person in rules["people"] if person["id"] == "mara")["deputy"] = "emil"
    settings().policy.write_text(json.dumps(rules))
    key = team.file("dora", "A wish")
    proposed = propose(team)
    assert decide_line(line(proposed, key), "accept", "olli").accepted
    assert decide_line(line(proposed, key), "accept", "emil").accepted
    late = datetime(2026, 10, 19, 9, tzinfo=UTC)  # due on a Sunday, said on Monday morning
    remind(late - timedelta(hours=1))
    assert replies(team) == []
    remind(late)
    remind(late)
    assert [text.startswith("⏰ <@U0MARA>: ") for text in replies(team)] == [True]
    assert not close_review(STREAM, "emil").accepted
    remind(late + timedelta(days=2))
    remind(late + timedelta(days=9))
    [_, deputy, last] = replies(team)
    assert "<@U0EMIL>: the weekly review waits for Mara" in deputy
    assert last.endswith("everybody has taken part, it can be closed.")
    assert close_review(STREAM, "emil").accepted
