"""Pushes and merge requests start pipelines; a merge request may wait for its own."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK

if TYPE_CHECKING:
    from conftest import Git, World

CI = """
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_TAG
    - if: $CI_COMMIT_BRANCH == "main"
test:
  script:
    - while [ ! -e "$GO" ]; do sleep 0.02; done
    - test ! -e broken
"""


@pytest.fixture
def git(world: World) -> Git:
    """The Maintainer's clone; `main` has a pipeline whose job waits for the file `go`."""
    git = world.clone("may")
    git.commit(".gitlab-ci.yml", CI.replace("$GO", str(world.tmp / "go")), "CI")
    git("push", "-q", "origin", "main")
    return git


def go(world: World) -> None:
    """Let every waiting job go on."""
    (world.tmp / "go").touch()


def open_one(world: World, git: Git, may: httpx.Client, path: str = "cart") -> dict[str, Any]:
    git("switch", "-qc", "topic")
    git.commit(path, "1", "Change")
    git("push", "-q", "origin", "topic")
    body = {"title": "The cart", "source_branch": "topic", "target_branch": "main"}
    return may.post("merge_requests", json=body).json()


def test_a_push_to_main_and_a_tag_start_each_a_pipeline(world: World, git: Git, may: httpx.Client) -> None:
    may.post("repository/tags", json={"tag_name": "1.0.0", "ref": "main"})
    rows = may.get("pipelines").json()
    sha = git("rev-parse", "HEAD")
    assert [(row["ref"], row["source"], row["sha"]) for row in rows] == [
        ("1.0.0", "push", sha),
        ("main", "push", sha),
    ]
    go(world)


def test_a_merge_request_has_its_own_pipeline_and_a_new_one_for_a_new_head(
    world: World, git: Git, may: httpx.Client
) -> None:
    first = may.get(f"merge_requests/{open_one(world, git, may)['iid']}").json()["head_pipeline"]
    assert (first["source"], first["ref"]) == ("merge_request_event", "refs/merge-requests/1/head")
    head = git.commit("cart", "2", "More")
    git("push", "-q", "origin", "topic")
    second = may.get("merge_requests/1").json()["head_pipeline"]
    assert second["id"] != first["id"]
    assert second["sha"] == head
    assert may.get("merge_requests/1/pipelines").json()[0]["id"] == second["id"]
    go(world)


def test_with_auto_merge_it_is_merged_when_its_pipeline_has_succeeded(
    world: World, git: Git, may: httpx.Client
) -> None:
    mr = open_one(world, git, may)
    waiting = may.put("merge_requests/1/merge", json={"sha": mr["sha"], "auto_merge": True}).json()
    assert (waiting["state"], waiting["merge_when_pipeline_succeeds"]) == ("opened", True)
    go(world)
    merged = world.listener.wait("Merge Request Hook", action="merge").json["object_attributes"]
    assert world.bare("rev-parse", "main") == merged["merge_commit_sha"]
    assert may.get("merge_requests/1").json()["merged_by"]["username"] == "may"


def test_with_auto_merge_it_is_not_merged_when_its_pipeline_fails(
    world: World, git: Git, may: httpx.Client
) -> None:
    open_one(world, git, may, "broken")
    may.put("merge_requests/1/merge", json={"auto_merge": True})
    go(world)
    world.listener.wait("Pipeline Hook", status="failed")
    assert may.get("merge_requests/1").json()["state"] == "opened"
    assert world.bare("log", "-1", "--format=%s", "main") == "CI"


def test_a_push_cancels_the_auto_merge(world: World, git: Git, may: httpx.Client) -> None:
    open_one(world, git, may)
    may.put("merge_requests/1/merge", json={"auto_merge": True})
    git.commit("cart", "2", "More")
    git("push", "-q", "origin", "topic")
    go(world)
    world.listener.wait("Pipeline Hook", status="success")
    assert may.get("merge_requests/1").json()["merge_when_pipeline_succeeds"] is False
    assert may.post("merge_requests/1/cancel_merge_when_pipeline_succeeds").status_code == 406


UPLOAD = """
import os, urllib.request
e = os.environ
project = e["CI_API_V4_URL"] + "/projects/" + e["CI_PROJECT_ID"]
url = project + "/packages/generic/shop/" + e["CI_COMMIT_SHA"] + "/a"
headers = {"JOB-TOKEN": e["CI_JOB_TOKEN"]}
urllib.request.urlopen(urllib.request.Request(url, b"built", headers, method="PUT"), timeout=10)
"""


def test_a_job_puts_its_package_with_its_own_token(world: World, may: httpx.Client) -> None:
    git = world.clone("may")
    git.commit("upload.py", UPLOAD, "Upload")
    git.commit(".gitlab-ci.yml", f"build:\n  script:\n    - {sys.executable} upload.py\n", "CI")
    git("push", "-q", "origin", "main")
    world.listener.wait("Pipeline Hook", status="success")
    found = may.get(f"packages/generic/shop/{git('rev-parse', 'HEAD')}/a")
    assert (found.status_code, found.text) == (200, "built")


def test_every_page_that_the_api_links_to_is_there(world: World, git: Git, may: httpx.Client) -> None:
    open_one(world, git, may)
    go(world)
    world.listener.wait("Pipeline Hook", status="success")
    may.post("repository/tags", json={"tag_name": "1.0.0", "ref": "main", "message": "<b>Final</b>"})
    may.post("releases", json={"tag_name": "1.0.0"})
    may.post("issues", json={"title": "It breaks"})
    links = [
        may.get(path).json()["web_url"]
        for path in ("", "merge_requests/1", "pipelines/1", "jobs/1", "repository/commits/main", "issues/1")
    ]
    with httpx.Client(**LOOPBACK) as client:
        front = client.get(f"{world.url}/shop/shop").text
        links += [urljoin(world.url, link) for link in re.findall(r'href="([^"]+)"', front)]
        links += [
            f"{world.url}/shop/shop/-/{kind}" for kind in ("environments", "pipelines", "merge_requests")
        ]
        assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)
        assert "The cart" in front
        assert "&lt;b&gt;Final&lt;/b&gt;" in client.get(f"{world.url}/shop/shop/-/tags/1.0.0").text
        assert client.get(f"{world.url}/projects/1").text == front
        assert client.get(f"{world.url}/projects/2").status_code == 404
        assert client.get(f"{world.url}/shop/nothing").status_code == 404
        assert client.get(f"{world.url}/shop/shop/-/pipelines/999").status_code == 404
