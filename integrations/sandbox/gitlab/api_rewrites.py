"""Reverts, cherry-picks and external commit statuses. Source: https://docs.gitlab.com/api/commits/"""

from __future__ import annotations

from integrations.sandbox.gitlab import shapes, trees, writing
from integrations.sandbox.gitlab.api_commits import find_commit
from integrations.sandbox.gitlab.errors import Refusal, missing, refuse
from integrations.sandbox.gitlab.git import EMPTY_TREE, Commit, MergeConflict
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import Fields, Status, iso, now

routes = Routes()
_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_DONE = ("success", "failed", "canceled", "skipped")


@routes.post("/projects/:id/repository/commits/:sha/revert")
def revert(call: Call) -> Reply:
    """Take a commit back on `branch`; of a merge, what it brought into its first parent."""
    commit = find_commit(call, call.names["sha"])
    parent = commit.parents[0] if commit.parents else EMPTY_TREE
    message = f'Revert "{commit.title}"\n\nThis reverts {_origin(call, commit)}'
    return _rewrite(call, "revert", (commit.sha, parent), message)


def _origin(call: Call, commit: Commit) -> str:
    for mr in call.project.records.merge_requests.values():
        if commit.sha in (mr.merge_commit, mr.squash_commit):
            return f"merge request !{mr.iid}"
    return f"commit {commit.sha}"


@routes.post("/projects/:id/repository/commits/:sha/cherry_pick")
def cherry_pick(call: Call) -> Reply:
    """Repeat a commit on `branch`; of a merge, what it brought into its first parent."""
    commit = find_commit(call, call.names["sha"])
    parent = commit.parents[0] if commit.parents else EMPTY_TREE
    message = f"{commit.message}\n\n(cherry picked from commit {commit.sha})"
    return _rewrite(call, "cherry-pick", (parent, commit.sha), call.params.text("message") or message)


def _rewrite(call: Call, what: str, step: tuple[str, str], message: str) -> Reply:
    """Apply on `branch` what changed from one commit to the other."""
    branch, git = call.params.needed("branch"), call.project.git
    dry_run = call.params.flag("dry_run")
    writing.may_write(call, branch)
    head = git.refs().get(f"refs/heads/{branch}")
    if head is None:
        raise missing("Branch")
    try:
        tree = trees.three_way(git, step[0], head, step[1])
    except MergeConflict:
        raise _sorry(what, "conflict") from None
    if tree == git.commit(head).tree:
        raise _sorry(what, "empty")
    if dry_run:
        return Reply({"dry_run": "success"})
    sha = writing.put(call, branch, tree, (head,), head, message)
    return created(shapes.commit(call.project, git.commit(sha)))


def _sorry(what: str, code: str) -> Refusal:
    done = {"revert": "reverted", "cherry-pick": "cherry-picked"}[what]
    message = (
        f"Sorry, we cannot {what} this commit automatically. This commit may already have been {done}, "
        "or a more recent commit may have updated some of its content."
    )
    return Refusal(400, {"message": message, "error_code": code})


@routes.get("/projects/:id/repository/commits/:sha/statuses")
def statuses(call: Call) -> Page:
    """The external statuses of a commit, by `ref` and `name`."""
    sha = find_commit(call, call.names["sha"]).sha
    ref, name = call.params.optional("ref"), call.params.optional("name")
    rows = [
        each
        for each in call.project.records.statuses
        if each.sha == sha and ref in (None, each.ref) and name in (None, each.name)
    ]
    return paged(rows, lambda each: _status(call, each))


def _status(call: Call, it: Status) -> Fields:
    return {
        "id": it.id,
        "sha": it.sha,
        "ref": it.ref,
        "status": it.state,
        "name": it.name,
        "target_url": it.target_url,
        "description": it.description,
        "created_at": iso(it.created),
        "started_at": iso(it.started),
        "finished_at": iso(it.finished),
        "allow_failure": False,
        "coverage": it.coverage,
        "pipeline_id": None,
        "author": shapes.user(call.instance, it.author),
    }


@routes.post("/projects/:id/statuses/:sha")
def set_status(call: Call) -> Reply:
    """Set the status of `(sha, ref, name)`; the same one again is 400, as at GitLab."""
    call.params.require("state")
    state = call.params.choice("state", _STATES, "")
    sha = find_commit(call, call.names["sha"]).sha
    ref = call.params.text("ref") or call.project.default_branch
    name = call.params.text("name") or call.params.text("context") or "default"
    rows = call.project.records.statuses
    it = next((each for each in rows if (each.sha, each.ref, each.name) == (sha, ref, name)), None)
    if it is None:
        it = Status(next(call.instance.ids), sha, ref, name, "", call.user.id, now())
        rows.append(it)
    elif it.state == state:
        raise refuse(400, f"Cannot transition status via :enqueue from :{state}")
    it.state = state
    it.description = call.params.optional("description")
    it.target_url = call.params.optional("target_url")
    it.coverage = call.params.number("coverage")
    it.started = it.started or (now() if state != "pending" else None)
    it.finished = now() if state in _DONE else None
    return created(_status(call, it))
