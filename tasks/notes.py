"""Release notes, by issue and in the requesters' words."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task

from integrations.errors import NotFound, Refused
from integrations.slack import blocks as b
from lifecycle import notes as rules
from lifecycle.backlog import Backlog
from lifecycle.notes import Note
from lifecycle.policy import Project
from lifecycle.release import Release
from tasks.backlog import own_requests, state_of
from tasks.context import gitlab, jira
from tasks.effects import RETRY


@task(task_run_name="notes of {release.plan.version}", **RETRY)
def of(project: Project, release: Release) -> tuple[Note, ...]:
    """One note per issue that goes out. Reads only."""
    state = state_of(project.id)
    return tuple(_note(key, release, state) for key in release.delivers)


def _note(key: str, release: Release, state: Backlog) -> Note:
    """What was asked, as it was asked: the title at the door, and the first sentence of the text."""
    received = [fact for request in own_requests(key, state).values() for fact in request.received]
    title = release.plan.titles.get(key, "")
    try:
        issue = jira().issue(key)
    except NotFound:
        return Note(key=key, title=title)
    return Note(
        key=key,
        title=received[0].title if received else title,
        type=issue.issue_type,
        words=rules.first_sentence(issue.description) if received else "",
        asked_by=tuple(dict.fromkeys(fact.source.value for fact in received)),
    )


@task(task_run_name="GitLab release {release.plan.version}", **RETRY)
def publish(project: Project, release: Release, notes: Sequence[Note]) -> str:
    """Make the GitLab release on the final tag; a repeat finds it by its tag."""
    version = release.plan.version
    if gitlab().repository.release(project.gitlab, version) is None:
        text = rules.page(notes, _changelog(project, release))
        gitlab().repository.create_release(project.gitlab, version, version, text)
    return version


def _changelog(project: Project, release: Release) -> str:
    """GitLab's own section of the commits since production, where the team writes the trailer."""
    going = release.production
    if not project.changelog_trailer or going is None or not going.previous_tag:
        return ""
    try:
        return gitlab().commits.changelog(
            project.gitlab, going.tag, going.previous_tag, going.tag, project.changelog_trailer
        )
    except (NotFound, Refused):  # the notes are complete without it
        return ""


def told(notes: Sequence[Note]) -> list[str]:
    """The notes as they are told in Slack (mrkdwn), as many as go into one message."""
    lines = rules.lines(notes, b.escape, "*{}*", "• {}")
    return b.cut("\n".join(lines), 2500).splitlines()
