"""dev and test have a place of their own."""

from __future__ import annotations

from typing import Any

World = Any


def environments(world: World) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in world.api.get("environments").json()}


def test_dev_and_test_are_steps_with_environments_of_their_own(world: World) -> None:
    world.tag("1.3.0")
    world.step("1.3.0", "verify")
    for step in ("dev", "test"):
        assert world.step("1.3.0", step)["status"] == "success"
    assert world.health(world.dev)["environment"] == "dev"
    assert world.health(world.test)["environment"] == "test"
    assert environments(world).keys() == {"dev", "test"}
