"""Issues: create, read, edit, delete, transitions, comments and properties."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.jira import edits
from integrations.sandbox.jira.app import Answer, Call, Table
from integrations.sandbox.jira.body import Json, as_object, need_list, need_object, wrong
from integrations.sandbox.jira.state import Comment, Issue, Problem


def _properties(body: Json) -> Json:
    given = [as_object(one) for one in need_list(body.get("properties"), "properties")]
    return {str(one.get("key", "")): one.get("value") for one in given}


def create(call: Call) -> Answer:
    """One issue, in the workflow's first status; its properties come with it or not at all."""
    body = call.object()
    fields = need_object(body.get("fields"), "fields")
    state = call.state
    project = next((key for key in state.projects if _is_project(call, key, fields.get("project"))), None)
    errors: dict[str, str] = {}
    if project is None:
        raise wrong("project", "Specify a valid project ID or key")
    if "issuetype" not in fields:
        errors["issuetype"] = "Specify an issue type"
    if "summary" not in fields:
        errors["summary"] = "You must specify a summary of the issue."
    try:
        values = edits.Fields(state, project).read(fields, creating=True)
    except Problem as problem:
        errors |= problem.errors
        values = {}
    if errors:
        raise Problem(400, errors=errors)
    parent = _parent(call, project, fields.get("parent"), str(values["issuetype"]))
    values.setdefault("reporter", call.actor)
    now = state.now()
    issue = Issue(
        id=state.next_id(),
        key=state.next_key(project),
        project=project,
        creator=call.actor,
        created=now,
        updated=now,
        parent=parent,
        properties=_properties(body),
        **values,
    )
    state.add(issue)
    call.hooks.issue_created(issue, call.actor)
    return 201, call.wire.ids(issue)


def _parent(call: Call, project: str, given: Any, kind: str) -> str:
    """The key of the parent, which a sub-task must have: in its own project, and no sub-task itself."""
    asked = need_object(given, "parent")
    if not asked:
        if kind == "Sub-task":
            raise wrong("parent", "Issue type is a sub-task but parent issue key or id not specified.")
        return ""
    wanted = str(asked.get("key") or asked.get("id") or "")
    try:
        parent = call.state.issue(wanted)
    except Problem:
        raise wrong("parent", "Could not find issue by id or key.") from None
    if kind != "Sub-task" or parent.issuetype == "Sub-task" or parent.project != project:
        raise wrong("parent", f"Given parent issue '{parent.key}' does not belong to appropriate hierarchy.")
    return parent.key


def _is_project(call: Call, key: str, asked: Any) -> bool:
    given = as_object(asked)
    return given.get("key") == key or str(given.get("id", "")) == call.state.project_ids[key]


def read(call: Call) -> Answer:
    """An issue with the fields, properties and expansions asked for."""
    issue = call.state.issue(call.path["issue"])
    fields = call.listed("fields") or ["*all"]
    expand, properties = call.listed("expand"), call.listed("properties")
    return 200, call.wire.issue(issue, fields, expand=expand, properties=properties)


def edit(call: Call) -> Answer:
    """Set fields and apply operations; all or nothing."""
    issue = call.state.issue(call.path["issue"])
    body = call.object()
    if not {"fields", "update", "properties"} & set(body):
        raise Problem(400, "one of 'fields' or 'update' required")
    reader = edits.Fields(call.state, issue.project)
    fields, update = need_object(body.get("fields"), "fields"), need_object(body.get("update"), "update")
    if both := set(fields) & set(update):
        raise Problem(400, f"Field '{both.pop()}' appears in both 'fields' and 'update'.")
    values = reader.read(fields) | reader.operated(issue, update)
    issue.properties |= _properties(body)
    items = edits.apply(call.state, issue, values)
    if items:
        change = call.state.touch(issue, call.actor, items)
        call.hooks.issue_updated(issue, call.actor, change, "issue_updated")
    return 204, None


def delete(call: Call) -> Answer:
    """The issue and its links are gone; its sub-tasks only if `deleteSubtasks` says so."""
    issue = call.state.issue(call.path["issue"])
    parts = call.state.subtasks(issue.key)
    if parts and call.query.get("deleteSubtasks") != "true":
        raise Problem(
            400,
            f"The issue '{issue.key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to "
            "delete this issue and all its subtasks.",
        )
    for gone in (*parts, issue):
        call.state.remove(gone)
        call.hooks.issue_deleted(gone, call.actor)
    return 204, None


def transitions(call: Call) -> Answer:
    """The ways out of the present status."""
    issue = call.state.issue(call.path["issue"])
    fields = "transitions.fields" in call.listed("expand")
    ways = [call.wire.transition(way, fields=fields) for way in call.state.ways_from(issue)]
    return 200, {"expand": "transitions", "transitions": ways}


def transition(call: Call) -> Answer:
    """Take a way: 400 if there is none of that id, 409 if it does not start in the present status."""
    issue = call.state.issue(call.path["issue"])
    body = call.object()
    id_ = str(need_object(body.get("transition"), "transition").get("id", ""))
    way = next((way for way in call.state.transitions if way.id == id_), None)
    if way is None:
        raise wrong("transition", f"Transition id '{id_}' is not valid for this issue.")
    if issue.status not in way.sources:
        raise Problem(
            409,
            f"It seems that you have tried to perform a workflow operation ({way.name}) that is not valid "
            f"for the current state of this issue ({issue.key}). The likely cause is that somebody has "
            "changed the issue recently, please look at the issue history for details.",
        )
    fields = need_object(body.get("fields"), "fields")
    if unknown := set(fields) - {"resolution"}:
        name = unknown.pop()
        raise wrong(name, f"Field '{name}' cannot be set. It is not on the appropriate screen.")
    resolution = str(need_object(fields.get("resolution"), "resolution").get("name", ""))
    if resolution and resolution not in call.state.resolutions:
        raise wrong("resolution", f"Resolution '{resolution}' is not valid.")
    items = edits.move(call.state, issue, way.target, resolution)
    change = call.state.touch(issue, call.actor, items)
    call.hooks.issue_updated(issue, call.actor, change)
    return 204, None


