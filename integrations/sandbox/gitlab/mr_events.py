"""A merge request's standing, and the webhooks that tell of it."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.sandbox.gitlab import payloads, trees
from integrations.sandbox.gitlab.git import MergeConflict
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import Account, Fields, Issue, MergeRequest, Note, now


def standing(project: Project, mr: MergeRequest) -> str:
    """`detailed_merge_status`: not_open, draft_status, commits_status, conflict or mergeable.

    Source: https://docs.gitlab.com/api/merge_requests/#merge-status
    """
    if mr.state != "opened":
        return "not_open"
    if mr.draft:
        return "draft_status"
    refs = project.git.refs()
    head, target = refs.get(f"refs/heads/{mr.source}"), refs.get(f"refs/heads/{mr.target}")
    if head is None or target is None or project.git.is_ancestor(head, target):
        return "commits_status"
    return "conflict" if conflicts(project, mr) else "mergeable"


def conflicts(project: Project, mr: MergeRequest) -> bool:
    """Whether the two branches cannot be merged as they stand."""
    target = project.git.refs().get(f"refs/heads/{mr.target}")
    if target is None or mr.state != "opened":
        return False
    try:
        trees.merge(project.git, target, mr.sha)
    except MergeConflict:
        return True
    return False


def mark_merged(mr: MergeRequest, account: Account) -> None:
    """Note that it is merged, by whom and when."""
    mr.state, mr.merged, mr.merged_by = "merged", now(), account.id
    mr.updated, mr.auto_merge = mr.merged, None


def attributes(project: Project, mr: MergeRequest) -> Fields:
    """The webhook's `object_attributes`."""
    return payloads.merge_request_attributes(project, mr, standing(project, mr))


def event(
    project: Project,
    account: Account,
    mr: MergeRequest,
    action: str,
    *,
    changes: Mapping[str, object] | None = None,
    oldrev: str | None = None,
) -> Fields:
    """The webhook for what somebody did; see `payloads.merge_request`."""
    status = standing(project, mr)
    return payloads.merge_request(
        project, account, mr, action, merge_status=status, changes=changes, oldrev=oldrev
    )


def note_event(
    project: Project, account: Account, note: Note, on: MergeRequest | Issue, action: str
) -> Fields:
    """The webhook for a comment."""
    status = standing(project, on) if isinstance(on, MergeRequest) else ""
    return payloads.note_event(project, account, note, on, status, action)
