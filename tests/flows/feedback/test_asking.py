"""Everybody who asked is asked once where they asked; what did not help becomes a request, once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deployments.sandbox_policy import CAST
from integrations import links
from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from integrations.settings import settings
from lifecycle import events as e
from lifecycle import feedback
from lifecycle import release as rules
from lifecycle.requests import Requester
from tasks import asking, context, feedback_digest, feedback_requests, requests, review_agenda
from tasks.decisions import Decision, Outcome, decide
from tasks.review_decisions import merge, merge_keys
from tasks.voting import mine_too
from tasks.walk import new_events

Team = Any
SUBJECT = "release:shop:1.4.0"
SHA = "a" * 40
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
GERD, GUEST = "U0GERD", "U0NOBODY"


@pytest.fixture(autouse=True)
def secret(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links can be signed."""
    del team
    monkeypatch.setenv("CONVEYOR_LINK_SECRET", "a secret of the test's own")
    settings.cache_clear()
    assert isinstance(settings().link_secret, SecretStr)


def tell(*facts: e.ReleaseEvent, at: datetime = NOW) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=at)


def release() -> rules.Release:
    folded = rules.fold(e.parse(event.data) for event in context.ledger().events(SUBJECT))
    assert folded is not None
    return folded


def release_with(*issues: str) -> None:
    """1.4.0 with these issues is in production and was watched."""
    titles = {key: f"Title of {key}" for key in issues}
    tell(
        e.Planned(project="shop", version="1.4.0", issues=issues, titles=titles, base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=NOW),
        e.WatchEnded(verdict="healthy"),
    )


def ask(now: datetime = NOW) -> Sequence[e.FeedbackAsked]:
    """What the stage does when the time has come."""
    if new := asking.questions(SUBJECT, release(), now):
        tell(*new)
    for group in feedback.messages(release()):
        asking.ask.fn(SUBJECT, group[0].request, group[0].person)
    return new


def remind(person: str) -> None:
    if all(fact.person != person for fact in release().feedback_reminded):
        tell(e.FeedbackReminded(person=person))
    asking.remind.fn(SUBJECT, person)


def answer(
    question: e.FeedbackAsked, said: str, comment: str = "", door: Any = "link", **more: Any
) -> Outcome:
    outcome = decide(
        Decision("feedback", question.request, question.person, door, comment, answer=said, **more)
    )
    assert outcome.accepted, outcome.message
    return outcome


def asked_of(person: str) -> e.FeedbackAsked:
    return next(a for a in release().feedback_asked if a.person == person)


def follow() -> list[str]:
    """What the stage does with what did not help; the keys of the new requests."""
    made: list[str] = []
    for given in feedback.to_follow(release()):
        key = feedback.followed_by(release(), given.request)
        if key:
            feedback_requests.tell.fn(SUBJECT, given, key)
            continue
        asked = feedback_requests.asked(SUBJECT, given, NOW)
        assert asked.ask is not None
        key = requests.take_in.fn(asked.project, asked.ask)
        requests.mark.fn(key)
        requests.answer.fn(asked.ask, key)
        feedback_requests.link.fn(SUBJECT, given, key)
        made.append(key)
    return made


def comments(team: Team, key: str) -> list[str]:
    return [comment["body"] for comment in team.get(f"/issue/{key}/comment")["comments"]]


def helped(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if "/decide/" in text]


def token_in(text: str) -> str:
    found = re.search(r"/decide/(\S+)", text)
    assert found
    return found[1]


def from_gitlab(team: Team, person: str, title: str) -> tuple[str, int]:
    """A request by GitLab's door: the Jira issue's key and the GitLab issue's number."""
    iid = team.gitlab("POST", "issues", person, title=title, labels="request")["iid"]
    return team.take(team.from_gitlab(iid)), iid


def leave_the_people_file(person: str) -> None:
    """Take somebody out of the policy, as if they had never been of the team."""
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["people"] = [each for each in data["people"] if each["id"] != person]
    path.write_text(json.dumps(data))


# Bad input first.


def test_a_requester_who_left_slack_is_in_the_way_of_nobody(team: Team) -> None:
    key = team.take(team.from_slack("A wish", GUEST, team.planning))
    release_with(key, team.take(team.from_slack("Vouchers", GERD, team.planning)))
    ask()
    ask()
    assert [a.person for a in release().feedback_asked] == [f"slack:{GUEST}", "gerd"]
    assert "Did Title of" in team.seen_by("gerd")
    assert helped(comments(team, key)) == []
    assert asking.is_sent(asking.key(SUBJECT, asked_of(f"slack:{GUEST}").request))


