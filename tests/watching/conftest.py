"""One shop and one Prometheus for all tests of the watch: coming up takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.watching.world import Watched, program


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    world = Watched(tmp_path_factory.mktemp("watched"), program())
    yield world
    world.stop()
