"""The bodies of the webhooks that are not about pipelines.

Keys as in https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from integrations.sandbox.gitlab.git import Commit
from integrations.sandbox.gitlab.state import Account, Fields, Issue, MergeRequest, Note, Release

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.project import Project


def utc(moment: datetime | None) -> str | None:
    """The way hooks write most times: `2026-03-05 10:11:12 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else None


def person(account: Account) -> Fields:
    """`user`; the address is withheld, as GitLab does."""
    return {
        "id": account.id,
        "name": account.name,
        "username": account.username,
        "avatar_url": None,
        "email": "[REDACTED]",
    }


def project(it: Project) -> Fields:
    """`project`."""
    git_url = f"{it.web_url}.git"
    return {
        "id": it.project_id,
        "name": it.name,
        "description": "",
        "web_url": it.web_url,
        "avatar_url": None,
        "git_ssh_url": git_url,
        "git_http_url": git_url,
        "namespace": it.path.rpartition("/")[0],
        "visibility_level": 0,
        "path_with_namespace": it.path,
        "default_branch": it.default_branch,
        "ci_config_path": "",
        "homepage": it.web_url,
        "url": git_url,
        "ssh_url": git_url,
        "http_url": git_url,
    }


def repository(it: Project) -> Fields:
    """`repository`."""
    return {"name": it.name, "url": f"{it.web_url}.git", "description": "", "homepage": it.web_url}


def commit(it: Project, one: Commit) -> Fields:
    """A commit without the files it touched."""
    return {
        "id": one.sha,
        "message": one.message,
        "title": one.title,
        "timestamp": one.authored,
        "url": f"{it.web_url}/-/commit/{one.sha}",
        "author": {"name": one.author_name, "email": "[REDACTED]"},
    }


def labels(it: Project, names: list[str]) -> list[Fields]:
    """`labels`."""
    return [
        {
            "id": it.records.labels[name]["id"],
            "title": name,
            "color": it.records.labels[name]["color"],
            "project_id": it.project_id,
            "created_at": utc(it.created),
            "updated_at": utc(it.created),
            "template": False,
            "description": it.records.labels[name]["description"],
            "type": "ProjectLabel",
            "group_id": None,
        }
        for name in names
    ]


def merge_request(
    it: Project,
    account: Account,
    mr: MergeRequest,
    action: str,
    *,
    merge_status: str,
    changes: Mapping[str, object] | None = None,
    oldrev: str | None = None,
) -> Fields:
    """`action`: open, update (with `oldrev` after a push), approved, unapproved, merge, close, reopen."""
    attributes = merge_request_attributes(it, mr, merge_status)
    attributes["action"] = action
    if oldrev is not None:
        attributes["oldrev"] = oldrev
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": person(account),
        "project": project(it),
        "object_attributes": attributes,
        "labels": labels(it, mr.labels),
        "changes": dict(changes or {}),
        "repository": repository(it),
        **_people(it, mr.assignees),
        **({"reviewers": reviewers(it, mr, mr.review_states)} if mr.reviewers else {}),
    }


def reviewers(it: Project, mr: MergeRequest, states: Mapping[int, str]) -> list[Fields]:
    """`reviewers`, each with what they made of it, as newer versions tell (merge request 205274)."""
    return [
        {
            **person(it.instance.accounts[each]),
            "state": states.get(each, "unreviewed"),
            "re_requested": False,
        }
        for each in mr.reviewers
    ]


def _people(it: Project, assignees: list[int]) -> Fields:
    accounts = it.instance.accounts
    return {"assignees": [person(accounts[each]) for each in assignees]} if assignees else {}


def merge_request_attributes(it: Project, mr: MergeRequest, merge_status: str) -> Fields:
    """`object_attributes` of a merge request's hook, `merge_request` of a note's."""
    head = it.git.commit(mr.sha)
    return {
        "id": mr.id,
        "iid": mr.iid,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "state_id": {"opened": 1, "closed": 2, "merged": 3}[mr.state],
        "draft": mr.draft,
        "work_in_progress": mr.draft,
        "source_branch": mr.source,
        "target_branch": mr.target,
        "source_project_id": it.project_id,
        "target_project_id": it.project_id,
        "author_id": mr.author,
        "assignee_id": mr.assignees[0] if mr.assignees else None,
        "assignee_ids": mr.assignees,
        "reviewer_ids": mr.reviewers,
        "milestone_id": mr.milestone,
        "labels": labels(it, mr.labels),
        "created_at": utc(mr.created),
        "updated_at": utc(mr.updated),
        "merge_status": "can_be_merged" if merge_status != "conflict" else "cannot_be_merged",
        "detailed_merge_status": merge_status,
        "merge_commit_sha": mr.merge_commit,
        "merge_error": mr.merge_error,
        "merge_params": {"force_remove_source_branch": "1" if mr.remove_source else "0"},
        "merge_user_id": mr.merged_by if mr.auto_merge is None else mr.auto_merge,
        "merge_when_pipeline_succeeds": mr.auto_merge is not None,
        "head_pipeline_id": None,
        "blocking_discussions_resolved": True,
        "last_commit": commit(it, head),
        "source": project(it),
        "target": project(it),
        "url": f"{it.web_url}/-/merge_requests/{mr.iid}",
    }


def issue_attributes(it: Project, issue: Issue) -> Fields:
    """`object_attributes` of an issue's hook, `issue` of a note's."""
    return {
        "id": issue.id,
        "iid": issue.iid,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "state_id": 1 if issue.state == "opened" else 2,
        "author_id": issue.author,
        "assignee_id": issue.assignees[0] if issue.assignees else None,
        "assignee_ids": issue.assignees,
        "milestone_id": issue.milestone,
        "project_id": it.project_id,
        "confidential": issue.confidential,
        "due_date": issue.due,
        "labels": labels(it, issue.labels),
        "created_at": utc(issue.created),
        "updated_at": utc(issue.updated),
        "closed_at": utc(issue.closed),
        "type": "Issue",
        "url": f"{it.web_url}/-/issues/{issue.iid}",
    }


def issue_event(
    it: Project, account: Account, issue: Issue, action: str, changes: Mapping[str, object] | None = None
) -> Fields:
    """`action`: open, update, close, reopen."""
    return {
        "object_kind": "issue",
        "event_type": "issue",
        "user": person(account),
        "project": project(it),
        "object_attributes": {**issue_attributes(it, issue), "action": action},
        "labels": labels(it, issue.labels),
        "changes": dict(changes or {}),
        "repository": repository(it),
        **_people(it, issue.assignees),
    }


def note_event(
    it: Project, account: Account, note: Note, on: MergeRequest | Issue, merge_status: str, action: str
) -> Fields:
    """A comment on a merge request or an issue; `action`: create or update."""
    is_merge_request = isinstance(on, MergeRequest)
    folder = "merge_requests" if is_merge_request else "issues"
    url = f"{it.web_url}/-/{folder}/{on.iid}#note_{note.id}"
    about: Fields
    if isinstance(on, MergeRequest):
        about = {"merge_request": merge_request_attributes(it, on, merge_status)}
    else:
        about = {"issue": issue_attributes(it, on)}
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": person(account),
        "project_id": it.project_id,
        "project": project(it),
        "repository": repository(it),
        "object_attributes": {
            "id": note.id,
            "note": note.body,
            "description": note.body,
            "noteable_type": "MergeRequest" if is_merge_request else "Issue",
            "noteable_id": on.id,
            "commit_id": None,
            "line_code": None,
            "st_diff": None,
            "attachment": None,
            "author_id": note.author,
            "project_id": it.project_id,
            "created_at": utc(note.created),
            "updated_at": utc(note.updated),
            "system": note.system,
            "action": action,
            "url": url,
        },
        **about,
    }


def release_event(it: Project, release: Release, action: str, target: Commit | None) -> Fields:
    """`action`: create, update, delete."""
    return {
        "id": next(it.instance.ids),
        "object_kind": "release",
        "name": release.name,
        "description": release.description,
        "tag": release.tag,
        "action": action,
        "created_at": utc(release.created),
        "released_at": utc(release.released),
        "url": f"{it.web_url}/-/releases/{release.tag}",
        "project": project(it),
        "assets": {"count": len(release.links), "links": release.links, "sources": []},
        "commit": commit(it, target) if target else None,
    }
