"""Merging a merge request: now, or when its pipeline has succeeded."""

from __future__ import annotations

from integrations.sandbox.gitlab import mr_events, trees
from integrations.sandbox.gitlab.errors import Refusal, refuse
from integrations.sandbox.gitlab.git import ZERO, GitError, Identity, MergeConflict
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.pushes import Change, after_push, close_environments
from integrations.sandbox.gitlab.state import DEVELOPER, Account, Fields, MergeRequest

FINISHED = ("success", "failed", "canceled", "skipped")


def head_pipeline(project: Project, mr: MergeRequest) -> Fields | None:
    """The newest pipeline for the head: the merge request's own before the branch's."""
    if project.ci is None:
        return None
    own = project.ci.latest(ref=f"refs/merge-requests/{mr.iid}/head", sha=mr.sha)
    return own or project.ci.latest(ref=mr.source, sha=mr.sha)


def may_merge(project: Project, account: Account, mr: MergeRequest) -> bool:
    """Whether this person may merge into the target branch."""
    rule = project.branch_rule(mr.target)
    wanted = max(DEVELOPER, rule.merge or rule.push) if rule else DEVELOPER
    return project.level(account.id) >= wanted


def accept(project: Project, account: Account, mr: MergeRequest, *, sha: str | None, auto: bool) -> None:
    """Merge, or with `auto` and an unfinished pipeline note to merge when that has succeeded.

    A pipeline that is over does not hold an automatic merge up, whatever came of it, as at GitLab.

    Raises:
        Refusal: 401 not allowed, 405 not open or a draft or nothing to merge, 409 the head is another
            commit than `sha`, 422 conflicts.
    """
    if not may_merge(project, account, mr):
        raise refuse(401, "401 Unauthorized")
    status = mr_events.standing(project, mr)
    if status == "conflict":
        raise refuse(422, "Branch cannot be merged")
    if status != "mergeable":
        raise refuse(405, "405 Method Not Allowed")
    if sha is not None and sha != mr.sha:
        raise refuse(409, f"SHA does not match HEAD of source branch: {mr.sha}")
    pipeline = head_pipeline(project, mr)
    if auto and pipeline is not None and pipeline["status"] not in FINISHED:
        mr.auto_merge, mr.auto_merge_sha = account.id, mr.sha
        project.emit("merge_requests", mr_events.event(project, account, mr, "update"))
        return
    merge(project, account, mr)


def merge(project: Project, account: Account, mr: MergeRequest) -> None:
    """Write the merge commit and move the target branch; then everything that follows a push.

    Raises:
        Refusal: 422, conflicts, or the target moved in between.
    """
    git = project.git
    target = git.resolve(f"refs/heads/{mr.target}")
    by = Identity(account.name, account.email)
    try:
        tree = trees.merge(git, target, mr.sha)
        head = mr.sha
        if mr.squash:
            base = git.merge_base(target, mr.sha) or target
            head = trees.commit_tree(git, f"{mr.sha}^{{tree}}", (base,), mr.title, by)
            mr.squash_commit = head
        commit = trees.commit_tree(git, tree, (target, head), _message(project, mr), by)
        git.update(f"refs/heads/{mr.target}", commit, target)
    except (MergeConflict, GitError):
        raise refuse(422, "Branch cannot be merged") from None
    mr.merge_commit = commit
    mr_events.mark_merged(mr, account)
    changes = [Change(f"refs/heads/{mr.target}", target, commit)]
    source = f"refs/heads/{mr.source}"
    if mr.remove_source and project.branch_rule(mr.source) is None and source in git.refs():
        git.remove(source)
        changes.append(Change(source, mr.sha, ZERO))
    project.emit("merge_requests", mr_events.event(project, account, mr, "merge"))
    close_environments(project, account, mr)
    after_push(project, account, changes)


def _message(project: Project, mr: MergeRequest) -> str:
    if mr.merge_message:
        return mr.merge_message
    head = f"Merge branch '{mr.source}' into '{mr.target}'"
    return f"{head}\n\n{mr.title}\n\nSee merge request {project.path}!{mr.iid}\n"


def watch_pipelines(project: Project) -> None:
    """Merge what waits for its pipeline as soon as that has succeeded."""

    def changed(pipeline_id: int, sha: str, _ref: str, status: str) -> None:
        for mr in list(project.records.merge_requests.values()):
            account = project.instance.accounts.get(mr.auto_merge or 0)
            if mr.state != "opened" or account is None or mr.sha != sha or status != "success":
                continue
            pipeline = head_pipeline(project, mr)
            if pipeline is None or pipeline["id"] != pipeline_id:
                continue
            try:
                merge(project, account, mr)
            except Refusal as refusal:
                mr.auto_merge, mr.merge_error = None, str(refusal.body)

    project.on_pipeline = changed
