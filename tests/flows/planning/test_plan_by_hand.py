"""Somebody changes a fix version in Jira by hand: it is told once, and nothing is put right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle import events as e
from tasks import context, plan_reconciling
from tasks.walk import new_events

Team = Any
STREAM = "release:shop:1.4.0"


@pytest.fixture
def keys(team: Team) -> list[str]:
    """Three issues; the first two are planned for 1.4.0, and Jira says so."""
    keys = [team.file("dora", f"Wish {n}") for n in range(1, 4)]
    plan = e.Planned(
        project="shop", version="1.4.0", issues=tuple(keys[:2]), base="main", plan_hash="p", started_by="mara"
    )
    context.ledger().append(STREAM, new_events(STREAM, [plan]), now=datetime.now(UTC))
    team.jira().ensure_version("SHOP", "1.4.0")
    for key in keys[:2]:
        team.jira().add_fix_version(key, "1.4.0")
    return keys


def look() -> list[str]:
    """What the flow `reconcile` does about it; the texts of all differences."""
    found = plan_reconciling.moved_by_hand()
    plan_reconciling.tell.fn(found)
    return [difference.text for difference in found]


def test_a_plan_that_jira_shows_is_no_difference(team: Team, keys: list[str]) -> None:
    del keys
    assert look() == []
    assert team.messages() == []


def test_a_version_that_was_renamed_in_jira_is_a_difference(team: Team, keys: list[str]) -> None:
    team.rename_version("1.4.0", "Autumn")
    assert look() == [
        f"{STREAM}: {keys[0]} is in the plan, in Jira it does not have the fix version; "
        f"{keys[1]} is in the plan, in Jira it does not have the fix version"
    ]


def test_what_somebody_moved_is_told_once_and_stays_moved(team: Team, keys: list[str]) -> None:
    team.jira("dora").remove_fix_version(keys[1], "1.4.0")
    team.jira("dora").add_fix_version(keys[2], "1.4.0")
    for _ in range(2):
        [text] = look()
        assert f"{keys[2]} has the fix version in Jira, the plan does not have it" in text
        assert f"{keys[1]} is in the plan, in Jira it does not have the fix version" in text
    [message] = team.messages()
    assert "conveyor plan change 1.4.0" in str(message["blocks"])
    assert [team.jira().issue(key).fix_versions for key in keys] == [("1.4.0",), (), ("1.4.0",)]
    team.jira("dora").add_fix_version(keys[1], "1.4.0")
    assert len(look()) == 1
    assert len(team.messages()) == 2


def test_what_a_walk_is_about_to_write_is_not_a_difference(team: Team, keys: list[str]) -> None:
    team.jira("dora").remove_fix_version(keys[1], "1.4.0")
    context.ledger().wake(STREAM, datetime.now(UTC))
    assert look() == []
