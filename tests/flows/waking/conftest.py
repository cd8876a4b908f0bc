"""One town for the whole run: its start takes longer than all its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.waking.world import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
