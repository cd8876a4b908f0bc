"""One gateway for all tests of a process, with each of Slack's two ways to reach it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.world import Office


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
