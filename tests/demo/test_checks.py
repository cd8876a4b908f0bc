"""The checks hold for the story's end; whatever is broken in it turns its own row red, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.demo.checks import Outside, all_checks, check_all, run_checks
from tests.demo import breaks_code, breaks_jira, breaks_runs, breaks_slack
from tests.demo.breaking import BREAKS, Break, look, whole_again
from tests.demo.world import World

MODULES = (breaks_code, breaks_jira, breaks_slack, breaks_runs)
"""Importing them fills `BREAKS`."""


def test_every_check_holds_when_the_story_has_ended_well(ended: World) -> None:
    rows = run_checks(ended.facts)
    assert [(row.id, row.expected, row.seen) for row in rows if not row.ok] == []
    assert [row.id for row in rows] == [check.id for check in all_checks(ended.facts)]


@pytest.fixture(scope="module")
def before(ended: World) -> Iterator[Outside]:
    """What is to be read of the story's end, before anything is broken."""
    with Outside(ended.facts) as outside:
        assert all(row.ok for row in check_all(outside))
        yield outside


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.what)
def test_what_is_broken_turns_its_own_rows_red_and_no_other(
    ended: World, before: Outside, broken: Break
) -> None:
    with whole_again(ended):
        broken.act(ended)
        rows = look(ended, broken, before)
    assert {row.id for row in rows if not row.ok} == broken.red
    assert all(row.seen and row.expected != row.seen for row in rows if not row.ok)


def test_after_all_that_the_world_is_whole_again(ended: World) -> None:
    assert [row.id for row in run_checks(ended.facts) if not row.ok] == []


def test_there_is_a_way_to_turn_every_row_red(ended: World) -> None:
    known = [check.id for check in all_checks(ended.facts)]
    assert len(known) == len(set(known))
    assert set(known) == frozenset().union(*(broken.red for broken in BREAKS))
