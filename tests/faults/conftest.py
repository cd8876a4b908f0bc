"""One town for all stories of a file: its start takes longer than a story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import with_database
from tests.faults.telling import Teller


@pytest.fixture(scope="module")
def teller(tmp_path_factory: pytest.TempPathFactory, prefect_database: Path) -> Iterator[Teller]:
    made = Teller(lambda: with_database(tmp_path_factory.mktemp("town"), prefect_database))
    yield made
    made.stop()
