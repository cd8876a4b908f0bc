"""A sandbox Jira of either flavor, for each test a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from integrations.jira.client import JiraClient
from integrations.sandbox.jira import JiraSandbox
from tests.integrations.jira.world import PEOPLE, Jira


@pytest.fixture(params=["cloud", "server"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    """A Jira with project REL; each test in both flavors."""
    sandbox = JiraSandbox(None, PEOPLE, {"REL": "Release train"}, flavor=request.param)
    yield Jira(sandbox, request.param)
    sandbox.stop()


@pytest.fixture
def client(jira: Jira) -> Iterator[JiraClient]:
    """Conveyor's own client of that Jira."""
    client = jira.client()
    yield client
    client.close()


@pytest.fixture
def new(client: JiraClient) -> Callable[[str], str]:
    """Makes a task of that summary; returns its key."""
    return lambda summary: client.create_issue("REL", "Task", summary, "", op_key=f"new:{summary}")
