"""Merge requests: find, open, change, approve, merge. Source: https://docs.gitlab.com/api/merge_requests/"""

from __future__ import annotations

from integrations.sandbox.gitlab import diffs, listing, merging, mr_events, mr_shapes, reviews, shapes
from integrations.sandbox.gitlab.errors import Refusal, bad_request, missing, refuse
from integrations.sandbox.gitlab.pushes import close_environments, start_for
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import MergeRequest, now

routes = Routes()
_ONE = "/projects/:id/merge_requests/:iid"
_STATES = ("opened", "closed", "merged", "locked", "all")


def find(call: Call) -> MergeRequest:
    """The merge request that the path names."""
    mr = call.project.records.merge_requests.get(call.number("iid"))
    if mr is None:
        raise missing("Not found")
    return mr


@routes.get("/projects/:id/merge_requests")
def merge_requests(call: Call) -> Page:
    """All that fit, the youngest first unless `order_by` and `sort` say otherwise."""
    params = call.params
    state = params.choice("state", _STATES, "all")
    iids = params.integers("iids")
    plain = {"source_branch": "source", "target_branch": "target"}
    rows = [
        mr
        for mr in call.project.records.merge_requests.values()
        if state in ("all", mr.state)
        and (iids is None or mr.iid in iids)
        and all(params.optional(name) in (None, getattr(mr, field)) for name, field in plain.items())
        and listing.fits(call, mr)
    ]
    return paged(listing.ordered(call, rows), lambda mr: mr_shapes.basic(call.project, mr))


@routes.get(_ONE)
def merge_request(call: Call) -> Reply:
    """One merge request."""
    return _reply(call, find(call))


def _reply(call: Call, mr: MergeRequest) -> Reply:
    return Reply(mr_shapes.full(call.project, mr, call.user))


@routes.post("/projects/:id/merge_requests")
def open_merge_request(call: Call) -> Reply:
    """Open one; 409 if there is an open one for the same two branches."""
    call.params.require("title", "source_branch", "target_branch")
    params, project = call.params, call.project
    source, target = params.text("source_branch"), params.text("target_branch")
    heads = project.git.refs()
    if source == target:
        raise refuse(422, ["You can't use same project/branch for source and target"])
    for what, name in (("Source", source), ("Target", target)):
        if f"refs/heads/{name}" not in heads:
            raise refuse(400, {f"{what.lower()}_branch": [f'"{name}" does not exist']})
    _refuse_second(call, source, target)
    records, moment = project.records, now()
    head = heads[f"refs/heads/{source}"]
    base = project.git.merge_base(heads[f"refs/heads/{target}"], head) or head
    mr = MergeRequest(
        next(call.instance.ids),
        records.next_iid(records.merge_requests),
        params.text("title"),
        params.text("description"),
        source,
        target,
        call.user.id,
        head,
        base,
        moment,
        moment,
        squash=params.flag("squash"),
        remove_source=params.flag("remove_source_branch"),
    )
    listing.edit(call, mr)
    mr.reviewers = listing.reviewers(call, mr)
    records.merge_requests[mr.iid] = mr
    project.git.update(f"refs/merge-requests/{mr.iid}/head", head)
    project.emit("merge_requests", mr_events.event(project, call.user, mr, "open"))
    start_for(project, call.user, mr)
    return created(mr_shapes.full(project, mr, call.user))


def _refuse_second(call: Call, source: str, target: str) -> None:
    for mr in call.project.records.merge_requests.values():
        if mr.state == "opened" and (mr.source, mr.target) == (source, target):
            raise refuse(
                409, [f"Another open merge request already exists for this source branch: !{mr.iid}"]
            )