def comments(call: Call) -> Answer:
    """A page of an issue's comments, oldest first unless `orderBy=-created`."""
    issue = call.state.issue(call.path["issue"])
    found = issue.comments[::-1] if call.query.get("orderBy", "").startswith("-") else issue.comments
    start, most = call.number("startAt", 0), call.number("maxResults", 50)
    with_properties = "properties" in call.listed("expand")
    page = [
        call.wire.comment(issue.id, comment, properties=with_properties)
        for comment in found[start : start + most]
    ]
    return 200, {"startAt": start, "maxResults": most, "total": len(found), "comments": page}


def add_comment(call: Call) -> Answer:
    """A comment, with its properties if given."""
    issue = call.state.issue(call.path["issue"])
    body = call.object()
    now = call.state.now()
    text = _comment_text(body)
    comment = Comment(call.state.next_id(), call.actor, text, now, now, _properties(body))
    issue.comments.append(comment)
    issue.updated = max(issue.updated, now)
    call.state.revision += 1
    call.hooks.comment("comment_created", issue, comment, call.actor)
    return 201, call.wire.comment(issue.id, comment, properties=True)


def _comment_text(body: Json) -> str:
    text = body.get("body")
    if not isinstance(text, str) or not text.strip():
        raise wrong("comment", "Comment body can not be empty!")
    if len(text) > 32_767:
        raise wrong("comment", "The entered text is too long. It exceeds the allowed limit.")
    return text


def _comment(call: Call) -> tuple[Issue, Comment]:
    issue = call.state.issue(call.path["issue"])
    for comment in issue.comments:
        if comment.id == call.path["comment"]:
            return issue, comment
    raise Problem(404, f"Can not find a comment for the id: {call.path['comment']}.")


def read_comment(call: Call) -> Answer:
    """One comment."""
    issue, comment = _comment(call)
    with_properties = "properties" in call.listed("expand")
    return 200, call.wire.comment(issue.id, comment, properties=with_properties)


def edit_comment(call: Call) -> Answer:
    """Replace a comment's text."""
    issue, comment = _comment(call)
    body = call.object()
    comment.body = _comment_text(body)
    comment.properties |= _properties(body)
    comment.updated = issue.updated = call.state.now()
    call.state.revision += 1
    call.hooks.comment("comment_updated", issue, comment, call.actor)
    return 200, call.wire.comment(issue.id, comment)


def delete_comment(call: Call) -> Answer:
    """A comment is gone."""
    issue, comment = _comment(call)
    issue.comments.remove(comment)
    issue.updated = call.state.now()
    call.state.revision += 1
    call.hooks.comment("comment_deleted", issue, comment, call.actor)
    return 204, None


def comment_property(call: Call) -> Answer:
    """One property of a comment, found by the comment's id alone."""
    id_, name = call.path["comment"], call.path["property"]
    for issue in call.state.issues.values():
        for comment in issue.comments:
            if comment.id == id_ and name in comment.properties:
                return 200, {"key": name, "value": comment.properties[name]}
    raise Problem(404, f"Comment property with key '{name}' does not exist.")


def property_keys(call: Call) -> Answer:
    """The names of an issue's properties."""
    issue = call.state.issue(call.path["issue"])
    url = f"{call.wire.api}/issue/{issue.id}/properties"
    return 200, {"keys": [{"key": key, "self": f"{url}/{key}"} for key in issue.properties]}


def read_property(call: Call) -> Answer:
    """One property."""
    issue, name = call.state.issue(call.path["issue"]), call.path["property"]
    if name not in issue.properties:
        raise Problem(404, f"The property with key '{name}' does not exist.")
    return 200, {"key": name, "value": issue.properties[name]}


def set_property(call: Call) -> Answer:
    """Set a property: 201 if it is new, else 200. Neither history nor webhook, as on Cloud."""
    issue, name = call.state.issue(call.path["issue"]), call.path["property"]
    if len(name) > 255:
        raise Problem(400, "The property key is too long.")
    status = 200 if name in issue.properties else 201
    issue.properties[name] = call.body
    return status, None


def delete_property(call: Call) -> Answer:
    """A property is gone."""
    issue, name = call.state.issue(call.path["issue"]), call.path["property"]
    if issue.properties.pop(name, None) is None:
        raise Problem(404, f"The property with key '{name}' does not exist.")
    return 204, None


TABLE: Table = [
    ("POST", "/issue", create),
    ("GET", "/issue/{issue}", read),
    ("PUT", "/issue/{issue}", edit),
    ("DELETE", "/issue/{issue}", delete),
    ("GET", "/issue/{issue}/transitions", transitions),
    ("POST", "/issue/{issue}/transitions", transition),
    ("GET", "/issue/{issue}/comment", comments),
    ("POST", "/issue/{issue}/comment", add_comment),
    ("GET", "/issue/{issue}/comment/{comment}", read_comment),
    ("PUT", "/issue/{issue}/comment/{comment}", edit_comment),
    ("DELETE", "/issue/{issue}/comment/{comment}", delete_comment),
    ("GET", "/comment/{comment}/properties/{property}", comment_property),
    ("GET", "/issue/{issue}/properties", property_keys),
    ("GET", "/issue/{issue}/properties/{property}", read_property),
    ("PUT", "/issue/{issue}/properties/{property}", set_property),
    ("DELETE", "/issue/{issue}/properties/{property}", delete_property),
]
