"""What Slack tells us, as plain values: see `inbound.parse`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: One input's value: what was written or chosen; several for a menu of many; "" for nothing.
Value = str | tuple[str, ...]
#: {block_id: {action_id: value}}
Values = Mapping[str, Mapping[str, Value]]


def _no_values() -> Values:
    return {}


@dataclass(frozen=True)
class BlockAction:
    """Somebody pressed a button or chose from a menu, in a message or in a view.

    `value` is a button's, `selected` what a menu now shows. Who may do this is not said here: anybody
    who sees the message can press, and `value` comes from outside.
    """

    user_id: str
    action_id: str
    block_id: str
    value: str
    selected: Value
    channel_id: str
    message_ts: str
    trigger_id: str
    response_url: str
    values: Values = field(default_factory=_no_values)
    view_id: str = ""
    callback_id: str = ""
    private_metadata: str = ""


@dataclass(frozen=True)
class ViewSubmission:
    """Somebody sent a modal off."""

    user_id: str
    callback_id: str
    private_metadata: str
    values: Values
    view_id: str


@dataclass(frozen=True)
class ViewClosed:
    """Somebody closed a modal that asked to be told (`notify_on_close`)."""

    user_id: str
    callback_id: str
    private_metadata: str
    view_id: str


@dataclass(frozen=True)
class Shortcut:
    """A shortcut on a message, or a global one (then channel and message are "")."""

    user_id: str
    callback_id: str
    trigger_id: str
    channel_id: str
    message_ts: str
    message_text: str
    response_url: str


@dataclass(frozen=True)
class SlashCommand:
    """`command` with its slash, `text` what was written after it."""

    command: str
    text: str
    user_id: str
    channel_id: str
    trigger_id: str
    response_url: str


@dataclass(frozen=True)
class MessageEvent:
    """A message appeared. `bot_id` is "" when a person wrote it; `subtype` is "" for a plain one."""

    event_id: str
    channel_id: str
    channel_type: str
    user_id: str
    text: str
    ts: str
    thread_ts: str
    bot_id: str
    subtype: str


@dataclass(frozen=True)
class AppHomeOpened:
    """Somebody looks at our App Home (`tab` "home") or our messages tab."""

    event_id: str
    user_id: str
    tab: str


@dataclass(frozen=True)
class UrlVerification:
    """Slack asks whether the events URL is ours: answer with `challenge`."""

    challenge: str


@dataclass(frozen=True)
class UnknownEvent:
    """Something that we do not use, named so that it can be counted."""

    kind: str


SlackEvent = (
    BlockAction
    | ViewSubmission
    | ViewClosed
    | Shortcut
    | SlashCommand
    | MessageEvent
    | AppHomeOpened
    | UrlVerification
    | UnknownEvent
)
