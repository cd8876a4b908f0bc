"""The story's end, made once; a test may break one thing in it, and finds it whole again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.ending import play
from tests.demo.world import World


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("ended"))
    try:
        play(world)
        yield world
    finally:
        world.stop()
