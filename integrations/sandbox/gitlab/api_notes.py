"""Comments on merge requests and issues. Source: https://docs.gitlab.com/api/notes/"""

from __future__ import annotations

from integrations.sandbox.gitlab import mr_events, mr_shapes, reviews
from integrations.sandbox.gitlab.errors import forbidden, missing
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import MAINTAINER, REPORTER, Issue, MergeRequest, Note, now

routes = Routes()


def _item(call: Call) -> MergeRequest | Issue:
    records = call.project.records
    kind = records.merge_requests if call.names["kind"] == "merge_requests" else records.issues
    item = kind.get(call.number("iid"))
    if item is None:
        raise missing("Not found")
    return item


def _note(call: Call) -> tuple[MergeRequest | Issue, Note]:
    item, number = _item(call), call.number("note_id")
    found = next((note for note in item.notes if note.id == number), None)
    if found is None:
        raise missing("Note")
    return item, found


_ALL = "/projects/:id/(?P<kind>merge_requests|issues)/:iid/notes"
_ONE = f"{_ALL}/:note_id"


@routes.get(_ALL)
def notes(call: Call) -> Page:
    """All comments, newest first unless `order_by` and `sort` say otherwise."""
    item = _item(call)
    by = call.params.choice("order_by", ("created_at", "updated_at"), "created_at")
    down = call.params.choice("sort", ("asc", "desc"), "desc") == "desc"
    rows = sorted(
        item.notes,
        key=lambda note: (note.created if by == "created_at" else note.updated, note.id),
        reverse=down,
    )
    return paged(rows, lambda note: mr_shapes.note(call.project, note, item))


@routes.get(_ONE)
def note(call: Call) -> Reply:
    """One comment."""
    item, found = _note(call)
    return Reply(mr_shapes.note(call.project, found, item))


@routes.post(_ALL, REPORTER)
def create_note(call: Call) -> Reply:
    """Write one."""
    body, item = call.params.needed("body"), _item(call)
    if isinstance(item, MergeRequest) and (acted := reviews.quick_action(call, item, body)):
        return acted
    moment = now()
    made = Note(next(call.instance.ids), body, call.user.id, moment, moment)
    item.notes.append(made)
    item.updated = moment
    call.project.emit("note", mr_events.note_event(call.project, call.user, made, item, "create"))
    return created(mr_shapes.note(call.project, made, item))


@routes.put(_ONE, REPORTER)
def update_note(call: Call) -> Reply:
    """Change one's own."""
    body, (item, found) = call.params.needed("body"), _note(call)
    if found.author != call.user.id and call.level < MAINTAINER:
        raise forbidden()
    found.body, found.updated = body, now()
    call.project.emit("note", mr_events.note_event(call.project, call.user, found, item, "update"))
    return Reply(mr_shapes.note(call.project, found, item))


@routes.delete(_ONE, REPORTER)
def delete_note(call: Call) -> Reply:
    """Delete one's own."""
    item, found = _note(call)
    if found.author != call.user.id and call.level < MAINTAINER:
        raise forbidden()
    item.notes.remove(found)
    return NOTHING
