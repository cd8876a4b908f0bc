"""`conveyor release remove` and `release hotfix`, against the sandbox's GitLab with 1.3.0 in production."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tests.cli.world import Cli, Team


@pytest.fixture
def gitlab(team: Team) -> Iterator[httpx.Client]:
    """The shop's project as Olli sees it."""
    token = {"PRIVATE-TOKEN": team.vendors.tokens["olli"]}
    url = f"{team.vendors.gitlab.url}/api/v4/projects/1"
    with httpx.Client(base_url=url, headers=token, **LOOPBACK, timeout=30) as client:
        yield client


def post(gitlab: httpx.Client, path: str, **body: Any) -> Any:
    return gitlab.post(path, json=body).raise_for_status().json()


def merge(gitlab: httpx.Client, branch: str, path: str, content: str, action: str = "create") -> None:
    change = {"action": action, "file_path": path, "content": content}
    body = {"branch": branch, "start_branch": "main", "commit_message": "Work", "actions": [change]}
    post(gitlab, "/repository/commits", **body)
    asked = {"source_branch": branch, "target_branch": "main", "title": branch}
    iid = post(gitlab, "/merge_requests", **asked)["iid"]
    gitlab.put(f"/merge_requests/{iid}/merge").raise_for_status()


def release(shop: Cli, gitlab: httpx.Client, team: Team, version: str) -> list[str]:
    """Three issues in one release; the second builds on the first."""
    keys = [team.issue(f"{version} wish {n}") for n in (1, 2, 3)]
    merge(gitlab, f"{keys[0]}-one", f"{version}-one.txt", "1\n")
    merge(gitlab, f"{keys[1]}-two", f"{version}-one.txt", "2\n", "update")
    merge(gitlab, f"{keys[2]}-three", f"{version}-three.txt", "3\n")
    post(gitlab, "/repository/branches", branch=f"release/{version}", ref="main")
    planned = e.Planned(project="shop", version=version, issues=tuple(keys), base="main", plan_hash="p")
    shop.record(f"release:shop:{version}", planned)
    return keys


def test_what_is_not_there_is_a_wrong_name(shop: Cli) -> None:
    said = shop.run("release", "remove", "9.9.9", "SHOP-1", "--dry-run")
    assert (said.code, said.out) == (2, "")
    assert "no release 9.9.9" in said.err


def test_a_dry_run_shows_the_set_and_asks_nobody(shop: Cli, gitlab: httpx.Client, team: Team) -> None:
    keys = release(shop, gitlab, team, "2.0.0")
    said = shop.run("release", "remove", "2.0.0", keys[0].lower(), "--dry-run")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:2] == [f"{keys[0]} leaves", f"{keys[1]} changes 2.0.0-one.txt after {keys[0]}"]
    assert [line.split()[0] for line in lines[2:]] == ["revert", "revert"]
    found = shop.run("release", "remove", "2.0.0", keys[2], "--dry-run", "--json").json
    assert list(found["issues"]) == [keys[2]]
    assert [each["issues"] for each in found["reverts"]] == [[keys[2]]]
    assert shop.kinds("release:shop:2.0.0") == ["Planned"]


def test_a_dry_run_of_what_cannot_leave_ends_with_3(shop: Cli, gitlab: httpx.Client, team: Team) -> None:
    release(shop, gitlab, team, "2.1.0")
    said = shop.run("release", "remove", "2.1.0", "SHOP-4711", "--dry-run")
    assert said.code == 3
    assert "SHOP-4711 is not in the release" in said.err


def test_the_review_s_roles_are_asked_with_the_merges(shop: Cli, gitlab: httpx.Client, team: Team) -> None:
    keys = release(shop, gitlab, team, "2.2.0")
    tokens = ("release", "remove", "2.2.0", keys[0])
    assert shop.run(*tokens, "--as", "mara").err == "conveyor: Not asked: say why.\n"
    assert shop.run(*tokens, "--reason", "later", "--as", "clara").code == 3
    for _ in range(2):
        assert shop.run(*tokens, "--reason", "later", "--as", "mara").code == 0
    [asked] = shop.ledger.events("release:shop:2.2.0")[1:]
    assert asked.data["remove"] == keys[:2]
    assert str(asked.data["reverts"]).count("'sha'") == 2
    assert shop.run("plan", "approve", "2.2.0", "--as", "mara").code == 0
    said = shop.run("plan", "approve", "2.2.0", "--as", "olli")
    assert "taken out of the branch now" in said.out
    assert shop.kinds("release:shop:2.2.0")[-1] == "ScopeChangeApproved"
    assert shop.ledger.wakeup("release:shop:2.2.0").pending


def test_a_hotfix_is_cut_from_what_production_serves(shop: Cli, team: Team) -> None:
    key = team.issue("The cart opens again")
    tokens = ("release", "hotfix", "1.3.1", "--issues", key, "--as")
    assert shop.run(*tokens, "dora").code == 3
    assert shop.run(*tokens, "olli").out == "1.3.1 is started.\n"
    assert shop.run(*tokens, "olli").out == "1.3.1 was started already.\n"
    [planned] = shop.ledger.events("release:shop:1.3.1")
    assert (planned.data["release_kind"], planned.data["base"]) == ("hotfix", "1.3.0")
