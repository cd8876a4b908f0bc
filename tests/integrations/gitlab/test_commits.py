"""What is on a branch, whether a commit could be taken back, and the changelog: against real git."""

from __future__ import annotations

import pytest

from integrations.errors import NotFound, Refused
from integrations.gitlab import GitLabClient
from tests.integrations.gitlab.world import P, World


def test_a_commit_or_branch_that_is_not_there_is_refused(world: World, gitlab: GitLabClient) -> None:
    sha = world.commit(world.name())
    with pytest.raises(NotFound):
        gitlab.commits.reverts(P, sha, "no/such/branch")
    with pytest.raises(NotFound):
        gitlab.commits.reverts(P, "0" * 40, "main")
    with pytest.raises(ValueError, match="whole commit"):
        gitlab.commits.reverts(P, sha[:8], "main")
    with pytest.raises(Refused):
        gitlab.commits.changelog(P, "1.0.0", "nowhere", "main", "Changelog")


def test_a_revert_is_tried_and_nothing_is_written(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    stuck = world.commit(branch, "Begin", **{f"{branch}.txt": "1\n"})
    change = {"action": "update", "file_path": f"{branch}.txt", "content": "2\n"}
    world.write("/repository/commits", branch=branch, commit_message="Go on", actions=[change])
    free = world.commit(branch)
    head = world.head(branch)
    assert gitlab.commits.reverts(P, free, branch)
    assert not gitlab.commits.reverts(P, stuck, branch)
    assert world.head(branch) == head


def test_the_history_is_what_the_other_ref_has_not(world: World, gitlab: GitLabClient) -> None:
    branch, before = world.name(), world.name()
    world.commit(before)
    gitlab.repository.create_branch(P, branch, world.head(before))
    one, two = world.commit(branch), world.commit(branch)
    assert {commit.sha for commit in gitlab.commits.history(P, branch, before)} == {one, two}
    assert {one, two, world.head("main")} <= {commit.sha for commit in gitlab.commits.history(P, branch)}


def test_what_came_back_is_reverted_anew(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    sha = world.commit(branch, "Work", **{f"{branch}.txt": "1\n"})
    out = gitlab.repository.revert(P, sha, branch)
    gitlab.repository.revert(P, out.sha, branch)
    back = world.head(branch)
    assert gitlab.repository.revert(P, sha, branch).sha == out.sha
    again = gitlab.repository.revert(P, sha, branch, beyond=back)
    assert again.changed
    assert gitlab.repository.revert(P, sha, branch, beyond=back).sha == again.sha == world.head(branch)
    assert gitlab.repository.file(P, f"{branch}.txt", branch) is None


def test_a_merge_is_made_under_the_message_that_was_given(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    sha = world.commit(branch)
    request = gitlab.merge_requests.open(P, branch, "main", "Work", "")
    gitlab.merge_requests.merge(P, request.iid, sha, "Mine\n\nConveyor-Op: k")
    made = gitlab.repository.commit(P, "main")
    assert made.title == "Mine"
    assert made.trailers == (("Conveyor-Op", "k"),)


def test_the_changelog_is_gitlabs(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    start = world.head("main")
    sha = world.commit(branch, "Search\n\nKind: added")
    notes = gitlab.commits.changelog(P, "9.9.0", start, branch, "Kind")
    assert notes.startswith("## 9.9.0 (")
    assert f"### added (1 change)\n\n- [Search](group/shop@{sha})" in notes
