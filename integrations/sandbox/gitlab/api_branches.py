"""Branches, and the protection of branches and tags.

Source: https://docs.gitlab.com/api/branches/, /api/protected_branches/, /api/protected_tags/
"""

from __future__ import annotations

import re

from integrations.sandbox.gitlab import shapes
from integrations.sandbox.gitlab.errors import forbidden, missing, refuse
from integrations.sandbox.gitlab.git import ZERO, GitError, Ref
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.pushes import Change, after_push
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import MAINTAINER, Fields, Protection

routes = Routes()
_LEVELS = (0, 30, 40)


@routes.get("/projects/:id/repository/branches")
def branches(call: Call) -> Page:
    """All branches by name; `search` takes `^start`, `end$` or a part, `regex` a regular expression."""
    search, regex = call.params.text("search"), call.params.text("regex")
    found = [ref for ref in call.project.git.branches() if _matches(ref.name, search, regex)]
    sort = call.params.choice("sort", ("name_asc", "updated_asc", "updated_desc"), "name_asc")
    if sort != "name_asc":
        found.sort(key=lambda ref: ref.created, reverse=sort == "updated_desc")
    return paged(found, lambda ref: shapes.branch(call.project, ref, call.level))


def _matches(name: str, search: str, regex: str) -> bool:
    if regex:
        return re.search(regex, name) is not None
    if search.startswith("^"):
        return name.startswith(search[1:])
    return name.endswith(search[:-1]) if search.endswith("$") else search in name


def _branch(project: Project, name: str) -> Ref:
    try:
        return project.git.ref(f"refs/heads/{name}")
    except KeyError:
        raise missing("Branch") from None


@routes.get("/projects/:id/repository/branches/:branch")
def branch(call: Call) -> Reply:
    """One branch."""
    return Reply(shapes.branch(call.project, _branch(call.project, call.names["branch"]), call.level))


@routes.post("/projects/:id/repository/branches")
def create_branch(call: Call) -> Reply:
    """A new branch at `ref`; 400 if it exists."""
    call.params.require("branch", "ref")
    name, project = call.params.text("branch"), call.project
    full = f"refs/heads/{name}"
    if not project.git.valid_name(full):
        raise refuse(400, "Branch name is invalid")
    try:
        sha = project.git.resolve(call.params.text("ref"))
    except KeyError:
        raise refuse(400, f"Invalid reference name: {call.params.text('ref')}") from None
    try:
        project.git.update(full, sha, ZERO)
    except GitError:
        raise refuse(400, "Branch already exists") from None
    after_push(project, call.user, [Change(full, ZERO, sha)])
    return created(shapes.branch(project, _branch(project, name), call.level))


@routes.delete("/projects/:id/repository/branches/:branch")
def delete_branch(call: Call) -> Reply:
    """Delete a branch; not the default one, not a protected one."""
    project, name = call.project, call.names["branch"]
    ref = _branch(project, name)
    if name == project.default_branch:
        raise refuse(405, "Cannot remove HEAD branch")
    if project.branch_rule(name):
        raise refuse(405, "Protected branch cannot be removed")
    project.git.remove(ref.full_name)
    after_push(project, call.user, [Change(ref.full_name, ref.target, ZERO)])
    return NOTHING


def _protected_branch(rule: Protection) -> Fields:
    return {
        "id": rule.id,
        "name": rule.pattern,
        "push_access_levels": shapes.access(rule, rule.push),
        "merge_access_levels": shapes.access(rule, rule.merge),
        "allow_force_push": rule.allow_force,
        "code_owner_approval_required": False,
        "inherited": False,
    }


def _protected_tag(rule: Protection) -> Fields:
    return {"name": rule.pattern, "create_access_levels": shapes.access(rule, rule.push)}


def _level(call: Call, name: str) -> int:
    level = call.params.integer(name, MAINTAINER)
    if level not in _LEVELS:
        raise refuse(400, f"{name} does not have a valid value")
    return level


@routes.get("/projects/:id/protected_branches")
def protected_branches(call: Call) -> Page:
    """The rules for branches."""
    return paged(call.project.records.branch_rules.values(), _protected_branch)


@routes.get("/projects/:id/protected_branches/:name")
def protected_branch(call: Call) -> Reply:
    """One rule for branches, by its name or pattern."""
    return Reply(_protected_branch(_found(call, call.project.records.branch_rules)))


def _found(call: Call, rules: dict[str, Protection]) -> Protection:
    if call.names["name"] not in rules:
        raise missing("Not found")
    return rules[call.names["name"]]


@routes.post("/projects/:id/protected_branches", MAINTAINER)
def protect_branch(call: Call) -> Reply:
    """Protect a branch or a pattern; 409 if it is."""
    name = call.params.needed("name")
    if name in call.project.records.branch_rules:
        raise refuse(409, f"Protected branch '{name}' already exists")
    push, merge = _level(call, "push_access_level"), _level(call, "merge_access_level")
    force = call.params.flag("allow_force_push")
    return created(
        _protected_branch(call.project.protect_branch(name, push=push, merge=merge, allow_force=force))
    )


@routes.delete("/projects/:id/protected_branches/:name", MAINTAINER)
def unprotect_branch(call: Call) -> Reply:
    """Take the protection away."""
    rules = call.project.records.branch_rules
    del rules[_found(call, rules).pattern]
    return NOTHING


@routes.get("/projects/:id/protected_tags")
def protected_tags(call: Call) -> Page:
    """The rules for tags."""
    if call.level < MAINTAINER:
        raise forbidden()
    return paged(call.project.records.tag_rules.values(), _protected_tag)


@routes.get("/projects/:id/protected_tags/:name", MAINTAINER)
def protected_tag(call: Call) -> Reply:
    """One rule for tags, by its name or pattern."""
    return Reply(_protected_tag(_found(call, call.project.records.tag_rules)))


@routes.post("/projects/:id/protected_tags", MAINTAINER)
def protect_tag(call: Call) -> Reply:
    """Protect a tag or a pattern; 409 if it is."""
    name = call.params.needed("name")
    if name in call.project.records.tag_rules:
        raise refuse(409, f"Protected tag '{name}' already exists")
    return created(
        _protected_tag(call.project.protect_tags(name, create=_level(call, "create_access_level")))
    )


@routes.delete("/projects/:id/protected_tags/:name", MAINTAINER)
def unprotect_tag(call: Call) -> Reply:
    """Take the protection away."""
    rules = call.project.records.tag_rules
    del rules[_found(call, rules).pattern]
    return NOTHING