@routes.put(_ONE)
def update_merge_request(call: Call) -> Reply:
    """Change the title, the text, the target, people, labels; `state_event`: close or reopen."""
    mr, params, project = find(call), call.params, call.project
    event = params.choice("state_event", ("", "close", "reopen"), "")
    if len(params.values) == 0:
        raise bad_request("at least one parameter must be provided")
    before = {"title": mr.title, "description": mr.description, "target_branch": mr.target, "draft": mr.draft}
    labels = list(mr.labels)
    target = params.text("target_branch", mr.target)
    if f"refs/heads/{target}" not in project.git.refs():
        raise refuse(400, {"target_branch": [f'"{target}" does not exist']})
    mr.target = target
    listing.edit(call, mr)
    mr.reviewers = listing.reviewers(call, mr)
    mr.squash = params.flag("squash", mr.squash)
    mr.remove_source = params.flag("remove_source_branch", mr.remove_source)
    after = {"title": mr.title, "description": mr.description, "target_branch": mr.target, "draft": mr.draft}
    changes = listing.changes(call, mr, before, after, labels)
    if changes:
        project.emit("merge_requests", mr_events.event(project, call.user, mr, "update", changes=changes))
    _change_state(call, mr, event)
    return _reply(call, mr)


def _change_state(call: Call, mr: MergeRequest, event: str) -> None:
    if event == "close" and mr.state == "opened":
        mr.state, mr.closed, mr.closed_by, mr.auto_merge = "closed", now(), call.user.id, None
        close_environments(call.project, call.user, mr)
    elif event == "reopen" and mr.state == "closed":
        _refuse_second(call, mr.source, mr.target)
        mr.state, mr.closed, mr.closed_by = "opened", None, None
        mr.sha = call.project.git.refs().get(f"refs/heads/{mr.source}", mr.sha)
    else:
        return
    mr.updated = now()
    call.project.emit("merge_requests", mr_events.event(call.project, call.user, mr, event))


def _range(call: Call, mr: MergeRequest) -> tuple[str, str]:
    return mr_shapes.refs(call.project, mr)[0], mr.sha


@routes.get(f"{_ONE}/changes")
def changes(call: Call) -> Reply:
    """The merge request with its files."""
    mr = find(call)
    files = diffs.diff(call.project.git, *_range(call, mr))
    return Reply({**mr_shapes.full(call.project, mr, call.user), "changes": files, "overflow": False})


@routes.get(f"{_ONE}/diffs")
def files(call: Call) -> Page:
    """What it changes, a file a row."""
    return Page(diffs.diff(call.project.git, *_range(call, find(call))))


@routes.get(f"{_ONE}/commits")
def commits(call: Call) -> Page:
    """Its commits, newest first."""
    old, new = _range(call, find(call))
    return paged(call.project.git.log(f"{old}..{new}"), lambda each: shapes.commit(call.project, each))


@routes.get(f"{_ONE}/participants")
def participants(call: Call) -> Page:
    """The author and everybody who wrote."""
    mr = find(call)
    ids = dict.fromkeys([mr.author, *mr.assignees, *(note.author for note in mr.notes)])
    return paged(ids, lambda each: shapes.user(call.instance, each))


@routes.get(f"{_ONE}/reviewers")
def reviewers(call: Call) -> Page:
    """Who reviews it, and what they made of it."""
    return Page(reviews.listed(call, find(call)))


@routes.get(f"{_ONE}/approvals")
def approvals(call: Call) -> Reply:
    """Who approved."""
    return Reply(mr_shapes.approvals(call.project, find(call), call.user))


@routes.post(f"{_ONE}/approve")
def approve(call: Call) -> Reply:
    """Approve; with `sha` only that head (409). 401 if one has already, or it is not open."""
    mr, sha = find(call), call.params.optional("sha")
    if sha is not None and sha != mr.sha:
        raise refuse(409, f"SHA does not match HEAD of source branch: {mr.sha}")
    if call.user.id in mr.approvals or mr.state != "opened":
        raise refuse(401, "401 Unauthorized")
    mr.approvals[call.user.id] = mr.updated = now()
    mr.review_states[call.user.id] = "approved"
    call.project.emit("merge_requests", mr_events.event(call.project, call.user, mr, "approved"))
    return created(mr_shapes.approvals(call.project, mr, call.user))


