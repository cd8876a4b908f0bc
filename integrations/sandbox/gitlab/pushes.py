"""What follows when refs have moved, whoever moved them: webhooks, merge requests, pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from integrations.sandbox.gitlab import mr_events, payloads_push
from integrations.sandbox.gitlab.ci.engine import PipelineRefused
from integrations.sandbox.gitlab.git import ZERO
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import Account, MergeRequest, now

# Source: https://docs.gitlab.com/administration/settings/push_event_activities_limit/
MANY_REFS = 3


@dataclass(frozen=True)
class Change:
    """A ref that went from one object to another; all zeros: it was not there, or is no more."""

    ref: str
    old: str
    new: str

    @property
    def branch(self) -> str | None:
        """The branch's name, None for a tag."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None


def after_push(project: Project, account: Account, changes: Sequence[Change]) -> None:
    """Tell everybody. Call under the lock, after the refs moved.

    More than three branches, or more than three tags, in one push: no webhooks and no pipelines for
    those, as at GitLab.
    """
    for kind in ("heads", "tags"):
        these = [change for change in changes if change.ref.startswith(f"refs/{kind}/")]
        loud = len(these) <= MANY_REFS
        for change in these:
            if loud:
                event = "push" if kind == "heads" else "tag_push"
                payload = payloads_push.push(project, account, change.ref, change.old, change.new)
                project.emit(event, payload)
            if change.branch is not None and change.new == ZERO and project.ci is not None:
                project.ci.stop_environments(change.branch, account.id)
            if change.branch is not None and change.new != ZERO:
                _follow(project, account, change, change.branch)
            if loud and change.new != ZERO:
                start_pipelines(project, account, change)


def _follow(project: Project, account: Account, change: Change, branch: str) -> None:
    """Let the open merge requests from `branch` follow, and close those whose commits came into it."""
    for mr in list(project.records.merge_requests.values()):
        if mr.state != "opened":
            continue
        if mr.source == branch and mr.sha != change.new:
            old, mr.sha, mr.updated = mr.sha, change.new, now()
            mr.auto_merge = None
            project.git.update(f"refs/merge-requests/{mr.iid}/head", mr.sha)
            project.emit("merge_requests", mr_events.event(project, account, mr, "update", oldrev=old))
        elif mr.target == branch and change.old != ZERO and _came_in(project, mr, change):
            mr_events.mark_merged(mr, account)
            close_environments(project, account, mr)
            project.emit("merge_requests", mr_events.event(project, account, mr, "merge"))


def _came_in(project: Project, mr: MergeRequest, change: Change) -> bool:
    git = project.git
    return git.is_ancestor(mr.sha, change.new) and not git.is_ancestor(mr.sha, change.old)


def start_pipelines(project: Project, account: Account, change: Change) -> None:
    """The branch's or tag's pipeline, and one for each open merge request from the branch."""
    if project.ci is None:
        return
    with suppress(PipelineRefused):  # the ref is gone again
        project.ci.start(change.ref.split("/", 2)[2], source="push", user_id=account.id)
    for mr in project.records.merge_requests.values():
        if mr.state == "opened" and mr.source == change.branch:
            start_for(project, account, mr)


def close_environments(project: Project, account: Account, mr: MergeRequest) -> None:
    """Stop what was deployed to be looked at: it is merged or closed."""
    if project.ci is not None:
        project.ci.stop_environments(f"refs/merge-requests/{mr.iid}/head", account.id)


def start_for(project: Project, account: Account, mr: MergeRequest) -> object:
    """The pipeline of a merge request; None where its rules want none."""
    if project.ci is None:
        return None
    about = mr_events.attributes(project, mr)
    return project.ci.start(mr.source, source="merge_request_event", user_id=account.id, merge_request=about)
