"""Telling the author of a change that somebody returned it."""

from __future__ import annotations

import logging

from prefect import task

from integrations.errors import Terminal
from integrations.slack import blocks as b
from lifecycle import scope_changes
from lifecycle.policy import Person
from lifecycle.release import Release
from tasks import folding, issues, posts
from tasks.context import jira, policy
from tasks.effects import RETRY
from tasks.signoff_messages import without_button

log = logging.getLogger(__name__)


@task(task_run_name="tell the author of {issue}", **RETRY)
def tell_author(subject: str, request: str, issue: str) -> None:
    """Tell whoever works on the issue why it comes back, once; a repeat says nothing.

    That is its assignee in Jira; where nobody we know is assigned, everybody who wrote part of the candidate.
    """
    release = folding.release_of(subject)
    returned = next((r for r in release.returned if r.request == request), None) if release else None
    if release is None or returned is None:
        return
    by = policy().person(returned.person)
    project = policy().project(release.plan.project)
    text = f"{by.name if by else returned.person} returned {issue} of {project.name} {release.plan.version}"
    title = release.plan.titles.get(issue, "")
    rows = [
        b.section(
            f"↩️ *{b.escape(text)}*: {b.link(jira().browse_url(issue), title or issue)}\n"
            f"{b.escape(b.cut(returned.reason, 2000))}"
        )
    ]
    for person in _authors(release, issue):
        may_leave = scope_changes.may_leave(release, returned.issue) and scope_changes.speaks(
            person, policy()
        )
        offer = [b.actions(without_button(request), block_id=f"without-{request}")] if may_leave else []
        content = posts.Content(text=text, blocks=[*rows, *offer])
        if person.slack and person.id != returned.person:
            key = f"{subject}:returned:{request}:{issue}:{person.id}"
            try:
                posts.post_direct.fn("returned", person.slack, content, key, subject=subject)
            except Terminal as error:  # the reason stands on the issue too; the rework must not wait for this
                log.warning("%s: not told: %s", key, error)


def _authors(release: Release, issue: str) -> list[Person]:
    assigned = policy().by_jira(issues.author_of(issue) or "")
    wrote = release.candidate.authors if release.candidate else ()
    return [assigned] if assigned else [p for p in map(policy().person, wrote) if p and p.active]