@routes.post(f"{_ONE}/unapprove")
def unapprove(call: Call) -> Reply:
    """Take the approval back; 404 if there is none."""
    mr = find(call)
    if mr.approvals.pop(call.user.id, None) is None:
        raise missing("Not found")
    mr.review_states[call.user.id], mr.updated = "unapproved", now()
    call.project.emit("merge_requests", mr_events.event(call.project, call.user, mr, "unapproved"))
    return created(mr_shapes.approvals(call.project, mr, call.user))


@routes.put(f"{_ONE}/merge")
def merge(call: Call) -> Reply:
    """Merge now, or with `auto_merge` as soon as the pipeline has succeeded. See `merging.accept`."""
    mr, params = find(call), call.params
    auto = params.flag("auto_merge") or params.flag("merge_when_pipeline_succeeds")
    before = (mr.squash, mr.remove_source, mr.merge_message)
    mr.squash = params.flag("squash", mr.squash)
    mr.remove_source = params.flag("should_remove_source_branch", mr.remove_source)
    mr.merge_message = params.text("merge_commit_message", mr.merge_message)
    try:
        merging.accept(call.project, call.user, mr, sha=params.optional("sha"), auto=auto)
    except Refusal:
        mr.squash, mr.remove_source, mr.merge_message = before
        raise
    return _reply(call, mr)


@routes.post(f"{_ONE}/cancel_merge_when_pipeline_succeeds")
def cancel_auto_merge(call: Call) -> Reply:
    """Do not merge by itself any more; 406 if that was not asked for."""
    mr = find(call)
    if mr.auto_merge is None:
        raise refuse(406, "406 Not Acceptable")
    mr.auto_merge, mr.updated = None, now()
    return created({"status": "success"})


@routes.get(f"{_ONE}/pipelines")
def pipelines(call: Call) -> Page:
    """The pipelines of its head: its own and the branch's."""
    mr, ci = find(call), call.project.ci
    refs = (f"refs/merge-requests/{mr.iid}/head", mr.source)
    found = [ci.latest(ref=ref, sha=mr.sha) for ref in refs] if ci else []
    return Page([shapes.pipeline(each) for each in found if each is not None])


@routes.post(f"{_ONE}/pipelines")
def start_pipeline(call: Call) -> Reply:
    """Start its pipeline; 400 where its rules want none."""
    started = start_for(call.project, call.user, find(call))
    if started is None:
        raise refuse(400, {"base": ["No stages / jobs for this pipeline."]})
    return created(started)


@routes.get("/projects/:id/repository/commits/:sha/merge_requests")
def merge_requests_of_commit(call: Call) -> Page:
    """The merge requests that a commit came with or that made it."""
    git = call.project.git
    found: list[MergeRequest] = []
    try:
        sha = git.resolve(call.names["sha"])
    except KeyError:
        raise missing("Commit") from None
    for mr in call.project.records.merge_requests.values():
        own = {mr.merge_commit, mr.squash_commit}
        if sha in own or any(each.sha == sha for each in git.log(f"{_range(call, mr)[0]}..{mr.sha}")):
            found.append(mr)
    return paged(found, lambda mr: mr_shapes.basic(call.project, mr))


@routes.get("/projects/:id/deployments/:deployment_id/merge_requests")
def merge_requests_of_deployment(call: Call) -> Page:
    """The merge requests that came to the environment with a deployment and not with the one before."""
    git, ci = call.project.git, call.project.ci
    shipped = ci.deployed(call.number("deployment_id")) if ci else None
    if shipped is None:
        raise missing("Deployment")
    sha, before = shipped
    found = [
        mr
        for mr in call.project.records.merge_requests.values()
        if (own := mr.merge_commit or mr.squash_commit or mr.sha)
        and mr.state == "merged"
        and git.is_ancestor(own, sha)
        and not (before and git.is_ancestor(own, before))
    ]
    return paged(found, lambda mr: mr_shapes.basic(call.project, mr))
