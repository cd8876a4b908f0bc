"""conversations.*"""

from __future__ import annotations

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.shapes import channel_json, message_json
from integrations.sandbox.slack.state import Channel, Json, Message, SlackFault


@method("conversations.list", 2)
def list_conversations(call: Call) -> Json:
    """Channels and, if asked for, the caller's direct conversations."""
    kinds = (call.text("types") or "public_channel").split(",")
    unknown = set(kinds) - {"public_channel", "private_channel", "mpim", "im"}
    if unknown:
        raise SlackFault("invalid_types")
    rows = [
        channel_json(call.workspace, channel, call.caller)
        for channel in call.workspace.channels.values()
        if (
            "im" in kinds and call.caller.id in channel.members
            if channel.direct
            else "public_channel" in kinds
        )
    ]
    page, following = call.page(rows)
    return {"channels": page, "response_metadata": {"next_cursor": following}}


@method("conversations.info", 3)
def info(call: Call) -> Json:
    """One conversation."""
    channel = _channel(call)
    body = channel_json(call.workspace, channel, call.caller)
    if call.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


@method("conversations.members", 4)
def members(call: Call) -> Json:
    """The ids of those who are in it."""
    page, following = call.page([{"id": user_id} for user_id in _channel(call).members])
    return {
        "members": [row["id"] for row in page],
        "response_metadata": {"next_cursor": following},
    }


@method("conversations.join", 3)
def join(call: Call) -> Json:
    """The caller goes into a public channel; a repeat is harmless."""
    channel = _channel(call)
    if channel.direct:
        raise SlackFault("method_not_supported_for_channel_type")
    if call.caller.id not in channel.members:
        channel.members.append(call.caller.id)
        call.workspace.touch()
    return {"channel": channel_json(call.workspace, channel, call.caller)}


@method("conversations.open", 3)
def open_conversation(call: Call) -> Json:
    """The direct conversation of the caller and one other."""
    users = call.text("users", required=True).split(",")
    if len(users) != 1:
        raise SlackFault("method_not_supported_for_channel_type")
    if users[0] not in call.workspace.users:
        raise SlackFault("user_not_found")
    channel = call.workspace.direct(call.caller.id, users[0])
    if call.flag("return_im"):
        return {"channel": channel_json(call.workspace, channel, call.caller)}
    return {"channel": {"id": channel.id}}


@method("conversations.history", 3)
def history(call: Call) -> Json:
    """The messages of a conversation, newest first, without the replies in threads."""
    channel = _readable(call)
    shown = [m for m in channel.messages if not m.ephemeral_for and (m.broadcast or not m.is_reply)]
    body = _messages(call, channel, [m for m in reversed(shown) if _within(call, m)])
    return body | {"pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}


@method("conversations.replies", 3)
def replies(call: Call) -> Json:
    """A message and the replies under it, oldest first; the message is always there."""
    channel = _readable(call)
    parent = channel.find(call.text("ts", required=True))
    if parent is None or parent.ephemeral_for:
        raise SlackFault("thread_not_found")
    if parent.is_reply:
        parent = channel.find(parent.thread_ts) or parent
    shown = [reply for reply in channel.replies(parent.ts) if _within(call, reply)]
    return _messages(call, channel, [parent, *shown])


def _messages(call: Call, channel: Channel, found: list[Message]) -> Json:
    metadata = call.flag("include_all_metadata")
    rows = [message_json(call.workspace, channel, m, metadata=metadata) for m in found]
    page, following = call.page(rows, most=999)
    return {
        "messages": page,
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def _within(call: Call, message: Message) -> bool:
    oldest, latest = call.text("oldest") or "0", call.text("latest")
    ts = float(message.ts)
    try:
        if call.flag("inclusive"):
            return float(oldest) <= ts and (not latest or ts <= float(latest))
        return float(oldest) < ts and (not latest or ts < float(latest))
    except ValueError:
        raise SlackFault("invalid_ts_oldest") from None


def _channel(call: Call) -> Channel:
    channel = call.workspace.channels.get(call.text("channel", required=True))
    if channel is None or (channel.direct and call.caller.id not in channel.members):
        raise SlackFault("channel_not_found")
    return channel


def _readable(call: Call) -> Channel:
    channel = _channel(call)
    if call.caller.id not in channel.members:
        raise SlackFault("not_in_channel")
    return channel
