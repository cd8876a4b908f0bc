"""Commits made and read through the API agree with git."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import World


def commit(
    client: httpx.Client, branch: str, *actions: dict[str, object], **fields: object
) -> httpx.Response:
    body = {"branch": branch, "commit_message": "Change", "actions": list(actions), **fields}
    return client.post("repository/commits", json=body)


def write(path: str, content: str, action: str = "create") -> dict[str, object]:
    return {"action": action, "file_path": path, "content": content}


def test_a_commit_of_several_actions_is_what_git_sees(world: World, dev: httpx.Client) -> None:
    made = commit(
        dev,
        "topic",
        write("src/a.py", "a = 1\n"),
        write("README.md", "New.\n", "update"),
        {"action": "delete", "file_path": "bin/run"},
        {
            "action": "create",
            "file_path": "logo",
            "content": base64.b64encode(b"\x00\xff").decode(),
            "encoding": "base64",
        },
        start_branch="main",
    )
    assert made.status_code == 201
    sha = made.json()["id"]
    assert world.bare("rev-parse", "topic") == sha
    assert world.bare("log", "-1", "--format=%an <%ae> %P", sha) == (
        f"Dev <dev@example.test> {world.bare('rev-parse', 'main')}"
    )
    assert world.bare("show", f"{sha}:src/a.py") == "a = 1"
    assert world.bare("ls-tree", "-r", "--name-only", sha).split() == ["README.md", "logo", "src/a.py"]
    assert world.bare("cat-file", "-s", f"{sha}:logo") == "2"


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (write("README.md", "x"), "A file with this name already exists"),
        (write("none", "x", "update"), "A file with this name doesn't exist"),
        ({"action": "delete", "file_path": "none"}, "A file with this name doesn't exist"),
        (write("../etc", "x"), "Invalid path"),
        (write("a/.git/config", "x"), "Invalid path"),
    ],
)
def test_one_action_that_cannot_be_done_undoes_all(
    world: World, dev: httpx.Client, action: dict[str, object], error: str
) -> None:
    answer = commit(dev, "topic", write("good", "x"), action, start_branch="main")
    assert (answer.status_code, answer.json()) == (400, {"message": error})
    assert world.bare("branch", "--format=%(refname:short)") == "main"


@pytest.mark.parametrize("actions", [None, "x", [1], [{"action": "explode", "file_path": "x"}], [{}]])
def test_actions_of_another_shape_are_400(dev: httpx.Client, actions: object) -> None:
    body = {"branch": "t", "start_branch": "main", "commit_message": "m", "actions": actions}
    assert dev.post("repository/commits", json=body).status_code == 400


def test_a_developer_commits_to_no_protected_branch(
    world: World, dev: httpx.Client, may: httpx.Client
) -> None:
    assert commit(dev, "main", write("x", "x")).status_code == 403
    assert commit(may, "main", write("x", "x")).status_code == 201
    assert world.bare("show", "main:x") == "x"


def test_a_file_is_made_changed_read_and_deleted(world: World, dev: httpx.Client) -> None:
    dev.post("repository/branches", json={"branch": "t", "ref": "main"})
    path = "repository/files/docs%2Fa.md"
    fields = {"branch": "t", "commit_message": "Docs"}
    assert dev.post(path, json={**fields, "content": "One\n"}).status_code == 201
    assert dev.post(path, json={**fields, "content": "One\n"}).status_code == 400
    assert dev.put(path, json={**fields, "content": "Two\n"}).status_code == 200
    found = dev.get(path, params={"ref": "t"}).json()
    assert base64.b64decode(found["content"]) == b"Two\n"
    assert found["blob_id"] == world.bare("rev-parse", "t:docs/a.md")
    assert dev.get(f"{path}/raw", params={"ref": "t"}).text == "Two\n"
    assert dev.request("DELETE", path, json=fields).status_code == 204
    assert dev.get(path, params={"ref": "t"}).status_code == 404


def test_the_history_is_complete_and_can_be_narrowed(world: World, dev: httpx.Client) -> None:
    for number in range(24):
        start = {"start_branch": "main"} if number == 0 else {}
        commit(dev, "t", write(f"f{number}", "x"), commit_message=f"File {number}", **start)
    pages = [dev.get("repository/commits", params={"ref_name": "t", "page": page}) for page in (1, 2)]
    shas = [row["id"] for page in pages for row in page.json()]
    assert shas == world.bare("rev-list", "t").split()
    assert [len(page.json()) for page in pages] == [20, 5]

    def titles(**query: str) -> list[str]:
        rows: list[dict[str, Any]] = dev.get("repository/commits", params=query).json()
        return [row["title"] for row in rows]

    assert titles(ref_name="t", path="f7") == ["File 7"]
    assert titles(ref_name=f"{shas[2]}..t") == ["File 23", "File 22"]
    assert titles(ref_name="t", since="2999-01-01T00:00:00Z") == []
    assert titles(ref_name="t", until="2001-01-01T00:00:00Z") == []
    assert titles(ref_name="main") == ["Initial commit"]
    assert dev.get("repository/commits", params={"ref_name": "nowhere"}).status_code == 404
    assert dev.get("repository/commits", params={"since": "yesterday"}).status_code == 400


def test_comparison_is_of_what_one_side_has_more(world: World, dev: httpx.Client, may: httpx.Client) -> None:
    commit(dev, "t", write("a", "one\n"), start_branch="main", commit_message="First")
    commit(dev, "t", write("a", "two\n", "update"), commit_message="Second")
    commit(may, "main", write("elsewhere", "x"))
    found = dev.get("repository/compare", params={"from": "main", "to": "t"}).json()
    assert [row["title"] for row in found["commits"]] == ["First", "Second"]
    assert [row["new_path"] for row in found["diffs"]] == ["a"]
    assert found["diffs"][0]["diff"] == "@@ -0,0 +1 @@\n+two\n"
    straight = dev.get("repository/compare", params={"from": "main", "to": "t", "straight": "true"}).json()
    assert sorted(row["new_path"] for row in straight["diffs"]) == ["a", "elsewhere"]
    base = dev.get("repository/merge_base", params={"refs[]": ["main", "t"]}).json()
    assert base["id"] == world.bare("merge-base", "main", "t")
    assert dev.get("repository/compare", params={"from": "main", "to": "no"}).status_code == 404


def test_the_tree_is_listed_whole(dev: httpx.Client) -> None:
    rows = dev.get("repository/tree", params={"recursive": "true"}).json()
    assert [(row["path"], row["type"], row["mode"]) for row in rows] == [
        ("README.md", "blob", "100644"),
        ("bin", "tree", "040000"),
        ("bin/run", "blob", "100755"),
    ]
    assert [row["path"] for row in dev.get("repository/tree", params={"path": "bin"}).json()] == ["bin/run"]


def test_a_commit_knows_its_branches_its_difference_and_its_statistics(dev: httpx.Client) -> None:
    sha = commit(dev, "t", write("a", "1\n2\n"), start_branch="main").json()["id"]
    assert dev.get(f"repository/commits/{sha}").json()["stats"] == {
        "additions": 2,
        "deletions": 0,
        "total": 2,
    }
    assert dev.get(f"repository/commits/{sha}/refs").json() == [{"type": "branch", "name": "t"}]
    assert dev.get(f"repository/commits/{sha}/diff").json()[0]["new_file"] is True
    assert dev.get(f"repository/commits/{'0' * 40}").status_code == 404
    assert dev.get("repository/commits/--all").status_code == 404


def test_a_revert_takes_a_commit_back_once(world: World, may: httpx.Client) -> None:
    sha = commit(may, "main", write("bad", "x"), commit_message="Bad").json()["id"]
    commit(may, "main", write("other", "something else"), commit_message="Other")
    made = may.post(f"repository/commits/{sha}/revert", json={"branch": "main"})
    assert made.status_code == 201
    assert made.json()["message"] == f'Revert "Bad"\n\nThis reverts commit {sha}'
    assert world.bare("ls-tree", "-r", "--name-only", "main").split() == ["README.md", "bin/run", "other"]
    again = may.post(f"repository/commits/{sha}/revert", json={"branch": "main"})
    assert (again.status_code, again.json()["error_code"]) == (400, "empty")


def test_a_revert_that_later_work_stands_in_the_way_of_is_400_and_changes_nothing(
    world: World, may: httpx.Client
) -> None:
    sha = commit(may, "main", write("README.md", "Bad.\n", "update")).json()["id"]
    commit(may, "main", write("README.md", "Worse.\n", "update"))
    head = world.bare("rev-parse", "main")
    answer = may.post(f"repository/commits/{sha}/revert", json={"branch": "main"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "conflict")
    assert world.bare("rev-parse", "main") == head


def test_a_cherry_pick_brings_one_commit_only(world: World, may: httpx.Client) -> None:
    may.post("repository/branches", json={"branch": "release/1.0.0", "ref": "main"})
    commit(may, "main", write("feature", "x"))
    fix = commit(may, "main", write("fix", "x"), commit_message="Fix").json()["id"]
    made = may.post(f"repository/commits/{fix}/cherry_pick", json={"branch": "release/1.0.0"})
    assert made.status_code == 201
    assert f"(cherry picked from commit {fix})" in world.bare("log", "-1", "--format=%B", "release/1.0.0")
    names = world.bare("ls-tree", "-r", "--name-only", "release/1.0.0").split()
    assert names == ["README.md", "bin/run", "fix"]


def test_a_status_is_set_by_commit_ref_and_name(dev: httpx.Client) -> None:
    sha = dev.get("repository/commits/main").json()["id"]
    for state in ("running", "success"):
        assert (
            dev.post(f"statuses/{sha}", json={"state": state, "name": "gate", "ref": "main"}).status_code
            == 201
        )
    same = dev.post(f"statuses/{sha}", json={"state": "success", "name": "gate", "ref": "main"})
    assert same.status_code == 400
    rows = dev.get(f"repository/commits/{sha}/statuses").json()
    assert [(row["name"], row["status"], row["ref"]) for row in rows] == [("gate", "success", "main")]
    assert dev.post(f"statuses/{sha}", json={"state": "excellent"}).status_code == 400
