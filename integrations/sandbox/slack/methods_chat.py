"""chat.* and reactions.*"""

from __future__ import annotations

import re
from typing import Any, cast

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.kit import checked_message
from integrations.sandbox.slack.shapes import message_json
from integrations.sandbox.slack.state import Channel, Json, Message, SlackFault

_TS = re.compile(r"\d{10}\.\d{6}")
_TEXT_CHARS = 40_000


@method("chat.postMessage", 4)
def post_message(call: Call) -> Json:
    """A message of the caller, in a channel or under `thread_ts`."""
    workspace = call.workspace
    channel = _channel_to_write(call)
    text, blocks = _content(call)
    thread_ts = call.text("thread_ts")
    if thread_ts:
        parent = channel.find(_strict_ts(thread_ts, "invalid_thread_ts"))
        if parent is None or parent.ephemeral_for:
            raise SlackFault("thread_not_found")
        thread_ts = parent.thread_ts or parent.ts
    message = workspace.add_message(
        channel,
        Message(
            ts=workspace.new_ts(),
            user_id=call.caller.id,
            text=text,
            blocks=blocks,
            bot=call.caller.id == workspace.bot.id,
            metadata=_metadata(call),
            thread_ts=thread_ts,
            broadcast=bool(thread_ts) and call.flag("reply_broadcast"),
        ),
    )
    body = message_json(workspace, channel, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": body}


@method("chat.update", 3)
def update(call: Call) -> Json:
    """Change an own message. Text without blocks takes the blocks away; no metadata leaves it as it is."""
    workspace = call.workspace
    channel = _channel(call)
    message = _own_message(call, channel, "cant_update_message")
    message.text, message.blocks = _content(call)
    if "metadata" in call.arguments:
        message.metadata = _metadata(call)
    message.edited_ts = workspace.new_ts()
    workspace.touch()
    body = message_json(workspace, channel, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


@method("chat.delete", 3)
def delete(call: Call) -> Json:
    """Take an own message away."""
    channel = _channel(call)
    message = _own_message(call, channel, "cant_delete_message")
    channel.messages.remove(message)
    call.workspace.touch()
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", 4)
def post_ephemeral(call: Call) -> Json:
    """A message that one member of the channel sees and Slack does not keep."""
    workspace = call.workspace
    channel = _channel_to_write(call)
    user_id = call.text("user", required=True)
    if user_id not in workspace.users or user_id not in channel.members:
        raise SlackFault("user_not_in_channel")
    text, blocks = _content(call)
    message = Message(
        ts=workspace.new_ts(),
        user_id=call.caller.id,
        text=text,
        blocks=blocks,
        bot=call.caller.id == workspace.bot.id,
        thread_ts=call.text("thread_ts"),
        ephemeral_for=user_id,
    )
    workspace.add_message(channel, message)
    return {"message_ts": message.ts}


@method("chat.getPermalink", 4)
def get_permalink(call: Call) -> Json:
    """The page's address of a message."""
    channel = _channel(call)
    ts = call.text("message_ts", required=True)
    if channel.find(ts) is None:
        raise SlackFault("message_not_found")
    name = channel.name or channel.id
    return {"channel": channel.id, "permalink": f"{call.url}/?channel={name}#m{ts}"}


@method("reactions.add", 3)
def add_reaction(call: Call) -> Json:
    """The caller's reaction to a message."""
    message, name = _reacted(call)
    users = message.reactions.setdefault(name, [])
    if call.caller.id in users:
        raise SlackFault("already_reacted")
    users.append(call.caller.id)
    call.workspace.touch()
    return {}


@method("reactions.remove", 2)
def remove_reaction(call: Call) -> Json:
    """Take the caller's reaction away."""
    message, name = _reacted(call)
    if call.caller.id not in message.reactions.get(name, []):
        raise SlackFault("no_reaction")
    message.reactions[name].remove(call.caller.id)
    if not message.reactions[name]:
        del message.reactions[name]
    call.workspace.touch()
    return {}


@method("reactions.get", 3)
def get_reactions(call: Call) -> Json:
    """The message with its reactions."""
    channel = _channel(call)
    message = channel.find(call.text("timestamp", required=True))
    if message is None:
        raise SlackFault("message_not_found")
    body = message_json(call.workspace, channel, message)
    return {"type": "message", "channel": channel.id, "message": body}


def _reacted(call: Call) -> tuple[Message, str]:
    message = _channel(call).find(call.text("timestamp", required=True))
    if message is None:
        raise SlackFault("message_not_found")
    name = call.text("name", required=True).strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+", name):
        raise SlackFault("invalid_name")
    return message, name


def _channel(call: Call) -> Channel:
    """By id only: Slack takes a name nowhere but in chat.postMessage."""
    channel = call.workspace.channels.get(call.text("channel", required=True))
    if channel is None:
        raise SlackFault("channel_not_found")
    return channel


def _channel_to_write(call: Call) -> Channel:
    name = call.text("channel", required=True)
    workspace = call.workspace
    if name in workspace.users:  # a person's id stands for the conversation with them
        return workspace.direct(call.caller.id, name)
    channel = workspace.channel(name)
    if call.caller.id not in channel.members:
        raise SlackFault("channel_not_found" if channel.direct else "not_in_channel")
    return channel


def _own_message(call: Call, channel: Channel, code: str) -> Message:
    message = channel.find(_strict_ts(call.text("ts", required=True), "message_not_found"))
    if message is None or message.ephemeral_for:
        raise SlackFault("message_not_found")
    if message.user_id != call.caller.id:
        raise SlackFault(code)
    return message


def _strict_ts(ts: str, code: str) -> str:
    if not _TS.fullmatch(ts):
        raise SlackFault(code)
    return ts


def _content(call: Call) -> tuple[str, list[Json]]:
    text = call.text("text")
    given = call.arguments.get("blocks")
    blocks = checked_message(given, call.workspace.new_id) if given else []
    if not text and not blocks:
        raise SlackFault("no_text")
    if len(text) > _TEXT_CHARS:
        raise SlackFault("msg_too_long")
    return text, blocks


def _metadata(call: Call) -> Json | None:
    given: Any = call.json("metadata")
    if not given:
        return None
    if not isinstance(given, dict):
        raise SlackFault("invalid_metadata_format")
    metadata = cast("Json", given)
    if not metadata.get("event_type") or not isinstance(metadata.get("event_payload"), dict):
        raise SlackFault("invalid_metadata_schema")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}
