"""Slack's error codes, sorted into ours by what the caller should do.

Source: https://docs.slack.dev/reference/methods (each method lists its errors)
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any, cast

from slack_sdk.errors import SlackApiError

from integrations.errors import Conflict, IntegrationError, NotFound, Refused, Transient, from_status
from integrations.slack.wire import mapping, sequence, text

#: What the SDK lets through when the network fails or the answer is not what HTTP or JSON allow.
NETWORK_FAILURES = (OSError, http.client.HTTPException, ValueError)

_TRANSIENT = frozenset(
    [
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "rollup_error",
        "team_added_to_org",
        "external_channel_migrating",
    ]
)
_NOT_FOUND = frozenset(
    [
        "channel_not_found",
        "message_not_found",
        "thread_not_found",
        "user_not_found",
        "users_not_found",
        "user_not_visible",
        "not_found",
        "view_not_found",
        "no_such_subteam",
        "file_not_found",
        "bot_not_found",
    ]
)
_CONFLICT = frozenset(
    [
        "duplicate_external_id",
        "cant_update_message",
        "edit_window_closed",
        "hash_conflict",
        "expired_trigger_id",
        "exchanged_trigger_id",
        "already_reacted",
        "no_reaction",
        "push_limit_reached",
    ]
)
_DETAIL_CHARS = 300


def from_api_error(operation: str, object_id: str, error: SlackApiError) -> IntegrationError:
    """Our error for an answer with `ok: false` or a status other than 200.

    Unknown codes are a refusal: repeating what Slack does not accept is no use.
    """
    response = cast("Any", error.response)
    status = int(response.status_code)
    data = mapping(response.data)
    code = text(data.get("error"))[:_DETAIL_CHARS]
    retry_after_s = _retry_after_s(mapping(response.headers))
    if status == 429 or status >= 500:
        return from_status("slack", operation, object_id, status, detail=code, retry_after_s=retry_after_s)
    if status != 200:  # Slack says no with 200: this is somebody else's answer
        return Refused("slack", operation, object_id, status, "not an answer of Slack: is api_url right?")
    if not code or " " in code:  # the SDK puts its own sentence where the body was not JSON
        return Transient("slack", operation, object_id, status, "answer is not Slack's")
    if code in _TRANSIENT:
        return Transient("slack", operation, object_id, status, code, retry_after_s)
    kind = NotFound if code in _NOT_FOUND else Conflict if code in _CONFLICT else Refused
    return kind("slack", operation, object_id, status, _detail(code, data))


def from_network(operation: str, object_id: str, error: Exception) -> Transient:
    """No usable answer came: whether the call took effect is unknown."""
    return Transient("slack", operation, object_id, None, type(error).__name__)


def _detail(code: str, data: Mapping[str, object]) -> str:
    parts = [code]
    if needed := text(data.get("needed")):
        parts.append(f"needs {needed}")
    messages = sequence(mapping(data.get("response_metadata")).get("messages"))
    parts += [text(message) for message in messages]
    return "; ".join(parts)[:_DETAIL_CHARS]


def _retry_after_s(headers: Mapping[str, object]) -> float | None:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            word = text(value)
            return float(word) if word.isdecimal() else None
    return None
