"""Merge requests are really merged, and refused as GitLab refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import Git, World


@pytest.fixture
def git(world: World) -> Git:
    """The Developer's clone, with a pushed branch `topic` that adds the file `cart`."""
    git = world.clone("dev")
    git("switch", "-qc", "topic")
    git.commit("cart", "1\n", "Add the cart")
    git("push", "-q", "origin", "topic")
    return git


def open_one(client: httpx.Client, **fields: object) -> dict[str, Any]:
    body = {"title": "The cart", "source_branch": "topic", "target_branch": "main", **fields}
    answer = client.post("merge_requests", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": None}, 400),
        ({"title": ""}, 400),
        ({"source_branch": "nowhere"}, 400),
        ({"target_branch": "nowhere"}, 400),
        ({"target_branch": "topic"}, 422),
        ({"assignee_ids": "many"}, 400),
        ({"reviewer_ids": [9999]}, 400),
        ({"milestone_id": 77}, 400),
    ],
)
def test_a_request_that_does_not_fit_opens_nothing(
    git: Git, dev: httpx.Client, change: dict[str, object], status: int
) -> None:
    body = {"title": "T", "source_branch": "topic", "target_branch": "main", **change}
    assert dev.post("merge_requests", json=body).status_code == status
    assert dev.get("merge_requests").json() == []


def test_one_is_open_per_pair_of_branches(git: Git, dev: httpx.Client) -> None:
    first = open_one(dev)
    body = {"title": "Again", "source_branch": "topic", "target_branch": "main"}
    second = dev.post("merge_requests", json=body)
    assert second.status_code == 409
    said = f"Another open merge request already exists for this source branch: !{first['iid']}"
    assert second.json() == {"message": [said]}
    dev.put("merge_requests/1", json={"state_event": "close"})
    assert dev.post("merge_requests", json=body).json()["iid"] == 2


def test_it_knows_its_head_its_files_and_its_commits(world: World, git: Git, dev: httpx.Client) -> None:
    mr = open_one(dev, description="Why", labels="a,b", assignee_ids=[102], reviewer_ids=[101])
    head, base = git("rev-parse", "topic"), world.bare("rev-parse", "main")
    assert (mr["sha"], mr["detailed_merge_status"]) == (head, "mergeable")
    assert mr["diff_refs"] == {"base_sha": base, "head_sha": head, "start_sha": base}
    assert (mr["labels"], mr["assignee"]["username"], mr["reviewers"][0]["id"]) == (["a", "b"], "dev", 101)
    assert [row["new_path"] for row in dev.get("merge_requests/1/diffs").json()] == ["cart"]
    assert [row["id"] for row in dev.get("merge_requests/1/commits").json()] == [head]
    assert dev.get("merge_requests/1/changes").json()["changes"][0]["diff"] == "@@ -0,0 +1 @@\n+1\n"
    assert dev.get("merge_requests/7").status_code == 404
    assert world.bare("rev-parse", "refs/merge-requests/1/head") == head


def test_merging_makes_a_merge_commit_and_may_remove_the_branch(
    world: World, git: Git, dev: httpx.Client
) -> None:
    mr, base = open_one(dev), world.bare("rev-parse", "main")
    query = {"sha": mr["sha"], "should_remove_source_branch": True}
    merged = dev.put("merge_requests/1/merge", json=query)
    assert (merged.status_code, merged.json()["state"]) == (200, "merged")
    commit = merged.json()["merge_commit_sha"]
    assert world.bare("rev-parse", "main") == commit
    assert world.bare("log", "-1", "--format=%P", commit).split() == [base, mr["sha"]]
    assert world.bare("log", "-1", "--format=%an %B", commit) == (
        "Dev Merge branch 'topic' into 'main'\n\nThe cart\n\nSee merge request shop/shop!1"
    )
    assert world.bare("show", "main:cart") == "1"
    assert world.bare("branch", "--format=%(refname:short)") == "main"
    assert merged.json()["merged_by"]["username"] == "dev"
    for sha in (commit, mr["sha"]):
        found = dev.get(f"repository/commits/{sha}/merge_requests").json()
        assert [row["iid"] for row in found] == [1]


def test_a_squashed_one_brings_one_commit(world: World, git: Git, dev: httpx.Client) -> None:
    git.commit("cart", "2\n", "More")
    git("push", "-q", "origin", "topic")
    open_one(dev)
    merged = dev.put("merge_requests/1/merge", json={"squash": True}).json()
    squashed = merged["squash_commit_sha"]
    assert world.bare("rev-parse", "main^2") == squashed
    assert world.bare("log", "-1", "--format=%s", squashed) == "The cart"
    assert world.bare("show", "main:cart") == "2"


def test_another_head_than_was_seen_is_409_and_is_not_merged(
    world: World, git: Git, dev: httpx.Client
) -> None:
    seen = open_one(dev)["sha"]
    head = git.commit("cart", "2\n", "More")
    git("push", "-q", "origin", "topic")
    refused = dev.put("merge_requests/1/merge", json={"sha": seen})
    assert refused.status_code == 409
    assert head in refused.json()["message"]
    assert world.bare("log", "--format=%s", "main") == "Initial commit"
    assert dev.get("merge_requests/1").json()["sha"] == head


def test_a_draft_a_closed_one_and_a_merged_one_are_405(world: World, git: Git, dev: httpx.Client) -> None:
    open_one(dev, title="Draft: the cart")
    assert dev.get("merge_requests/1").json()["detailed_merge_status"] == "draft_status"
    assert dev.put("merge_requests/1/merge").status_code == 405
    dev.put("merge_requests/1", json={"title": "The cart", "state_event": "close"})
    assert dev.put("merge_requests/1/merge").status_code == 405
    assert world.bare("log", "--format=%s", "main") == "Initial commit"
    dev.put("merge_requests/1", json={"state_event": "reopen"})
    assert dev.put("merge_requests/1/merge").status_code == 200
    head = world.bare("rev-parse", "main")
    assert dev.put("merge_requests/1/merge").status_code == 405
    assert world.bare("rev-parse", "main") == head


