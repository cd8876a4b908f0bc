"""The Jira issues of a release: where they stand, and moving them along the workflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from prefect import task

from integrations.errors import Conflict
from lifecycle.policy import Project
from lifecycle.workflow import Status, may_move, steps
from tasks.context import jira, policy
from tasks.effects import RETRY, once


def status_of(project: Project, key: str) -> Status:
    """The issue's present status, in our words."""
    return project.statuses.to_ours(jira().issue(key).status)


def statuses(project: Project, keys: Sequence[str]) -> dict[str, Status]:
    """Where each issue stands now."""
    return {key: status_of(project, key) for key in keys}


def of_status(project_id: str, keys: Sequence[str], *wanted: Status) -> list[str]:
    """Those of `keys` that stand in one of these statuses now."""
    found = statuses(policy().project(project_id), keys)
    return [key for key in keys if found[key] in wanted]


def titles(keys: Sequence[str]) -> dict[str, str]:
    """The summary of each issue."""
    return {key: jira().issue(key).summary for key in keys}


@task(task_run_name="issue {key} to {target}: {because}", **RETRY)
def move(project_id: str, key: str, target: str, because: str) -> list[str]:  # noqa: ARG001 - the run's name
    """Move the issue to `target` by legal single steps; the statuses it passed through, none if it is there.

    A repeat goes on from where the issue stands. An issue that is already ahead stays where it is.

    Raises:
        Conflict: no legal step leads there, or the team's Jira has no such transition.
    """
    project = policy().project(project_id)
    wanted = Status(target)
    present = status_of(project, key)
    if present is wanted:
        return []
    path = [wanted] if may_move(present, wanted) else list(steps(present, wanted))
    if not path and wanted not in (Status.IN_PROGRESS, Status.WAITING_RELEASE):
        return []
    if not path:
        raise Conflict("jira", f"move {key} from {present} to", wanted)
    for status in path:
        jira().transition(key, project.statuses.to_theirs(status))
    return [str(status) for status in path]


@task(task_run_name="issue {key} back to Waiting Release: {because}", **RETRY)
def take_back(project_id: str, key: str, because: str, op_key: str, *, subject: str) -> bool:
    """Put an issue that has left production back to Waiting Release; a repeat is harmless.

    Where the team's Jira has no way back from Closed the issue stays and gets a comment, once; then False.

    Raises:
        Conflict: it stands where no step leads there; a person has moved it.
    """
    project = policy().project(project_id)
    if status_of(project, key) is not Status.CLOSED:
        move.fn(project_id, key, Status.WAITING_RELEASE, because)
        return True
    try:
        jira().transition(key, project.statuses.to_theirs(Status.WAITING_RELEASE))
    except Conflict:
        said = f"{because}: production does not have this any more. This Jira has no way back from here."
        comment.fn(key, said, op_key, subject=subject)
        return False
    return True


@task(task_run_name="comment on {key}", **RETRY)
def comment(key: str, body: str, op_key: str, *, subject: str) -> str:
    """Comment on the issue, once; the comment's id."""
    outcome = once(
        op_key,
        subject=subject,
        kind="comment",
        request={"key": key, "body": body},
        look=lambda _: None if (i := jira().find_comment(key, op_key)) is None else {"id": i},
        act=lambda: {"id": jira().comment(key, body, op_key=op_key)},
    )
    return str(outcome["id"])


@task(task_run_name="Jira version {version} released", **RETRY)
def release_version(jira_key: str, version: str, on: date) -> bool:
    """Mark the Jira version as released; False if it was."""
    jira().ensure_version(jira_key, version)
    return jira().release_version(jira_key, version, on)


@task(task_run_name="Jira version {version} taken back", **RETRY)
def unrelease_version(jira_key: str, version: str) -> bool:
    """Mark the Jira version as not released; False if it was not."""
    return jira().unrelease_version(jira_key, version)


@task(task_run_name="{key} goes out with {version}", **RETRY)
def add_fix_version(jira_key: str, key: str, version: str) -> bool:
    """Put the issue into the version; False if it is in it."""
    jira().ensure_version(jira_key, version)
    return jira().add_fix_version(key, version)


@task(task_run_name="incident: {summary}", **RETRY)
def open_incident(jira_key: str, summary: str, description: str, op_key: str, *, subject: str) -> str:
    """The key of the one incident issue of this rollback, created if there is none."""

    def look(_: datetime) -> dict[str, object] | None:
        key = jira().find_created(jira_key, op_key)
        return None if key is None else {"key": key}

    outcome = once(
        op_key,
        subject=subject,
        kind="issue",
        request={"summary": summary},
        look=look,
        act=lambda: {
            "key": jira().create_issue(
                jira_key, "Bug", summary, description, op_key=op_key, labels=("incident",)
            )
        },
    )
    return str(outcome["key"])


@task(task_run_name="link {key} to {title}", **RETRY)
def remote_link(key: str, global_id: str, url: str, title: str) -> None:
    """Show `url` on the issue; a repeat updates the same link."""
    jira().remote_link(key, global_id, url, title)


def author_of(key: str) -> str | None:
    """The Jira account that works on the issue, None if nobody is assigned."""
    return jira().issue(key).assignee_account_id


@task(task_run_name="send {key} back", **RETRY)
def send_back(project_id: str, key: str, person: str, reason: str, op_key: str, *, subject: str) -> None:
    """Put a returned issue back into development, with the reason as a comment; a repeat is harmless."""
    known = policy().person(person)
    move.fn(project_id, key, Status.IN_PROGRESS, "returned")
    comment.fn(
        key, f"Returned for rework by {known.name if known else person}: {reason}", op_key, subject=subject
    )
