"""One gateway for all tests of a process, with each of Slack's two ways to reach it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments import sandbox_policy
from integrations.sandbox.jira import JiraSandbox
from tests.gateway.desk import Desk
from tests.gateway.world import TOKENS, Office


@pytest.fixture(scope="session")
def http_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def socket_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("socket-office"), socket_mode=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def office(request: pytest.FixtureRequest) -> Office:
    """By HTTP, unless a test is parametrised with "socket"."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'http')}_office")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    cast = sandbox_policy.people(TOKENS)
    bot = next(person for person in cast if person.is_bot)
    jira = JiraSandbox(None, cast, {"SHOP": "Shop"}, bursts=False)
    office = Office(tmp_path_factory.mktemp("desk"))
    office.env |= {
        "CONVEYOR_JIRA_URL": jira.url,
        "CONVEYOR_JIRA_USER": bot.email,
        "CONVEYOR_JIRA_TOKEN": bot.token,
    }
    made = Desk(office, jira)
    try:
        office.start()
        yield made
    finally:
        made.close()
        office.stop()
        jira.stop()