def test_a_person_of_the_team_who_left_slack_is_asked_by_link_on_the_issue(team: Team) -> None:
    key = team.take(team.from_slack("A wish", GERD, team.planning))
    path = Path(settings().policy)
    path.write_text(path.read_text().replace('"U0GERD"', '"U0GONE"'))
    release_with(key)
    ask()
    ask()
    [text] = helped(comments(team, key))
    assert links.read(token_in(text)).person == "gerd"


def test_an_issue_by_which_somebody_asked_and_which_is_gone_is_in_the_way_of_nobody(team: Team) -> None:
    gone = team.take(team.from_jira(team.file("clara", "Gone", "", "request")))
    release_with(gone)
    tell(*asking.questions(SUBJECT, release(), NOW))
    team.delete_issue(gone)
    asking.ask.fn(SUBJECT, asked_of("clara").request, "clara")
    assert asking.is_sent(asking.key(SUBJECT, asked_of("clara").request))


def test_an_issue_that_is_gone_and_came_by_no_door_is_in_the_way_of_nobody(team: Team) -> None:
    key = team.file("clara", "Gone")
    release_with(key)
    team.delete_issue(key)
    assert ask() == ()


def test_who_reported_an_issue_that_came_by_no_door_is_asked_on_it(team: Team) -> None:
    key = team.file("clara", "By hand")
    release_with(key)
    ask()
    [text] = helped(comments(team, key))
    assert links.read(token_in(text)).person == "clara"


def test_what_conveyor_filed_itself_nobody_is_asked_about(team: Team) -> None:
    release_with(team.jira("bot").create_issue("SHOP", "Bug", "Incident", "", op_key="incident"))
    assert ask() == ()


# Who is asked where.


def test_each_requester_is_asked_once_where_they_asked_merged_ones_included(team: Team) -> None:
    first = team.take(team.from_jira(team.file("clara", "Show the sum in the cart", "", "request")))
    second = team.take(team.from_slack("The cart should show the sum", GERD, team.planning))
    [alike] = team.buttons(team.messages()[-1])["request.merge"]
    assert merge(alike, "mara").accepted
    team.carry_out_merges()
    third, iid = from_gitlab(team, "dora", "Log failed payments")
    release_with(first, third)
    before = len(helped(comments(team, first)))
    for hours in (0, 1):
        ask(NOW + timedelta(hours=hours))
    assert [(a.person, a.issue) for a in release().feedback_asked] == [
        ("clara", first),
        ("gerd", first),
        ("dora", third),
    ]
    [text] = helped(comments(team, first))[before:]
    assert links.read(token_in(text)) == links.Link("clara", asked_of("clara").request)
    assert helped(comments(team, second)) == []
    for person, issue in (("gerd", first), ("dora", third)):
        assert team.seen_by(person).count(f'"Did Title of {issue} help?"') == 1
    assert helped([note["body"] for note in team.gitlab("GET", f"issues/{iid}/notes", "dora")]) == []


def test_who_said_mine_too_is_asked_as_well_each_person_once(team: Team) -> None:
    first = team.take(team.from_slack("Show the sum in the cart", GERD, team.planning))
    second = team.take(team.from_jira(team.file("clara", "The cart should show the sum", "", "request")))
    by_hand = team.file("olli", "Opening hours")
    dora = Requester(person="dora", name="Dora", slack="U0DORA")
    guest = Requester(name="Emil", slack="U0EMIL")
    for key, who in ((second, dora), (second, Requester(slack=GERD, person="gerd")), (first, guest)):
        assert mine_too(key, who).accepted
    assert mine_too(team.find_alike(second, by_hand), dora).accepted
    assert merge_keys(second, first, "mara").accepted
    leave_the_people_file("emil")
    release_with(first, by_hand)
    for hours in (0, 1):
        ask(NOW + timedelta(hours=hours))
    assert [(a.person, a.issue) for a in release().feedback_asked] == [
        *((person, first) for person in ("gerd", "clara", "slack:U0EMIL", "dora")),
        *((person, by_hand) for person in ("olli", "dora")),
    ]
    assert team.seen_by("dora").count('"Did these 2 things help?"') == 1
    for person in ("gerd", "emil"):
        assert team.seen_by(person).count(f'"Did Title of {first} help?"') == 1


