"""What Slack sends us: is it Slack's, have we had it, and what does it say.

Verification looks at the raw body; whoever parses and serialises first verifies something else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from integrations.errors import Refused
from integrations.slack.events import (
    AppHomeOpened,
    BlockAction,
    MessageEvent,
    Shortcut,
    SlackEvent,
    SlashCommand,
    UnknownEvent,
    UrlVerification,
    Value,
    Values,
    ViewClosed,
    ViewSubmission,
)
from integrations.slack.wire import mapping, sequence, text

MAX_AGE_S = 300


def verify(headers: Mapping[str, str], body: bytes, signing_secret: str, now: float) -> None:
    """Return if Slack signed exactly this `body` within 300 s of `now` (seconds of the epoch, UTC).

    Raises:
        Refused: no or a wrong signature, or a stale one; answer 401 and do nothing.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    given = {name.lower(): value for name, value in headers.items()}
    stamp = given.get("x-slack-request-timestamp", "")
    signature = given.get("x-slack-signature", "")
    if not signing_secret:
        raise _refused("verify", "no signing secret is set")
    if not stamp.isascii() or not stamp.isdigit():
        raise _refused("verify", "no timestamp, or not an integer")
    if abs(now - int(stamp)) > MAX_AGE_S:
        raise _refused("verify", f"timestamp more than {MAX_AGE_S} s off")
    digest = hmac.new(signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    if not hmac.compare_digest(f"v0={digest.hexdigest()}".encode(), signature.encode()):
        raise _refused("verify", "wrong signature")


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The key under which this delivery is the same when it comes again.

    Events carry an `event_id`, the same in every retry; interactions and commands carry nothing, so
    theirs is the hash of the raw body. `headers` says nothing that is stable across retries.
    """
    del headers
    try:
        event_id = text(mapping(json.loads(body)).get("event_id"))
    except ValueError:
        event_id = ""
    return event_id or hashlib.sha256(body).hexdigest()


def parse(content_type: str, body: bytes) -> SlackEvent:
    """What this delivery says. Kinds and parts that we do not know are no error.

    Raises:
        Refused: it is not a form or JSON as Slack sends them; answer 400.
    """
    if content_type.split(";")[0].strip().lower() == "application/json":
        return _envelope(_object(body))
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        raise _refused("parse", "neither a form nor JSON") from None
    if "payload" in form:
        return interaction(_object(form["payload"]))
    if "command" in form:
        return _command(form)
    if "ssl_check" in form:
        return UnknownEvent("ssl_check")
    raise _refused("parse", "a form without payload or command")


def _object(raw: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise _refused("parse", "not JSON") from None
    if not isinstance(value, dict):
        raise _refused("parse", "not a JSON object")
    return cast("dict[str, Any]", value)


def _envelope(envelope: dict[str, Any]) -> SlackEvent:
    kind = text(envelope.get("type"))
    if kind == "url_verification":
        return UrlVerification(text(envelope.get("challenge")))
    event = mapping(envelope.get("event"))
    if not kind and not event:
        raise _refused("parse", "no type")
    if not event:
        return UnknownEvent(kind)
    return _event(text(envelope.get("event_id")), event)


def _event(event_id: str, event: dict[str, Any]) -> SlackEvent:
    kind = text(event.get("type"))
    if kind == "message":
        return MessageEvent(
            event_id=event_id,
            channel_id=text(event.get("channel")),
            channel_type=text(event.get("channel_type")),
            user_id=text(event.get("user")),
            text=text(event.get("text")),
            ts=text(event.get("ts")),
            thread_ts=text(event.get("thread_ts")),
            bot_id=text(event.get("bot_id")),
            subtype=text(event.get("subtype")),
        )
    if kind == "app_home_opened":
        return AppHomeOpened(event_id, text(event.get("user")), text(event.get("tab")))
    return UnknownEvent(kind)


def interaction(payload: Mapping[str, Any]) -> SlackEvent:
    """What the payload of an interaction says. Raises Refused: it is none."""
    kind = text(payload.get("type"))
    if not kind:
        raise _refused("parse", "a payload without a type")
    reader = _INTERACTIONS.get(kind)
    return reader(dict(payload)) if reader else UnknownEvent(kind)


def _block_action(payload: dict[str, Any]) -> SlackEvent:
    pressed = sequence(payload.get("actions"))
    action = mapping(pressed[0] if pressed else None)
    if not action:
        raise _refused("parse", "block_actions without an action")
    container, view = mapping(payload.get("container")), mapping(payload.get("view"))
    state = mapping(payload.get("state")) or mapping(view.get("state"))
    return BlockAction(
        user_id=_user_id(payload),
        action_id=text(action.get("action_id")),
        block_id=text(action.get("block_id")),
        value=text(action.get("value")),
        selected=_value(action) if action.get("type") != "button" else "",
        channel_id=text(mapping(payload.get("channel")).get("id")) or text(container.get("channel_id")),
        message_ts=text(container.get("message_ts")) or text(mapping(payload.get("message")).get("ts")),
        trigger_id=text(payload.get("trigger_id")),
        response_url=text(payload.get("response_url")),
        values=_values(state),
        view_id=text(view.get("id")),
        callback_id=text(view.get("callback_id")),
        private_metadata=text(view.get("private_metadata")),
    )


def _view_submission(payload: dict[str, Any]) -> SlackEvent:
    view = mapping(payload.get("view"))
    return ViewSubmission(
        user_id=_user_id(payload),
        callback_id=text(view.get("callback_id")),
        private_metadata=text(view.get("private_metadata")),
        values=_values(mapping(view.get("state"))),
        view_id=text(view.get("id")),
    )


def _view_closed(payload: dict[str, Any]) -> SlackEvent:
    view = mapping(payload.get("view"))
    return ViewClosed(
        user_id=_user_id(payload),
        callback_id=text(view.get("callback_id")),
        private_metadata=text(view.get("private_metadata")),
        view_id=text(view.get("id")),
    )


def _shortcut(payload: dict[str, Any]) -> SlackEvent:
    message = mapping(payload.get("message"))
    return Shortcut(
        user_id=_user_id(payload),
        callback_id=text(payload.get("callback_id")),
        trigger_id=text(payload.get("trigger_id")),
        channel_id=text(mapping(payload.get("channel")).get("id")),
        message_ts=text(payload.get("message_ts")) or text(message.get("ts")),
        message_text=text(message.get("text")),
        response_url=text(payload.get("response_url")),
    )


def _command(form: Mapping[str, str]) -> SlackEvent:
    return SlashCommand(
        command=form.get("command", ""),
        text=form.get("text", ""),
        user_id=form.get("user_id", ""),
        channel_id=form.get("channel_id", ""),
        trigger_id=form.get("trigger_id", ""),
        response_url=form.get("response_url", ""),
    )


_INTERACTIONS: Mapping[str, Callable[[dict[str, Any]], SlackEvent]] = {
    "block_actions": _block_action,
    "view_submission": _view_submission,
    "view_closed": _view_closed,
    "message_action": _shortcut,
    "shortcut": _shortcut,
}


def _user_id(payload: dict[str, Any]) -> str:
    return text(mapping(payload.get("user")).get("id"))


def _values(state: dict[str, Any]) -> Values:
    return {
        block_id: {action_id: _value(mapping(given)) for action_id, given in mapping(inputs).items()}
        for block_id, inputs in mapping(state.get("values")).items()
    }


def _value(given: dict[str, Any]) -> Value:
    """The value of an input element, whatever its kind calls it."""
    for name in ("selected_options", "selected_users", "selected_channels", "selected_conversations"):
        if isinstance(given.get(name), list):
            return tuple(_choice(one) for one in sequence(given[name]))
    for name in ("value", "selected_option", "selected_date", "selected_time", "selected_user"):
        if given.get(name) is not None:
            return _choice(given[name])
    return _choice(given.get("selected_channel") or given.get("selected_conversation"))


def _choice(one: object) -> str:
    return text(one) or text(mapping(one).get("value"))


def _refused(operation: str, detail: str) -> Refused:
    return Refused("slack", operation, "delivery", detail=detail)
