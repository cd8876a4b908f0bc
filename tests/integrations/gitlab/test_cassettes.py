"""What was recorded once still works; the same tests record anew (`recording`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.gitlab import GitLabClient
from tests.integrations.gitlab.recording import CASSETTES, HOST, SANDBOX, Scrubber, Tape, recording, tape

pytestmark = pytest.mark.record

BRANCH = "conveyor-recorded/branch"
TAG = "conveyor-recorded-1"
FILES = sorted(CASSETTES.glob("*.yaml"))


def encoded(name: str) -> str:
    return name.replace("/", "%2F")


def prepared(tape: Tape) -> tuple[GitLabClient, int, str]:
    """The client, the project's id and its default branch's head; what a recording leaves is taken away."""
    if tape.live:
        tape.live.delete(f"/repository/tags/{encoded(TAG)}")
        tape.live.delete(f"/repository/branches/{encoded(BRANCH)}")
    project_id = tape.client.project_id(tape.path)
    project = tape.client.project(project_id)
    return tape.client, project_id, tape.client.repository.commit(project_id, project.default_branch).sha


def test_a_secret_is_written_down_in_neither_direction() -> None:
    scrub = Scrubber("https://real.example", "tok-123", "real/path")
    said = "tok-123 glpat-abc_DEF-1 whsec_AAAA= ana@real.example https://real.example/real/path real%2Fpath"
    assert scrub.text(said) == (f"TOKEN SECRET SECRET person@example.test {HOST}/group/shop group%2Fshop")


@pytest.mark.skipif(recording(), reason="they are being written")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_cassette_says_where_it_comes_from_and_holds_no_secret(path: Path) -> None:
    text = path.read_text()
    origin = text.splitlines()[0].removeprefix("# Recorded from: ")
    assert origin == SANDBOX or "." in origin
    for secret in ("tok-", "glpat-", "PRIVATE-TOKEN", "127.0.0.1", "localhost"):
        assert secret not in text


@pytest.mark.skipif(recording(), reason="they are being written")
def test_there_are_cassettes() -> None:
    assert [path.name for path in FILES] == ["merge_request.yaml", "pipeline.yaml", "repository.yaml"]


def test_branches_and_tags_against_a_recorded_gitlab(tmp_path: Path) -> None:
    with tape("repository", tmp_path) as played:
        gitlab, project_id, head = prepared(played)
        branches = [gitlab.repository.create_branch(project_id, BRANCH, head) for _ in range(2)]
        tags = [gitlab.repository.create_tag(project_id, TAG, head, "Recorded") for _ in range(2)]
        found = [tag.name for tag in gitlab.repository.tags(project_id, f"^{TAG}")]
        deleted = [gitlab.repository.delete_branch(project_id, BRANCH) for _ in range(2)]
        me = gitlab.me()
    assert [(branch.sha, branch.changed) for branch in branches] == [(head, True), (head, False)]
    assert [(tag.sha, tag.message, tag.changed) for tag in tags] == [
        (head, "Recorded", True),
        (head, "Recorded", False),
    ]
    assert found == [TAG]
    assert deleted == [True, False]
    assert me.id > 0


def test_a_merge_request_against_a_recorded_gitlab(tmp_path: Path) -> None:
    with tape("merge_request", tmp_path) as played:
        gitlab, project_id, _head = prepared(played)
        main = gitlab.project(project_id).default_branch
        if played.live:
            action = {"action": "create", "file_path": "recorded.txt", "content": "text\n"}
            body = {"branch": BRANCH, "start_branch": main, "commit_message": "Recorded", "actions": [action]}
            played.live.post("/repository/commits", json=body).raise_for_status()
        calls = gitlab.merge_requests
        opened = [calls.open(project_id, BRANCH, main, "Recorded", "Text") for _ in range(2)]
        iid, sha = opened[0].iid, opened[0].sha or ""
        notes = [calls.note(project_id, iid, "Seen", "recorded:1") for _ in range(2)]
        files = calls.files(project_id, iid)
        merged = [calls.merge(project_id, iid, sha) for _ in range(2)]
        if played.live:
            answer = played.live.delete(
                "/repository/files/recorded.txt", params={"branch": main, "commit_message": "Clean up"}
            )
            answer.raise_for_status()
    assert [each.changed for each in opened] == [True, False]
    assert [each.changed for each in notes] == [True, False]
    assert files == ("recorded.txt",)
    assert [(each.state, each.changed) for each in merged] == [("merged", True), ("merged", False)]


def test_a_pipeline_against_a_recorded_gitlab(tmp_path: Path) -> None:
    with tape("pipeline", tmp_path) as played:
        gitlab, project_id, head = prepared(played)
        main = gitlab.project(project_id).default_branch
        started = gitlab.pipelines.start(project_id, main, {"COLOR": "blue"}, op_key="recorded:1")
        found = gitlab.pipelines.find(project_id, main, head, "recorded:1", None)
        jobs = gitlab.pipelines.jobs(project_id, started.id)
        gitlab.pipelines.cancel(project_id, started.id)
    assert found is not None
    assert (found.id, found.sha, found.source) == (started.id, head, "api")
    assert jobs
