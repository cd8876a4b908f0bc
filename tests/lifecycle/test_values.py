"""What a request is worth: set by people, or suggested with its reason; never guessed from the text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.scoring import RequestSource
from lifecycle.values import (
    Finished,
    Known,
    RequestType,
    Sla,
    Standing,
    Suggestion,
    Value,
    ValueSet,
    read,
    standing,
    suggest,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FULL_AGE = timedelta(days=90)


def said(value: Value, **known: object) -> Suggestion:
    return suggest(Known.model_validate({"created": NOW, **known}), NOW, FULL_AGE)[value]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value.URGENCY, ""),
        (Value.URGENCY, "0"),
        (Value.URGENCY, "6"),
        (Value.URGENCY, "-1"),
        (Value.URGENCY, "4.5"),
        (Value.URGENCY, "high"),
        (Value.IMPORTANCE, "٣"),
        (Value.IMPORTANCE, "²"),
        (Value.COMPLEXITY, "101"),
        (Value.COMPLEXITY, "9" * 5000),
        (Value.TYPE, ""),
        (Value.TYPE, "epic"),
        (Value.TYPE, "3"),
    ],
)
def test_what_a_value_cannot_be_is_refused(value: Value, text: str) -> None:
    with pytest.raises(ValueError):
        read(value, text)


def test_what_people_write_is_read() -> None:
    assert read(Value.URGENCY, " 4 ") == 4
    assert read(Value.COMPLEXITY, "100") == 100
    assert read(Value.TYPE, "Defect") is RequestType.DEFECT


@pytest.mark.parametrize("bad", [{"points": 0}, {"days": -1}])
def test_a_finished_request_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Finished.model_validate({"key": "SHOP-1", **bad})


def test_where_nothing_is_known_nothing_is_suggested_and_that_is_said() -> None:
    for value in Value:
        suggestion = said(value)
        assert suggestion.to is None
        assert suggestion.why


@pytest.mark.parametrize(
    ("jira", "expected"),
    [
        ("Bug", "defect"),
        ("STORY ", "feature"),
        ("Task", "task"),
        ("Incident", "incident"),
        ("Wish", None),
        ("", None),
    ],
)
def test_the_type_is_jira_s(jira: str, expected: str | None) -> None:
    assert said(Value.TYPE, jira_type=jira).to == expected


@pytest.mark.parametrize(
    ("days", "level", "why"),
    [
        (-3, 5, "3 days overdue"),
        (0, 5, "due in 0 days"),
        (2, 5, "due in 2 days"),
        (3, 4, "due in 3 days"),
        (8, 3, "due in 8 days"),
        (31, 2, "due in 31 days"),
    ],
)
def test_the_nearer_the_day_the_more_urgent(days: int, level: int, why: str) -> None:
    assert said(Value.URGENCY, due=NOW.date() + timedelta(days=days)) == (level, why)


@pytest.mark.parametrize(
    ("left", "level", "why"),
    [
        (timedelta(hours=-2), 5, "SLA Resolution breached 2 h ago"),
        (timedelta(days=-60), 5, "SLA Resolution breached 60 days ago"),
        (timedelta(seconds=-1), 5, "SLA Resolution breached 0 min ago"),
        (timedelta(0), 5, "SLA Resolution: 0 min left"),
        (timedelta(minutes=59), 5, "SLA Resolution: 59 min left"),
        (timedelta(hours=3, minutes=59), 5, "SLA Resolution: 3 h left"),
        (timedelta(days=2), 5, "SLA Resolution: 2 days left"),
        (timedelta(days=2, minutes=1), 4, "SLA Resolution: 2 days left"),
        (timedelta(days=8), 3, "SLA Resolution: 8 days left"),
        (timedelta(days=31), 2, "SLA Resolution: 31 days left"),
    ],
)
def test_the_less_is_left_of_an_sla_the_more_urgent(left: timedelta, level: int, why: str) -> None:
    later = Sla(name="Review", breaches_at=NOW + left + timedelta(days=1))
    slas = (later, Sla(name="Resolution", breaches_at=NOW + left))
    assert said(Value.URGENCY, slas=slas) == (level, why)


def test_of_due_date_and_sla_the_more_urgent_counts_and_a_name_is_not_needed() -> None:
    sla = Sla(name="", breaches_at=NOW + timedelta(hours=3))
    assert said(Value.URGENCY, slas=[sla], due=date(2026, 4, 2)) == (5, "SLA: 3 h left")
    assert said(Value.URGENCY, slas=[sla], due=date(2026, 3, 2)).why == "due in 0 days"


def test_incidents_and_great_age_are_urgent_and_the_most_urgent_counts() -> None:
    assert said(Value.URGENCY, incidents=("SHOP-9",)) == (4, "incident SHOP-9 is linked")
    assert said(Value.URGENCY, incidents=("SHOP-9", "SHOP-8")).to == 5
    old = NOW - timedelta(days=181)
    assert said(Value.URGENCY, created=old).to == 4
    assert "181 days old" in said(Value.URGENCY, created=old).why
    assert said(Value.URGENCY, created=NOW - timedelta(days=180)).to is None
    both = said(Value.URGENCY, due=date(2027, 1, 1), incidents=("SHOP-9",))
    assert both == (4, "incident SHOP-9 is linked")


@pytest.mark.parametrize(
    ("asked", "sources", "level"),
    [
        (2, ["client"], None),
        (3, ["client"], 4),
        (6, ["developer"], 5),
        (2, ["client", "developer"], 4),
        (9, ["client", "management"], 5),
        (0, [], None),
    ],
)
def test_importance_is_how_many_asked_and_from_which_sides(
    asked: int, sources: list[str], level: int | None
) -> None:
    assert said(Value.IMPORTANCE, asked=asked, sources=sources).to == level


def test_the_size_is_the_median_of_the_most_alike_and_names_them() -> None:
    alike = [Finished(key=f"SHOP-{n}", points=points) for n, points in ((12, 3), (40, 3), (41, 8))]
    assert said(Value.COMPLEXITY, alike=alike[:1]) == (3, "3 points, as SHOP-12 took")
    assert said(Value.COMPLEXITY, alike=alike[:2]) == (3, "3 points, as SHOP-12 and SHOP-40 took")
    assert said(Value.COMPLEXITY, alike=alike).why == "3 points, as SHOP-12, SHOP-40 and SHOP-41 took"
    one = [Finished(key="SHOP-1", points=1)]
    assert said(Value.COMPLEXITY, alike=one).why == "1 point, as SHOP-1 took"


def test_one_that_nobody_estimated_counts_with_the_size_that_usually_takes_as_long() -> None:
    usual = {1: 0.0, 3: 4.0, 8: 20.0}
    assert said(Value.COMPLEXITY, alike=[Finished(key="SHOP-1", days=5)], usual_days=usual).to == 3
    assert said(Value.COMPLEXITY, alike=[Finished(key="SHOP-1", days=0)], usual_days=usual).to == 1
    assert said(Value.COMPLEXITY, alike=[Finished(key="SHOP-1", days=5)]).to is None
    assert said(Value.COMPLEXITY, alike=[Finished(key="SHOP-1")], usual_days=usual).to is None


def setting(value: Value, to: object, round_: int = 1, **more: object) -> ValueSet:
    plain = {
        "value": value,
        "round": round_,
        "to": to,
        "person": "mara",
        "why": "a large client",
        "door": "cli",
    }
    return ValueSet.model_validate({**plain, **more})


def test_what_a_person_set_stands_and_the_latest_does() -> None:
    suggested = suggest(Known(created=NOW, due=NOW.date()), NOW, FULL_AGE)
    now = standing([setting(Value.URGENCY, 2), setting(Value.URGENCY, 4, 2, why="later")], suggested)
    assert now[Value.URGENCY] == Standing(4, "mara", "later")
    assert now[Value.URGENCY].basis == "set by mara"
    assert now[Value.IMPORTANCE].basis == "assumed"
    plain = standing([], suggested)[Value.URGENCY]
    assert (plain, plain.basis) == ((5, "", "due in 0 days"), "suggested")


def test_an_override_keeps_what_was_suggested_beside_it_through_the_ledger() -> None:
    fact = setting(Value.TYPE, "defect", suggested="feature", suggested_why="it is a Story in Jira")
    again = ValueSet.model_validate_json(fact.model_dump_json())
    assert (again.to, again.suggested) == (RequestType.DEFECT, RequestType.FEATURE)
    number = ValueSet.model_validate_json(setting(Value.URGENCY, 4, suggested=5).model_dump_json())
    assert (number.to, number.suggested) == (4, 5)


KNOWN = st.builds(
    Known,
    created=st.integers(0, 2000).map(lambda days: NOW - timedelta(days=days)),
    jira_type=st.sampled_from(["Bug", "Story", "", "Wish"]),
    due=st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    slas=st.lists(
        st.builds(
            Sla,
            name=st.sampled_from(["", "Time to resolution"]),
            breaches_at=st.integers(-5000, 5000).map(lambda hours: NOW + timedelta(hours=hours)),
        ),
        max_size=3,
    ).map(tuple),
    incidents=st.lists(st.sampled_from(["SHOP-1", "SHOP-2", "SHOP-3"]), unique=True).map(tuple),
    sources=st.frozensets(st.sampled_from(RequestSource)),
    asked=st.integers(0, 50),
    alike=st.lists(
        st.builds(
            Finished,
            key=st.just("SHOP-7"),
            points=st.none() | st.integers(1, 100),
            days=st.none() | st.floats(0, 400),
        )
    ).map(tuple),
    usual_days=st.dictionaries(st.integers(1, 100), st.floats(0, 400)),
)


@given(KNOWN)
def test_every_suggestion_can_be_set_as_it_is_and_has_a_reason(known: Known) -> None:
    for value, suggestion in suggest(known, NOW, FULL_AGE).items():
        assert suggestion.why
        if suggestion.to is not None:
            assert read(value, str(suggestion.to)) == suggestion.to


@given(KNOWN, st.sampled_from(Value), st.integers(1, 5))
def test_no_suggestion_overrules_a_person(known: Known, value: Value, to: int) -> None:
    fact = setting(value, RequestType.TASK if value is Value.TYPE else to)
    now = standing([fact], suggest(known, NOW, FULL_AGE))
    assert (now[value].to, now[value].by) == (fact.to, "mara")


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_the_suggested_size_is_one_that_was_really_seen(points: list[int]) -> None:
    alike = [Finished(key=f"SHOP-{n}", points=each) for n, each in enumerate(points, 1)]
    assert said(Value.COMPLEXITY, alike=alike).to == median_low(points)