def test_a_conflict_is_seen_and_refused(world: World, git: Git, dev: httpx.Client, may: httpx.Client) -> None:
    open_one(dev)
    body = {"branch": "main", "commit_message": "Other", "content": "other\n"}
    may.post("repository/files/cart", json=body)
    mr = dev.get("merge_requests/1").json()
    assert (mr["has_conflicts"], mr["detailed_merge_status"]) == (True, "conflict")
    head = world.bare("rev-parse", "main")
    refused = dev.put("merge_requests/1/merge")
    assert (refused.status_code, refused.json()) == (422, {"message": "Branch cannot be merged"})
    assert world.bare("rev-parse", "main") == head
    git("fetch", "-q")
    git("merge", "-q", "-X", "ours", "-m", "Take main in", "origin/main")
    git("push", "-q", "origin", "topic")
    assert dev.put("merge_requests/1/merge").status_code == 200
    assert world.bare("show", "main:cart") == "1"


def test_a_reporter_may_not_merge(world: World, git: Git, dev: httpx.Client) -> None:
    open_one(dev)
    with world.api("rep") as reporter:
        assert reporter.put("merge_requests/1/merge").status_code == 403
    assert world.bare("log", "--format=%s", "main") == "Initial commit"


def test_of_five_merges_at_once_one_happens(world: World, git: Git, dev: httpx.Client) -> None:
    open_one(dev)

    def merge(_number: int) -> int:
        with world.api("dev") as client:
            return client.put("merge_requests/1/merge").status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(merge, range(5))) == [200, 405, 405, 405, 405]
    assert world.bare("rev-list", "--count", "--merges", "main") == "1"


def test_a_merge_by_push_marks_it_merged(world: World, git: Git, dev: httpx.Client) -> None:
    open_one(dev)
    may = world.clone("may")
    may("merge", "-q", "--no-ff", "-m", "By hand", "origin/topic")
    may("push", "-q", "origin", "main")
    mr = dev.get("merge_requests/1").json()
    assert (mr["state"], mr["merged_by"]["username"], mr["merge_commit_sha"]) == ("merged", "may", None)


def test_a_merge_is_reverted_as_a_whole(world: World, git: Git, dev: httpx.Client, may: httpx.Client) -> None:
    git.commit("cart2", "2\n", "More")
    git("push", "-q", "origin", "topic")
    open_one(dev)
    commit = dev.put("merge_requests/1/merge").json()["merge_commit_sha"]
    made = may.post(f"repository/commits/{commit}/revert", json={"branch": "main"}).json()
    assert made["message"].endswith("This reverts merge request !1")
    assert world.bare("diff", "--stat", "main", "main~2") == ""


def test_approvals_are_given_once_and_taken_back(git: Git, dev: httpx.Client, may: httpx.Client) -> None:
    mr = open_one(dev)
    assert may.post("merge_requests/1/approve", json={"sha": "0" * 40}).status_code == 409
    given = may.post("merge_requests/1/approve", json={"sha": mr["sha"]})
    assert given.status_code == 201
    assert [row["user"]["username"] for row in given.json()["approved_by"]] == ["may"]
    assert may.post("merge_requests/1/approve").status_code == 401
    assert dev.get("merge_requests/1/approvals").json()["user_has_approved"] is False
    assert may.post("merge_requests/1/unapprove").status_code == 201
    assert may.post("merge_requests/1/unapprove").status_code == 404
    assert dev.get("merge_requests/1/approvals").json()["approved_by"] == []


def test_they_are_found_by_state_branch_label_and_time(git: Git, dev: httpx.Client) -> None:
    open_one(dev, labels=["bug", "shop"])
    git("push", "-q", "origin", "topic:second")
    open_one(dev, source_branch="second", labels=["bug"])
    dev.put("merge_requests/1", json={"state_event": "close"})
    last = dev.get("merge_requests/1").json()["updated_at"]

    def found(**query: object) -> list[int]:
        rows: list[dict[str, Any]] = dev.get("merge_requests", params=query).json()  # type: ignore[arg-type]
        return sorted(row["iid"] for row in rows)

    assert found(state="opened") == [2]
    assert found(state="closed", target_branch="main") == [1]
    assert found(source_branch="second") == [2]
    assert found(labels="bug,shop") == [1]
    assert found(labels="bug") == [1, 2]
    assert found(updated_after=last) == [1]
    assert found(**{"iids[]": 2}) == [2]
    assert found(target_branch="elsewhere") == []
    assert dev.get("merge_requests", params={"state": "weird"}).status_code == 400


def test_notes_are_written_changed_and_deleted(git: Git, dev: httpx.Client, may: httpx.Client) -> None:
    open_one(dev)
    made = may.post("merge_requests/1/notes", json={"body": "Why?"})
    number = made.json()["id"]
    assert (made.status_code, made.json()["noteable_iid"]) == (201, 1)
    assert dev.put(f"merge_requests/1/notes/{number}", json={"body": "!"}).status_code == 403
    assert may.put(f"merge_requests/1/notes/{number}", json={"body": "How?"}).json()["body"] == "How?"
    assert [row["body"] for row in dev.get("merge_requests/1/notes").json()] == ["How?"]
    assert may.post("merge_requests/1/notes", json={"body": ""}).status_code == 400
    assert may.delete(f"merge_requests/1/notes/{number}").status_code == 204
    assert may.get("merge_requests/1/notes").json() == []
