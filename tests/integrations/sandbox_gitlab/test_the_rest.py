"""Issues, milestones, releases, packages, labels, wiki pages; limits and faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK

if TYPE_CHECKING:
    from conftest import World


def test_issues_are_written_found_closed_and_opened_again(dev: httpx.Client) -> None:
    assert dev.post("issues", json={}).json() == {"error": "title is missing"}
    made = dev.post("issues", json={"title": "One", "labels": "request,shop", "assignee_ids": [101]}).json()
    dev.post("issues", json={"title": "Two", "description": "about the cart"})
    assert (made["iid"], made["assignees"][0]["username"]) == (1, "may")

    def found(**query: str) -> list[int]:
        rows: list[dict[str, Any]] = dev.get("issues", params=query).json()
        return sorted(row["iid"] for row in rows)

    assert found(labels="request") == [1]
    assert found(labels="None") == [2]
    assert found(search="CART") == [2]
    closed = dev.put("issues/1", json={"state_event": "close", "add_labels": "done"}).json()
    assert (closed["state"], closed["labels"]) == ("closed", ["done", "request", "shop"])
    assert closed["closed_by"]["username"] == "dev"
    assert found(state="opened") == [2]
    assert found(updated_after=closed["updated_at"]) == [1]
    assert dev.put("issues/1", json={"state_event": "reopen"}).json()["closed_at"] is None
    assert dev.get("issues/9").status_code == 404
    assert dev.get("issues/x").status_code == 400


def test_a_milestone_has_one_title_and_holds_issues(dev: httpx.Client) -> None:
    made = dev.post("milestones", json={"title": "1.4.0", "due_date": "2026-03-06"})
    assert made.status_code == 201
    assert dev.post("milestones", json={"title": "1.4.0"}).status_code == 400
    dev.post("issues", json={"title": "One", "milestone_id": made.json()["id"]})
    dev.post("issues", json={"title": "Two"})
    assert [row["title"] for row in dev.get("issues", params={"milestone": "1.4.0"}).json()] == ["One"]
    assert (
        dev.put(f"milestones/{made.json()['id']}", json={"state_event": "close"}).json()["state"] == "closed"
    )
    assert [row["title"] for row in dev.get("milestones", params={"title": "1.4.0"}).json()] == ["1.4.0"]


def test_a_tag_has_one_release(world: World, may: httpx.Client) -> None:
    body = {"tag_name": "1.4.0", "name": "1.4.0", "description": "Notes"}
    assert may.post("releases", json=body).status_code == 422
    may.post("repository/tags", json={"tag_name": "1.4.0", "ref": "main", "message": "Final"})
    made = may.post(
        "releases", json={**body, "assets": {"links": [{"name": "shop", "url": "http://a.test/x"}]}}
    )
    assert (made.status_code, made.json()["commit"]["id"]) == (201, world.bare("rev-parse", "main"))
    assert made.json()["assets"]["links"][0]["name"] == "shop"
    assert may.post("releases", json=body).status_code == 409
    assert may.put("releases/1.4.0", json={"description": "More"}).json()["description"] == "More"
    assert [row["tag_name"] for row in may.get("releases").json()] == ["1.4.0"]
    assert may.get("repository/tags/1.4.0").json()["release"]["description"] == "More"
    assert may.get("releases/1.5.0").status_code == 404
    assert may.post("releases", json={"tag_name": "1.5.0", "ref": "main"}).status_code == 201
    assert world.bare("tag").split() == ["1.4.0", "1.5.0"]


def test_a_package_file_comes_back_as_it_was(dev: httpx.Client) -> None:
    content, path = bytes(range(256)) * 100, "packages/generic/shop/0a1b2c/shop.tar"
    assert dev.put(path, content=content).status_code == 201
    assert dev.get(path).content == content
    dev.put(path, content=b"newer")
    assert dev.get(path).content == b"newer"
    assert dev.get("packages/generic/shop/0a1b2c/none").status_code == 404
    rows = dev.get("packages", params={"package_name": "shop"}).json()
    assert [(row["name"], row["version"]) for row in rows] == [("shop", "0a1b2c")]
    answer = httpx.put(str(dev.base_url) + path, content=b"x", headers={"JOB-TOKEN": "no"}, **LOOPBACK)
    assert answer.status_code == 401
    assert dev.get(path).content == b"newer"


def test_a_wiki_page_is_kept_under_its_slug(dev: httpx.Client) -> None:
    made = dev.post("wikis", json={"title": "Plan 1.4", "content": "- one"})
    assert (made.status_code, made.json()["slug"]) == (201, "Plan-1.4")
    assert dev.post("wikis", json={"title": "Plan 1.4", "content": "x"}).status_code == 422
    dev.put("wikis/Plan-1.4", json={"content": "- two"})
    assert dev.get("wikis/Plan-1.4").json()["content"] == "- two"
    assert dev.get("wikis/None").status_code == 404


def test_labels_are_made_once(dev: httpx.Client) -> None:
    assert dev.post("labels", json={"name": "bug", "color": "#ff0000"}).status_code == 201
    assert dev.post("labels", json={"name": "bug", "color": "#00ff00"}).status_code == 409
    assert [(row["name"], row["color"]) for row in dev.get("labels").json()] == [("bug", "#ff0000")]


def test_people_are_found_by_exact_username_or_by_search(world: World, may: httpx.Client) -> None:
    headers = {"PRIVATE-TOKEN": "token-may"}

    def found(**query: str) -> list[int]:
        answer = httpx.get(f"{world.url}/api/v4/users", params=query, headers=headers, **LOOPBACK)
        return [row["id"] for row in answer.json()]

    assert found(username="DEV") == [102]
    assert found(username="de") == []
    assert found(search="dev@example.test") == [102]
    members = may.get("members/all").json()
    assert [(row["username"], row["access_level"]) for row in members] == [
        ("may", 40),
        ("dev", 30),
        ("rep", 20),
    ]
    assert may.get("members/all/102").json()["username"] == "dev"
    assert may.get("members/all/104").status_code == 404


def test_past_the_limit_the_answer_is_429_with_retry_after(tmp_path: Path, world: World) -> None:
    limited = type(world)(tmp_path / "limited", per_minute=3)
    try:
        with limited.api("dev") as dev, limited.api("may") as may:
            assert [dev.get("labels").status_code for _ in range(4)] == [200, 200, 200, 429]
            refused = dev.get("labels")
            assert 1 <= int(refused.headers["Retry-After"]) <= 61
            assert refused.headers["RateLimit-Remaining"] == "0"
            assert may.get("labels").status_code == 200
    finally:
        limited.stop()


def test_a_fault_on_order_cuts_the_answer_after_the_work(world: World, dev: httpx.Client) -> None:
    order = {"match": "POST .*/repository/branches", "do": "drop_after"}
    httpx.post(f"{world.url}/_sandbox/faults", json=order, **LOOPBACK)
    with pytest.raises(httpx.TransportError):
        dev.post("repository/branches", json={"branch": "b", "ref": "main"})
    assert dev.get("repository/branches/b").status_code == 200
    seen = httpx.get(f"{world.url}/_sandbox/requests", **LOOPBACK).json()
    assert [(row["status"], row["actor"]) for row in seen] == [(None, "dev"), (200, "dev")]
