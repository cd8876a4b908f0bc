"""What the app answers: to a submitted modal, to a slash command, and through a response URL.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

from __future__ import annotations

import json
from typing import Any, cast

from integrations.sandbox.slack.kit import checked_message, checked_view
from integrations.sandbox.slack.methods_views import push_on, replace_view
from integrations.sandbox.slack.outbound import Reply
from integrations.sandbox.slack.state import (
    RESPONSE_URL_USES,
    Channel,
    Json,
    Message,
    OpenView,
    SlackFault,
    Workspace,
)

_TROUBLE = "We had some trouble connecting. Try again?"


def apply_submission_answer(workspace: Workspace, opened: OpenView, body: str) -> Json:
    """Do to the modal what the app answered; says what became of it."""
    if not body.strip():
        workspace.close_view(opened.id)
        return {"view": "closed"}
    try:
        answer: Any = json.loads(body)
        action = answer.get("response_action")
        if action == "clear":
            workspace.close_view(opened.id, whole_stack=True)
            return {"view": "closed"}
        if action == "errors":
            return _field_errors(workspace, opened, answer["errors"])
        if action in ("update", "push"):
            view = checked_view(answer["view"], workspace.new_id)
            if action == "push":
                return {"view": "pushed", "view_id": push_on(workspace, opened, view).id}
            replace_view(workspace, opened, view)
            return {"view": "updated", "view_id": opened.id}
    except (ValueError, AttributeError, KeyError, SlackFault):
        return {"view": "open", "error_shown": _TROUBLE}
    return {"view": "open", "error_shown": _TROUBLE}


def _field_errors(workspace: Workspace, opened: OpenView, errors: dict[str, str]) -> Json:
    inputs = {block["block_id"] for block in opened.view["blocks"] if block["type"] == "input"}
    if not errors or not set(errors) <= inputs:  # Slack shows nothing for a key that is no input
        return {"view": "open", "error_shown": _TROUBLE}
    opened.errors = dict(errors)
    workspace.touch()
    return {"view": "errors", "errors": opened.errors}


def apply_command_answer(workspace: Workspace, channel: Channel, user_id: str, reply: Reply) -> None:
    """The body of a slash command's 200 is a message: to the person alone unless it says otherwise."""
    if not reply.body.strip():
        return
    content: Json = {"text": reply.body}
    if reply.headers.get("content-type", "").startswith("application/json"):
        try:
            content = json.loads(reply.body)
        except ValueError:
            return
    if content.get("text") or content.get("blocks"):
        _post(workspace, channel, user_id, content)


def use_response_url(workspace: Workspace, key: str, body: bytes) -> tuple[int, str]:
    """Serve a response URL: (status, body). It works five times within half an hour."""
    url = workspace.response_urls.get(key)
    if url is None or workspace.clock() > url.expires:
        return 404, "expired_url"
    if url.uses >= RESPONSE_URL_USES:
        return 404, "used_url"
    try:
        given: Any = json.loads(body)
    except ValueError:
        return 400, "invalid_payload"
    if not isinstance(given, dict):
        return 400, "invalid_payload"
    content = cast("Json", given)
    channel = workspace.channels[url.channel_id]
    url.uses += 1
    try:
        if content.get("delete_original"):
            channel.messages = [m for m in channel.messages if m.ts != url.message_ts]
            workspace.touch()
        elif content.get("replace_original") and (message := channel.find(url.message_ts)):
            message.text = str(content.get("text") or "")
            message.blocks = _blocks(workspace, content)
            message.edited_ts = workspace.new_ts()
            workspace.touch()
        else:
            _post(workspace, channel, url.user_id, content)
    except SlackFault as fault:
        return 400, fault.code
    return 200, "ok"


def _post(workspace: Workspace, channel: Channel, user_id: str, content: Json) -> None:
    public = content.get("response_type") == "in_channel"
    workspace.add_message(
        channel,
        Message(
            ts=workspace.new_ts(),
            user_id=workspace.bot.id,
            text=str(content.get("text") or ""),
            blocks=_blocks(workspace, content),
            bot=True,
            thread_ts=str(content.get("thread_ts") or ""),
            ephemeral_for="" if public else user_id,
        ),
    )


def _blocks(workspace: Workspace, content: Json) -> list[Json]:
    blocks = content.get("blocks")
    return checked_message(blocks, workspace.new_id) if blocks else []
