"""The API's objects for merge requests, notes, issues and milestones."""

from __future__ import annotations

from integrations.sandbox.gitlab import diffs, shapes
from integrations.sandbox.gitlab.merging import head_pipeline, may_merge
from integrations.sandbox.gitlab.mr_events import standing
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.state import (
    DEVELOPER,
    Account,
    Fields,
    Issue,
    MergeRequest,
    Milestone,
    Note,
    iso,
)

_NO_TIME = {
    "time_estimate": 0,
    "total_time_spent": 0,
    "human_time_estimate": None,
    "human_total_time_spent": None,
}


def _person(project: Project, gitlab_id: int | None) -> Fields | None:
    return None if gitlab_id is None else shapes.user(project.instance, gitlab_id)


def _milestone(project: Project, number: int | None) -> Fields | None:
    found = next((each for each in project.records.milestones.values() if each.id == number), None)
    return None if found is None else milestone(project, found)


def milestone(project: Project, it: Milestone) -> Fields:
    """The API's milestone."""
    return {
        "id": it.id,
        "iid": it.iid,
        "project_id": project.project_id,
        "title": it.title,
        "description": it.description,
        "state": it.state,
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
        "due_date": it.due,
        "start_date": it.start,
        "expired": False,
        "web_url": f"{project.web_url}/-/milestones/{it.iid}",
    }


def basic(project: Project, mr: MergeRequest) -> Fields:
    """A merge request in a list."""
    people = project.instance
    status = standing(project, mr)
    return {
        "id": mr.id,
        "iid": mr.iid,
        "project_id": project.project_id,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "created_at": iso(mr.created),
        "updated_at": iso(mr.updated),
        "merged_by": _person(project, mr.merged_by),
        "merge_user": _person(project, mr.merged_by or mr.auto_merge),
        "merged_at": iso(mr.merged),
        "closed_by": _person(project, mr.closed_by),
        "closed_at": iso(mr.closed),
        "target_branch": mr.target,
        "source_branch": mr.source,
        "user_notes_count": sum(not note.system for note in mr.notes),
        "upvotes": 0,
        "downvotes": 0,
        "author": shapes.user(people, mr.author),
        "assignees": shapes.people(people, mr.assignees),
        "assignee": _person(project, mr.assignees[0] if mr.assignees else None),
        "reviewers": shapes.people(people, mr.reviewers),
        "source_project_id": project.project_id,
        "target_project_id": project.project_id,
        "labels": mr.labels,
        "draft": mr.draft,
        "imported": False,
        "imported_from": "none",
        "work_in_progress": mr.draft,
        "milestone": _milestone(project, mr.milestone),
        "merge_when_pipeline_succeeds": mr.auto_merge is not None,
        "merge_status": "cannot_be_merged" if status == "conflict" else "can_be_merged",
        "detailed_merge_status": status,
        "merge_after": None,
        "sha": mr.sha,
        "merge_commit_sha": mr.merge_commit,
        "squash_commit_sha": mr.squash_commit,
        "discussion_locked": None,
        "should_remove_source_branch": mr.remove_source,
        "force_remove_source_branch": mr.remove_source,
        "prepared_at": iso(mr.created),
        "reference": f"!{mr.iid}",
        "references": {"short": f"!{mr.iid}", "relative": f"!{mr.iid}", "full": f"{project.path}!{mr.iid}"},
        "web_url": f"{project.web_url}/-/merge_requests/{mr.iid}",
        "time_stats": _NO_TIME,
        "squash": mr.squash,
        "squash_on_merge": mr.squash,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": status == "conflict",
        "blocking_discussions_resolved": True,
        "approvals_before_merge": None,
    }


def full(project: Project, mr: MergeRequest, account: Account) -> Fields:
    """A merge request by itself."""
    pipeline = head_pipeline(project, mr)
    base, start = refs(project, mr)
    return {
        **basic(project, mr),
        "subscribed": False,
        "changes_count": str(len(diffs.diff(project.git, base, mr.sha))),
        "latest_build_started_at": pipeline.get("started_at") if pipeline else None,
        "latest_build_finished_at": pipeline.get("finished_at") if pipeline else None,
        "first_deployed_to_production_at": None,
        "pipeline": shapes.pipeline(pipeline) if pipeline else None,
        "head_pipeline": pipeline,
        "diff_refs": {"base_sha": base, "head_sha": mr.sha, "start_sha": start},
        "merge_error": mr.merge_error,
        "first_contribution": False,
        "user": {"can_merge": may_merge(project, account, mr)},
    }


def refs(project: Project, mr: MergeRequest) -> tuple[str, str]:
    """The common ancestor, and the target's head, as they were before the merge."""
    if mr.state == "merged":
        return mr.base, mr.base
    target = project.git.refs().get(f"refs/heads/{mr.target}", mr.base)
    return project.git.merge_base(target, mr.sha) or mr.base, target


def approvals(project: Project, mr: MergeRequest, account: Account) -> Fields:
    """Who approved; in the free edition nobody has to."""
    by = [
        {"user": shapes.user(project.instance, each), "approved_at": iso(moment)}
        for each, moment in mr.approvals.items()
    ]
    may = project.level(account.id) >= DEVELOPER and account.id not in mr.approvals
    return {
        "user_has_approved": account.id in mr.approvals,
        "user_can_approve": may and mr.state == "opened",
        "approved": bool(mr.approvals),
        "approved_by": by,
    }


def note(project: Project, it: Note, on: MergeRequest | Issue) -> Fields:
    """The API's comment."""
    return {
        "id": it.id,
        "type": None,
        "body": it.body,
        "author": shapes.user(project.instance, it.author),
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
        "system": it.system,
        "noteable_id": on.id,
        "noteable_type": "MergeRequest" if isinstance(on, MergeRequest) else "Issue",
        "project_id": project.project_id,
        "resolvable": False,
        "confidential": False,
        "internal": False,
        "imported": False,
        "imported_from": "none",
        "noteable_iid": on.iid,
        "commands_changes": {},
    }


def issue(project: Project, it: Issue) -> Fields:
    """The API's issue."""
    people = project.instance
    return {
        "id": it.id,
        "iid": it.iid,
        "project_id": project.project_id,
        "title": it.title,
        "description": it.description,
        "state": it.state,
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
        "closed_at": iso(it.closed),
        "closed_by": _person(project, it.closed_by),
        "labels": it.labels,
        "milestone": _milestone(project, it.milestone),
        "assignees": shapes.people(people, it.assignees),
        "author": shapes.user(people, it.author),
        "type": "ISSUE",
        "assignee": _person(project, it.assignees[0] if it.assignees else None),
        "user_notes_count": sum(not each.system for each in it.notes),
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "due_date": it.due,
        "confidential": it.confidential,
        "discussion_locked": None,
        "issue_type": "issue",
        "web_url": f"{project.web_url}/-/issues/{it.iid}",
        "time_stats": _NO_TIME,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_tasks": False,
        "references": {"short": f"#{it.iid}", "relative": f"#{it.iid}", "full": f"{project.path}#{it.iid}"},
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "service_desk_reply_to": None,
    }
