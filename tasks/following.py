"""Jira follows GitLab: what a delivery says of an issue's code, and moving the issue along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from prefect import task
from prefect.runtime import flow_run

from integrations.errors import NotFound, Refused
from integrations.gitlab import events as gitlab_events
from integrations.gitlab import webhook
from integrations.gitlab.models import MergeRequest
from lifecycle.policy import Project
from lifecycle.workflow import CodeFact, follow_steps, issue_keys
from tasks import issues
from tasks.context import gitlab, jira, ledger, policy
from tasks.effects import RETRY


class Finding(NamedTuple):
    """What is known of one issue's code. `url` and `title` name the merge request, if it is about one."""

    project: str
    key: str
    fact: str
    url: str = ""
    title: str = ""


@task(task_run_name="read deliveries {deliveries}", **RETRY)
def read(deliveries: Sequence[int]) -> list[Finding]:
    """What the deliveries say, each merge request read anew from GitLab: a delivery is only a hint.

    In the order they came, each finding once.
    """
    found = (finding for delivery in deliveries for finding in _of_delivery(delivery))
    return list(dict.fromkeys(found))


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
            for key in issue_keys(event.branch, project.jira):
                yield Finding(project.id, key, CodeFact.BRANCH_PUSHED)
        case gitlab_events.MergeRequestEvent():
            yield from _of_merge_request(project, gitlab().merge_requests.get(project.gitlab, event.iid))
        case _:
            return


def _of_merge_request(project: Project, request: MergeRequest) -> Iterator[Finding]:
    fact = _fact(request)
    if fact is None:
        return
    for key in issue_keys(f"{request.source_branch} {request.title} {request.description}", project.jira):
        if fact is CodeFact.MERGED and _was_returned(key, request.merged_at):
            continue
        yield Finding(project.id, key, fact, request.web_url, f"!{request.iid} {request.title}")


def _was_returned(key: str, since: datetime | None) -> bool:
    """The issue was sent back for rework after that: what was merged before is not what QA waits for."""
    return since is not None and any(
        event.kind == "Returned" and event.at > since and event.data.get("issue") in (key, None)
        for subject in ledger().subjects("release:")
        for event in ledger().events(subject)
    )


def _fact(request: MergeRequest) -> CodeFact | None:
    if request.state == "merged":
        return CodeFact.MERGED
    if request.state != "opened":
        return None
    return CodeFact.MERGE_REQUEST_DRAFT if request.draft else CodeFact.MERGE_REQUEST_READY


@task(task_run_name="what changed in the last {minutes} minutes", **RETRY)
def missed(minutes: int = 40) -> list[Finding]:
    """What the merge requests that changed of late say: for deliveries that never came."""
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    return [
        finding
        for project in policy().projects
        for request in gitlab().merge_requests.list(project.gitlab, updated_after=since)
        for finding in _of_merge_request(project, request)
    ]


@task(task_run_name="{key}: {fact}", **RETRY)
def follow(project_id: str, key: str, fact: str, url: str, title: str) -> list[str]:
    """Move the issue as `fact` implies, and link the merge request; the statuses it went through.

    A repeat finds the issue there. One that is ahead, or that does not exist, is left alone.
    """
    project = policy().project(project_id)
    try:
        present = issues.status_of(project, key)
    except NotFound:
        return []
    if url:
        jira().remote_link(key, f"conveyor:{url}", url, title)
    path = follow_steps(present, CodeFact(fact))
    for status in path:
        jira().transition(key, project.statuses.to_theirs(status))
    return [str(status) for status in path]


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
