"""The bodies of webhooks have the keys that GitLab's own examples have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import World

RECORDED = Path(__file__).parents[3].parent / "shared" / "recorded" / "gitlab" / "webhooks"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="needs ../shared/recorded")

# The single assignee is an older GitLab's; time tracking, weights, severities and moves are not kept.
LEFT_OUT = {
    "assignee",
    "discussion_locked",
    "duplicated_to_id",
    "escalation_policy",
    "escalation_status",
    "first_contribution",
    "human_time_change",
    "human_time_estimate",
    "human_total_time_spent",
    "last_edited_at",
    "last_edited_by_id",
    "moved_to_id",
    "relative_position",
    "severity",
    "time_change",
    "time_estimate",
    "total_time_spent",
    "updated_by_id",
    "weight",
}


def recorded(name: str) -> dict[str, Any]:
    """The first example of the file."""
    return json.JSONDecoder().raw_decode((RECORDED / f"{name}.json").read_text())[0]


def missing(seen: dict[str, Any], example: dict[str, Any]) -> set[str]:
    """The keys of the example that were not seen, at the top and one level below."""
    left = set(example) - set(seen)
    for name, part in example.items():
        if isinstance(part, dict) and isinstance(seen.get(name), dict) and name != "changes":
            left |= set(part) - set(seen[name])
    return left - LEFT_OUT


@pytest.mark.parametrize(
    ("example", "event"),
    [
        ("push", "Push Hook"),
        ("tag_push", "Tag Push Hook"),
        ("note_merge_request", "Note Hook"),
        ("issue", "Issue Hook"),
        ("release", "Release Hook"),
    ],
)
def test_every_key_of_the_example_is_sent(
    world: World, may: httpx.Client, dev: httpx.Client, example: str, event: str
) -> None:
    git = world.clone("dev")
    git.commit("cart", "1", "Cart")
    git("push", "-q", "origin", "HEAD:topic")
    fields = {"source_branch": "topic", "target_branch": "main", "assignee_ids": [101], "reviewer_ids": [101]}
    dev.post("merge_requests", json={"title": "Cart", **fields})
    dev.post("merge_requests/1/notes", json={"body": "Why?"})
    dev.post("issues", json={"title": "One", "assignee_ids": [101]})
    may.post("repository/tags", json={"tag_name": "1.0.0", "ref": "main"})
    may.post("releases", json={"tag_name": "1.0.0"})
    left = missing(world.listener.wait(event).json, recorded(example))
    assert left <= ({"position"} if example == "note_merge_request" else set())


def test_every_key_of_a_merge_requests_example_is_sent(world: World, dev: httpx.Client) -> None:
    git = world.clone("dev")
    git.commit("cart", "1", "Cart")
    git("push", "-q", "origin", "HEAD:topic")
    fields = {"source_branch": "topic", "target_branch": "main", "assignee_ids": [101], "reviewer_ids": [101]}
    dev.post("merge_requests", json={"title": "Cart", **fields})
    seen = world.listener.wait("Merge Request Hook").json
    assert missing(seen, recorded("merge_request")) == set()
