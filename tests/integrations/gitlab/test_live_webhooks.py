"""What the sandbox sends while people work passes our checks and says what happened."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.errors import Refused
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
from integrations.sandbox.gitlab.state import HookSeed
from integrations.sandbox.http import Server
from integrations.settings import GitLabSettings
from tests.integrations.gitlab.world import ANA, BOT, P, World

E = TypeVar("E", bound=GitLabEvent)
SETTINGS = GitLabSettings.model_validate(
    {"webhook_token": "hook-secret", "signing_token": "whsec_c2lnbmluZyBrZXkgb2YgdGhlIHRlc3Q="}
)


class Receiver:
    """Takes deliveries, checks every one, and hands out the events of one kind as they come."""

    def __init__(self) -> None:
        self._came: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        app = Starlette(routes=[Route("/gitlab", self._take, methods=["POST"])])
        self.server = Server(app)
        self._ids: set[str] = set()

    async def _take(self, request: Request) -> Response:
        self._came.put((dict(request.headers), await request.body()))
        return Response(status_code=204)

    def next(self, kind: type[E], where: Callable[[E], bool], timeout_s: float = 20.0) -> E:
        """The next event of this kind that fits; each delivery on the way is verified."""
        end = time.monotonic() + timeout_s
        while True:
            headers, body = self._came.get(timeout=max(0.01, end - time.monotonic()))
            webhook.verify(headers, body, SETTINGS, datetime.now(UTC))
            with pytest.raises(Refused):
                webhook.verify(headers, body + b" ", SETTINGS, datetime.now(UTC))
            delivery = webhook.delivery_id(headers, body)
            assert delivery not in self._ids, "no two deliveries have the same id"
            self._ids.add(delivery)
            event = webhook.parse(headers, body)
            assert not isinstance(event, UnknownEvent), event
            assert event.project_id == P
            if isinstance(event, kind) and where(event):
                return event


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.stop()


@pytest.fixture(scope="module")
def world(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    seed = HookSeed(
        "group/shop",
        f"{receiver.server.url}/gitlab",
        token=SETTINGS.webhook_token.get_secret_value(),
        signing_token=SETTINGS.signing_token.get_secret_value(),
    )
    world = World(Path(tmp_path_factory.mktemp("gitlab")), [seed])
    yield world
    world.stop()


def test_pushes_and_tags_arrive(world: World, receiver: Receiver) -> None:
    branch = world.name()
    sha = world.commit(branch)
    push = receiver.next(PushEvent, lambda event: event.branch == branch)
    assert (push.branch, push.after, push.actor_id, push.deleted) == (branch, sha, ANA.gitlab_id, False)
    world.gitlab.repository.create_tag(P, "5.0.0", sha, "Five")
    tag = receiver.next(TagEvent, lambda event: event.tag == "5.0.0")
    assert (tag.tag, tag.sha, tag.actor_id) == ("5.0.0", sha, BOT.gitlab_id)
    world.gitlab.repository.create_release(P, "5.0.0", "Five", "Notes")
    release = receiver.next(ReleaseEvent, lambda event: event.tag == "5.0.0")
    assert (release.tag, release.action, release.sha) == ("5.0.0", "create", sha)
    world.gitlab.repository.delete_branch(P, branch)
    assert receiver.next(PushEvent, lambda event: event.branch == branch).deleted


def test_a_merge_request_tells_its_life(world: World, receiver: Receiver) -> None:
    branch = world.name()
    first = world.commit(branch)
    iid = world.write("/merge_requests", source_branch=branch, target_branch="main", title="T")["iid"]

    def ours(event: MergeRequestEvent) -> bool:
        return event.iid == iid

    opened = receiver.next(MergeRequestEvent, ours)
    assert (opened.iid, opened.action, opened.state) == (iid, "open", "opened")
    assert (opened.source_branch, opened.target_branch) == (branch, "main")
    assert (opened.last_commit_sha, opened.author_id) == (first, ANA.gitlab_id)
    second = world.commit(branch)
    pushed = receiver.next(MergeRequestEvent, ours)
    assert (pushed.action, pushed.oldrev, pushed.last_commit_sha) == ("update", first, second)
    world.gitlab.merge_requests.note(P, iid, "Seen", "k")
    note = receiver.next(NoteEvent, lambda event: event.iid == iid)
    assert (note.on, note.iid, note.author_id) == ("MergeRequest", iid, BOT.gitlab_id)
    merged = world.gitlab.merge_requests.merge(P, iid, second)
    told = receiver.next(MergeRequestEvent, ours)
    assert (told.action, told.state, told.actor_id) == ("merge", "merged", BOT.gitlab_id)
    assert told.merge_commit_sha == merged.merge_commit_sha


def test_an_issue_arrives_with_its_labels(world: World, receiver: Receiver) -> None:
    iid = world.write("/issues", title="It is slow", description="Since Monday", labels="client")["iid"]
    issue = receiver.next(IssueEvent, lambda event: event.iid == iid)
    assert (issue.iid, issue.action, issue.title) == (iid, "open", "It is slow")
    assert (issue.labels, issue.author_id) == (("client",), ANA.gitlab_id)


def test_a_pipeline_its_jobs_and_its_deployment_arrive(world: World, receiver: Receiver) -> None:
    pipelines = world.gitlab.pipelines
    started = pipelines.start(P, "main", {"COLOR": "blue"}, op_key="told")
    first = receiver.next(PipelineEvent, lambda event: event.id == started.id)
    assert (first.id, first.source, first.ref) == (started.id, "api", "main")
    assert first.variables == {"COLOR": "blue", "CONVEYOR_OP": "told"}
    job = receiver.next(JobEvent, lambda event: event.pipeline_id == started.id)
    assert (job.pipeline_id, job.sha) == (started.id, started.sha)
    world.pipeline("success", "manual", pipeline_id=started.id)
    manual = next(each for each in pipelines.jobs(P, started.id) if each.name == "deploy")
    pipelines.play_job(P, manual.id)
    deployment = receiver.next(
        DeploymentEvent, lambda event: event.status == "success" and event.job_id == manual.id
    )
    assert deployment.environment == "staging"
    assert started.sha.startswith(deployment.short_sha)
    assert world.gitlab.environments.deployment(P, deployment.id).sha == started.sha
