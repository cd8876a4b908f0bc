"""What the Slack client answers with: plain values, none of the SDK's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PostedMessage:
    """Where a message stands; `ts` is a string and stays one (a float loses its last digits)."""

    channel_id: str
    ts: str


@dataclass(frozen=True)
class SlackMessage:
    """One message of a conversation. `op_key` is "" unless we posted it with one; `files` are names."""

    channel_id: str
    ts: str
    user_id: str
    text: str
    thread_ts: str = ""
    bot_id: str = ""
    op_key: str = ""
    edited: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlackUser:
    """An account. `tz` is an IANA name, or "" where Slack does not say; so is `email`."""

    id: str
    name: str
    tz: str
    email: str
    deleted: bool
    is_bot: bool


@dataclass(frozen=True)
class SlackChannel:
    """A channel; `is_member` says whether our bot is in it and so may post there."""

    id: str
    name: str
    is_member: bool
    is_archived: bool
