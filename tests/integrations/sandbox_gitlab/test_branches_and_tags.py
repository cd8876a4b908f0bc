"""Branches, tags and their protection, read back with git."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import World


def test_a_branch_is_made_where_it_is_asked_for_and_only_once(world: World, may: httpx.Client) -> None:
    head = world.bare("rev-parse", "main")
    made = may.post("repository/branches", json={"branch": "release/1.4.0", "ref": "main"})
    assert (made.status_code, made.json()["commit"]["id"]) == (201, head)
    assert world.bare("rev-parse", "release/1.4.0") == head
    again = may.post("repository/branches", json={"branch": "release/1.4.0", "ref": "main"})
    assert (again.status_code, again.json()) == (400, {"message": "Branch already exists"})
    found = may.get("repository/branches/release%2F1.4.0").json()
    assert (found["name"], found["protected"], found["default"]) == ("release/1.4.0", True, False)


@pytest.mark.parametrize(
    ("branch", "ref"), [("a..b", "main"), ("x", "nowhere"), ("-x", "main"), ("x", "--all"), ("a b", "main")]
)
def test_a_branch_that_cannot_be_is_400(world: World, may: httpx.Client, branch: str, ref: str) -> None:
    assert may.post("repository/branches", json={"branch": branch, "ref": ref}).status_code == 400
    assert world.bare("branch", "--format=%(refname:short)") == "main"


def test_a_branch_is_deleted_but_not_main_and_not_a_protected_one(world: World, may: httpx.Client) -> None:
    for name in ("mine", "release/1.0.0"):
        may.post("repository/branches", json={"branch": name, "ref": "main"})
    assert may.delete("repository/branches/mine").status_code == 204
    assert may.delete("repository/branches/mine").status_code == 404
    assert may.delete("repository/branches/main").status_code == 405
    assert may.delete("repository/branches/release%2F1.0.0").status_code == 405
    assert world.bare("branch", "--format=%(refname:short)").split() == ["main", "release/1.0.0"]


@pytest.mark.parametrize(
    "paging", ["per_page=50", "per_page=50&pagination=keyset&order_by=name", "per_page=1000"]
)
def test_every_branch_of_many_is_on_exactly_one_page(world: World, may: httpx.Client, paging: str) -> None:
    head = world.bare("rev-parse", "main")
    for number in range(130):
        world.bare("update-ref", f"refs/heads/topic/{number:03}", head)
    names: list[str] = []
    answer = may.get(f"repository/branches?{paging}")
    while True:
        names += [row["name"] for row in answer.json()]
        if "next" not in answer.links:
            break
        answer = may.get(answer.links["next"]["url"])
    assert names == ["main", *(f"topic/{number:03}" for number in range(130))]
    totals = may.get("repository/branches?per_page=50&page=3").headers
    assert (totals["X-Total"], totals["X-Total-Pages"], totals["X-Next-Page"]) == ("131", "3", "")


def test_an_annotated_tag_has_its_message_and_its_tagger(world: World, may: httpx.Client) -> None:
    body = {"tag_name": "1.4.0-rc.1", "ref": "main", "message": "Candidate 1"}
    made = may.post("repository/tags", json=body)
    assert (made.status_code, made.json()["message"]) == (201, "Candidate 1")
    assert made.json()["commit"]["id"] == world.bare("rev-parse", "main")
    assert made.json()["target"] == world.bare("rev-parse", "1.4.0-rc.1")
    shown = world.bare(
        "for-each-ref", "--format=%(objecttype) %(taggername) %(contents:subject)", "refs/tags"
    )
    assert shown == "tag May Candidate 1"
    assert may.get("repository/tags/1.4.0-rc.1").json() == made.json()


def test_a_tag_is_made_once(world: World, may: httpx.Client) -> None:
    body = {"tag_name": "1.4.0", "ref": "main"}
    assert may.post("repository/tags", json=body).status_code == 201
    again = may.post("repository/tags", json=body)
    assert (again.status_code, again.json()) == (400, {"message": "Tag 1.4.0 already exists"})
    assert world.bare("cat-file", "-t", "refs/tags/1.4.0") == "commit"


def test_of_ten_that_make_one_tag_at_once_one_succeeds(world: World) -> None:
    def make(_number: int) -> int:
        with world.api("may") as client:
            return client.post("repository/tags", json={"tag_name": "1.0.0", "ref": "main"}).status_code

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(make, range(10))) == [201] + [400] * 9


def test_a_developer_makes_and_deletes_no_protected_tag(
    world: World, dev: httpx.Client, may: httpx.Client
) -> None:
    assert dev.post("repository/tags", json={"tag_name": "1.4.0", "ref": "main"}).status_code == 403
    may.post("repository/tags", json={"tag_name": "1.4.0", "ref": "main"})
    assert dev.delete("repository/tags/1.4.0").status_code == 403
    assert world.bare("tag") == "1.4.0"
    assert may.delete("repository/tags/1.4.0").status_code == 204
    assert world.bare("tag") == ""


def test_tags_are_found_by_their_beginning_and_their_end(may: httpx.Client) -> None:
    for name in ("1.3.0", "1.4.0-rc.1", "1.4.0"):
        may.post("repository/tags", json={"tag_name": name, "ref": "main"})

    def found(search: str) -> list[str]:
        rows: list[dict[str, Any]] = may.get("repository/tags", params={"search": search}).json()
        return sorted(row["name"] for row in rows)

    assert found("^1.4") == ["1.4.0", "1.4.0-rc.1"]
    assert found(".0$") == ["1.3.0", "1.4.0"]
    assert found("rc") == ["1.4.0-rc.1"]


def test_the_rules_for_branches_are_shown_and_changed(
    world: World, may: httpx.Client, dev: httpx.Client
) -> None:
    rules = {row["name"]: row for row in may.get("protected_branches").json()}
    assert sorted(rules) == ["main", "release/*"]
    assert rules["main"]["push_access_levels"][0]["access_level"] == 40
    assert rules["main"]["merge_access_levels"][0]["access_level"] == 30
    assert dev.delete("protected_branches/main").status_code == 403
    assert may.delete("protected_branches/main").status_code == 204
    git = world.clone("dev")
    sha = git.commit("x", "x", "X")
    git("push", "-q", "origin", "main")
    assert world.bare("rev-parse", "main") == sha
    assert may.post("protected_branches", json={"name": "main", "push_access_level": 0}).status_code == 201
    assert may.post("protected_branches", json={"name": "main"}).status_code == 409
    world.clone("may")("push", "origin", "HEAD~1:main", ok=False)
