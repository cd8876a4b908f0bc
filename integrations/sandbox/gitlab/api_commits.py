"""Commits, comparison, the tree. Source: https://docs.gitlab.com/api/commits/, /api/repositories/"""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.sandbox.gitlab import diffs, shapes
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.git import Commit, GitError
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, paged

routes = Routes()
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def find_commit(call: Call, name: str) -> Commit:
    """The commit of a sha, a branch or a tag; 404 otherwise."""
    try:
        return call.project.git.commit(call.project.git.resolve(name))
    except KeyError:
        raise missing("Commit") from None


@routes.get("/projects/:id/repository/commits")
def commits(call: Call) -> Page:
    """The history of `ref_name` (a ref, or `from..to`), newest first; `since`, `until`, `path`, `author`."""
    git, params = call.project.git, call.params
    if not git.refs():
        return Page([])
    arguments: list[str] = []
    since, until = params.time("since") or _EVER[0], params.time("until") or _EVER[1]
    if params.text("author"):
        arguments.append(f"--author={params.text('author')}")
    if params.flag("first_parent"):
        arguments.append("--first-parent")
    start = params.text("ref_name") or call.project.default_branch
    try:
        if ".." in start:
            old, _, new = start.partition("..")
            arguments.append(f"{git.resolve(old)}..{git.resolve(new)}")
        else:
            arguments.append("--all" if params.flag("all") else git.resolve(start))
    except KeyError:
        raise missing("Reference") from None
    path = params.text("path")
    listed = git.log(*arguments, *(["--", path] if path else []))
    found = [each for each in listed if since <= datetime.fromisoformat(each.committed) <= until]
    return paged(found, lambda commit: shapes.commit(call.project, commit))


@routes.get("/projects/:id/repository/commits/:sha")
def commit(call: Call) -> Reply:
    """One commit, with its statistics, its status and its newest pipeline."""
    found = find_commit(call, call.names["sha"])
    latest = call.project.ci.latest(sha=found.sha) if call.project.ci else None
    return Reply(
        {
            **shapes.commit(call.project, found),
            "stats": diffs.stats(call.project.git, found.sha),
            "status": latest["status"] if latest else None,
            "project_id": call.project.project_id,
            "last_pipeline": shapes.pipeline(latest) if latest else None,
        }
    )


@routes.get("/projects/:id/repository/commits/:sha/diff")
def commit_diff(call: Call) -> Page:
    """What a commit changed, against its first parent."""
    found = find_commit(call, call.names["sha"])
    old = found.parents[0] if found.parents else None
    return Page(diffs.diff(call.project.git, old, found.sha))


@routes.get("/projects/:id/repository/commits/:sha/refs")
def commit_refs(call: Call) -> Page:
    """The branches and tags that have the commit in their history."""
    found = find_commit(call, call.names["sha"])
    kind = call.params.choice("type", ("all", "branch", "tag"), "all")
    rows: list[object] = []
    for each in ("branch", "tag"):
        if kind in ("all", each):
            listed = call.project.git.text(each, "--contains", found.sha, "--format=%(refname:lstrip=2)")
            rows += [{"type": each, "name": name} for name in listed.splitlines()]
    return Page(rows)


@routes.get("/projects/:id/repository/merge_base")
def merge_base(call: Call) -> Reply:
    """The best common ancestor of all `refs`."""
    names = call.params.strings("refs") or []
    if len(names) < 2:
        raise refuse(400, "Provide at least 2 refs")
    shas: list[str] = []
    for name in names:
        try:
            shas.append(call.project.git.resolve(name))
        except KeyError:
            raise refuse(400, f"Could not find ref: {name}") from None
    base = call.project.git.text("merge-base", *shas, ok=(0, 1))
    if not base:
        raise missing("Merge Base")
    return Reply(shapes.commit(call.project, call.project.git.commit(base)))


@routes.get("/projects/:id/repository/compare")
def compare(call: Call) -> Reply:
    """The commits of `to` that `from` has not, oldest first, and the difference of the content: since their
    common ancestor, or with `straight` from one to the other."""
    call.params.require("from", "to")
    git = call.project.git
    try:
        old, new = git.resolve(call.params.text("from")), git.resolve(call.params.text("to"))
    except KeyError:
        raise missing("Ref") from None
    straight = call.params.flag("straight")
    base = old if straight else (git.merge_base(old, new) or old)
    listed = git.log("--reverse", f"{old}..{new}")
    return Reply(
        {
            "commit": shapes.commit(call.project, listed[-1]) if listed else None,
            "commits": [shapes.commit(call.project, each) for each in listed],
            "diffs": diffs.diff(git, base, new),
            "compare_timeout": False,
            "compare_same_ref": old == new,
            "web_url": f"{call.project.web_url}/-/compare/{old}...{new}",
        }
    )


@routes.get("/projects/:id/repository/tree")
def tree(call: Call) -> Page:
    """The files and folders at `ref` below `path`; `recursive` goes down."""
    git, path = call.project.git, call.params.text("path").strip("/")
    if not git.refs():
        raise missing("Tree")
    try:
        sha = git.resolve(call.params.text("ref") or call.project.default_branch)
        flags = ["-r", "-t"] if call.params.flag("recursive") else []
        listed = git.text("ls-tree", "-z", *flags, f"{sha}:{path}")
    except (KeyError, GitError):
        raise missing("Tree") from None
    rows: list[object] = []
    for line in filter(None, listed.split("\0")):
        facts, _, name = line.partition("\t")
        mode, kind, blob = facts.split(" ")
        full = f"{path}/{name}" if path else name
        rows.append({"id": blob, "name": full.rpartition("/")[2], "type": kind, "path": full, "mode": mode})
    return Page(rows)
