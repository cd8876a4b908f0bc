"""From Slack's JSON to our values; what is missing or odd is empty."""

from __future__ import annotations

from typing import Any

from integrations.slack.models import SlackChannel, SlackMessage, SlackUser
from integrations.slack.wire import mapping, sequence, text

#: Marks our messages; the payload holds `op_key`. Readable by everyone in the channel: no secret in it.
OP_EVENT_TYPE = "conveyor_op"


def message_of(channel_id: str, message: dict[str, Any]) -> SlackMessage:
    """A message as a conversation's history has it."""
    metadata = mapping(message.get("metadata"))
    ours = metadata.get("event_type") == OP_EVENT_TYPE
    return SlackMessage(
        channel_id=channel_id,
        ts=text(message.get("ts")),
        user_id=text(message.get("user")),
        text=text(message.get("text")),
        thread_ts=text(message.get("thread_ts")),
        bot_id=text(message.get("bot_id")),
        op_key=text(mapping(metadata.get("event_payload")).get("op_key")) if ours else "",
        edited="edited" in message,
        files=tuple(text(mapping(file).get("name")) for file in sequence(message.get("files"))),
    )


def user_of(value: object) -> SlackUser:
    """An account as users.info has it."""
    user = mapping(value)
    profile = mapping(user.get("profile"))
    return SlackUser(
        id=text(user.get("id")),
        name=text(user.get("real_name")) or text(profile.get("real_name")) or text(user.get("name")),
        tz=text(user.get("tz")),
        email=text(profile.get("email")),
        deleted=bool(user.get("deleted")),
        is_bot=bool(user.get("is_bot")),
    )


def channel_of(value: object) -> SlackChannel:
    """A channel as conversations.list has it."""
    channel = mapping(value)
    return SlackChannel(
        id=text(channel.get("id")),
        name=text(channel.get("name")),
        is_member=bool(channel.get("is_member")),
        is_archived=bool(channel.get("is_archived")),
    )
