"""Reminders in working hours, then the deputies, then the end: each once, and only to whom it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle.calendar import in_working_hours
from lifecycle.ladder import Ladder, climb
from tests.lifecycle.story import PEOPLE, Story, policy, step_data

FRIDAY = datetime(2026, 10, 16, 12, tzinfo=UTC)
"""14:00 in Berlin, where Quinn works until 17:00."""

ZONES = {"quinn": "Europe/Berlin", "olli": "America/New_York"}


def waiting(*issues: str, **step: Any) -> Story:
    """QA is asked; Quinn's deputy is Olli, and Quentin is on leave."""
    people: list[dict[str, Any]] = [
        {"id": slug, "name": slug.title(), "roles": has, "time_zone": ZONES.get(slug, "UTC")}
        for slug, has in PEOPLE.items()
    ]
    people[1]["deputy"] = "olli"
    people[2]["active"] = False
    times = {"remind": ["2h", "4h"], "due": "1d", "expires": "4d", **step}
    using = policy(steps=[step_data("qa", binds="issue", quorum={"qa": 1}, **times)], people=people)
    return Story(*(issues or ("SHOP-1", "SHOP-2")), using=using).cut().stage().ask("qa")


def look(story: Story, after: timedelta) -> Ladder:
    asked_at = {ask.request: FRIDAY for ask in story.release.asked}
    return climb(story.release, story.step("qa"), asked_at, story.policy, FRIDAY + after)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def reminder(rung: int, person: str = "quinn") -> e.SignOffReminded:
    return e.SignOffReminded(step="qa", number=1, rung=rung, person=person)


DEPUTY = e.DeputyAsked(step="qa", number=1, person="quinn", deputy="olli")


def test_nothing_is_said_before_the_first_rung_and_then_one_message_for_all_issues() -> None:
    story = waiting()
    assert look(story, hours(1)) == Ladder(next=FRIDAY + hours(2))
    assert look(story, hours(2)).facts == (reminder(1),)


def test_a_rung_after_work_waits_for_the_next_working_morning() -> None:
    story = waiting().tell(reminder(1))
    monday = datetime(2026, 10, 19, 7, tzinfo=UTC)  # 9:00 in Berlin
    assert look(story, hours(5)) == Ladder(next=monday)
    assert look(story, monday - FRIDAY).facts == (reminder(2),)


def test_of_rungs_that_nobody_looked_at_only_the_last_is_said() -> None:
    assert look(waiting(), hours(68)).facts == (reminder(2),)


def test_once_it_is_late_the_deputy_is_asked_in_their_own_working_hours() -> None:
    story = waiting(remind=[])
    monday = datetime(2026, 10, 19, 13, tzinfo=UTC)  # 9:00 in New York
    assert look(story, hours(25)).next == monday
    assert look(story, monday - FRIDAY).facts == (DEPUTY,)
    assert look(story.tell(DEPUTY), monday - FRIDAY) == Ladder(next=FRIDAY + timedelta(days=4))


def test_a_deputy_who_signs_anyway_or_is_not_there_is_not_asked() -> None:
    for change in ({"roles": ["qa"]}, {"active": False}):
        story = waiting(remind=[])
        people = [p.model_dump() | (change if p.id == "olli" else {}) for p in story.policy.people]
        changed = policy(steps=[step.model_dump() for step in story.policy.steps], people=people)
        story.policy = changed
        assert DEPUTY not in look(story, timedelta(days=3.5)).facts


def test_what_is_signed_or_returned_is_reminded_of_nobody_and_never_expires() -> None:
    story = waiting()
    story.sign("quinn", story.request("qa", "SHOP-1"))
    assert look(story, hours(2)).facts == (reminder(1),)
    story.sign("quinn", story.request("qa", "SHOP-2"))
    assert look(story, timedelta(days=9)) == Ladder()


def test_in_the_end_it_expires_and_is_reminded_of_no_more() -> None:
    story = waiting("SHOP-1")
    over = e.SignOffExpired(request=story.request("qa", "SHOP-1"))
    assert look(story, timedelta(days=4)) == Ladder(facts=(over,))
    assert look(story.tell(over), timedelta(days=5)) == Ladder()


def test_a_deputy_hears_of_it_when_asked_and_is_not_reminded_besides() -> None:
    story = waiting().tell(reminder(1), reminder(2), DEPUTY)
    assert look(story, timedelta(days=3.5)).facts == ()


def test_before_the_first_candidate_nothing_waits() -> None:
    story = waiting()
    bare = Story("SHOP-1", using=story.policy)
    assert climb(bare.release, story.step("qa"), {}, story.policy, FRIDAY) == Ladder()


@given(st.lists(st.integers(0, 9 * 24 * 60), min_size=1, max_size=40))
def test_however_often_one_looks_each_rung_is_said_once_and_at_work(minutes: list[int]) -> None:
    story = waiting()
    for minute in sorted(minutes):
        ladder = look(story, timedelta(minutes=minute))
        story.tell(*ladder.facts)
        now = FRIDAY + timedelta(minutes=minute)
        again = look(story, timedelta(minutes=minute))
        assert again.facts == ()
        assert again.next is None or again.next > now
    said = [fact for fact in story.events if isinstance(fact, e.SignOffReminded)]
    assert len({(r.rung, r.person) for r in said}) == len(said) <= 2
    person = story.person("quinn")
    ladder = look(waiting(), timedelta(0))
    assert ladder.next is not None
    assert in_working_hours(ladder.next, story.policy.hours_of(person))
