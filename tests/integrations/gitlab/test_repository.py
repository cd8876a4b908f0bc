"""Branches, tags, commits, files and releases, against real repositories over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.gitlab import GitLabClient
from tests.integrations.gitlab.world import ANA, BOT, GONE, P, World


def test_a_wrong_token_is_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.client(token="wrong").me()
    assert refused.value.status == 401


def test_a_project_that_is_not_there_is_not_found(gitlab: GitLabClient) -> None:
    with pytest.raises(NotFound):
        gitlab.project_id("group/other")
    with pytest.raises(NotFound):
        gitlab.project(99)


def test_the_client_knows_whose_token_it_has_and_where_it_is(gitlab: GitLabClient) -> None:
    assert (gitlab.me().id, gitlab.me().username) == (BOT.gitlab_id, "bot")
    assert gitlab.project_id("group/shop") == P
    project = gitlab.project(P)
    assert (project.path, project.default_branch) == ("group/shop", "main")
    assert gitlab.version().version


def test_an_account_is_read_by_its_number(gitlab: GitLabClient) -> None:
    ana, bot, gone = (gitlab.user(each.gitlab_id) for each in (ANA, BOT, GONE))
    assert (ana.username, ana.state, ana.bot) == ("ana", "active", False)
    # Nobody but an administrator sees other people's addresses, unless they are public.
    assert (ana.email, ana.public_email) == ("", "")
    assert (bot.bot, gone.state) == (True, "deactivated")
    with pytest.raises(NotFound):
        gitlab.user(99)


def test_the_token_of_a_deactivated_account_opens_nothing(world: World) -> None:
    with pytest.raises(Refused, match="deactivated"):
        world.client(token=GONE.token).me()


@pytest.mark.parametrize("name", ["1.4.0", "release/1.4.0", "äöü"])
def test_what_is_not_there_is_none(gitlab: GitLabClient, name: str) -> None:
    assert gitlab.repository.branch(P, name) is None
    assert gitlab.repository.tag(P, name) is None
    assert gitlab.repository.release(P, name) is None
    assert gitlab.repository.file(P, name, "main") is None
    with pytest.raises(NotFound):
        gitlab.repository.commit(P, name)


def test_a_branch_is_made_once_and_found_afterwards(world: World, gitlab: GitLabClient) -> None:
    name, sha = world.name("release"), world.head()
    made, again = (gitlab.repository.create_branch(P, name, sha) for _ in range(2))
    assert (made.name, made.sha, made.changed) == (name, sha, True)
    assert (again.sha, again.changed) == (sha, False)
    assert world.head(name) == sha
    assert len(world.requests()) == 1


def test_a_branch_at_another_commit_is_a_conflict(world: World, gitlab: GitLabClient) -> None:
    name = world.name()
    sha = world.commit(name)
    with pytest.raises(Conflict) as conflict:
        gitlab.repository.create_branch(P, name, world.head())
    assert sha in conflict.value.detail
    assert world.head(name) == sha


def test_a_branch_at_a_commit_that_does_not_exist_is_refused(world: World, gitlab: GitLabClient) -> None:
    name = world.name()
    with pytest.raises(Refused):
        gitlab.repository.create_branch(P, name, "0" * 39 + "1")
    assert gitlab.repository.branch(P, name) is None


def test_a_branch_is_deleted_once(world: World, gitlab: GitLabClient) -> None:
    name = world.name()
    world.commit(name)
    assert [gitlab.repository.delete_branch(P, name) for _ in range(2)] == [True, False]
    assert gitlab.repository.branch(P, name) is None


def test_a_tag_is_made_once_and_names_the_commit(world: World, gitlab: GitLabClient) -> None:
    name, sha = world.name("tag"), world.head()
    made, again = (gitlab.repository.create_tag(P, name, sha, "Candidate 1") for _ in range(2))
    assert (made.name, made.sha, made.message, made.changed) == (name, sha, "Candidate 1", True)
    assert (again.sha, again.message, again.changed) == (sha, "Candidate 1", False)
    assert len(world.requests()) == 1
    tag = world.read(f"/repository/tags/{name.replace('/', '%2F')}")
    assert (tag["commit"]["id"], tag["message"]) == (sha, "Candidate 1")
    assert tag["target"] != sha, "an annotated tag is an object of its own"


def test_a_tag_on_another_commit_is_a_conflict_and_stays(world: World, gitlab: GitLabClient) -> None:
    name, sha = world.name("tag"), world.head()
    gitlab.repository.create_tag(P, name, sha, "first")
    other = world.commit(world.name())
    with pytest.raises(Conflict):
        gitlab.repository.create_tag(P, name, other, "second")
    found = gitlab.repository.tag(P, name)
    assert found is not None
    assert (found.sha, found.message) == (sha, "first")


def test_a_tag_whose_answer_was_lost_is_found_and_not_made_twice(world: World, gitlab: GitLabClient) -> None:
    name, sha = world.name("tag"), world.head()
    world.fault("POST /repository/tags", "drop_after")
    with pytest.raises(Transient) as lost:
        gitlab.repository.create_tag(P, name, sha, "m")
    assert lost.value.status is None
    again = gitlab.repository.create_tag(P, name, sha, "m")
    assert (again.sha, again.changed) == (sha, False)
    assert len(world.requests()) == 1


def test_a_tag_that_somebody_made_in_between_is_found(world: World, gitlab: GitLabClient) -> None:
    name, sha = world.name("tag"), world.head()
    gitlab.repository.create_tag(P, name, sha, "m")
    world.fault("GET /repository/tags/.*", "404")
    late = gitlab.repository.create_tag(P, name, sha, "m")
    assert (late.sha, late.changed) == (sha, False)
    world.fault("GET /repository/tags/.*", "404")
    with pytest.raises(Conflict):
        gitlab.repository.create_tag(P, name, world.commit(world.name()), "m")


def test_tags_are_searched_by_their_beginning(world: World, gitlab: GitLabClient) -> None:
    names = [f"9.9.0-rc.{number}" for number in range(1, 4)]
    for name in (*names, "8.9.9.0-rc.1"):
        gitlab.repository.create_tag(P, name, world.head(), "m")
    assert sorted(tag.name for tag in gitlab.repository.tags(P, "^9.9.0-rc.")) == names


def test_a_commit_names_its_authors(world: World, gitlab: GitLabClient) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    message = (
        "Add a cart\n\nIt holds things.\n\n"
        "Changelog: added\nCo-authored-by: Bo <Bo@Example.test>\nCo-authored-by: Cy <cy@example.test>"
    )
    branch = world.name()
    parent = world.head()
    commit = gitlab.repository.commit(P, world.commit(branch, message))
    assert (commit.title, commit.author_email) == ("Add a cart", ANA.email)
    assert commit.parent_ids == (parent,)
    assert commit.trailers[0] == ("Changelog", "added")
    assert commit.co_author_emails == ("bo@example.test", "cy@example.test")
    assert commit.committed_at is not None
    assert before < commit.committed_at < datetime.now(UTC) + timedelta(minutes=1)
    assert gitlab.repository.commit(P, branch).sha == commit.sha


def test_a_comparison_lists_commits_and_files(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    first = world.commit(branch, "First", **{"new-a.txt": "a\n"})
    second = world.commit(branch, "Second", **{"new-b.txt": "b\n"})
    found = gitlab.repository.compare(P, "main", branch)
    assert [commit.sha for commit in found.commits] == [first, second]
    assert {(file.new_path, file.new, file.deleted) for file in found.files} == {
        ("new-a.txt", True, False),
        ("new-b.txt", True, False),
    }
    assert gitlab.repository.compare(P, branch, branch).commits == ()


def test_the_blobs_of_a_commit_are_all_there_over_every_page(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    files = {f"many/{number:03}.txt": f"{number}\n" for number in range(230)}
    sha = world.commit(branch, "Many", **files)
    blobs = gitlab.repository.blobs(P, sha)
    assert set(files) < set(blobs)
    assert blobs["README.md"] == gitlab.repository.blobs(P, "main")["README.md"]
    assert len({blobs[path] for path in files}) == 230
    assert "many" not in blobs


def test_a_file_comes_as_its_bytes(gitlab: GitLabClient) -> None:
    assert gitlab.repository.file(P, "README.md", "main") == b"A shop.\n"
    assert gitlab.repository.file(P, "docs/größe.txt", "main") == "äöü\n".encode()
    assert gitlab.repository.file(P, "docs", "main") is None


def test_a_commit_is_reverted_once(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    sha = world.commit(branch, "Break it", **{"broken.txt": "x\n"})
    made, again = (gitlab.repository.revert(P, sha, branch) for _ in range(2))
    assert made.changed
    assert not again.changed
    assert made.sha == again.sha == world.head(branch)
    assert gitlab.repository.file(P, "broken.txt", branch) is None
    assert sha in made.message


def test_a_revert_that_does_not_apply_is_a_conflict(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    sha = world.commit(branch, "Begin", **{"grows.txt": "1\n"})
    change = {"action": "update", "file_path": "grows.txt", "content": "2\n"}
    world.write("/repository/commits", branch=branch, commit_message="Go on", actions=[change])
    head = world.head(branch)
    with pytest.raises(Conflict):
        gitlab.repository.revert(P, sha, branch)
    assert world.head(branch) == head


def test_a_release_is_made_once_on_its_tag(world: World, gitlab: GitLabClient) -> None:
    name, sha = "7.0.0", world.head()
    gitlab.repository.create_tag(P, name, sha, "m")
    made, again = (gitlab.repository.create_release(P, name, "Seven", "# Notes") for _ in range(2))
    assert (made.tag, made.name, made.notes, made.sha) == (name, "Seven", "# Notes", sha)
    assert [made.changed, again.changed] == [True, False]
    assert world.read(f"/releases/{name}")["description"] == "# Notes"
    world.fault(f"GET /releases/{name}", "404")
    assert not gitlab.repository.create_release(P, name, "Seven", "# Notes").changed


def test_a_release_without_its_tag_is_a_conflict_and_makes_none(world: World, gitlab: GitLabClient) -> None:
    with pytest.raises(Conflict, match="no tag"):
        gitlab.repository.create_release(P, "6.6.6", "Six", "Notes")
    assert gitlab.repository.tag(P, "6.6.6") is None
    assert world.requests() == []


def test_too_many_requests_say_when_to_come_back(world: World, gitlab: GitLabClient) -> None:
    world.fault("POST /repository/tags", "429", retry_after="12")
    with pytest.raises(Transient) as slow:
        gitlab.repository.create_tag(P, world.name("tag"), world.head(), "m")
    assert (slow.value.status, slow.value.retry_after_s) == (429, 12.0)
    assert len(world.requests()) == 1


def test_past_gitlabs_own_limit_we_are_told_to_wait_and_do_not(tmp_path: Path) -> None:
    world = World(tmp_path, per_minute=3)
    try:
        for _ in range(3):
            world.gitlab.me()
        with pytest.raises(Transient) as slow:
            world.gitlab.me()
        assert slow.value.status == 429
        assert 0 < (slow.value.retry_after_s or 0) <= 61
    finally:
        world.stop()


@pytest.mark.parametrize("do", ["hang", "hang_after"])
def test_a_gitlab_that_hangs_is_given_up_in_time_and_looked_at_again(world: World, do: str) -> None:
    name, sha = world.name("tag"), world.head()
    world.fault("POST /repository/tags", do)
    impatient = world.client(timeout_s=0.5)
    before = datetime.now(UTC)
    with pytest.raises(Transient):
        impatient.repository.create_tag(P, name, sha, "m")
    assert datetime.now(UTC) - before < timedelta(seconds=3)
    impatient.close()
    assert world.gitlab.repository.create_tag(P, name, sha, "m").changed is (do == "hang")


def test_a_hook_says_whether_it_still_works(world: World, gitlab: GitLabClient) -> None:
    project = world.sandbox.instance.projects[P]
    project.add_hook("http://127.0.0.1:1/gitlab", {"push"})
    assert [hook.url for hook in gitlab.hooks(P)] == ["http://127.0.0.1:1/gitlab"]


def test_a_link_is_put_on_a_release_once_and_all_releases_are_listed(
    world: World, gitlab: GitLabClient
) -> None:
    name, other = "7.1.0", "7.1.1"
    for each in (name, other):
        gitlab.repository.create_tag(P, each, world.head(), "m")
        gitlab.repository.create_release(P, each, each, "Notes")
    with pytest.raises(NotFound):
        gitlab.repository.link_release(P, "6.6.6", "Pipeline", "http://gitlab.example/1")
    made, again = (
        gitlab.repository.link_release(P, name, "Pipeline", "http://gitlab.example/1") for _ in range(2)
    )
    assert (made.changed, again.changed, again.id) == (True, False, made.id)
    with pytest.raises(Refused):
        gitlab.repository.link_release(P, name, "The same again", "http://gitlab.example/1")
    found = {release.tag: release for release in gitlab.repository.releases(P)}
    assert [link.url for link in found[name].links] == ["http://gitlab.example/1"]
    assert (found[other].links, found[other].sha) == ((), world.head())
