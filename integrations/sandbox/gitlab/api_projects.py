"""Users, the version, the token itself, projects, their members and labels.

Source: https://docs.gitlab.com/api/users/, /api/projects/, /api/members/, /api/labels/
"""

from __future__ import annotations

from datetime import timedelta

from integrations.sandbox.gitlab import shapes
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import Account, Fields, iso, now
from integrations.sandbox.gitlab.webhooks import VERSION

routes = Routes()


@routes.get("/version")
@routes.get("/metadata")
def metadata(_call: Call) -> Reply:
    """The instance's version and edition."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return Reply({"version": VERSION, "revision": "sandbox", "kas": kas, "enterprise": False})


@routes.get("/user")
def me(call: Call) -> Reply:
    """Who asks, with their address."""
    address = {"email": call.user.email, "commit_email": call.user.email}
    return Reply({**_account(call, call.user), **address})


def _account(call: Call, account: Account) -> Fields:
    return {
        **shapes.user(call.instance, account.id),
        "created_at": iso(call.instance.started),
        "public_email": "",
        "bot": account.bot,
    }


@routes.get("/users")
def users(call: Call) -> Page:
    """By `username` (exact), or by `search` in names and, exactly, addresses; otherwise all."""
    username, search = call.params.text("username").lower(), call.params.text("search").lower()
    accounts = list(call.instance.accounts.values())
    if username:
        accounts = [each for each in accounts if each.username.lower() == username]
    if search:
        accounts = [
            each
            for each in accounts
            if search in each.username.lower() or search in each.name.lower() or search == each.email.lower()
        ]
    return paged(accounts, lambda each: shapes.user(call.instance, each.id))


@routes.get("/users/:user_id")
def one_user(call: Call) -> Reply:
    """One person."""
    account = call.instance.accounts.get(call.number("user_id"))
    if account is None:
        raise missing("User")
    return Reply(_account(call, account))


@routes.get("/personal_access_tokens/self")
def own_token(call: Call) -> Reply:
    """The token that is used; it expires a year after the sandbox started."""
    expires = (call.instance.started + timedelta(days=365)).date()
    return Reply(
        {
            "id": call.user.id,
            "name": f"{call.user.username} at the sandbox",
            "revoked": False,
            "created_at": iso(call.instance.started),
            "description": "",
            "scopes": ["api", "read_repository", "write_repository"],
            "user_id": call.user.id,
            "last_used_at": iso(now()),
            "active": True,
            "expires_at": expires.isoformat(),
        }
    )


@routes.get("/projects")
def projects(call: Call) -> Page:
    """The projects that who asks is a member of."""
    search = call.params.text("search").lower()
    mine = [each for each in call.instance.projects.values() if each.level(call.user.id)]
    found = [each for each in mine if search in each.path.lower() or search in each.name.lower()]
    return paged(found, lambda each: shapes.project_object(each, each.level(call.user.id)))


@routes.get("/projects/:id")
def project(call: Call) -> Reply:
    """One project."""
    return Reply(shapes.project_object(call.project, call.level))


@routes.get("/projects/:id/members/all")
@routes.get("/projects/:id/members")
def members(call: Call) -> Page:
    """All members."""
    query = call.params.text("query").lower()
    accounts = call.instance.accounts
    found = [each for each in call.project.members if query in accounts[each].name.lower()]
    return paged(found, lambda each: _member(call.project, each))


@routes.get("/projects/:id/members/all/:user_id")
@routes.get("/projects/:id/members/:user_id")
def member(call: Call) -> Reply:
    """One member."""
    user_id = call.number("user_id")
    if user_id not in call.project.members:
        raise missing("Not found")
    return Reply(_member(call.project, user_id))


@routes.get("/projects/:id/users")
def people(call: Call) -> Page:
    """All members, without their roles."""
    return paged(call.project.members, lambda each: shapes.user(call.instance, each))


def _member(project: Project, user_id: int) -> Fields:
    return {
        **shapes.user(project.instance, user_id),
        "access_level": project.level(user_id),
        "created_at": iso(project.created),
        "expires_at": None,
        "membership_state": "active",
    }


@routes.get("/projects/:id/labels")
def labels(call: Call) -> Page:
    """The project's labels, by name."""
    found = sorted(call.project.records.labels.values(), key=lambda label: str(label["name"]))
    return paged(found, lambda label: label)


@routes.post("/projects/:id/labels")
def create_label(call: Call) -> Reply:
    """A new label; 409 if there is one of that name."""
    call.params.require("name", "color")
    name = call.params.needed("name")
    if name in call.project.records.labels:
        raise refuse(409, "Label already exists")
    label = call.project.label(name, call.params.text("color"), call.params.optional("description"))
    return created(label)
