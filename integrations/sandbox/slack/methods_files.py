"""files.*: an upload in three steps, as Slack has it since files.upload is gone.

An address is asked for, the bytes are posted to it, and the upload is completed, which shares the file.
Source: https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

import secrets
from typing import Any, cast

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.files import File, file_json
from integrations.sandbox.slack.state import Channel, Json, Message, SlackFault, Workspace


@method("files.getUploadURLExternal", 4)
def get_upload_url(call: Call) -> Json:
    """An address for the bytes of one file; until the upload is completed nobody sees it."""
    name = call.text("filename", required=True)
    length = call.arguments.get("length")
    if not str(length or "").isdecimal() or not int(str(length)):
        raise SlackFault("invalid_arguments", response_metadata={"messages": ["length: must be positive"]})
    workspace = call.workspace
    file = File(
        id=workspace.new_id("F"),
        name=name,
        user_id=call.caller.id,
        length=int(str(length)),
        created=int(workspace.clock()),
        key=secrets.token_urlsafe(24),
        alt_txt=call.text("alt_txt"),
    )
    workspace.files[file.id] = file
    return {"upload_url": f"{call.url}/upload/v1/{file.key}", "file_id": file.id}


@method("files.completeUploadExternal", 4)
def complete_upload(call: Call) -> Json:
    """The uploaded files become messages of the caller in the channel, or stay private without one."""
    given: Any = call.json("files")
    if not isinstance(given, list) or not given:
        raise SlackFault("invalid_arguments", response_metadata={"messages": ["missing: files"]})
    files = [_uploaded(call, cast("Json", one)) for one in cast("list[Any]", given)]
    channel = _channel(call)
    thread_ts = call.text("thread_ts")
    if channel and thread_ts:
        parent = channel.find(thread_ts)
        if parent is None or parent.ephemeral_for:
            raise SlackFault("invalid_thread_ts")
        thread_ts = parent.thread_ts or parent.ts
    for file in files:
        file.completed = True
    # Slack answers before it has shared the file and looked at what it is.
    answer = [file_json(file, call.workspace.team_id, call.url, shared=False) for file in files]
    if channel:
        _share(call, channel, files, thread_ts)
    return {"files": answer}


@method("files.info", 4)
def info(call: Call) -> Json:
    """One file with the places where it is shared."""
    file = call.workspace.files.get(call.text("file", required=True))
    if file is None or not file.completed:
        raise SlackFault("file_not_found")
    return {"file": file_json(file, call.workspace.team_id, call.url), "comments": []}


def take_upload(workspace: Workspace, key: str, body: bytes) -> tuple[int, str]:
    """The bytes posted to an upload address; status and text of the answer."""
    file = next((one for one in workspace.files.values() if one.key == key), None)
    if file is None or file.completed:
        return 404, "not found"
    if len(body) != file.length:
        return 400, f"{file.length} bytes were announced"
    file.content = body
    return 200, f"OK - {len(body)}"


def _uploaded(call: Call, given: Json) -> File:
    file = call.workspace.files.get(str(given.get("id")))
    if file is None or file.user_id != call.caller.id or not file.content or file.completed:
        raise SlackFault("file_not_found")
    file.title = str(given.get("title") or file.name)
    return file


def _channel(call: Call) -> Channel | None:
    channel_id = call.text("channel_id") or call.text("channels").partition(",")[0]
    if not channel_id:
        return None
    channel = call.workspace.channels.get(channel_id)
    if channel is None:
        raise SlackFault("channel_not_found")
    if call.caller.id not in channel.members:
        raise SlackFault("not_in_channel")
    return channel


def _share(call: Call, channel: Channel, files: list[File], thread_ts: str) -> None:
    workspace = call.workspace
    message = Message(
        ts=workspace.new_ts(),
        user_id=call.caller.id,
        text=call.text("initial_comment"),
        blocks=[],
        bot=call.caller.id == workspace.bot.id,
        thread_ts=thread_ts,
        files=files,
    )
    workspace.add_message(channel, message)
    for file in files:
        file.shared.append((channel.id, message.ts))