def test_somebody_outside_the_people_file_is_asked_by_link_at_their_door(team: Team) -> None:
    leave_the_people_file("dora")
    key, iid = from_gitlab(team, "dora", "Log failed payments")
    release_with(key)
    ask()
    ask()
    notes = [note["body"] for note in team.gitlab("GET", f"issues/{iid}/notes", "mara")]
    [text] = helped(notes)
    link = links.read(token_in(text))
    number = next(n for n, slug in enumerate(CAST, 11) if slug == "dora")
    assert link.person == f"gitlab:{number}"
    assert helped(comments(team, key)) == []
    assert decide(Decision("feedback", link.request, link.person, "link", answer="solved")).accepted
    assert not decide(Decision("feedback", link.request, link.person, "cli", answer="not")).accepted
    assert not decide(Decision("hold", SUBJECT, link.person, "link", "no")).accepted


def test_a_customer_of_the_service_desk_is_asked_there(team: Team) -> None:
    leave_the_people_file("emil")
    desk = team.ask_at_desk("emil", "Show the sum")
    key = team.take(team.from_jira(desk))
    release_with(key)
    ask()
    ask()
    [text] = helped(comments(team, desk))
    assert links.read(token_in(text)).person == "jira:5f0000:emil"
    assert helped(comments(team, key)) == []


def test_one_person_with_three_questions_gets_one_message(team: Team) -> None:
    keys = [team.take(team.from_slack(f"Wish {n} {'xyz'[n]}", GERD, team.planning)) for n in range(3)]
    hers = [team.take(team.from_jira(team.file("clara", f"Her {n}", "", "request"))) for n in range(2)]
    release_with(*keys, *hers)
    ask()
    assert team.seen_by("gerd").count('"Did these 3 things help?"') == 1
    assert team.seen_by("gerd").count("feedback.solved") == 3
    [text] = helped([text for key in hers for text in comments(team, key)])
    assert {links.read(token).request for token in re.findall(r"/decide/(\S+)", text)} == {
        a.request for a in release().feedback_asked if a.person == "clara"
    }


@pytest.mark.parametrize("do", ["503", "503_after", "drop_before", "drop_after"])
def test_a_question_cut_short_anywhere_stands_once(team: Team, do: str) -> None:
    by_slack = team.take(team.from_slack("Vouchers", GERD, team.planning))
    by_jira = team.take(team.from_jira(team.file("clara", "The sum", "", "request")))
    release_with(by_slack, by_jira)
    team.fail_jira("POST .*/comment", times=1, do=do)
    team.slack_sandbox.faults.order(Fault("POST /api/chat.postMessage", do, times=1))
    for _ in range(3):
        try:
            ask()
        except Transient:
            continue
    assert team.seen_by("gerd").count(f'"Did Title of {by_slack} help?"') == 1
    assert len(helped(comments(team, by_jira))) == 1


# The reminder.


def test_the_reminder_says_something_else_once_and_only_of_what_is_open(team: Team) -> None:
    keys = [team.take(team.from_slack(f"Wish {n} {'xyz'[n]}", GERD, team.planning)) for n in range(2)]
    hers = team.take(team.from_jira(team.file("clara", "The sum", "", "request")))
    release_with(*keys, hers)
    ask()
    answer(asked_of("gerd"), "solved", door="slack")
    for _ in range(2):
        remind("gerd")
        remind("clara")
    seen = team.seen_by("gerd")
    assert seen.count(f'"Reminder: did Title of {keys[1]} help?"') == 1
    assert "the only one" in seen
    first, second = helped(comments(team, hers))
    assert "a reminder, the only one" in second
    assert first != second
    assert links.read(token_in(second)) == links.read(token_in(first))


def test_who_has_answered_meanwhile_is_not_reminded(team: Team) -> None:
    release_with(team.take(team.from_slack("Vouchers", GERD, team.planning)))
    ask()
    tell(e.FeedbackReminded(person="gerd"))
    answer(asked_of("gerd"), "solved", door="slack")
    asking.remind.fn(SUBJECT, "gerd")
    assert "Reminder" not in team.seen_by("gerd")


# What did not help.


