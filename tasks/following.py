"""Jira follows GitLab: what a delivery says of an issue's code, and moving the issue along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from prefect import task
from prefect.runtime import flow_run

from integrations.errors import NotFound, Refused
from integrations.gitlab import events as gitlab_events
from integrations.gitlab import webhook
from integrations.gitlab.models import MergeRequest
from lifecycle.policy import Project
from lifecycle.workflow import CodeFact, LastMove, UnknownStatus, follow_steps, heed, is_back, meant_keys
from tasks import issues
from tasks.context import gitlab, jira, ledger, policy
from tasks.effects import RETRY

_NEVER = datetime.min.replace(tzinfo=UTC)


class Finding(NamedTuple):
    """What is known of one issue's code. `url` and `title` name the merge request, if it is about one.

    `since` is when it came about, None where GitLab does not tell.
    """

    project: str
    key: str
    fact: str
    url: str = ""
    title: str = ""
    since: datetime | None = None


class News(NamedTuple):
    """What a webhook says has just changed of a merge request, and when; nothing if it was only read."""

    changes: frozenset[str] = frozenset()
    at: datetime | None = None


_OPENED = frozenset({"open", "reopen"})
_TOLD_BY = {
    CodeFact.MERGE_REQUEST_READY: _OPENED | {"draft", "reviewers"},
    CodeFact.MERGE_REQUEST_DRAFT: _OPENED | {"draft"},
    CodeFact.CHANGES_REQUESTED: frozenset({"reviewers"}),
    CodeFact.PIPELINE_FAILED: frozenset({"pipeline"}),
}
"""What of a webhook makes the fact news: with anything else it may have been so for long."""


@task(task_run_name="read deliveries {deliveries}", **RETRY)
def read(deliveries: Sequence[int]) -> list[Finding]:
    """What the deliveries say, each merge request read anew from GitLab: a delivery is only a hint.

    In the order they came, each finding once, as it came about last.
    """
    return _once(finding for delivery in deliveries for finding in _of_delivery(delivery))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Two that differ in their time alone are one step of the run, not two of the same name."""
    last: dict[Finding, Finding] = {}
    for finding in findings:
        what = finding._replace(since=None)
        last[what] = max(last.get(what, what), finding, key=lambda each: each.since or _NEVER)
    return list(last.values())


def _of_delivery(delivery: int) -> Iterator[Finding]:
    try:
        received = ledger().delivery(delivery)
        headers = {name: str(value) for name, value in received.headers.items()}
        event = webhook.parse(headers, received.body)
    except (NotFound, Refused):
        return
    project = next((p for p in policy().projects if p.gitlab == event.project_id), None)
    if project is None:
        return
    match event:
        case gitlab_events.PushEvent() if not event.deleted and event.branch != project.main:
            for key in meant_keys(project.jira, [event.branch], _messages(project, event.branch)):
                yield Finding(project.id, key, CodeFact.BRANCH_PUSHED, since=received.received_at)
        case gitlab_events.MergeRequestEvent():
            yield from _of_iid(project, event.iid, News(event.changes | {event.action}, event.updated_at))
        case gitlab_events.NoteEvent() if event.iid is not None:
            yield from _of_iid(project, event.iid)
        case gitlab_events.PipelineEvent():
            yield from _of_pipeline(project, event)
        case gitlab_events.DeploymentEvent():
            yield from _of_deployment(project, event.id)
        case _:
            return


def _messages(project: Project, branch: str) -> list[str]:
    """The messages of the branch's own commits; none if it is gone."""
    try:
        commits = gitlab().repository.compare(project.gitlab, project.main, branch).commits
    except NotFound:
        return []
    return [commit.message for commit in commits]


def _of_iid(project: Project, iid: int, news: News | None = None) -> Iterator[Finding]:
    yield from _of_merge_request(project, gitlab().merge_requests.get(project.gitlab, iid), news or News())


def _of_pipeline(project: Project, event: gitlab_events.PipelineEvent) -> Iterator[Finding]:
    """What it means for the merge request it ran for, or for that of its branch."""
    news = News(frozenset({"pipeline"}), event.finished_at)
    if event.merge_request_iid is not None:
        yield from _of_iid(project, event.merge_request_iid, news)
        return
    for request in gitlab().merge_requests.list(project.gitlab, state="opened", source=event.ref):
        yield from _of_iid(project, request.iid, news)


def _of_deployment(project: Project, deployment_id: int) -> Iterator[Finding]:
    """What came to the test environment can be tested."""
    deployment = gitlab().environments.deployment(project.gitlab, deployment_id)
    here = bool(project.qa_environment) and deployment.environment == project.qa_environment
    if not here or deployment.status != "success":
        return
    since = deployment.finished_at or deployment.updated_at
    for request in gitlab().environments.merge_requests(project.gitlab, deployment_id):
        for key in _keys(project, request):
            if not _was_returned(key, request.merged_at):
                title = f"!{request.iid} {request.title}"
                yield Finding(project.id, key, CodeFact.TESTABLE, request.web_url, title, since)


