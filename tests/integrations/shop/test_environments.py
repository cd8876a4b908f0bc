"""dev and test have a place of their own; a branch gets one, and it goes with the branch."""

from __future__ import annotations

from typing import Any

import httpx

from integrations.sandbox import shop

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


def test_a_branch_has_an_environment_until_it_is_stopped(world: World) -> None:
    for branch in ("SHOP-7-search", "SHOP-8/notes"):
        world.git("checkout", "-q", "-b", branch, "origin/main")
        sha = world.commit(files={"note.txt": branch})
        world.git("push", "-q", "origin", branch)
        for _ in range(2):
            assert world.step(branch, "review")["status"] == "success"
    shown = environments(world)
    assert shown.keys() == {"review/SHOP-7-search", "review/SHOP-8/notes"}
    addresses = {name: row["external_url"] for name, row in shown.items()}
    assert len(set(addresses.values())) == 2
    notes = httpx.get(f"{addresses['review/SHOP-8/notes']}/healthz", trust_env=False).json()
    assert (notes["sha"], notes["environment"]) == (sha, "review/SHOP-8/notes")
    assert len(shop.running(world.home)) == 2

    stopped = world.api.post(f"environments/{shown['review/SHOP-8/notes']['id']}/stop")
    assert stopped.status_code == 200
    world.until(lambda: environments(world)["review/SHOP-8/notes"]["state"], lambda state: state == "stopped")
    assert sorted(path.name for path in world.home.iterdir()) == ["review-SHOP-7-search"]
    assert len(shop.running(world.home)) == 1
