"""Who is asked and reminded, which answer stands, and what the answers add up to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import feedback
from lifecycle.feedback import Figures, NotTaken, Said, Theme, Wish
from lifecycle.phases import IllegalEvent
from lifecycle.policy import Policy
from lifecycle.requests import Requester
from tests.lifecycle.story import NOW, STREAM, Story, live, policy, policy_data

DUE = NOW + timedelta(days=7)
CLARA = Requester(name="Clara", person="clara", jira="5f:clara")
BOB = Requester(name="Bob", gitlab=77)


def team(**changes: Any) -> Policy:
    """Clara without Slack, Gerd with it, Dora known in GitLab, Emil deactivated."""
    data = policy_data(**changes)
    known: Mapping[str, dict[str, object]] = {
        "gerd": {"slack": "U0GERD"},
        "dora": {"gitlab": 11, "jira": "5f:dora", "time_zone": "Europe/Berlin"},
        "clara": {"jira": "5f:clara"},
    }
    people = [{**person, **known.get(person["id"], {})} for person in data["people"]]
    data["people"] = [*people, {"id": "emil", "name": "Emil", "slack": "U0EMIL", "active": False}]
    return policy(**{**data, "people": data["people"]})


def released() -> Story:
    return live().end_watch()


def wish(who: Requester, issue: str = "SHOP-1", place: str = "") -> Wish:
    return Wish(issue, who, place)


def ask(story: Story, *wishes: Wish, using: Policy | None = None, due: datetime = DUE) -> Story:
    return story.tell(*feedback.asks(story.release, STREAM, wishes, using or team(), due))


def answer(story: Story, asked: e.FeedbackAsked, said: feedback.Answer = "solved", **more: Any) -> Story:
    rounds = [g.round for g in story.release.feedback_given if g.request == asked.request]
    fact = e.FeedbackGiven(
        request=asked.request,
        person=asked.person,
        issue=asked.issue,
        answer=said,
        **{"round": len(rounds) + 1, **more},
    )
    return story.tell(fact)


def why(story: Story, fact: e.ReleaseEvent) -> str:
    with pytest.raises(IllegalEvent) as refused:
        story.tell(fact)
    return refused.value.why


# Who is asked.


def test_everybody_is_asked_by_slack_or_at_the_door_they_came_by() -> None:
    gerd = Requester(person="gerd", jira="5f:gerd")
    guest = Requester(slack="U0GUEST")
    wishes = (wish(CLARA, place="jira:SHOP-1"), wish(gerd, "SHOP-2"), wish(BOB, place="gitlab:7:12"))
    asked = ask(released(), *wishes, wish(guest, place="slack:4")).release.feedback_asked
    assert [(a.person, a.issue, a.outside, a.slack, a.place, a.name) for a in asked] == [
        ("clara", "SHOP-1", False, "", "jira:SHOP-1", ""),
        ("gerd", "SHOP-2", False, "U0GERD", "", ""),
        ("gitlab:77", "SHOP-1", True, "", "gitlab:7:12", "Bob"),
        ("slack:U0GUEST", "SHOP-1", True, "U0GUEST", "slack:4", "U0GUEST in Slack"),
    ]
    assert asked[0].request == feedback.question_id(STREAM, "SHOP-1", "clara")


def test_a_link_is_given_at_the_door_else_on_the_issue_to_people_of_the_file_alone() -> None:
    asked = e.FeedbackAsked(request="r", person="x", issue="SHOP-1", due=DUE, place="gitlab:7:12")
    desk, slack, outside = (
        {"place": "desk:HELP-2"},
        {"place": "slack:4"},
        {"place": "slack:4", "outside": True},
    )
    found = [feedback.link_place(asked.model_copy(update=change)) for change in ({}, desk, slack, outside)]
    assert found == ["gitlab:7:12", "desk:HELP-2", "jira:SHOP-1", ""]


@pytest.mark.parametrize(
    "who", [Requester(name="Nobody"), Requester(person="emil"), Requester(slack="U0EMIL", name="Emil")]
)
def test_who_cannot_be_reached_or_is_deactivated_is_not_asked(who: Requester) -> None:
    assert feedback.asks(released().release, STREAM, [wish(who)], team(), DUE) == ()


def test_one_person_is_asked_once_about_an_issue_under_all_their_accounts() -> None:
    wishes = [wish(Requester(gitlab=11)), wish(Requester(person="dora", jira="5f:dora"))]
    story = ask(released(), *wishes)
    assert [a.person for a in story.release.feedback_asked] == ["dora"]
    assert ask(story, *wishes, wish(Requester(jira="5f:dora"))).release.feedback_asked[1:] == ()


def test_who_came_into_the_people_file_after_the_question_is_not_asked_again() -> None:
    story = ask(released(), wish(BOB))
    people = [*policy_data()["people"], {"id": "bob", "name": "Bob", "gitlab": 77}]
    assert ask(story, wish(BOB), using=policy(people=people)).release.feedback_asked[1:] == ()


def test_who_left_the_people_file_is_asked_as_somebody_outside_it() -> None:
    gone = Requester(person="gone", name="Gone", jira="5f:gone")
    [asked] = ask(released(), wish(gone)).release.feedback_asked
    assert (asked.person, asked.outside, asked.name) == ("jira:5f:gone", True, "Gone")


WHO = [
    *(Requester(person=person) for person in ("clara", "dora", "gerd", "emil", "gone")),
    *(Requester(jira=account) for account in ("5f:clara", "5f:dora", "5f:x")),
    *(Requester(gitlab=account) for account in (11, 77)),
    *(Requester(slack=account) for account in ("U0GERD", "U0GUEST", "U0EMIL")),
]
ISSUES = st.sampled_from(["SHOP-1", "SHOP-2"])
WISHES = st.lists(st.builds(Wish, ISSUES, st.sampled_from(WHO)), max_size=8)


@given(WISHES, WISHES)
def test_nobody_is_ever_asked_twice(first: list[Wish], later: list[Wish]) -> None:
    story = ask(ask(released(), *first), *first, *later)
    asked = story.release.feedback_asked
    assert len({a.request for a in asked}) == len({(a.issue, a.person) for a in asked}) == len(asked)
    assert feedback.asks(story.release, STREAM, [*first, *later], team(), DUE) == ()
    assert "emil" not in {a.person for a in asked}


def test_what_one_person_was_asked_at_one_time_is_one_message_of_at_most_ten() -> None:
    keys = [f"SHOP-{n}" for n in range(1, 13)]
    story = Story(*keys).cut().stage()
    for step in ("qa", "check", "client", "approval"):
        story.ask(step).sign_all().tell(e.StepPassed(step=step, number=1))
    story.start_production().deploy().end_watch()
    ask(story, *(wish(CLARA, key) for key in keys[:11]), wish(BOB, "SHOP-1"))
    sent = feedback.messages(story.release)
    assert [(group[0].person, len(group)) for group in sent] == [
        ("clara", 10),
        ("clara", 1),
        ("gitlab:77", 1),
    ]
    ask(story, wish(CLARA, "SHOP-12"), due=DUE + timedelta(hours=1))
    assert feedback.messages(story.release)[: len(sent)] == sent
    assert sorted(a.issue for group in feedback.messages(story.release) for a in group) == sorted(
        [*keys, "SHOP-1"]
    )


# Reminders. NOW is a Friday, 10:00 UTC.


def asked_at(story: Story) -> dict[str, datetime]:
    return {a.request: NOW for a in story.release.feedback_asked}


def look(story: Story, now: datetime, using: Policy | None = None) -> feedback.Reminders:
    found = feedback.reminders(story.release, asked_at(story), using or team(), now)
    story.tell(*found.facts)
    return found


def test_a_reminder_comes_once_after_its_time_in_working_hours_for_all_that_is_open() -> None:
    story = ask(released(), wish(CLARA), wish(CLARA, "SHOP-2"))
    monday = NOW + timedelta(days=3)
    assert look(story, monday - timedelta(minutes=1)) == feedback.Reminders((), monday)
    assert look(story, monday).facts == (e.FeedbackReminded(person="clara"),)
    assert look(story, monday + timedelta(days=1)) == feedback.Reminders()


def test_a_reminder_that_falls_on_a_weekend_waits_for_the_persons_morning() -> None:
    story = ask(released(), wish(Requester(person="dora")))
    rules = team(feedback={"remind_after": "1d"})
    assert look(story, NOW + timedelta(days=1), rules).next == datetime.fromisoformat(
        "2026-10-19T09:00:00+02:00"
    )


def test_who_has_answered_all_is_not_reminded() -> None:
    story = ask(released(), wish(CLARA), wish(CLARA, "SHOP-2"))
    for asked in story.release.feedback_asked:
        answer(story, asked)
    assert look(story, NOW + timedelta(days=4)) == feedback.Reminders()
    assert why(story, e.FeedbackReminded(person="clara")) == "they have nothing left to answer"


def test_nobody_is_reminded_when_the_time_to_answer_is_over() -> None:
    story = ask(released(), wish(CLARA))
    assert look(story, DUE) == feedback.Reminders()
    assert look(story, NOW, team(feedback={"remind_after": "7d"})) == feedback.Reminders()


@given(
    st.lists(
        st.sampled_from([wish(CLARA), wish(CLARA, "SHOP-2"), wish(BOB), wish(Requester(person="gerd"))])
    ),
    st.lists(st.tuples(st.integers(0, 24 * 9), st.booleans()), max_size=12),
)
def test_everybody_hears_at_most_one_reminder_and_none_with_nothing_open(
    wishes: list[Wish], looks: list[tuple[int, bool]]
) -> None:
    story = ask(released(), *wishes)
    for hours, answered in sorted(looks):
        before = story.release
        found = look(story, NOW + timedelta(hours=hours))
        for fact in found.facts:
            assert fact.person in {a.person for a in before.unanswered}
            assert fact not in before.feedback_reminded
            assert hours >= 72
        if answered and story.release.unanswered:
            answer(story, story.release.unanswered[0])
    heard = [fact.person for fact in story.release.feedback_reminded]
    assert len(set(heard)) == len(heard)


# Answers.


def test_the_latest_answer_stands_and_all_are_kept() -> None:
    story = ask(released(), wish(CLARA))
    [asked] = story.release.feedback_asked
    answer(story, asked, "partly")
    answer(story, asked, "not", score=2, comment="slow")
    assert [g.answer for g in story.release.feedback_given] == ["partly", "not"]
    [stands] = story.release.answers
    assert (stands.answer, stands.score, stands.round) == ("not", 2, 2)
    assert story.release.unanswered == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"person": "gerd"}, "this question was for somebody else"),
        ({"issue": "SHOP-2"}, "this question was for somebody else"),
        ({"request": "other"}, "nobody asks this"),
        ({"round": 2}, "the answer is 1, not 2"),
        ({"request": "other", "issue": "SHOP-9", "entered_by": "mara"}, "SHOP-9 is not in this release"),
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_refused(change: dict[str, Any], says: str) -> None:
    story = ask(released(), wish(CLARA))
    [asked] = story.release.feedback_asked
    fact = e.FeedbackGiven(request=asked.request, person="clara", issue="SHOP-1", answer="solved")
    assert why(story, fact.model_copy(update=change)) == says


def test_what_somebody_enters_does_not_follow_an_answer_of_their_own() -> None:
    story = ask(released(), wish(CLARA))
    [asked] = story.release.feedback_asked
    answer(story, asked, "not", entered_by="mara")
    answer(story, asked, "partly", entered_by="olli")
    answer(story, asked, "solved")
    again = story.release.answers[0].model_copy(update={"round": 4, "entered_by": "mara"})
    assert why(story, again) == "they have answered themselves"
    assert story.release.answers[0].answer == "solved"


ROUNDS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["solved", "partly", "not"]),
        st.sampled_from(["", "", "mara"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(ROUNDS)
def test_the_last_answer_stands_nothing_is_lost_and_each_counts_once(rounds: list[Any]) -> None:
    story = ask(released(), wish(CLARA), wish(BOB))
    taken: list[e.FeedbackGiven] = []
    for which, said, by, close in rounds:
        if close and story.release.ended is None:
            story.tell(e.Closed())
        asked = story.release.feedback_asked[which]
        try:
            answer(story, asked, said, entered_by=by)
        except IllegalEvent:
            assert by
            continue
        taken.append(story.release.feedback_given[-1])
    release = story.release
    assert list(release.feedback_given) == taken
    for asked in release.feedback_asked:
        mine = [g for g in taken if g.request == asked.request]
        own = [g for g in mine if not g.entered_by] or mine
        stands = next((g for g in release.answers if g.request == asked.request), None)
        assert stands == (own[-1] if own else None)
    figures = feedback.measure(release.feedback_asked, release.answers)
    assert figures.answers == figures.answered == len(release.answers) <= figures.asked == 2


@pytest.mark.parametrize(
    ("more", "waits"),
    [({}, True), ({"score": 1}, False), ({"comment": "x"}, False), ({"entered_by": "mara"}, False)],
)
def test_a_bare_answer_waits_a_while_for_its_score_and_comment(more: dict[str, Any], waits: bool) -> None:
    given = e.FeedbackGiven(request="r", person="clara", issue="SHOP-1", answer="not", **more)
    rules = team(feedback={"settles_after": "5m"}).feedback
    assert feedback.settles(given, NOW, rules) == NOW + timedelta(minutes=5 if waits else 0)


# What follows from "not".


def test_only_not_is_followed_and_then_every_later_round_is_told_once() -> None:
    story = ask(released(), wish(CLARA), wish(BOB))
    clara, bob = story.release.feedback_asked
    answer(story, bob, "partly")
    assert feedback.to_follow(story.release) == ()
    followed = e.FeedbackFollowed(request=clara.request, round=1, issue="SHOP-9")
    assert why(story, followed) == "nobody said that it did not help"
    answer(story, clara, "not")
    assert [g.request for g in feedback.to_follow(story.release)] == [clara.request]
    assert feedback.followed_by(story.release, clara.request) == ""
    story.tell(followed)
    assert feedback.to_follow(story.release) == ()
    assert feedback.followed_by(story.release, clara.request) == "SHOP-9"
    answer(story, clara, "solved", comment="it was my browser")
    assert [g.round for g in feedback.to_follow(story.release)] == [2]
    story.tell(followed.model_copy(update={"round": 2}))
    assert feedback.to_follow(story.release) == ()


def test_an_answer_that_was_mended_in_time_is_not_followed() -> None:
    story = ask(released(), wish(CLARA))
    [asked] = story.release.feedback_asked
    answer(story, asked, "not")
    answer(story, asked, "solved")
    assert feedback.to_follow(story.release) == ()


# What they add up to.


def said(request: str, what: feedback.Answer, score: int | None = None) -> e.FeedbackGiven:
    by = "" if request.startswith("r") else "mara"
    return e.FeedbackGiven(
        request=request, person="x", issue="SHOP-1", answer=what, score=score, entered_by=by
    )


def test_the_figures_of_nothing_are_no_figures() -> None:
    none = feedback.measure([], [])
    assert none == Figures()
    assert (none.score, none.answer_rate, none.solved_rate, none.answers) == (None, None, None, 0)


def test_answers_for_people_who_were_not_asked_count_but_not_in_the_answer_rate() -> None:
    asked = [e.FeedbackAsked(request=f"r{n}", person=f"p{n}", issue="SHOP-1", due=DUE) for n in range(4)]
    figures = feedback.measure(
        asked, [said("r1", "solved", 5), said("r2", "partly"), said("other", "not", 2)]
    )
    assert figures == Figures(asked=4, answered=2, solved=1, partly=1, unsolved=1, score=3.5, scores=2)
    assert (figures.answer_rate, figures.solved_rate) == (0.5, pytest.approx(1 / 3))


COMMENTS = [
    "The search is slow on my phone",
    "Very nice",
    "search too slow on phones",
    "  ",
    "Ribbon is missing",
    "the ribbon was missing from the gift wrap",
    "Search is slow",
]


def test_comments_that_say_the_same_are_one_theme_by_its_most_central_comment() -> None:
    assert feedback.themes(COMMENTS) == (
        Theme("The search is slow on my phone", 3),
        Theme("Ribbon is missing", 2),
        Theme("Very nice", 1),
    )


def test_a_chain_of_comments_does_not_join_what_has_nothing_in_common() -> None:
    chain = [
        "voucher refused",
        "voucher refused, ribbon missing",
        "ribbon missing, search slow",
        "search slow",
    ]
    assert feedback.themes(chain) == (
        Theme("voucher refused, ribbon missing", 3),
        Theme("search slow", 1),
    )


def test_without_comments_there_are_no_themes() -> None:
    assert feedback.themes([]) == feedback.themes(["", " \n"]) == ()


@given(st.lists(st.one_of(st.sampled_from(COMMENTS), st.text(max_size=30)), max_size=10))
def test_every_comment_is_in_exactly_one_theme_and_the_order_is_of_their_frequency(
    comments: list[str],
) -> None:
    kept = [" ".join(c.split()) for c in comments if c.split()]
    found = feedback.themes(comments)
    assert sum(theme.size for theme in found) == len(kept)
    assert {theme.comment for theme in found} <= set(kept)
    counts = [theme.size for theme in found]
    assert counts == sorted(counts, reverse=True)
    assert feedback.themes(comments) == found


# What is taken as an answer.


def asked_story() -> tuple[Story, e.FeedbackAsked]:
    story = ask(released(), wish(CLARA))
    return story, story.release.feedback_asked[0]


def refused(story: Story, request: str, person: str, said: Said) -> str:
    with pytest.raises(NotTaken) as why:
        feedback.give(story.release, request, person, said)
    return str(why.value)


@pytest.mark.parametrize(
    ("changes", "said", "says"),
    [
        ({"person": "gerd"}, Said("solved"), "This question was for somebody else."),
        ({"request": "other"}, Said("solved"), "This question was for somebody else."),
        ({}, Said("maybe"), "Answer solved, partly or not."),
        ({}, Said("", 3, "nice"), "Say first whether it helped: solved, partly or not."),
        ({}, Said("solved", 0), "A score is from 1 to 5."),
        ({}, Said("solved", 6), "A score is from 1 to 5."),
    ],
)
def test_what_is_no_answer_is_refused_in_words(changes: dict[str, str], said: Said, says: str) -> None:
    story, asked = asked_story()
    told = {"request": asked.request, "person": "clara", **changes}
    assert refused(story, told["request"], told["person"], said) == says


def test_a_second_click_wipes_nothing_and_words_alone_amend_what_stands() -> None:
    story, asked = asked_story()
    for said in (
        Said("partly", 3, "  slow "),
        Said("partly"),
        Said("partly", 3, "slow"),
        Said("", 3, "slow"),
    ):
        story.tell(feedback.give(story.release, asked.request, "clara", said))
    assert [(g.answer, g.score, g.comment) for g in story.release.feedback_given] == [("partly", 3, "slow")]
    story.tell(feedback.give(story.release, asked.request, "clara", Said("", None, "")))
    story.tell(feedback.give(story.release, asked.request, "clara", Said("solved")))
    assert [(g.round, g.answer, g.score, g.comment) for g in story.release.feedback_given[1:]] == [
        (2, "partly", None, ""),
        (3, "solved", None, ""),
    ]


def test_the_same_answer_in_person_is_theirs_and_not_the_entered_one() -> None:
    story, asked = asked_story()
    answer(story, asked, "solved", entered_by="mara")
    fact = feedback.give(story.release, asked.request, "clara", Said("solved"))
    assert (fact.round, fact.entered_by) == (2, "")


def test_a_long_comment_is_cut_and_what_turns_the_reading_order_is_left_out() -> None:
    story, asked = asked_story()
    fact = feedback.give(story.release, asked.request, "clara", Said("not", None, "\u202e" + "é" * 5000))
    assert fact.comment == "é" * feedback.COMMENT_LENGTH


PARTLY = Said("partly")


def entered(story: Story, client: str, said: Said = PARTLY, issue: str = "SHOP-1") -> e.FeedbackGiven:
    return feedback.enter(story.release, STREAM, issue, client, "mara", said, team())


@pytest.mark.parametrize(
    ("client", "issue", "says"),
    [
        (" ", "SHOP-1", "Say whose answer it is."),
        ("Clara", "SHOP-9", "SHOP-9 did not go out with 1.4.0."),
        ("Bob", "SHOP-1", "Several people are called Bob: say the id."),
    ],
)
def test_what_cannot_be_entered_is_refused_in_words(client: str, issue: str, says: str) -> None:
    story = ask(released(), wish(BOB), wish(Requester(name="Bob", jira="5f:bob")))
    with pytest.raises(NotTaken) as why:
        entered(story, client, issue=issue)
    assert str(why.value) == says


def test_what_a_client_said_answers_the_question_they_were_or_will_be_asked() -> None:
    story, asked = asked_story()
    before = entered(released(), "Clara")
    assert before.request == entered(story, "clara").request == asked.request
    assert entered(story, "Gerd").request == feedback.question_id(STREAM, "SHOP-1", "gerd")
    stranger = entered(story, "Old  Customer")
    assert (stranger.person, stranger.request) == ("Old Customer", entered(story, "old customer").request)
    story.tell(stranger)
    assert entered(story, "Old Customer") == stranger
    assert entered(story, "Old Customer", Said("not", 1)).round == 2


def test_what_they_said_themselves_stands() -> None:
    story, asked = asked_story()
    answer(story, asked)
    with pytest.raises(NotTaken) as why:
        entered(story, "Clara", Said("not"))
    assert str(why.value) == "Clara answered “solved” in person; that stands."


SAID = st.builds(
    Said,
    st.sampled_from(["", "solved", "partly", "not", "maybe"]),
    st.sampled_from([None, 0, 1, 5]),
    st.sampled_from(["", " ", "slow"]),
)


@given(st.lists(st.tuples(SAID, st.booleans()), max_size=8))
def test_what_the_rules_take_always_fits_and_their_own_answer_is_never_lost(
    told: list[tuple[Said, bool]],
) -> None:
    story, asked = asked_story()
    own: e.FeedbackGiven | None = None
    for said, by_mara in told:
        try:
            fact = (
                entered(story, "Clara", said)
                if by_mara
                else feedback.give(story.release, asked.request, "clara", said)
            )
        except NotTaken:
            continue
        story.tell(fact)
        own = own if by_mara else fact
        assert own is None or story.release.answers == (own,)
    assert len(story.release.answers) <= 1
