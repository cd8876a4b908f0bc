"""Issues and milestones. Source: https://docs.gitlab.com/api/issues/, /api/milestones/"""

from __future__ import annotations

from integrations.sandbox.gitlab import listing, mr_shapes, payloads
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import GUEST, REPORTER, Issue, Milestone, now

routes = Routes()
_ONE = "/projects/:id/issues/:iid"


def _find(call: Call) -> Issue:
    issue = call.project.records.issues.get(call.number("iid"))
    if issue is None:
        raise missing("Not found")
    return issue


def _emit(call: Call, issue: Issue, action: str, changes: dict[str, object] | None = None) -> None:
    call.project.emit("issues", payloads.issue_event(call.project, call.user, issue, action, changes))


@routes.get("/projects/:id/issues", GUEST)
def issues(call: Call) -> Page:
    """All that fit, the youngest first."""
    state = call.params.choice("state", ("opened", "closed", "all"), "all")
    iids = call.params.integers("iids")
    rows = [
        each
        for each in call.project.records.issues.values()
        if state in ("all", each.state) and (iids is None or each.iid in iids) and listing.fits(call, each)
    ]
    return paged(listing.ordered(call, rows), lambda each: mr_shapes.issue(call.project, each))


@routes.get(_ONE, GUEST)
def issue(call: Call) -> Reply:
    """One issue."""
    return Reply(mr_shapes.issue(call.project, _find(call)))


@routes.post("/projects/:id/issues", GUEST)
def create_issue(call: Call) -> Reply:
    """Write one."""
    records, moment = call.project.records, now()
    title = call.params.needed("title")
    made = Issue(
        next(call.instance.ids),
        records.next_iid(records.issues),
        title,
        "",
        call.user.id,
        moment,
        moment,
        due=call.params.optional("due_date"),
        confidential=call.params.flag("confidential"),
    )
    listing.edit(call, made)
    records.issues[made.iid] = made
    _emit(call, made, "open")
    return created(mr_shapes.issue(call.project, made))


@routes.put(_ONE, REPORTER)
def update_issue(call: Call) -> Reply:
    """Change it; `state_event`: close or reopen."""
    it = _find(call)
    event = call.params.choice("state_event", ("", "close", "reopen"), "")
    before, labels = {"title": it.title, "description": it.description}, list(it.labels)
    listing.edit(call, it)
    it.due = call.params.text("due_date", it.due or "") or None
    after = {"title": it.title, "description": it.description}
    changes = listing.changes(call, it, before, after, labels)
    if changes:
        _emit(call, it, "update", changes)
    if event == "close" and it.state == "opened":
        it.state, it.closed, it.closed_by = "closed", now(), call.user.id
        _emit(call, it, "close")
    elif event == "reopen" and it.state == "closed":
        it.state, it.closed, it.closed_by = "opened", None, None
        _emit(call, it, "reopen")
    return Reply(mr_shapes.issue(call.project, it))


@routes.get("/projects/:id/milestones")
def milestones(call: Call) -> Page:
    """All, or by `state`, `title` (exact) or `search`."""
    state, title = call.params.optional("state"), call.params.optional("title")
    search = call.params.text("search").lower()
    rows = [
        each
        for each in call.project.records.milestones.values()
        if state in (None, each.state) and title in (None, each.title) and search in each.title.lower()
    ]
    return paged(rows, lambda each: mr_shapes.milestone(call.project, each))


def _milestone(call: Call) -> Milestone:
    number = call.number("milestone_id")
    for each in call.project.records.milestones.values():
        if each.id == number:
            return each
    raise missing("Milestone")


@routes.get("/projects/:id/milestones/:milestone_id")
def milestone(call: Call) -> Reply:
    """One milestone, by its id."""
    return Reply(mr_shapes.milestone(call.project, _milestone(call)))


@routes.post("/projects/:id/milestones")
def create_milestone(call: Call) -> Reply:
    """A new one; its title is its natural key."""
    records, title, moment = call.project.records, call.params.needed("title"), now()
    if any(each.title == title for each in records.milestones.values()):
        raise refuse(400, {"title": ["already being used for another group or project milestone."]})
    iid = records.next_iid(records.milestones)
    made = Milestone(next(call.instance.ids), iid, title, "", moment, moment)
    _edit(call, made)
    records.milestones[iid] = made
    return created(mr_shapes.milestone(call.project, made))


@routes.put("/projects/:id/milestones/:milestone_id")
def update_milestone(call: Call) -> Reply:
    """Change it; `state_event`: close or activate."""
    it = _milestone(call)
    it.title = call.params.text("title", it.title)
    event = call.params.choice("state_event", ("", "close", "activate"), "")
    it.state = {"": it.state, "close": "closed", "activate": "active"}[event]
    _edit(call, it)
    return Reply(mr_shapes.milestone(call.project, it))


def _edit(call: Call, it: Milestone) -> None:
    it.description = call.params.text("description", it.description)
    it.due = call.params.text("due_date", it.due or "") or None
    it.start = call.params.text("start_date", it.start or "") or None
    it.updated = now()
