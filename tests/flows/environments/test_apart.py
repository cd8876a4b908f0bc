"""What reaches production from below staging is told without anybody asking for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks import context, differences, environment_checks

Team = Any
TOLD = "Shop: environments below staging reach production"


@pytest.fixture
def reaches(team: Team, change_policy: Callable[..., None]) -> str:
    """Review environments get production's address as a variable; the address."""
    team.commit("README.md", "a shop")
    change_policy({"environments": [{"name": "review/*", "tier": "development"}]})
    url = context.policy().project("shop").production_url
    team.gitlab("POST", "variables", "olli", key="BACKEND", value=f"{url}/api", environment_scope="review/*")
    return url


def told(team: Team) -> list[Any]:
    return [message for message in team.messages(team.releases) if message["text"] == TOLD]


def found() -> list[str]:
    return [difference.text for difference in differences.find() if difference.mend == "apart"]


def test_reconcile_finds_it_and_tells_it_once_without_the_value(team: Team, reaches: str) -> None:
    assert found() == ["environments of shop: 1 places below staging reach production"]
    for _ in range(2):
        environment_checks.tell.fn("shop")
    [message] = told(team)
    assert "review/*: variable BACKEND (scope review/*) has production's address" in str(message["blocks"])
    assert reaches not in str(message)
    assert found() == []


def test_variables_that_may_not_be_read_stop_nothing(team: Team, reaches: str) -> None:
    team.fail_gitlab(".*/variables.*", 1, do="403")
    assert found() == []
    assert len(found()) == 1
