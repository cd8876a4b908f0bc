"""A merge request is served while it is open, on the real sandbox: jobs, processes and HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.sandbox import shop
from integrations.sandbox.http import LOOPBACK

World = Any


def open_request(world: World, labels: str) -> dict[str, Any]:
    """A merge request with a change, its pipeline ended."""
    world.git("checkout", "-q", "-b", "gift-wrap")
    world.commit(files={"CHANGELOG.md": "- Gift wrap\n"})
    world.git("push", "-q", "origin", "gift-wrap")
    body = {"title": "Gift wrap", "source_branch": "gift-wrap", "target_branch": "main", "labels": labels}
    made = world.api.post("merge_requests", json=body | {"remove_source_branch": True}).raise_for_status()
    pipeline = world.until(
        lambda: world.api.get(f"merge_requests/{made.json()['iid']}/pipelines").json(),
        lambda rows: rows and rows[0]["status"] in ("success", "failed"),
    )[0]
    assert pipeline["status"] == "success"
    return {**made.json(), "pipeline": pipeline}


def environment(world: World) -> dict[str, Any]:
    [found] = world.api.get("environments", params={"search": "review"}).json()
    return found


@pytest.mark.parametrize("labels", ["", "preview-app-2"])
def test_without_the_label_there_is_no_review_environment(world: World, labels: str) -> None:
    request = open_request(world, labels)
    assert world.jobs(request["pipeline"]) == {"unit": "success"}
    assert world.api.get("environments").json() == []


@pytest.mark.parametrize("ending", ["merge", "close", "stop"])
def test_a_review_environment_lives_as_long_as_its_merge_request(world: World, ending: str) -> None:
    request = open_request(world, "bug,review-app")
    assert world.jobs(request["pipeline"]) == {
        "unit": "success",
        "review": "success",
        "stop-review": "manual",
    }
    made = environment(world)
    assert (made["name"], made["state"], made["tier"]) == ("review/gift-wrap", "available", "development")
    assert made["auto_stop_at"] is not None
    health = httpx.get(f"{made['external_url']}/healthz", **LOOPBACK).json()
    assert (health["sha"], health["environment"]) == (request["sha"], "review/gift-wrap")
    assert len(shop.running(world.home)) == 1

    iid = request["iid"]
    match ending:
        case "merge":
            world.api.put(f"merge_requests/{iid}/merge").raise_for_status()
        case "close":
            world.api.put(f"merge_requests/{iid}", json={"state_event": "close"}).raise_for_status()
        case _:
            world.api.post(f"environments/{made['id']}/stop").raise_for_status()
    world.until(lambda: environment(world)["state"], lambda state: state == "stopped")
    assert shop.running(world.home) == []
    assert list(world.home.iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{made['external_url']}/healthz", **LOOPBACK)
    assert world.jobs(request["pipeline"])["stop-review"] == "success"


def test_a_push_replaces_what_is_served(world: World) -> None:
    request = open_request(world, "review-app")
    first = environment(world)
    sha = world.commit(files={"CHANGELOG.md": "- Gift wrap, in red\n"})
    world.git("push", "-q", "origin", "gift-wrap")
    world.until(
        lambda: world.api.get(f"merge_requests/{request['iid']}/pipelines").json()[0],
        lambda row: row["sha"] == sha and row["status"] == "success",
    )
    second = environment(world)
    assert second["id"] == first["id"]
    assert httpx.get(f"{second['external_url']}/healthz", **LOOPBACK).json()["sha"] == sha
    assert len(shop.running(world.home)) == 1
