"""Releases of several projects that go out together: in the order of their dependencies, back in reverse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle import together
from lifecycle.phases import Phase
from lifecycle.release import Release
from tests.lifecycle.story import at, going_out, policy, policy_data, signed_off

OUT = (Phase.WATCHING, Phase.FEEDBACK, Phase.CLOSED)
IN_PRODUCTION = (*OUT, Phase.PRODUCTION, Phase.ROLLING_BACK)


def projects(**depends_on: tuple[str, ...]) -> list[dict[str, Any]]:
    [shop] = policy_data()["projects"]
    return [{**shop, "id": id_, "depends_on": on} for id_, on in depends_on.items()]


def of(project: str, phase: Phase) -> Release:
    release = at(phase).release
    return release.model_copy(update={"plan": release.plan.model_copy(update={"project": project})})


@pytest.mark.parametrize(
    ("depends_on", "why"),
    [
        ({"shop": ("kiosk",)}, "shop: depends_on kiosk is not among the projects"),
        ({"shop": ("shop",)}, "depends_on: shop waits for shop"),
        ({"shop": ("kiosk",), "kiosk": ("shop",)}, "depends_on: shop waits for kiosk waits for shop"),
    ],
)
def test_dependencies_without_an_order_are_no_policy(
    depends_on: dict[str, tuple[str, ...]], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        policy(projects=projects(**depends_on))


@pytest.mark.parametrize("phase", Phase)
def test_a_release_waits_until_what_it_depends_on_is_out(phase: Phase) -> None:
    rules = policy(projects=projects(shop=("kiosk",), kiosk=(), till=("shop",)))
    ready, kiosk = signed_off(), of("kiosk", phase)
    mates = [kiosk, of("till", Phase.PLANNED)]
    expected = () if phase in OUT else (f"kiosk 1.4.0 goes out first and is {phase.lower()}",)
    assert going_out(ready, mates=mates, depends_on=rules.projects[0].depends_on) == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Phase))), max_size=6))
def test_only_mates_in_production_that_depend_on_it_go_back_first(found: list[tuple[str, Phase]]) -> None:
    depends_on = {"shop": ("a",), "a": (), "b": ("shop",), "c": ("b",)}
    mates = [of(project, phase) for project, phase in found]
    first = together.back_first(of("shop", Phase.ROLLING_BACK), depends_on, mates)
    assert [(mate.plan.project, mate.phase) for mate in first] == [
        (project, phase) for project, phase in found if project == "b" and phase in IN_PRODUCTION
    ]


def test_a_mate_before_which_nothing_was_served_is_not_waited_for() -> None:
    told = signed_off(project="b").start_production(previous_tag=None, previous_sha=None).deploy()
    assert together.back_first(of("shop", Phase.ROLLING_BACK), {"b": ("shop",)}, [told.release]) == ()
