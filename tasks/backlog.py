"""What is open in Jira, and which of it is alike; see `lifecycle.requests` and `.duplicates`."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.errors import NotFound
from integrations.jira.client import quoted
from lifecycle import backlog, merging, requests
from lifecycle.policy import Project
from lifecycle.requests import AlikeFound, Received, Request
from lifecycle.workflow import Status, issue_keys
from tasks import alike_index, mirror
from tasks.context import jira, ledger, policy

SHOWN = 5
"""So many alike requests are named."""

LEAST_ALIKE = 0.2
"""Below this score two requests merely share common words."""

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
    return project.statuses.all_theirs(Status.TO_DO)


def open_jql(project: Project, order: str) -> str:
    """The project's open requests: in To Do and in no version yet."""
    statuses = ", ".join(map(quoted, waiting_statuses(project)))
    where = f"project = {quoted(project.jira)} AND status in ({statuses}) AND fixVersion is EMPTY"
    return f"{where} ORDER BY {order}"


def alike_to(key: str) -> list[AlikeFound]:
    """The most alike of all earlier open requests, best first; the mirror is refreshed before."""
    project = project_of(key)
    issue = jira().issue(key, mirror.FIELDS)
    asked_at = issue.created
    if asked_at is None:
        return []
    mirror.refresh(project, datetime.now(UTC))
    mirror.take_in(project, issue)
    asked = alike_index.Asked(key, issue.summary, issue.description, asked_at)
    return [
        AlikeFound(
            request=requests.opaque("alike", key, other),
            issue=key,
            other=other,
            title=requests.one_line(title),
            score=round(score, 3),
        )
        for other, title, score in _ranked(project, asked)
    ]


def alike_to_title(project: Project, title: str, asked_at: datetime) -> list[tuple[str, str, float]]:
    """The open requests most like a title in words: key, title and score, best first."""
    mirror.refresh(project, asked_at)
    found = _ranked(project, alike_index.Asked("", title, "", asked_at))
    return [(key, requests.one_line(its_title), round(score, 3)) for key, its_title, score in found]


def _ranked(project: Project, asked: alike_index.Asked) -> list[tuple[str, str, float]]:
    _take_in_the_newest(project)
    ranked = alike_index.rank(project.jira, _waiting(project), asked, SHOWN)
    return [each for each in ranked if each[2] >= LEAST_ALIKE]


def _waiting(project: Project) -> frozenset[str]:
    return frozenset(name.casefold() for name in waiting_statuses(project))


def prepare_comparing() -> None:
    """Make what requests are compared with before one comes: the first comparison is as quick as any other.

    Reads the mirror as it is; no vendor is asked.
    """
    for project in policy().projects:
        alike_index.prepare(project.jira, _waiting(project))


def _take_in_the_newest(project: Project) -> None:
    """Read by key what the ledger just took in and Jira's search does not show yet."""
    here = ledger().mirrored_keys(project.jira)
    after = max(0, ledger().head()[0] - JUST_TAKEN_IN)
    for event in ledger().all_events(after):
        if event.kind != "Received" or not event.subject.startswith("request:"):
            continue
        received = requests.parse(event.data)
        if not isinstance(received, Received) or received.issue in here:
            continue
        if received.issue in issue_keys(received.issue, project.jira):
            mirror.look(project, received.issue)
