"""What one person sees: their conversations, their modals, their App Home."""

from __future__ import annotations

from integrations.sandbox.slack.shapes import message_json, view_json
from integrations.sandbox.slack.state import Channel, Json, Message, OpenView, User, Workspace


def inbox(workspace: Workspace, user: User) -> Json:
    """Everything that this person sees, as JSON; messages oldest first, replies under their message."""
    channels = [
        _conversation(workspace, channel, user)
        for channel in workspace.channels.values()
        if user.id in channel.members
    ]
    home = workspace.homes.get(user.id)
    return {
        "person": user.person_id,
        "user_id": user.id,
        "revision": workspace.revision,
        "channels": channels,
        "views": [_view(workspace, opened) for opened in workspace.open_views(user.id)],
        "home": _view(workspace, home) if home else None,
    }


def title(workspace: Workspace, channel: Channel, user: User) -> str:
    """What the conversation is called for this person: its name, or that of the other one."""
    if not channel.direct:
        return channel.name
    other = next((member for member in channel.members if member != user.id), user.id)
    return workspace.users[other].name


def _conversation(workspace: Workspace, channel: Channel, user: User) -> Json:
    seen = list(workspace.visible(channel, user.id))
    return {
        "id": channel.id,
        "name": title(workspace, channel, user),
        "is_im": channel.direct,
        "unread": workspace.unread(channel, user.id),
        "messages": [_message(workspace, channel, m, seen) for m in seen if not m.is_reply or m.broadcast],
    }


def _message(workspace: Workspace, channel: Channel, message: Message, seen: list[Message]) -> Json:
    replies = [m for m in seen if m.thread_ts == message.ts and m.is_reply]
    return _one(workspace, channel, message) | {
        "replies": [_one(workspace, channel, reply) for reply in replies]
    }


def _one(workspace: Workspace, channel: Channel, message: Message) -> Json:
    author = workspace.users[message.user_id]
    return message_json(workspace, channel, message, metadata=True) | {
        "author": author.name,
        "is_bot": author.is_bot,
        "ephemeral": bool(message.ephemeral_for),
        "inputs": message.inputs,
    }


def _view(workspace: Workspace, opened: OpenView) -> Json:
    return view_json(workspace, opened) | {"errors": opened.errors}
