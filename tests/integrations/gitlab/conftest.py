"""The sandbox's GitLab, one for all tests of a file; each test works on names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.gitlab import GitLabClient
from tests.integrations.gitlab.world import World


@pytest.fixture(scope="module")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("gitlab"))
    yield world
    world.stop()


@pytest.fixture
def world(running_world: World) -> World:
    running_world.forget()
    return running_world


@pytest.fixture
def gitlab(world: World) -> GitLabClient:
    return world.gitlab
