"""The changelog of the sandbox's GitLab: trailers of the real commits, in GitLab's own template."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import World


def commit(client: httpx.Client, branch: str, path: str, message: str, **fields: object) -> str:
    action = {"action": "create", "file_path": path, "content": path}
    body = {"branch": branch, "commit_message": message, "actions": [action], **fields}
    return client.post("repository/commits", json=body).raise_for_status().json()["id"]


def tag(client: httpx.Client, name: str) -> None:
    client.post("repository/tags", json={"tag_name": name, "ref": "main"}).raise_for_status()


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ({}, 400, "version"),
        ({"version": "1.1.0"}, 422, "no previous tag could be found"),
        ({"version": "1.1.0", "from": "nowhere"}, 422, "nowhere"),
    ],
)
def test_a_changelog_of_nothing_known_is_refused(
    may: httpx.Client, query: dict[str, str], status: int, why: str
) -> None:
    answer = may.get("repository/changelog", params=query)
    assert (answer.status_code, why in answer.text) == (status, True)


def test_who_may_not_push_writes_no_changelog(world: World, dev: httpx.Client, may: httpx.Client) -> None:
    tag(may, "1.0.0")
    head = world.bare("rev-parse", "main")
    assert dev.post("repository/changelog", json={"version": "1.1.0"}).status_code == 403
    assert world.bare("rev-parse", "main") == head


def test_the_section_lists_what_carries_the_trailer_by_category(
    world: World, dev: httpx.Client, may: httpx.Client
) -> None:
    commit(may, "main", "old", "Old\n\nChangelog: added")
    tag(may, "0.9.0")
    tag(may, "1.0.0")
    tag(may, "2.0.0")
    first = commit(may, "main", "a", "Search\n\nThe catalogue.\n\nChangelog: added")
    commit(may, "main", "b", "No entry")
    gone = commit(may, "main", "c", "Gone\n\nChangelog: added")
    may.post(f"repository/commits/{gone}/revert", json={"branch": "main"}).raise_for_status()
    second = commit(dev, "t", "d", "Fix\n\nchangelog: fixed", start_branch="main")
    asked = {"title": "Fix", "source_branch": "t", "target_branch": "main"}
    iid = dev.post("merge_requests", json=asked).json()["iid"]
    may.put(f"merge_requests/{iid}/merge").raise_for_status()
    third = commit(may, "main", "e", "Cart\n\nChangelog: added", author_email="out@example.test")
    notes = may.get("repository/changelog", params={"version": "1.1.0", "date": "2026-11-21"}).json()["notes"]
    assert notes == (
        "## 1.1.0 (2026-11-21)\n\n"
        "### added (2 changes)\n\n"
        f"- [Cart](shop/shop@{third}) by @out\n"
        f"- [Search](shop/shop@{first})\n\n"
        "### fixed (1 change)\n\n"
        f"- [Fix](shop/shop@{second}) ([merge request](shop/shop!{iid}))\n"
    )
    other = {"version": "1.1.0", "date": "2026-11-21", "trailer": "Other", "from": first, "to": "main"}
    assert may.get("repository/changelog", params=other).json()["notes"].endswith("\n\nNo changes.\n")


def test_a_written_changelog_stands_before_older_versions(world: World, may: httpx.Client) -> None:
    tag(may, "1.0.0")
    commit(may, "main", "a", "One\n\nChangelog: added")
    for version in ("1.2.0", "1.1.0", "1.3.0"):
        asked = {"version": version, "from": "1.0.0", "date": "2026-11-21"}
        assert may.post("repository/changelog", json=asked).status_code == 200
    lines = world.bare("show", "main:CHANGELOG.md").splitlines()
    assert [line for line in lines if line.startswith("## ")] == [
        f"## {version} (2026-11-21)" for version in ("1.3.0", "1.2.0", "1.1.0")
    ]
    assert world.bare("log", "-1", "--format=%s", "main") == "Add changelog for version 1.3.0"
