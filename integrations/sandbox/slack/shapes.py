"""How Slack writes its objects in JSON."""

from __future__ import annotations

import copy

from integrations.sandbox.slack.files import file_json
from integrations.sandbox.slack.state import Channel, Json, Message, OpenView, User, UserGroup, Workspace

APP_ID = "A0SBXCONVEYOR"
BOT_ID = "B0SBXCONVEYOR"
DOMAIN = "sandbox"


def message_json(workspace: Workspace, channel: Channel, message: Message, *, metadata: bool = False) -> Json:
    """One message; its metadata only when it was asked for."""
    body: Json = {
        "type": "message",
        "user": message.user_id,
        "text": message.text,
        "ts": message.ts,
        "team": workspace.team_id,
    }
    if message.blocks:
        body["blocks"] = message.blocks
    if message.bot:
        body |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": bot_profile(workspace)}
    if message.edited_ts:
        body["edited"] = {"user": message.user_id, "ts": message.edited_ts}
    if metadata and message.metadata:
        body["metadata"] = message.metadata
    if message.files:
        body |= {
            "files": [file_json(file, workspace.team_id, workspace.url) for file in message.files],
            "upload": True,
            "display_as_bot": False,
        }
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    return body | _thread(channel, message)


def _thread(channel: Channel, message: Message) -> Json:
    if message.is_reply:
        parent = channel.find(message.thread_ts)
        body: Json = {"thread_ts": message.thread_ts}
        if parent:
            body["parent_user_id"] = parent.user_id
        if message.broadcast:
            body["subtype"] = "thread_broadcast"
        return body
    replies = channel.replies(message.ts)
    if not replies:
        return {}
    users = sorted({reply.user_id for reply in replies})
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def bot_profile(workspace: Workspace) -> Json:
    """The app as it stands beside its messages."""
    return {
        "id": BOT_ID,
        "app_id": APP_ID,
        "name": workspace.bot.name,
        "deleted": False,
        "updated": 0,
        "icons": {"image_36": "", "image_48": "", "image_72": ""},
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
    }


def channel_json(workspace: Workspace, channel: Channel, caller: User) -> Json:
    """One conversation, as the caller stands to it."""
    if channel.direct:
        other = next((member for member in channel.members if member != caller.id), caller.id)
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_org_shared": False,
            "user": other,
            "is_user_deleted": False,
            "priority": 0,
        }
    empty: Json = {"value": "", "creator": "", "last_set": 0}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": channel.created,
        "creator": workspace.bot.id,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_general": False,
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_member": caller.id in channel.members,
        "num_members": len(channel.members),
        "unlinked": 0,
        "topic": {**empty, "value": channel.topic},
        "purpose": empty,
        "previous_names": [],
    }


def user_json(workspace: Workspace, user: User) -> Json:
    """One account; of a deactivated one Slack tells neither the time zone nor the rights."""
    first, _, last = user.name.partition(" ")
    profile: Json = {
        "real_name": user.name,
        "real_name_normalized": user.name,
        "display_name": user.handle,
        "display_name_normalized": user.handle,
        "first_name": first,
        "last_name": last,
        "team": workspace.team_id,
        "avatar_hash": "",
        "status_text": "",
        "status_emoji": "",
    }
    if user.email and not user.is_bot:
        profile["email"] = user.email
    if user.deleted:
        return {
            "id": user.id,
            "team_id": workspace.team_id,
            "name": user.handle,
            "deleted": True,
            "profile": profile,
            "is_bot": user.is_bot,
            "is_app_user": False,
            "updated": 0,
        }
    return {
        "id": user.id,
        "team_id": workspace.team_id,
        "name": user.handle,
        "real_name": user.name,
        "deleted": False,
        "tz": user.tz,
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def usergroup_json(workspace: Workspace, group: UserGroup, *, users: bool) -> Json:
    """One user group; its members only when they were asked for."""
    body: Json = {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "is_external": False,
        "name": group.handle,
        "handle": group.handle,
        "description": "",
        "date_create": group.created,
        "date_update": group.updated,
        "date_delete": 0,
        "auto_type": None,
        "created_by": workspace.bot.id,
        "updated_by": workspace.bot.id,
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
        "user_count": len(group.members),
    }
    return body | {"users": list(group.members)} if users else body


def view_json(workspace: Workspace, opened: OpenView, *, state: bool = True) -> Json:
    """A view, with what has been put into it."""
    view = opened.view
    return {
        "id": opened.id,
        "team_id": workspace.team_id,
        "type": opened.kind,
        "blocks": view["blocks"],
        "private_metadata": view.get("private_metadata") or "",
        "callback_id": view.get("callback_id") or "",
        "state": {"values": copy.deepcopy(opened.inputs) if state else {}},
        "hash": opened.hash,
        "title": view.get("title") or {"type": "plain_text", "text": "Home", "emoji": True},
        "close": view.get("close"),
        "submit": view.get("submit"),
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
        "previous_view_id": opened.previous_id or None,
        "root_view_id": opened.root_id,
        "app_id": APP_ID,
        "external_id": view.get("external_id") or "",
        "app_installed_team_id": workspace.team_id,
        "bot_id": BOT_ID,
    }


def user_ref(workspace: Workspace, user: User) -> Json:
    """The person in a payload of interactivity."""
    return {"id": user.id, "username": user.handle, "name": user.handle, "team_id": workspace.team_id}


def channel_ref(channel: Channel) -> Json:
    """The channel in a payload of interactivity."""
    return {"id": channel.id, "name": "directmessage" if channel.direct else channel.name}