def _of_merge_request(project: Project, request: MergeRequest, news: News) -> Iterator[Finding]:
    fact = _fact(project, request)
    if fact is None:
        return
    told = news.changes & _TOLD_BY.get(fact, frozenset())
    since = request.merged_at if fact is CodeFact.MERGED else news.at if told else None
    for key in _keys(project, request):
        if fact is CodeFact.MERGED and _was_returned(key, request.merged_at):
            continue
        yield Finding(project.id, key, fact, request.web_url, f"!{request.iid} {request.title}", since)


def _keys(project: Project, request: MergeRequest) -> tuple[str, ...]:
    commits = gitlab().merge_requests.commits(project.gitlab, request.iid)
    messages = [request.description, *(commit.message for commit in commits)]
    return meant_keys(project.jira, [request.source_branch, request.title], messages)


def _was_returned(key: str, since: datetime | None) -> bool:
    """The issue was sent back for rework after that: what was merged before is not what QA waits for."""
    return since is not None and any(
        event.kind == "Returned" and event.at > since and event.data.get("issue") in (key, None)
        for subject in ledger().subjects("release:")
        for event in ledger().events(subject)
    )


def _fact(project: Project, request: MergeRequest) -> CodeFact | None:
    """What a merge request, as it stands now, says of its issues; the same however often it is read."""
    if request.state == "merged":
        waits_for_environment = project.qa_environment and request.target_branch == project.main
        return None if waits_for_environment else CodeFact.MERGED
    if request.state != "opened":
        return None
    if request.draft:
        return CodeFact.MERGE_REQUEST_DRAFT
    reviewers = gitlab().merge_requests.reviewers(project.gitlab, request.iid) if request.reviewer_ids else ()
    if any(reviewer.state == "requested_changes" for reviewer in reviewers):
        return CodeFact.CHANGES_REQUESTED
    failed = request.head_pipeline_status == "failed"
    return CodeFact.PIPELINE_FAILED if failed else CodeFact.MERGE_REQUEST_READY


@task(task_run_name="what changed in the last {minutes} minutes", **RETRY)
def missed(minutes: int = 40) -> list[Finding]:
    """What changed of late in GitLab says: for deliveries that never came, and events GitLab sends none of.

    One request per project, and a few for each merge request that changed.
    """
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    return _once(finding for project in policy().projects for finding in _changed(project, since))


def _changed(project: Project, since: datetime) -> Iterator[Finding]:
    for request in gitlab().merge_requests.list(project.gitlab, updated_after=since):
        # The list does not tell of pipelines.
        if request.state == "opened" and not request.draft:
            yield from _of_iid(project, request.iid)
        else:
            yield from _of_merge_request(project, request, News())
    if project.qa_environment:
        latest = gitlab().environments.deployments(
            project.gitlab, project.qa_environment, status="success", limit=20
        )
        for deployment in reversed(latest):
            if deployment.updated_at is not None and deployment.updated_at > since:
                yield from _of_deployment(project, deployment.id)


@task(task_run_name="{key}: {fact}", **RETRY)
def follow(
    project_id: str, key: str, fact: str, url: str, title: str, since: datetime | None = None
) -> list[str]:
    """Move the issue as `fact` implies, and link the merge request; the statuses it went through.

    A repeat finds the issue there. One that is ahead, that does not exist, or that a person moved after
    `since` is left alone.
    """
    project = policy().project(project_id)
    try:
        present = issues.status_of(project, key)
    except NotFound:
        return []
    if url:
        jira().remote_link(key, f"conveyor:{url}", url, title)
    if not follow_steps(present, CodeFact(fact)):
        return []
    path = heed(present, CodeFact(fact), _last_move(project, key), since)
    for status in path:
        jira().transition(key, project.statuses.to_theirs(status))
    return [str(status) for status in path]


def _last_move(project: Project, key: str) -> LastMove | None:
    """Who brought the issue to where it stands; None if its history does not tell."""
    entered = jira().entered(key)
    if not entered:
        return None
    by_person = entered[-1].by != jira().myself()
    try:
        stood = [project.statuses.to_ours(each.status) for each in entered[-2:]]
    except UnknownStatus:  # a former name, which the policy need not know
        stood = []
    return LastMove(entered[-1].at, by_person, back=len(stood) == 2 and is_back(*stood))


def run_name() -> str:
    """The name of the flow run that executes this: what it looks at."""
    given: dict[str, list[int] | None] = flow_run.parameters or {}
    count = len(given.get("deliveries") or ())
    return (
        f"control: {count} {'delivery' if count == 1 else 'deliveries'}"
        if count
        else "control: what was missed"
    )


def finish(deliveries: Sequence[int], outcome: str) -> None:
    """The deliveries need nobody any more."""
    if deliveries:
        ledger().handled(list(deliveries), outcome, datetime.now(UTC))
