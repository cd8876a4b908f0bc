"""A request in parts: by role, with their order, and work orders beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.parts import ORDER, ROLES, PartAsked, PartEstimated, PartMade, after, fold, links, total
from lifecycle.waves import waves


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
