"""The webhooks that GitLab really sends are read, each as what it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.gitlab import webhook
from integrations.gitlab.events import (
    DeploymentEvent,
    GitLabEvent,
    IssueEvent,
    JobEvent,
    MergeRequestEvent,
    NoteEvent,
    PipelineEvent,
    PushEvent,
    ReleaseEvent,
    TagEvent,
    UnknownEvent,
)

RECORDED = Path(__file__).parents[3].parent / "shared" / "recorded" / "gitlab" / "webhooks"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="needs ../shared/recorded")

USED: dict[str, type[GitLabEvent]] = {
    "build.json": JobEvent,
    "deployment.json": DeploymentEvent,
    "issue.json": IssueEvent,
    "job.json": JobEvent,
    "merge_request.json": MergeRequestEvent,
    "note_commit.json": NoteEvent,
    "note_issue.json": NoteEvent,
    "note_merge_request.json": NoteEvent,
    "note_snippet.json": NoteEvent,
    "pipeline.json": PipelineEvent,
    "push.json": PushEvent,
    "release.json": ReleaseEvent,
    "service_merge_request.json": MergeRequestEvent,
    "tag_push.json": TagEvent,
}
MANGLED = "group_merge_request.json"  # its keys end in blanks ("iid "): no GitLab sends that
FILES = sorted({path.name for path in RECORDED.glob("*.json")} - {MANGLED})


def read(name: str) -> GitLabEvent:
    return webhook.parse({}, (RECORDED / name).read_bytes())


def test_a_body_with_mangled_keys_is_kept_as_unknown_with_the_reason() -> None:
    event = read(MANGLED)
    assert isinstance(event, UnknownEvent)
    assert (event.name, event.why) == ("merge_request", "could not be read: object_attributes.iid")


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_webhook_is_read_as_what_it_is(name: str) -> None:
    event = read(name)
    assert type(event) is USED.get(name, UnknownEvent)
    if isinstance(event, UnknownEvent):
        assert event.why == "not used"
        assert event.name
    else:
        assert event.project_id is not None


def test_a_merge_request_says_which_commit_and_who() -> None:
    event = read("merge_request.json")
    assert isinstance(event, MergeRequestEvent)
    assert (event.iid, event.action, event.state, event.draft) == (1, "open", "opened", False)
    assert (event.source_branch, event.target_branch) == ("ms-viewport", "master")
    assert event.last_commit_sha == "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
    assert (event.author_id, event.actor_id, event.labels) == (51, 1, ("API",))


def test_a_pipeline_says_what_it_was_started_with() -> None:
    event = read("pipeline.json")
    assert isinstance(event, PipelineEvent)
    assert (event.id, event.status, event.source, event.tag) == (
        31,
        "success",
        "merge_request_event",
        False,
    )
    assert event.variables == {"NESTOR_PROD_ENVIRONMENT": "us-west-1"}
    assert event.merge_request_iid == 1
    assert event.finished_at == datetime(2016, 8, 12, 15, 26, 29, tzinfo=UTC)


def test_a_job_belongs_to_its_pipeline() -> None:
    event = read("build.json")
    assert isinstance(event, JobEvent)
    assert (event.id, event.pipeline_id, event.name, event.status) == (1977, 2366, "test", "created")
    assert event.sha == "2293ada6b400935a1378653304eaf6221e0fdb8f"


def test_a_deployment_is_timed_in_utc() -> None:
    event = read("deployment.json")
    assert isinstance(event, DeploymentEvent)
    assert (event.id, event.status, event.environment, event.job_id) == (15, "success", "staging", 796)
    assert event.changed_at == datetime(2021, 4, 28, 19, 50, tzinfo=UTC)


def test_pushes_and_tags_are_called_by_their_names() -> None:
    push, tag = read("push.json"), read("tag_push.json")
    assert isinstance(push, PushEvent)
    assert isinstance(tag, TagEvent)
    assert (push.branch, push.deleted, push.actor_id) == ("master", False, 4)
    assert push.after == "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
    assert (tag.tag, tag.deleted) == ("v1.0.0", False)
    assert tag.sha == "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7"


def test_a_note_says_on_what_it_stands() -> None:
    on_issue, on_merge_request = read("note_issue.json"), read("note_merge_request.json")
    assert isinstance(on_issue, NoteEvent)
    assert isinstance(on_merge_request, NoteEvent)
    assert (on_merge_request.on, on_merge_request.iid) == ("MergeRequest", 1)
    assert (on_issue.on, on_issue.iid) == ("Issue", 17)


def test_an_issue_and_a_release_say_what_happened_to_them() -> None:
    issue, release = read("issue.json"), read("release.json")
    assert isinstance(issue, IssueEvent)
    assert isinstance(release, ReleaseEvent)
    assert (issue.iid, issue.action, issue.labels, issue.author_id) == (23, "open", ("API",), 51)
    assert (release.tag, release.action) == ("1.0.0", "create")
    assert release.sha == "2626dbdb936782b5c54816b1c6d45b1279303c6d"
