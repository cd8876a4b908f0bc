"""api.*, auth.*, users.* and usergroups.*"""

from __future__ import annotations

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.shapes import BOT_ID, user_json, usergroup_json
from integrations.sandbox.slack.state import Json, SlackFault


@method("api.test", 4)
def api_test(call: Call) -> Json:
    """Answers with what was sent."""
    if call.arguments.get("error"):
        raise SlackFault(str(call.arguments["error"]), args=dict(call.arguments))
    return {"args": dict(call.arguments)}


@method("auth.test", 4)
def auth_test(call: Call) -> Json:
    """Who the token stands for."""
    body: Json = {
        "url": f"{call.url}/",
        "team": "Sandbox",
        "user": call.caller.handle,
        "team_id": call.workspace.team_id,
        "user_id": call.caller.id,
        "is_enterprise_install": False,
    }
    return body | {"bot_id": BOT_ID} if call.caller.id == call.workspace.bot.id else body


@method("users.list", 2)
def list_users(call: Call) -> Json:
    """Every account."""
    rows = [user_json(call.workspace, user) for user in call.workspace.users.values()]
    page, following = call.page(rows, default=200)
    return {
        "members": page,
        "cache_ts": int(call.workspace.clock()),
        "response_metadata": {"next_cursor": following},
    }


@method("users.info", 4)
def user_info(call: Call) -> Json:
    """One account."""
    return {"user": user_json(call.workspace, call.workspace.user(call.text("user", required=True)))}


@method("users.lookupByEmail", 3)
def lookup_by_email(call: Call) -> Json:
    """The account of this address."""
    email = call.text("email", required=True).lower()
    for user in call.workspace.users.values():
        if email and user.email.lower() == email and not user.is_bot and not user.deleted:
            return {"user": user_json(call.workspace, user)}
    raise SlackFault("users_not_found")


@method("users.profile.get", 4)
def user_profile(call: Call) -> Json:
    """One account's profile; the caller's own if none is named."""
    user = call.workspace.user(call.text("user") or call.caller.id)
    return {"profile": user_json(call.workspace, user)["profile"]}


@method("usergroups.list", 2)
def list_usergroups(call: Call) -> Json:
    """Every user group; a free plan has none."""
    groups = (call.workspace.groups or {}).values()
    users = call.flag("include_users")
    return {"usergroups": [usergroup_json(call.workspace, group, users=users) for group in groups]}


@method("usergroups.users.list", 2)
def list_usergroup_users(call: Call) -> Json:
    """The members of one; a free plan is refused."""
    wanted = call.text("usergroup", required=True)
    if call.workspace.groups is None:
        raise SlackFault("plan_upgrade_required")
    if wanted not in call.workspace.groups:
        raise SlackFault("no_such_subteam")
    return {"users": list(call.workspace.groups[wanted].members)}
