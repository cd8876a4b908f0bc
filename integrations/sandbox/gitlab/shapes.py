"""The API's objects for people, projects, commits, branches and tags.

Keys as in GitLab's own OpenAPI document (v4).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from integrations.sandbox.gitlab.git import Commit, Ref
from integrations.sandbox.gitlab.state import DEVELOPER, Fields, Protection, iso

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.instance import Instance
    from integrations.sandbox.gitlab.project import Project

_PIPELINE = (
    "id",
    "iid",
    "project_id",
    "sha",
    "ref",
    "status",
    "source",
    "created_at",
    "updated_at",
    "web_url",
)
ROLES = {0: "No one", 10: "Guest", 20: "Reporter", 30: "Developers + Maintainers", 40: "Maintainers"}


def user(instance: Instance, gitlab_id: int) -> Fields:
    """The short object of a person; a number that nobody has is shown as GitLab's ghost."""
    account = instance.accounts.get(gitlab_id)
    username = account.username if account else "ghost"
    return {
        "id": gitlab_id,
        "username": username,
        "name": account.name if account else "Ghost User",
        "state": "active" if account is None or account.active else "deactivated",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{instance.url}/{username}",
    }


def people(instance: Instance, gitlab_ids: list[int]) -> list[Fields]:
    """The short objects of several people."""
    return [user(instance, each) for each in gitlab_ids]


def git_time(moment: str) -> str:
    """A time as git writes it, the way the API shows commits: milliseconds, offset kept."""
    return datetime.fromisoformat(moment).isoformat(timespec="milliseconds")


def commit(project: Project, it: Commit) -> Fields:
    """The API's commit."""
    return {
        "id": it.sha,
        "short_id": it.sha[:8],
        "created_at": git_time(it.committed),
        "parent_ids": list(it.parents),
        "title": it.title,
        "message": it.message,
        "author_name": it.author_name,
        "author_email": it.author_email,
        "authored_date": git_time(it.authored),
        "committer_name": it.committer_name,
        "committer_email": it.committer_email,
        "committed_date": git_time(it.committed),
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{project.web_url}/-/commit/{it.sha}",
    }


def branch(project: Project, ref: Ref, level: int) -> Fields:
    """The API's branch, as somebody of `level` sees it."""
    rule = project.branch_rule(ref.name)
    default = project.git.commit(project.git.resolve(project.default_branch)).sha
    merged = ref.name != project.default_branch and project.git.is_ancestor(ref.target, default)
    return {
        "name": ref.name,
        "commit": commit(project, project.git.commit(ref.target)),
        "merged": merged,
        "protected": rule is not None,
        "developers_can_push": rule is not None and 0 < rule.push <= DEVELOPER,
        "developers_can_merge": rule is not None and 0 < rule.merge <= DEVELOPER,
        "can_push": level >= DEVELOPER if rule is None else 0 < rule.push <= level,
        "default": ref.name == project.default_branch,
        "web_url": f"{project.web_url}/-/tree/{quote(ref.name)}",
    }


def tag(project: Project, ref: Ref) -> Fields:
    """The API's tag; `target` is the tag object of an annotated one."""
    release = project.records.releases.get(ref.name)
    return {
        "name": ref.name,
        "message": ref.message,
        "target": ref.object_sha,
        "commit": commit(project, project.git.commit(ref.target)),
        "release": {"tag_name": ref.name, "description": release.description} if release else None,
        "protected": project.tag_rule(ref.name) is not None,
        "created_at": git_time(ref.created) if ref.object_sha != ref.target else None,
    }


def access(rule: Protection, level: int) -> list[Fields]:
    """One access level of a protected branch or tag."""
    return [{"id": rule.id * 10 + level, "access_level": level, "access_level_description": ROLES[level]}]


def project_object(project: Project, level: int) -> Fields:
    """The API's project, as somebody of `level` sees it."""
    namespace, _, path = project.path.rpartition("/")
    git_url = f"{project.web_url}.git"
    return {
        "id": project.project_id,
        "description": "",
        "name": project.name,
        "name_with_namespace": f"{namespace} / {project.name}",
        "path": path,
        "path_with_namespace": project.path,
        "created_at": iso(project.created),
        "updated_at": iso(project.created),
        "last_activity_at": iso(project.created),
        "default_branch": project.default_branch,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": git_url,
        "http_url_to_repo": git_url,
        "web_url": project.web_url,
        "readme_url": None,
        "avatar_url": None,
        "forks_count": 0,
        "star_count": 0,
        "archived": False,
        "visibility": "private",
        "namespace": {
            "id": 1,
            "name": namespace,
            "path": namespace,
            "kind": "group",
            "full_path": namespace,
            "parent_id": None,
            "avatar_url": None,
            "web_url": f"{project.instance.url}/{namespace}",
        },
        "empty_repo": not project.git.refs(),
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "wiki_enabled": True,
        "merge_method": "merge",
        "only_allow_merge_if_pipeline_succeeds": False,
        "only_allow_merge_if_all_discussions_are_resolved": False,
        "remove_source_branch_after_merge": True,
        "ci_config_path": "",
        "permissions": {
            "project_access": {"access_level": level, "notification_level": 3} if level else None,
            "group_access": None,
        },
    }


def pipeline(it: Mapping[str, object]) -> Fields:
    """A pipeline within something else: its short object."""
    return {key: it[key] for key in _PIPELINE if key in it}
