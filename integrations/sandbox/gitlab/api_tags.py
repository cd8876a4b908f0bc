"""Tags. Source: https://docs.gitlab.com/api/tags/"""

from __future__ import annotations

from integrations.sandbox.gitlab import shapes
from integrations.sandbox.gitlab.errors import forbidden, missing, refuse
from integrations.sandbox.gitlab.git import ZERO, GitError, Ref
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.pushes import Change, after_push
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged

routes = Routes()


@routes.get("/projects/:id/repository/tags")
def tags(call: Call) -> Page:
    """All tags, newest first unless `order_by` and `sort` say otherwise; `search` as for branches."""
    order = call.params.choice("order_by", ("updated", "name", "version"), "updated")
    sort = call.params.choice("sort", ("asc", "desc"), "desc")
    search = call.params.text("search")
    found = [ref for ref in call.project.git.tags() if _matches(ref.name, search)]
    found.sort(
        key=lambda ref: (ref.created, ref.name) if order == "updated" else (ref.name,), reverse=sort == "desc"
    )
    return paged(found, lambda ref: shapes.tag(call.project, ref))


def _matches(name: str, search: str) -> bool:
    if search.startswith("^"):
        return name.startswith(search[1:])
    return name.endswith(search[:-1]) if search.endswith("$") else search in name


def _tag(project: Project, name: str) -> Ref:
    try:
        return project.git.ref(f"refs/tags/{name}")
    except KeyError:
        raise missing("Tag") from None


@routes.get("/projects/:id/repository/tags/:tag_name")
def tag(call: Call) -> Reply:
    """One tag."""
    return Reply(shapes.tag(call.project, _tag(call.project, call.names["tag_name"])))


@routes.post("/projects/:id/repository/tags")
def create_tag(call: Call) -> Reply:
    """A new tag at `ref`, annotated if there is a `message`; 400 if it exists."""
    call.params.require("tag_name", "ref")
    name, project = call.params.text("tag_name"), call.project
    make_tag(call, name, call.params.text("ref"), call.params.text("message"))
    return created(shapes.tag(project, _tag(project, name)))


def make_tag(call: Call, name: str, ref: str, message: str) -> None:
    """Create the tag, with everything that follows a push.

    Raises:
        Refusal: 403 not allowed, 400 a bad name, an unknown ref, or it exists.
    """
    project, full = call.project, f"refs/tags/{name}"
    rule = project.tag_rule(name)
    if rule and not 0 < rule.push <= call.level:
        raise forbidden()
    if not project.git.valid_name(full):
        raise refuse(400, "Tag name invalid")
    if full in project.git.refs():
        raise refuse(400, f"Tag {name} already exists")
    try:
        sha = project.git.resolve(ref)
    except KeyError:
        raise refuse(400, f"Target {ref} is invalid") from None
    by = {"GIT_COMMITTER_NAME": call.user.name, "GIT_COMMITTER_EMAIL": call.user.email}
    try:
        if message:
            project.git.run("tag", "-a", "-F", "-", name, sha, stdin=message.encode(), env=by)
        else:
            project.git.update(full, sha, ZERO)
    except GitError:
        raise refuse(400, f"Tag {name} already exists") from None
    after_push(project, call.user, [Change(full, ZERO, project.git.refs()[full])])


@routes.delete("/projects/:id/repository/tags/:tag_name")
def delete_tag(call: Call) -> Reply:
    """Delete a tag; a protected one only as a Maintainer."""
    project, name = call.project, call.names["tag_name"]
    ref = _tag(project, name)
    rule = project.tag_rule(name)
    if rule and not 0 < rule.push <= call.level:
        raise refuse(403, "403 Forbidden - Protected tags cannot be deleted by you")
    project.git.remove(ref.full_name)
    after_push(project, call.user, [Change(ref.full_name, ref.object_sha, ZERO)])
    return NOTHING
