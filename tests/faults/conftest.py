"""One town for all stories of a file: its start takes longer than a story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.telling import Teller


@pytest.fixture(scope="module")
def teller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teller]:
    made = Teller(lambda: tmp_path_factory.mktemp("town"))
    yield made
    made.stop()
