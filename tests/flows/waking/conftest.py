"""One town for the whole run: its start takes longer than all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import with_database
from tests.flows.waking.world import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, prefect_database: Path) -> Iterator[Town]:
    made = Town(with_database(tmp_path_factory.mktemp("town"), prefect_database))
    try:
        made.start()
        yield made
    finally:
        made.stop()
