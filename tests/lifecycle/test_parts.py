"""A request in parts: by role, with their order, and work orders beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.parts import (
    ORDER,
    ROLES,
    Added,
    PartAsked,
    PartEstimated,
    PartMade,
    Role,
    added,
    after,
    fold,
    links,
    objection,
    total,
)
from lifecycle.policy import Policy
from lifecycle.waves import waves
from tests.lifecycle.story import policy_data


def asked(part: str, role: str = "", waits: tuple[str, ...] = ()) -> PartAsked:
    return PartAsked(
        part=part, role=role or part, name=part, brief="do it", after=waits, asked_by="mara", door="cli"
    )


def estimated(issue: str, points: int, round_: int = 1) -> PartEstimated:
    return PartEstimated(issue=issue, round=round_, points=points, person="dora", door="cli")


@pytest.mark.parametrize("points", [0, -1, 101])
def test_an_estimate_out_of_range_is_refused(points: int) -> None:
    with pytest.raises(ValidationError):
        estimated("SHOP-8", points)


@pytest.mark.parametrize(
    "order",
    ["developer", "developer qa qa", "developer qa devops", "developer+qa+developer", "qa"],
)
def test_an_order_that_is_not_about_these_roles_is_refused(order: str) -> None:
    with pytest.raises(ValueError, match="developer, qa"):
        after(["developer", "qa"], order)


def test_developers_come_before_qa_before_devops_unless_it_is_said_otherwise() -> None:
    roles = ["devops", "qa", "developer", "writer"]
    assert after(roles) == {"developer": (), "qa": ("developer",), "devops": ("qa",), "writer": ("devops",)}
    otherwise = after(roles[:3], "devops Developer+QA")
    assert otherwise == {"devops": (), "developer": ("devops",), "qa": ("devops",)}
    assert after([]) == {}


def test_parts_are_what_was_asked_what_jira_has_and_the_last_estimates() -> None:
    told = [
        asked("developer"),
        asked("qa", waits=("developer",)),
        PartMade(part="developer", issue="SHOP-8"),
        estimated("SHOP-8", 5),
        estimated("SHOP-8", 3, 2),
    ]
    developer, qa = fold(told)
    assert (developer.issue, developer.points) == ("SHOP-8", 3)
    assert (qa.issue, qa.points) == ("", None)
    assert links([developer, qa]) == ()
    whole = fold([*told, PartMade(part="qa", issue="SHOP-9")])
    assert links(whole) == (("SHOP-8", "SHOP-9"),)


def test_the_whole_is_the_sum_once_every_part_by_role_is_estimated() -> None:
    told = [
        asked("developer"),
        asked("qa"),
        asked("o-1", ORDER),
        PartMade(part="developer", issue="SHOP-8"),
        PartMade(part="qa", issue="SHOP-9"),
        estimated("SHOP-8", 3),
    ]
    assert total(fold(told)) is None
    assert total(fold([*told, estimated("SHOP-9", 2)])) == 5
    assert total(fold([asked("o-1", ORDER)])) is None
    assert total(()) is None


def test_a_sub_task_s_key_leads_back_to_its_request() -> None:
    assert PartMade(part="qa", issue="SHOP-9").key("request:SHOP-7") == "PartMade:SHOP-9"


@given(st.sets(st.sampled_from([*ROLES, "writer", "tester"])))
def test_no_default_order_goes_round_in_a_circle_and_every_role_has_its_turn(roles: set[str]) -> None:
    waits = after(roles)
    ordered = waves(list(waits), [(before, role) for role, first in waits.items() for before in first])
    assert {role for wave in ordered for role in wave} == roles
    assert all(len(wave) == 1 for wave in ordered)


def made(*facts: PartAsked) -> list[PartAsked | PartMade]:
    """The parts as they stand once Jira has them, each under its name."""
    return [*facts, *(PartMade(part=fact.part, issue=fact.part.upper()) for fact in facts)]


def taken(told: list[PartAsked], people: dict[str, str], order: str = "") -> list[PartAsked]:
    """What is asked for after `people` were added to it."""
    more = added(fold(told), people, order)
    return told + [
        PartAsked(
            part=each.part,
            role=each.role,
            person=people[each.role],
            name=people[each.role],
            brief="do it",
            after=each.after,
            before=each.before,
            asked_by="mara",
            door="cli",
        )
        for each in more
    ]


def test_a_role_that_comes_later_stands_between_those_that_are_there() -> None:
    told = taken([], {"developer": "dora", "devops": "olli"})
    assert added(fold(told), {"qa": "quinn"}) == (Added("qa", "qa", ("developer",), ("devops",)),)
    whole = fold(made(*taken(told, {"qa": "quinn"})))
    assert set(links(whole)) == {("DEVELOPER", "DEVOPS"), ("DEVELOPER", "QA"), ("QA", "DEVOPS")}


def test_what_somebody_has_already_is_not_added_and_another_person_has_a_part_of_their_own() -> None:
    told = taken([], {"developer": "dora", "qa": "quinn"})
    assert added(fold(told), {"qa": "quinn", "developer": "dora"}, "of no role") == ()
    assert added(fold(told), {"developer": "emil", "qa": "quinn"}) == (
        Added("developer-emil", "developer", (), ("qa",)),
    )
    both = taken(told, {"developer": "emil", "devops": "olli"})
    assert added(fold(both), {"writer": "mara"}) == (Added("writer", "writer", ("devops",), ()),)
    assert added(fold(both), {"qa": "quentin"}) == (
        Added("qa-quentin", "qa", ("developer", "developer-emil"), ("devops",)),
    )


def test_work_orders_are_no_parts_to_wait_for() -> None:
    assert added(fold([asked("o-1", ORDER)]), {"qa": "quinn"}) == (Added("qa", "qa", (), ()),)


def test_an_order_that_goes_against_what_is_there_is_refused() -> None:
    told = taken([], {"developer": "dora", "qa": "quinn"})
    with pytest.raises(ValueError, match=r"that are there already, .*devops.* waits for"):
        added(fold(told), {"devops": "olli"}, "qa devops developer")


people = st.dictionaries(st.sampled_from(ROLES), st.sampled_from(["dora", "emil", "quinn"]), max_size=3)


@given(st.lists(people, max_size=5))
def test_however_a_request_is_split_nothing_goes_round_and_nobody_has_a_role_twice(
    steps: list[dict[str, str]],
) -> None:
    told: list[PartAsked] = []
    for step in steps:
        told = taken(told, step)
        assert taken(told, step) == told
    whole = fold(made(*told))
    assert len({part.asked.part for part in whole}) == len(told)
    assert {(p.asked.role, p.asked.person) for p in whole} == {pair for s in steps for pair in s.items()}
    waves([part.issue for part in whole], links(whole))


def test_who_is_asked_to_do_a_part_has_its_role_and_an_account() -> None:
    data = policy_data()
    person = {"id": "dora", "name": "Dora", "roles": ["developer"], "jira": "acc-dora"}
    data["people"] = [
        *[{**one, "id": f"{one['id']}-2"} for one in data["people"]],
        person,
        {**person, "id": "emil", "jira": ""},
        {**person, "id": "gone", "jira": "acc-gone", "active": False},
    ]
    policy = Policy.model_validate(data)
    assert objection({}, policy).startswith("name who does it")
    assert objection({"qa": Role("nobody")}, policy) == "nobody is not among Conveyor's active people"
    assert objection({"qa": Role("gone")}, policy) == "gone is not among Conveyor's active people"
    assert "has not the role qa" in objection({"qa": Role("dora")}, policy)
    assert "has no account in Jira" in objection({"developer": Role("emil")}, policy)
    assert objection({"developer": Role("dora", "the form")}, policy) == ""
