"""Webhooks: what is sent for what, and the headers that a receiver relies on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import Listener, World

KEY = b"sandbox-signing-key"


@pytest.fixture
def listener(world: World) -> Listener:
    """Takes every webhook of the project."""
    return world.listener


def poll(get: Callable[[], Any]) -> Any:
    """The first value that is not empty, within ten seconds."""
    end = time.monotonic() + 10
    while not (value := get()):
        assert time.monotonic() < end, "it did not happen"
    return value


def test_a_push_tells_who_pushed_what(world: World, listener: Listener) -> None:
    git = world.clone("dev")
    git("switch", "-qc", "topic")
    git("push", "-q", "origin", "topic")
    first = listener.wait("Push Hook").json
    assert (first["before"], first["commits"]) == ("0" * 40, [])
    old = git("rev-parse", "HEAD")
    git.commit("a", "1", "One")
    new = git.commit("README.md", "2", "Two\n\nMore of it")
    git("push", "-q", "origin", "topic")
    push = listener.wait("Push Hook").json
    assert (push["object_kind"], push["ref"], push["ref_protected"]) == ("push", "refs/heads/topic", False)
    assert (push["before"], push["after"], push["checkout_sha"]) == (old, new, new)
    assert (push["user_id"], push["user_username"], push["project_id"]) == (102, "dev", 1)
    assert [(each["title"], each["added"], each["modified"]) for each in push["commits"]] == [
        ("One", ["a"], []),
        ("Two", [], ["README.md"]),
    ]
    assert push["project"]["path_with_namespace"] == "shop/shop"
    git("push", "-q", "origin", ":topic")
    assert listener.wait("Push Hook").json["after"] == "0" * 40


def test_a_tag_push_names_the_tag_object_and_the_commit(
    world: World, may: httpx.Client, listener: Listener
) -> None:
    may.post("repository/tags", json={"tag_name": "1.4.0", "ref": "main", "message": "Final"})
    hook = listener.wait("Tag Push Hook").json
    assert hook["after"] == world.bare("rev-parse", "refs/tags/1.4.0")
    assert hook["checkout_sha"] == world.bare("rev-parse", "main")
    assert (hook["ref"], hook["message"]) == ("refs/tags/1.4.0", "Final")


def test_more_than_three_branches_in_one_push_are_not_told(world: World, listener: Listener) -> None:
    git = world.clone("dev")
    git("push", "-q", "origin", *(f"main:refs/heads/b{number}" for number in range(4)))
    git("push", "-q", "origin", "main:refs/heads/alone")
    assert listener.wait("Push Hook").json["ref"] == "refs/heads/alone"
    assert world.bare("branch", "--format=%(refname:short)").split() == [
        "alone",
        "b0",
        "b1",
        "b2",
        "b3",
        "main",
    ]


def test_a_merge_requests_life_is_told_step_by_step(
    world: World, dev: httpx.Client, may: httpx.Client, listener: Listener
) -> None:
    git = world.clone("dev")
    old = git.commit("cart", "1", "Cart")
    git("push", "-q", "origin", "HEAD:topic")
    body = {"title": "The cart", "source_branch": "topic", "target_branch": "main"}
    dev.post("merge_requests", json=body)
    new = git.commit("cart", "2", "More")
    git("push", "-q", "origin", "HEAD:topic")
    dev.put("merge_requests/1", json={"title": "Cart", "labels": "shop"})
    may.post("merge_requests/1/approve")
    may.post("merge_requests/1/unapprove")
    dev.put("merge_requests/1", json={"state_event": "close"})
    dev.put("merge_requests/1", json={"state_event": "reopen"})
    commit = dev.put("merge_requests/1/merge").json()["merge_commit_sha"]
    hooks = [listener.wait("Merge Request Hook").json for _ in range(8)]
    told = [hook["object_attributes"]["action"] for hook in hooks]
    assert told == ["open", "update", "update", "approved", "unapproved", "close", "reopen", "merge"]
    opened, pushed, edited = (hook["object_attributes"] for hook in hooks[:3])
    assert (opened["last_commit"]["id"], opened["state"], opened["iid"]) == (old, "opened", 1)
    assert (pushed["oldrev"], pushed["last_commit"]["id"]) == (old, new)
    assert "oldrev" not in edited
    assert hooks[2]["changes"]["title"] == {"previous": "The cart", "current": "Cart"}
    assert [label["title"] for label in hooks[2]["changes"]["labels"]["current"]] == ["shop"]
    assert hooks[3]["user"]["username"] == "may"
    assert hooks[-1]["object_attributes"]["merge_commit_sha"] == commit
    assert hooks[-1]["object_attributes"]["state"] == "merged"
    assert listener.wait("Push Hook").json["after"] == commit


def test_issues_notes_and_releases_are_told(dev: httpx.Client, may: httpx.Client, listener: Listener) -> None:
    dev.post("issues", json={"title": "It breaks", "labels": "request"})
    assert listener.wait("Issue Hook").json["object_attributes"]["action"] == "open"
    dev.post("issues/1/notes", json={"body": "Really"})
    note = listener.wait("Note Hook").json
    assert (note["object_attributes"]["note"], note["issue"]["iid"]) == ("Really", 1)
    dev.put("issues/1", json={"state_event": "close"})
    assert listener.wait("Issue Hook").json["object_attributes"]["state"] == "closed"
    may.post("repository/tags", json={"tag_name": "1.0.0", "ref": "main"})
    may.post("releases", json={"tag_name": "1.0.0", "description": "Notes"})
    release = listener.wait("Release Hook").json
    assert (release["tag"], release["action"], release["description"]) == ("1.0.0", "create", "Notes")


def test_the_headers_name_event_instance_and_delivery_and_are_signed(
    world: World, dev: httpx.Client, listener: Listener
) -> None:
    dev.post("issues", json={"title": "One"})
    dev.post("issues", json={"title": "Two"})
    first, second = listener.wait(), listener.wait()
    assert first.headers["x-gitlab-token"] == "hook-secret"
    assert first.headers["x-gitlab-instance"] == world.url
    assert first.headers["user-agent"].startswith("GitLab/")
    assert first.headers["x-gitlab-webhook-uuid"] == second.headers["x-gitlab-webhook-uuid"]
    for name in ("idempotency-key", "x-gitlab-event-uuid"):
        assert first.headers[name] != second.headers[name]
    signed = f"{first.headers['idempotency-key']}.{first.headers['webhook-timestamp']}.".encode() + first.body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert first.headers["webhook-signature"] == f"v1,{digest}"
    assert first.headers["webhook-id"] == first.headers["idempotency-key"]


def test_a_failed_delivery_is_not_repeated_by_itself_and_resent_under_the_same_key(
    may: httpx.Client, dev: httpx.Client, listener: Listener
) -> None:
    listener.status = 500
    dev.post("issues", json={"title": "One"})
    failed = listener.wait("Issue Hook")
    hook = may.get("hooks").json()[0]["id"]
    row = poll(lambda: may.get(f"hooks/{hook}/events", params={"status": "server_failure"}).json())[0]
    assert (row["response_status"], row["trigger"]) == ("500", "issues_hooks")
    assert row["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"
    listener.status = 200
    assert may.post(f"hooks/{hook}/events/{row['id']}/resend").status_code == 201
    again = listener.wait()
    assert again.body == failed.body
    assert again.headers["idempotency-key"] == failed.headers["idempotency-key"]
    done = poll(lambda: may.get(f"hooks/{hook}/events", params={"status": "successful"}).json())
    assert len(done) == 1
    assert len(may.get(f"hooks/{hook}/events").json()) == 2
    assert dev.get("hooks").status_code == 403


def test_a_webhook_gets_only_what_it_asked_for(
    world: World, may: httpx.Client, dev: httpx.Client, listener: Listener
) -> None:
    for hook in may.get("hooks").json():
        assert may.delete(f"hooks/{hook['id']}").status_code == 204
    assert may.post("hooks", json={"url": "ftp://x"}).status_code == 422
    made = may.post("hooks", json={"url": listener.url, "issues_events": True, "push_events": False})
    assert (made.status_code, made.json()["signing_token_present"]) == (201, False)
    assert "token" not in made.json()
    dev.post("repository/branches", json={"branch": "b", "ref": "main"})
    dev.post("issues", json={"title": "One"})
    first = listener.wait()
    assert first.headers["x-gitlab-event"] == "Issue Hook"
    assert "webhook-signature" not in first.headers
    assert "x-gitlab-token" not in first.headers
