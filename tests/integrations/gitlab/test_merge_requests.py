"""Merge requests, issues and notes, against the sandbox over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.gitlab import GitLabClient
from integrations.gitlab.models import MergeRequest
from tests.integrations.gitlab.world import ANA, P, World


def opened(world: World, **files: str) -> MergeRequest:
    """A merge request into main with one commit of Ana's."""
    branch = world.name()
    world.commit(branch, f"Work on {branch}", **files)
    made = world.write(
        "/merge_requests", source_branch=branch, target_branch="main", title=f"SHOP-1 {branch}"
    )
    return world.gitlab.merge_requests.get(P, made["iid"])


def test_a_merge_request_that_is_not_there_is_not_found(gitlab: GitLabClient) -> None:
    with pytest.raises(NotFound):
        gitlab.merge_requests.get(P, 9999)
    with pytest.raises(NotFound):
        gitlab.issues.get(P, 9999)


def test_a_merge_request_from_a_branch_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises((Refused, Conflict)):
        world.gitlab.merge_requests.open(P, "no/such", "main", "t", "d")


def test_a_merge_request_is_opened_once_for_its_pair(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    sha = world.commit(branch)
    made, again = (gitlab.merge_requests.open(P, branch, "main", "SHOP-1 A cart", "Text") for _ in range(2))
    assert (made.state, made.source_branch, made.target_branch) == ("opened", branch, "main")
    assert (made.title, made.description, made.sha) == ("SHOP-1 A cart", "Text", sha)
    assert [made.changed, again.changed] == [True, False]
    assert made.iid == again.iid
    assert made.web_url.startswith(world.url)


def test_an_opened_merge_request_whose_answer_was_lost_is_found(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    world.commit(branch)
    world.fault("POST /merge_requests", "503_after")
    with pytest.raises(Transient):
        gitlab.merge_requests.open(P, branch, "main", "t", "d")
    assert not gitlab.merge_requests.open(P, branch, "main", "t", "d").changed
    assert len(gitlab.merge_requests.list(P, source=branch)) == 1


def test_a_draft_is_one_and_says_who_wrote_it(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    world.commit(branch)
    made = world.write("/merge_requests", source_branch=branch, target_branch="main", title="Draft: x")
    found = gitlab.merge_requests.get(P, made["iid"])
    assert found.draft
    assert found.author_id == ANA.gitlab_id
    assert found.merged_at is None


def test_merge_requests_are_found_by_every_condition(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    world.commit(branch)
    body = {"source_branch": branch, "target_branch": "main", "title": "t", "labels": "urgent,money"}
    iid = world.write("/merge_requests", **body)["iid"]
    other = opened(world)

    def found(**conditions: object) -> list[int]:
        return [each.iid for each in gitlab.merge_requests.list(P, **conditions)]  # pyright: ignore[reportArgumentType]

    assert found(source=branch) == [iid]
    assert found(labels=["urgent", "money"]) == [iid]
    assert found(labels=["urgent", "other"]) == []
    assert found(source=branch, target="release/1.0") == []
    assert found(source=branch, state="merged") == []
    assert found(source=branch, updated_after=datetime.now(UTC) + timedelta(hours=1)) == []
    assert found(source=branch, updated_after=datetime.now(UTC) - timedelta(hours=1)) == [iid]
    both = found(state="opened")
    assert both.index(iid) < both.index(other.iid), "oldest first"


def test_a_merge_request_is_merged_once_at_the_commit_that_was_seen(
    world: World, gitlab: GitLabClient
) -> None:
    mr = opened(world)
    merged, again = (gitlab.merge_requests.merge(P, mr.iid, mr.sha or "") for _ in range(2))
    assert (merged.state, merged.changed) == ("merged", True)
    assert (again.state, again.changed) == ("merged", False)
    assert merged.merge_commit_sha == again.merge_commit_sha == world.head()
    assert again.merged_at is not None
    assert len(world.requests("PUT")) == 1


def test_a_merge_at_a_commit_that_is_no_longer_the_head_is_a_conflict(
    world: World, gitlab: GitLabClient
) -> None:
    mr = opened(world)
    world.commit(mr.source_branch)
    before = world.head()
    with pytest.raises(Conflict):
        gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    assert gitlab.merge_requests.get(P, mr.iid).state == "opened"
    assert world.head() == before


def test_a_merge_request_that_was_merged_at_another_commit_is_a_conflict(
    world: World, gitlab: GitLabClient
) -> None:
    mr = opened(world)
    gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    with pytest.raises(Conflict, match="was merged at"):
        gitlab.merge_requests.merge(P, mr.iid, "f" * 40)


def test_a_closed_or_conflicting_merge_request_is_a_conflict_that_says_why(
    world: World, gitlab: GitLabClient
) -> None:
    first, second = (opened(world, **{f"both-{world.url[-3:]}.txt": text}) for text in ("one\n", "two\n"))
    gitlab.merge_requests.merge(P, first.iid, first.sha or "")
    with pytest.raises(Conflict, match="opened"):
        gitlab.merge_requests.merge(P, second.iid, second.sha or "")
    world.ana.put(f"/merge_requests/{second.iid}", json={"state_event": "close"})
    with pytest.raises(Conflict, match="closed"):
        gitlab.merge_requests.merge(P, second.iid, second.sha or "")


@pytest.mark.parametrize("do", ["drop_after", "500_after", "405_after"])
def test_a_merge_whose_answer_was_lost_is_found_to_be_done(
    world: World, gitlab: GitLabClient, do: str
) -> None:
    mr = opened(world)
    world.fault(f"PUT /merge_requests/{mr.iid}/merge", do)
    if do != "405_after":  # that one is looked into at once
        with pytest.raises(Transient):
            gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    again = gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    assert (again.state, again.changed) == ("merged", False)
    assert len(world.requests("PUT")) == 1


def test_a_merge_request_names_its_files_and_commits(world: World, gitlab: GitLabClient) -> None:
    mr = opened(world, **{"cart/b.txt": "b\n", "cart/a.txt": "a\n"})
    assert gitlab.merge_requests.files(P, mr.iid) == ("cart/a.txt", "cart/b.txt")
    assert [commit.sha for commit in gitlab.merge_requests.commits(P, mr.iid)] == [mr.sha]


def test_a_commit_knows_the_merge_request_that_brought_it(world: World, gitlab: GitLabClient) -> None:
    mr = opened(world)
    merged = gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    for sha in (mr.sha, merged.merge_commit_sha):
        assert [each.iid for each in gitlab.repository.merge_requests_of(P, sha or "")] == [mr.iid]


def test_a_merge_is_reverted_once(world: World, gitlab: GitLabClient) -> None:
    name = f"reverted-{world.name('x').replace('/', '-')}.txt"
    mr = opened(world, **{name: "x\n"})
    merged = gitlab.merge_requests.merge(P, mr.iid, mr.sha or "")
    branch = world.name("revert")
    gitlab.repository.create_branch(P, branch, world.head())
    made, again = (gitlab.repository.revert(P, merged.merge_commit_sha or "", branch) for _ in range(2))
    assert made.sha == again.sha
    assert [made.changed, again.changed] == [True, False]
    assert gitlab.repository.file(P, name, branch) is None


def test_a_note_is_written_once_under_its_key(world: World, gitlab: GitLabClient) -> None:
    mr = opened(world)
    made = gitlab.merge_requests.note(P, mr.iid, "In **1.4.0**", "k:1")
    again = gitlab.merge_requests.note(P, mr.iid, "In **1.4.0**, again", "k:1")
    other = gitlab.merge_requests.note(P, mr.iid, "Deployed", "k:2")
    assert [made.changed, again.changed, other.changed] == [True, False, True]
    assert again.id == made.id != other.id
    bodies = [note["body"] for note in world.read(f"/merge_requests/{mr.iid}/notes")]
    assert len([body for body in bodies if "op:k:1" in body]) == 1
    assert made.body.startswith("In **1.4.0**")


def test_a_note_whose_answer_was_lost_is_found_behind_many_others(world: World, gitlab: GitLabClient) -> None:
    mr = opened(world)
    world.fault(f"POST /merge_requests/{mr.iid}/notes", "drop_after")
    with pytest.raises(Transient):
        gitlab.merge_requests.note(P, mr.iid, "Once", "k")
    for number in range(120):
        world.write(f"/merge_requests/{mr.iid}/notes", body=f"chatter {number}")
    assert not gitlab.merge_requests.note(P, mr.iid, "Once", "k").changed


def test_issues_are_listed_by_label_and_get_their_notes_once(world: World, gitlab: GitLabClient) -> None:
    iid = world.write("/issues", title="The cart forgets", description="Why?", labels="client,bug")["iid"]
    world.write("/issues", title="Other", labels="client")
    found = gitlab.issues.list(P, labels=["client", "bug"], state="opened")
    assert [(issue.iid, issue.title, issue.author_id) for issue in found] == [
        (iid, "The cart forgets", ANA.gitlab_id)
    ]
    assert set(gitlab.issues.get(P, iid).labels) == {"bug", "client"}
    assert gitlab.issues.list(P, labels=["bug"], state="closed") == ()
    assert gitlab.issues.list(P, updated_after=datetime.now(UTC) + timedelta(hours=1)) == ()
    notes = [gitlab.issues.note(P, iid, "We have it as SHOP-9.", "k:9") for _ in range(2)]
    assert [note.changed for note in notes] == [True, False]
    assert len(world.read(f"/issues/{iid}/notes")) == 1
