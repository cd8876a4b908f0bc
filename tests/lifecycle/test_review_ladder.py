"""A review that is late: who is reminded, whose deputy is asked, each once and at work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.calendar import in_working_hours
from lifecycle.planning import Decision, ReleasePlan
from lifecycle.policy import Policy
from lifecycle.review import (
    LineDecided,
    Proposed,
    Review,
    ReviewClosed,
    ReviewDeputyAsked,
    ReviewEvent,
    ReviewReminded,
    fold,
    missing_roles,
)
from lifecycle.review_ladder import climb
from tests.lifecycle.story import policy_data

FRIDAY = datetime(2026, 10, 16, 10, tzinfo=UTC)
TUESDAY, WEDNESDAY = FRIDAY + timedelta(days=4), FRIDAY + timedelta(days=5)
MARA, GERD = ReviewReminded(person="mara"), ReviewReminded(person="gerd")
DEPUTY = ReviewDeputyAsked(person="mara", deputy="dora")


def policy(*roles: str, deputy: str | None = "dora", **person: Any) -> Policy:
    data = policy_data(review={"channel": "C2", "capacity": 8, "roles": roles, "due": "4d", "deputies": "5d"})
    for each in data["people"]:
        if each["id"] == "mara":
            each.update({"deputy": deputy, "roles": ("lead",)})
        if each["id"] == (deputy or "dora"):
            each.update(person)
        if each["id"] == "olli":
            each["roles"] = ("release",)
    data["steps"] = [step for step in data["steps"] if step["id"] != "check"]
    return Policy.model_validate(data)


LEAD = policy("lead")


def decided(person: str) -> LineDecided:
    return LineDecided(
        line="p.1", round=1, issue="A", decision=Decision.ACCEPT, reason="", person=person, door="slack"
    )


def review(*events: ReviewEvent) -> Review:
    plan = ReleasePlan(version="1.4.0", capacity=8)
    start = Proposed(proposal="p", plan=plan, open=0, due=TUESDAY)
    return fold([start, *events])


def test_before_it_is_late_nothing_is_done() -> None:
    found = climb(review(), LEAD, TUESDAY - timedelta(seconds=1))
    assert (found.facts, found.next) == ((), TUESDAY)


def test_of_nothing_or_of_a_closed_review_nothing_comes() -> None:
    for state in (Review(), review(ReviewClosed(person="mara", door="slack"))):
        found = climb(state, LEAD, WEDNESDAY)
        assert (found.facts, found.next) == ((), None)


def test_who_holds_a_missing_role_is_reminded_once_and_then_their_deputy_is_asked() -> None:
    assert climb(review(), LEAD, TUESDAY).facts == (MARA,)
    assert climb(review(), LEAD, TUESDAY).next == WEDNESDAY
    assert climb(review(MARA), LEAD, TUESDAY).facts == ()
    assert climb(review(MARA), LEAD, WEDNESDAY).facts == (DEPUTY,)
    done = climb(review(MARA, DEPUTY), LEAD, WEDNESDAY + timedelta(days=30))
    assert (done.facts, done.next) == ((), None)


def test_somebody_who_holds_two_missing_roles_hears_it_once() -> None:
    assert climb(review(), policy("lead", "management"), TUESDAY).facts == (MARA, GERD)


def test_it_is_said_in_working_hours_where_they_are() -> None:
    evening = review().proposed
    assert evening
    late = fold([evening.model_copy(update={"due": FRIDAY + timedelta(hours=9)})])
    monday = datetime(2026, 10, 19, 9, tzinfo=UTC)
    alone = policy("lead", deputy=None)
    assert climb(late, alone, monday - timedelta(minutes=1)).facts == ()
    assert climb(late, alone, monday - timedelta(minutes=1)).next == monday
    assert climb(late, alone, monday).facts == (MARA,)


def test_where_everybody_took_part_it_is_said_once_that_it_can_be_closed() -> None:
    note = ReviewReminded(person="")
    assert climb(review(decided("mara")), LEAD, TUESDAY).facts == (note,)
    assert climb(review(decided("mara"), note), LEAD, WEDNESDAY).facts == ()


@pytest.mark.parametrize(
    "rules",
    [
        policy("lead", deputy=None),
        policy("lead", active=False),
        policy("lead", roles=("lead",)),
    ],
)
def test_nobody_is_asked_who_is_no_deputy_or_may_take_part_anyway(rules: Policy) -> None:
    facts = climb(review(), rules, WEDNESDAY).facts
    assert not [fact for fact in facts if isinstance(fact, ReviewDeputyAsked)]


def test_a_deputy_takes_part_only_when_asked_and_as_whom_they_stand_in_for() -> None:
    assert missing_roles(review(decided("dora")), LEAD) == ("lead",)
    assert missing_roles(review(DEPUTY), LEAD) == ("lead",)
    assert missing_roles(review(DEPUTY, decided("dora")), LEAD) == ()
    assert missing_roles(review(DEPUTY), LEAD, "dora") == ()


@pytest.mark.parametrize("rules", [policy("lead", active=False), policy("lead", deputy="quinn")])
def test_a_deputy_who_is_none_any_more_takes_part_for_nobody(rules: Policy) -> None:
    assert missing_roles(review(DEPUTY, decided("dora")), rules) == ("lead",)


def test_people_whom_the_policy_no_longer_knows_count_for_nothing() -> None:
    gone = ReviewDeputyAsked(person="nobody", deputy="dora")
    assert missing_roles(review(gone, decided("dora")), LEAD) == ("lead",)


@given(st.lists(st.integers(0, 24 * 20), min_size=1, max_size=12), st.sampled_from(["dora", "gerd", None]))
def test_however_often_somebody_looks_each_is_told_once_and_at_work(
    hours: list[int], takes_part: str | None
) -> None:
    rules = policy("lead", "management")
    told: list[ReviewEvent] = []
    for hour in sorted(hours):
        now = FRIDAY + timedelta(hours=hour)
        found = climb(review(*told), rules, now)
        assert found.next is None or found.next > now
        assert found.next is None or in_working_hours(found.next, rules.hours_of(rules.people[0]))
        told += found.facts
        if takes_part:
            told.append(decided(takes_part))
    kinds = [(fact.kind, getattr(fact, "person", "")) for fact in told if not isinstance(fact, LineDecided)]
    assert len(kinds) == len(set(kinds))
