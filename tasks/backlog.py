"""What is open in Jira, and which of it is alike. Reads only; see `lifecycle.requests` and `.duplicates`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from integrations.errors import NotFound
from integrations.jira.client import quoted
from integrations.jira.models import Issue
from lifecycle import backlog, merging, requests
from lifecycle.duplicates import Index
from lifecycle.policy import Project
from lifecycle.requests import AlikeFound, Received, Request
from lifecycle.workflow import Status, UnknownStatus, issue_keys
from tasks.context import jira, ledger, policy

SHOWN = 5
"""So many alike requests are named."""

LEAST_ALIKE = 0.2
"""Below this score two requests merely share common words."""

LOOKED_AT = 5_000
"""A new request is compared with this many of the newest open ones."""

JUST_TAKEN_IN = 500
"""So many of the ledger's last events are looked through for requests that Jira's search may not show yet."""


def project_of(key: str) -> Project:
    """The project that an issue's key belongs to.

    Raises:
        NotFound: the policy has none.
    """
    for project in policy().projects:
        if key in issue_keys(key, project.jira):
            return project
    raise NotFound("policy", "project of", key)


def state_of(project_id: str) -> backlog.Backlog:
    """What people merged in this project."""
    known = ledger().events(backlog.stream(project_id))
    return backlog.fold(event.data for event in known)


def own_requests(key: str, state: backlog.Backlog) -> dict[str, Request]:
    """The request behind `key` and those of its duplicates, as the ledger knows them."""
    members = (key, *merging.duplicates_of(state.merges, key))
    return {member: request_of(member) for member in members}


def request_of(key: str) -> Request:
    """One request as the ledger knows it."""
    known = ledger().events(requests.stream(key))
    return requests.fold(requests.parse(event.data) for event in known)


def waiting_statuses(project: Project) -> tuple[str, ...]:
    """Jira's names for To Do."""
    theirs = [name for name, ours in project.statuses.root.items() if ours is Status.TO_DO]
    return tuple(theirs) or (Status.TO_DO.value,)


def open_jql(project: Project, order: str) -> str:
    """The project's open requests: in To Do and in no version yet."""
    statuses = ", ".join(map(quoted, waiting_statuses(project)))
    where = f"project = {quoted(project.jira)} AND status in ({statuses}) AND fixVersion is EMPTY"
    return f"{where} ORDER BY {order}"


def alike_to(key: str) -> list[AlikeFound]:
    """The most alike of the earlier open requests, best first."""
    project = project_of(key)
    issue = jira().issue(key)
    asked_at = issue.created
    if asked_at is None:
        return []
    titles: dict[str, str] = {}
    index = Index()
    for earlier, title, text, created in _earlier(project, key, asked_at):
        if earlier not in titles:
            titles[earlier] = title
            index.add(earlier, title, text, created)
    ranked = index.rank(issue.summary, issue.description, asked_at, k=SHOWN)
    return [
        AlikeFound(
            request=requests.opaque("alike", key, other),
            issue=key,
            other=other,
            title=requests.one_line(titles[other]),
            score=round(score, 3),
        )
        for other, score in ranked
        if score >= LEAST_ALIKE
    ]


def _earlier(project: Project, key: str, asked_at: datetime) -> Iterator[tuple[str, str, str, datetime]]:
    """Open requests before `key`: those the ledger just took in, then what Jira's search shows."""
    yield from _just_taken_in(project, key, asked_at)
    fields = ("summary", "description", "created")
    found = jira().search(open_jql(project, "created DESC, key DESC"), fields=fields)
    for issue in islice(found, LOOKED_AT):
        if issue.key != key and issue.created and issue.created <= asked_at:
            yield issue.key, issue.summary, issue.description, issue.created


def _just_taken_in(
    project: Project, key: str, asked_at: datetime
) -> Iterator[tuple[str, str, str, datetime]]:
    after = max(0, ledger().head()[0] - JUST_TAKEN_IN)
    for event in ledger().all_events(after):
        if event.kind != "Received" or not event.subject.startswith("request:"):
            continue
        received = requests.parse(event.data)
        if isinstance(received, Received) and received.issue in issue_keys(received.issue, project.jira):
            issue = _standing(project, received.issue) if received.issue != key else None
            if issue and issue.created and issue.created <= asked_at:
                yield issue.key, issue.summary, issue.description, issue.created


def _standing(project: Project, key: str) -> Issue | None:
    """The issue, if it is there and in To Do."""
    try:
        issue = jira().issue(key)
        status = project.statuses.to_ours(issue.status)
    except (NotFound, UnknownStatus):
        return None
    return issue if status is Status.TO_DO else None
