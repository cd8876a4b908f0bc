"""One gateway for all tests of a process, and one that a test may kill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.world import Office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