def test_what_did_not_help_becomes_a_linked_request_that_starts_with_its_history_once(team: Team) -> None:
    old = team.take(team.from_jira(team.file("clara", "Gift wrap", "With a ribbon, please", "request")))
    release_with(old)
    ask()
    answer(asked_of("clara"), "not", "The ribbon is missing", score=1)
    [new] = follow()
    assert follow() == []
    issue = team.jira().issue(new)
    assert issue.summary == f"Title of {old} (not solved by 1.4.0)"
    for text in ("went out with Shop 1.4.0", "not (1 of 5; The ribbon is missing)", "With a ribbon, please"):
        assert text in issue.description
    assert [(link.type, link.key) for link in issue.links] == [("Relates", old)]
    assert (issue.status, requests.requesters(new)) == ("To Do", ["clara"])
    assert [new in text for text in comments(team, old)].count(True) == 1
    assert feedback.followed_by(release(), asked_of("clara").request) == new


@pytest.mark.parametrize("do", ["503", "drop_after"])
def test_a_follow_up_cut_short_anywhere_makes_one_request(team: Team, do: str) -> None:
    old = team.take(team.from_slack("Gift wrap", GERD, team.planning))
    release_with(old)
    ask()
    answer(asked_of("gerd"), "not", door="slack")
    before, cuts = team.issues(), 0
    while feedback.to_follow(release()):
        team.fail_jira("* /rest/api/2/.*", times=1, skip=cuts, do=do)
        try:
            follow()
        except Transient:
            cuts += 1
        team.heal_jira()
    assert cuts > 3
    [new] = [key for key in team.issues() if key not in before]
    assert len(team.jira().issue(new).links) == 1
    assert team.seen_by("gerd").count(f"Thank you: your request is <{settings().jira.url}/browse/{new}") == 1


def test_later_words_reach_the_request_that_came_of_it(team: Team) -> None:
    old = team.take(team.from_slack("Gift wrap", GERD, team.planning))
    release_with(old)
    ask()
    answer(asked_of("gerd"), "not", door="slack")
    [new] = follow()
    answer(asked_of("gerd"), "", "No ribbon", "slack", score=2)
    answer(asked_of("gerd"), "solved", "It was my browser", "slack")
    assert follow() == []
    assert follow() == []
    said = [text for text in comments(team, new) if "says now" in text]
    assert said == ["Gerd (management) says now: solved (It was my browser)"]
    assert context.ledger().revision(SUBJECT) == len(context.ledger().events(SUBJECT))


# What it adds up to.


def test_the_digest_has_what_was_said_since_with_the_late_and_the_entered(team: Team) -> None:
    keys = [team.take(team.from_slack(f"Wish {n} {'xy'[n]}", GERD, team.planning)) for n in range(2)]
    release_with(*keys)
    ask()
    one, two = release().feedback_asked
    answer(one, "partly", "The search is slow on my phone", "slack", score=3)
    tell(e.Closed(answers=1, asked=2), at=datetime.now(UTC))
    middle = datetime.now(UTC)
    answer(two, "solved", "Search is slow", "slack", score=4)
    entered = Decision(
        "client-said", SUBJECT, "mara", "cli", "too slow, the search", "not", 1, issue=keys[0], client="Bob"
    )
    assert decide(entered).accepted
    whole = feedback_digest.since("shop", NOW)
    assert (whole.figures.solved, whole.figures.partly, whole.figures.unsolved) == (1, 1, 1)
    assert [theme.size for theme in whole.themes] == [3]
    assert [(s.who, s.answer, s.late, s.entered_by) for s in whole.said] == [
        ("Gerd (management)", "partly", False, ""),
        ("Gerd (management)", "solved", True, ""),
        ("Bob", "not", True, "Mara (manager)"),
    ]
    assert (whole.figures.answered, whole.figures.asked) == (2, 2)
    part = feedback_digest.since("shop", middle)
    assert [s.answer for s in part.said] == ["solved", "not"]
    assert (part.figures.answered, part.figures.asked) == (1, 1)
    assert feedback_digest.since("shop", datetime.now(UTC)).said == ()
    assert feedback_digest.since("kiosk", NOW).said == ()
    answer(two, "partly", "Search is slow", "slack", score=2)
    agenda = review_agenda.agenda(context.policy().project("shop"), "review:shop:2026-W47", [], ())
    assert [(a.answer, a.score) for a in agenda.answers] == [("not", 1), ("partly", 3), ("partly", 2)]
    assert agenda.feedback == (
        "2 of 2 answered · 1 more said to the team · 0 solved, 2 partly, 1 not · satisfaction 2.0 of 5",
        f"3 say: “{whole.themes[0].comment}”",
    )
