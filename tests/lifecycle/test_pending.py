"""What waits for whom, since when, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import pending as rules
from lifecycle import signoff
from lifecycle.pending import Pending
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.policy import Policy
from lifecycle.release import Release, apply
from tests.lifecycle.facts import seeds, some_fact
from tests.lifecycle.story import NOW, PEOPLE, STREAM, Story, at, later, policy, step_data


def asked(**plan: Any) -> Story:
    """Two issues, candidate 1 on staging, QA is asked; dora wrote it."""
    return Story("SHOP-1", "SHOP-2", **plan).cut().stage().ask("qa")


def at_check(**plan: Any) -> Story:
    """QA has passed; the managers, mara and olli, are asked about the release as a whole."""
    story = asked(**plan)
    for issue in ("SHOP-1", "SHOP-2"):
        story.sign("quinn", story.request("qa", issue))
    return story.conclude("qa").ask("check")


def times(release: Release, first: datetime = NOW) -> dict[str, datetime]:
    """Every question was asked a minute after the one before."""
    return {a.request: first + timedelta(minutes=n) for n, a in enumerate(release.asked)}


def waiting(story: Story) -> tuple[Pending, ...]:
    return rules.pending(story.release, story.policy, times(story.release))


def issues(story: Story) -> list[str | None]:
    return [each.issue for each in waiting(story)]


def with_step(step: dict[str, object], **roles: tuple[str, ...]) -> Policy:
    people = [{"id": slug, "name": slug, "roles": has} for slug, has in {**PEOPLE, **roles}.items()]
    return policy(steps=[step], people=people)


# What does not wait.


@pytest.mark.parametrize("phase", [p for p in Phase if p not in (Phase.SIGN_OFF, Phase.REWORK)])
def test_nothing_waits_where_nothing_can_be_signed(phase: Phase) -> None:
    assert waiting(at(phase)) == ()


def test_an_abandoned_release_waits_for_nobody_whatever_was_asked() -> None:
    assert waiting(asked().tell(e.Abandoned(person="mara", reason="no"))) == ()


def test_what_was_not_asked_yet_does_not_wait() -> None:
    assert waiting(Story().cut().stage()) == ()


def test_what_is_signed_waits_no_more_and_waits_again_once_it_is_withdrawn() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.sign("quinn", request)
    assert issues(story) == ["SHOP-2"]
    story.tell(*signoff.may_withdraw(story.release, request, story.person("quinn")))
    assert issues(story) == ["SHOP-1", "SHOP-2"]


def test_what_was_returned_waits_no_more_and_the_other_issues_do() -> None:
    story = asked()
    story.send_back("quinn", story.request("qa", "SHOP-1"))
    assert story.release.phase is Phase.REWORK
    assert issues(story) == ["SHOP-2"]


def test_questions_of_an_earlier_candidate_do_not_wait() -> None:
    story = asked().cut({"SHOP-1": "other", "SHOP-2": "other"}).stage()
    assert waiting(story) == ()
    story.ask("qa")
    assert [(each.number, each.tag) for each in waiting(story)] == [(2, "1.4.0-rc.2")] * 2


def test_what_was_carried_does_not_wait() -> None:
    story = asked()
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.cut({"SHOP-1": "same", "SHOP-2": "other"}).stage().ask("qa")
    assert issues(story) == ["SHOP-2"]


def test_a_step_that_the_policy_no_longer_asks_for_does_not_wait() -> None:
    story = asked()
    story.policy = with_step(step_data("check", quorum={"manager": 1}))
    assert waiting(story) == ()


def test_a_step_that_is_no_longer_asked_for_a_hotfix_does_not_wait() -> None:
    story = at_check(release_kind="hotfix")
    assert story.release.asked_now("check")
    assert waiting(story) == ()


# For whom.


def test_all_who_may_sign_are_named_and_nobody_else() -> None:
    first = waiting(asked())[0]
    assert (first.people, first.lacks) == (("quinn", "quentin"), {"qa": 1})


def test_an_author_is_not_waited_for() -> None:
    story = Story().cut(authors=("quinn",)).stage().ask("qa")
    assert waiting(story)[0].people == ("quentin",)


def test_a_question_that_nobody_may_sign_still_waits() -> None:
    story = Story().cut(authors=("quinn", "quentin")).stage().ask("qa")
    assert [each.people for each in waiting(story)] == [(), ()]


def test_a_deactivated_person_is_not_waited_for() -> None:
    story = asked()
    people = [p.model_copy(update={"active": p.id != "quinn"}) for p in story.policy.people]
    story.policy = story.policy.model_copy(update={"people": tuple(people)})
    assert waiting(story)[0].people == ("quentin",)


def test_who_has_signed_is_not_waited_for_while_another_is() -> None:
    story = Story(using=with_step(step_data("qa", binds="issue", quorum={"qa": 2}))).cut().stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    first = waiting(story)[0]
    assert (first.people, first.lacks) == (("quentin",), {"qa": 1})


def test_of_two_roles_only_those_who_hold_the_missing_one_are_waited_for() -> None:
    step = step_data("qa", binds="issue", quorum={"qa": 1, "manager": 1})
    story = Story(using=with_step(step)).cut().stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    first = waiting(story)[0]
    assert (first.people, first.lacks) == (("mara", "olli"), {"manager": 1})


def test_who_would_sign_in_a_role_that_is_complete_is_not_waited_for() -> None:
    """ada has signed as qa, of which another is missing; what else she might sign in helps nobody."""
    step = step_data("qa", binds="issue", quorum={"qa": 2, "manager": 1})
    story = Story(using=with_step(step, ada=("qa", "manager"))).cut().stage().ask("qa")
    request = story.request("qa", "SHOP-1")
    story.sign("mara", request)
    story.tell(story.signature("ada", request, "qa"))
    assert story.may_sign("ada", request).role == "manager"
    assert waiting(story)[0].people == ("quinn", "quentin")


def test_whoever_started_the_release_cannot_be_its_only_signer_so_it_waits_for_another() -> None:
    story = at_check(started_by="olli")
    assert waiting(story)[0].people == ("mara", "olli")
    story.sign("olli", story.request("check"))
    [still] = waiting(story)
    assert (still.people, still.lacks) == (("mara",), {"manager": 1})
    story.sign("mara", story.request("check"))
    assert waiting(story) == ()


def test_whoever_started_the_release_may_be_an_issues_only_signer() -> None:
    story = asked(started_by="quinn")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    assert issues(story) == ["SHOP-2"]


def test_a_held_release_still_waits_for_its_people() -> None:
    story = asked()
    story.tell(e.Held(round=1, person="mara", reason="the fair"))
    assert len(waiting(story)) == 2


# Since when, until when, and how it is called.


def test_it_says_what_is_asked_since_when_and_until_when() -> None:
    story = asked(titles={"SHOP-1": "Empty cart"})
    first, second = waiting(story)
    assert (first.stream, first.what, first.issue_title) == (STREAM, "QA of SHOP-1", "Empty cart")
    assert (second.what, second.issue_title) == ("QA of SHOP-2", "")
    assert (first.asked_at, second.asked_at) == (NOW, NOW + timedelta(minutes=1))
    assert first.due == NOW + timedelta(days=2)
    assert (first.request, first.step) == (story.request("qa", "SHOP-1"), "qa")
    assert waiting(at_check())[0].what == "Check"


@pytest.mark.parametrize(
    ("after", "waited", "late", "is_late"),
    [
        (timedelta(minutes=-5), timedelta(), timedelta(), False),
        (timedelta(seconds=59), timedelta(), timedelta(), False),
        (timedelta(hours=3, seconds=61), timedelta(hours=3, minutes=1), timedelta(), False),
        (timedelta(days=2), timedelta(days=2), timedelta(), False),
        (timedelta(days=2, seconds=1), timedelta(days=2), timedelta(), True),
        (timedelta(days=3), timedelta(days=3), timedelta(days=1), True),
    ],
)
def test_it_knows_how_long_it_waits_and_whether_it_is_late(
    after: timedelta, waited: timedelta, late: timedelta, is_late: bool
) -> None:
    first = waiting(asked())[0]
    now = NOW + after
    assert (first.waited(now), first.late(now), first.is_late(now)) == (waited, late, is_late)


def test_the_earliest_due_comes_first_and_of_equals_the_first_by_name() -> None:
    first = waiting(asked())[0]
    made = [
        first.model_copy(update={"due": due, "version": version, "issue": issue})
        for due, version, issue in (
            (later(2), "1.4.0", "SHOP-1"),
            (later(1), "1.5.0", None),
            (later(1), "1.4.0", "SHOP-2"),
            (later(1), "1.4.0", "SHOP-1"),
        )
    ]
    assert rules.by_due(made) == (made[3], made[2], made[1], made[0])


def test_one_persons_list_holds_what_they_may_sign() -> None:
    found = (*waiting(asked()), *waiting(at_check()))
    assert [each.what for each in rules.waiting_for(found, "quentin")] == ["QA of SHOP-1", "QA of SHOP-2"]
    assert [each.what for each in rules.waiting_for(found, "olli")] == ["Check"]
    assert rules.waiting_for(found, "gerd") == ()


@given(st.lists(seeds, max_size=60))
def test_in_any_history_whoever_is_named_may_sign_and_nothing_returned_or_superseded_waits(
    drawn: list[int],
) -> None:
    story = asked()
    rules_, release = story.policy, story.release
    for seed in drawn:
        try:
            release = apply(release, some_fact(seed, e.KINDS, release))
        except IllegalEvent:
            continue
    for each in rules.pending(release, rules_, times(release)):
        assert release.is_open(each.request)
        people = [rules_.person(slug) for slug in each.people]
        assert all(p and signoff.may_sign(release, each.request, p, rules_).allowed for p in people)


def test_a_deputy_who_was_asked_finds_it_among_what_waits_for_them() -> None:
    story = asked().tell(e.DeputyAsked(step="qa", number=1, person="quinn", deputy="olli"))
    assert [each.issue for each in rules.waiting_for(waiting(story), "olli")] == ["SHOP-1", "SHOP-2"]


def test_what_expired_and_what_was_overridden_waits_for_nobody() -> None:
    story = asked().tell(e.SignOffExpired(request=asked().request("qa", "SHOP-1")))
    assert issues(story) == ["SHOP-2"]
    override = e.StepOverridden(step="qa", number=1, person="olli", role="r", reason="now", door="cli")
    assert waiting(story.tell(override)) == ()
