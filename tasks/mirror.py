"""The mirror of each project's issues: read once as a whole, then only what changed.

Jira's search knows minutes only, in the time zone of whoever asks; so every query says how many minutes ago,
and reads some more than it has to. That covers the lag of Jira's index and clocks that differ, and what
comes twice is kept once. After each page the place is noted with what it held: a call that was cut short is
continued by the next one.

Source: https://support.atlassian.com/jira-software-cloud/docs/jql-fields/ (Created, Updated)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from prefect import task
from pydantic import AwareDatetime, BaseModel

from integrations.errors import NotFound
from integrations.jira.client import quoted
from integrations.jira.models import Issue
from integrations.ledger import MirroredIssue, MirroredLink
from lifecycle.policy import Project
from tasks.context import jira, ledger, policy
from tasks.effects import RETRY
from tasks.leases import alone

OVERLAP = timedelta(minutes=10)
"""Longer than Jira's index lags behind, and than clocks differ."""

CLOCKS_DIFFER = timedelta(minutes=2)
"""Enough for a first scan, which goes by when issues were made and compares the keys in the end."""

COMPARED_EVERY = timedelta(hours=1)
"""So often the keys are compared, to see what was deleted without a word."""

LOOKED_AT = 200
"""So many issues one comparison reads each by its key; what is left is read by the next."""

TEXT = 20_000
"""Characters that are kept of an issue's text."""

FIELDS = (
    *("summary", "description", "issuetype", "status", "priority", "labels", "fixVersions", "project"),
    *("issuelinks", "reporter", "votes", "created", "updated"),
)


class Position(BaseModel, frozen=True):
    """How far the reading has come.

    `began` is when the reading that is under way began, and `at` Jira's time of the last issue it read;
    both are None between two readings. `whole` is when the last one that came to its end began: every
    change before it is here. None: never. `compared` is when the keys were compared last.
    """

    began: AwareDatetime | None = None
    at: AwareDatetime | None = None
    whole: AwareDatetime | None = None
    compared: AwareDatetime | None = None


def projects() -> list[str]:
    """The ids of the projects that have a mirror: all of the policy."""
    return [project.id for project in policy().projects]


@task(task_run_name="mirror of {project_id}", **RETRY)
def keep(project_id: str, now: datetime) -> int:
    """Refresh the mirror, and now and then see what was deleted; how many issues were read."""
    project = policy().project(project_id)
    read = refresh(project, now)
    with alone(_lease(project)):
        compared = _position(project).compared
        if compared is None or compared + COMPARED_EVERY <= now:
            _compare(project, now)
    return read


def refresh(project: Project, now: datetime) -> int:
    """Read what changed since the last time; all of it the first time. How many issues were read.

    A repeat reads little and changes nothing.

    Raises:
        Transient: Jira did not answer, or had enough of us (`retry_after_s`); the next call goes on where
            this one was cut short. Or another process has been reading for long.
    """
    with alone(_lease(project)):
        position = _position(project)
        first = position.whole is None
        if position.began is None:
            position = position.model_copy(update={"began": now})
        read = _read(project, position, "created" if first else "updated", now)
        if first:  # what was deleted meanwhile is no part of it
            _compare(project, now)
    return read


def _read(project: Project, position: Position, order: str, now: datetime) -> int:
    count = 0
    for page in jira().scan(_jql(project, position, order, now), FIELDS):
        times = [at for issue in page if (at := getattr(issue, order))]
        if times:
            position = position.model_copy(update={"at": max(times)})
        ledger().mirror(project.jira, list(_mirrored(project, page)), position.model_dump(mode="json"))
        count += len(page)
    _note(project, position.model_copy(update={"whole": position.began, "began": None, "at": None}))
    return count


def _jql(project: Project, position: Position, order: str, now: datetime) -> str:
    since = position.at or position.whole
    overlap = CLOCKS_DIFFER if order == "created" else OVERLAP
    ago = "" if since is None else f' AND {order} >= "-{minutes_ago(since - overlap, now)}m"'
    return f"project = {quoted(project.jira)}{ago} ORDER BY {order} ASC, key ASC"


def minutes_ago(then: datetime, now: datetime) -> int:
    """Whole minutes, rounded up, with one more for the minute that Jira may cut off."""
    return max(0, math.ceil((now - then) / timedelta(minutes=1))) + 1


def take_in(project: Project, issue: Issue) -> None:
    """Keep one issue that was just read by its key."""
    ledger().mirror(project.jira, list(_mirrored(project, [issue])))


def look(project: Project, key: str) -> None:
    """Read one issue by its key, which is the truth: keep it, or take out what is not there any more."""
    try:
        issue = jira().issue(key, FIELDS)
    except NotFound:
        ledger().unmirror(project.jira, [key])
        return
    if issue.key != key:  # it was moved, and answers to its old key still
        ledger().unmirror(project.jira, [key])
    take_in(project, issue)


def _compare(project: Project, now: datetime) -> None:
    """Look at the issues that are only here, or only there: a search may err, a reading by key does not."""
    theirs = jira().keys(f"project = {quoted(project.jira)} ORDER BY created ASC, key ASC")
    differing = theirs ^ ledger().mirrored_keys(project.jira)
    for key in sorted(differing)[:LOOKED_AT]:
        look(project, key)
    _note(project, _position(project).model_copy(update={"compared": now}))


def _mirrored(project: Project, page: Iterable[Issue]) -> Iterable[MirroredIssue]:
    """Those of the project, each once, in its newest state."""
    newest: dict[str, Issue] = {}
    for issue in page:
        if issue.project_key == project.jira and issue.created and issue.updated:
            newest[issue.key] = issue
    for issue in newest.values():
        yield MirroredIssue(
            key=issue.key,
            project=issue.project_key,
            summary=issue.summary,
            text=issue.description[:TEXT],
            type=issue.issue_type,
            status=issue.status,
            priority=issue.priority,
            labels=issue.labels,
            fix_versions=issue.fix_versions,
            links=tuple(MirroredLink(link.type, link.direction, link.key) for link in issue.links),
            reporter=issue.reporter_account_id,
            votes=issue.votes,
            created=issue.created or datetime.now(UTC),
            updated=issue.updated or datetime.now(UTC),
            subtask=issue.subtask,
        )


def _position(project: Project) -> Position:
    return Position.model_validate(ledger().mirror_position(project.jira))


def _note(project: Project, position: Position) -> None:
    ledger().mirror(project.jira, [], position.model_dump(mode="json"))


def _lease(project: Project) -> str:
    return f"mirror:{project.jira}"
