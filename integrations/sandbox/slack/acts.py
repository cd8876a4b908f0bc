"""What a person does in Slack, and what Slack then sends to the app.

Source: https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass

from integrations.sandbox.slack.gestures import ActFault, Body, fill, outcome, pressed
from integrations.sandbox.slack.outbound import Events, Kind, Reply, SlackAppSeed, Transport
from integrations.sandbox.slack.responses import apply_command_answer, apply_submission_answer
from integrations.sandbox.slack.shapes import (
    APP_ID,
    DOMAIN,
    channel_ref,
    message_json,
    user_ref,
    view_json,
)
from integrations.sandbox.slack.state import Channel, Json, Message, OpenView, User, Workspace


@dataclass(frozen=True)
class Acts:
    """The hands of every person of the workspace."""

    workspace: Workspace
    app: SlackAppSeed
    transport: Transport
    events: Events
    url: str

    def press(self, user: User, body: Body) -> Json:
        """Press a button or choose from a menu, in a message or (with `view_id`) in a view."""
        with self.workspace.lock:
            payload = self._press_view(user, body) if body.get("view_id") else self._press(user, body)
        reply = self._interact("interactive", payload)
        return outcome(reply, "This app did not respond. Try again, or ask who runs it.")

    def submit(self, user: User, body: Body) -> Json:
        """Send a modal off with `values` {block_id: text, option value, or list of them}."""
        workspace = self.workspace
        with workspace.lock:
            opened = self._view(user, body)
            fill(opened, body.get("values") or {})
            no_urls: list[Json] = []
            payload = self._base("view_submission", user) | {
                "trigger_id": workspace.new_trigger(user.id, opened.id),
                "view": view_json(workspace, opened),
                "response_urls": no_urls,
            }
        reply = self._interact("interactive", payload)
        seen = outcome(reply, "We had some trouble connecting. Try again?")
        if reply.ok:
            with workspace.lock:
                seen |= apply_submission_answer(workspace, opened, reply.body)
        return seen

    def close(self, user: User, body: Body) -> Json:
        """Close a modal; the app hears of it only if the view asked for that."""
        with self.workspace.lock:
            opened = self._view(user, body)
            self.workspace.close_view(opened.id)
            payload = self._base("view_closed", user) | {
                "view": view_json(self.workspace, opened),
                "is_cleared": False,
            }
        if not opened.view.get("notify_on_close"):
            return outcome(Reply(None, 0, failure="no_url"), "")
        return outcome(self._interact("interactive", payload), "")

    def say(self, user: User, body: Body) -> Json:
        """Write a message; the app gets it as an event where its bot is a member."""
        workspace = self.workspace
        with workspace.lock:
            channel = self._channel(user, body)
            text = str(body.get("text") or "")
            if not text:
                raise ActFault(422, "no text")
            thread_ts = str(body.get("thread_ts") or "")
            if thread_ts:
                parent = self._message(channel, user, thread_ts)
                thread_ts = parent.thread_ts or parent.ts
            message = Message(workspace.new_ts(), user.id, text, [], thread_ts=thread_ts)
            workspace.add_message(channel, message)
            channel.read[user.id] = message.ts
            if workspace.bot.id in channel.members:
                self._event(self._message_event(channel, message))
        return {"ts": message.ts, "channel_id": channel.id} | outcome(Reply(200, 0), "")

    def command(self, user: User, body: Body) -> Json:
        """Type a slash command; its answer, if it has one, appears as a message."""
        workspace = self.workspace
        command = str(body.get("command") or "")
        if command not in self.app.commands:
            raise ActFault(404, f"{command} is not a valid command")
        with workspace.lock:
            channel = self._channel(user, body)
            form = {
                "token": "sandbox",
                "team_id": workspace.team_id,
                "team_domain": DOMAIN,
                "channel_id": channel.id,
                "channel_name": channel_ref(channel)["name"],
                "user_id": user.id,
                "user_name": user.handle,
                "command": command,
                "text": str(body.get("text") or ""),
                "api_app_id": APP_ID,
                "is_enterprise_install": "false",
                "response_url": self.url + workspace.new_response_url(channel.id, user.id),
                "trigger_id": workspace.new_trigger(user.id),
            }
        reply = self._interact("slash_commands", form)
        if reply.ok:
            with workspace.lock:
                apply_command_answer(workspace, channel, user.id, reply)
        why = "operation_timeout" if reply.failure == "http_timeout" else "dispatch_failed"
        return outcome(reply, f"{command} failed with the error “{why}”")

    def shortcut(self, user: User, body: Body) -> Json:
        """Use a message shortcut (`channel_id` and `ts`) or a global one."""
        workspace = self.workspace
        callback_id = str(body.get("callback_id") or "")
        if callback_id not in dict(self.app.shortcuts):
            raise ActFault(404, f"{callback_id} is no shortcut")
        with workspace.lock:
            payload = self._base("shortcut", user) | {
                "callback_id": callback_id,
                "trigger_id": workspace.new_trigger(user.id),
                "action_ts": workspace.new_ts(),
            }
            if body.get("ts"):
                channel = self._channel(user, body)
                message = self._message(channel, user, str(body["ts"]))
                path = workspace.new_response_url(channel.id, user.id)
                payload |= {
                    "type": "message_action",
                    "channel": channel_ref(channel),
                    "message": message_json(workspace, channel, message),
                    "message_ts": message.ts,
                    "response_url": self.url + path,
                }
        return outcome(self._interact("interactive", payload), "This shortcut did not work. Try again.")

    def home(self, user: User, body: Body) -> Json:
        """Open the App Home; the app hears of it as an event."""
        del body
        workspace = self.workspace
        with workspace.lock:
            event: Json = {
                "type": "app_home_opened",
                "user": user.id,
                "channel": workspace.direct(user.id, workspace.bot.id).id,
                "tab": "home",
                "event_ts": workspace.new_ts(),
            }
            if user.id in workspace.homes:
                event["view"] = view_json(workspace, workspace.homes[user.id])
            self._event(event)
        return outcome(Reply(200, 0), "")

    def group(self, user: User, body: Body) -> Json:
        """Make a user group (`handle`), or set who is in it (`members`, their slugs); the app is told."""
        del user
        workspace = self.workspace
        with workspace.lock:
            members = [self._member(str(slug)).id for slug in body.get("members") or ()]
            group = workspace.group(str(body.get("handle") or ""))
            before, since = group.members, group.updated
            group.members, group.updated = members, int(workspace.clock())
            added = [id_ for id_ in members if id_ not in before]
            removed = [id_ for id_ in before if id_ not in members]
            if added or removed:
                event: Json = {
                    "type": "subteam_members_changed",
                    "subteam_id": group.id,
                    "team_id": workspace.team_id,
                    "date_previous_update": since,
                    "date_update": group.updated,
                    "added_users": added,
                    "added_users_count": len(added),
                    "removed_users": removed,
                    "removed_users_count": len(removed),
                    "event_ts": workspace.new_ts(),
                }
                self._event(event)
        return {"group_id": group.id} | outcome(Reply(200, 0), "")

    def _member(self, slug: str) -> User:
        found = self.workspace.person(slug)
        if found is None:
            raise ActFault(404, f"no such person: {slug}")
        return found

    def read(self, user: User, body: Body) -> Json:
        """Look at a channel: nothing in it is unread any more."""
        with self.workspace.lock:
            channel = self._channel(user, body)
            if self.workspace.unread(channel, user.id):
                channel.read[user.id] = max(m.ts for m in self.workspace.visible(channel, user.id))
                self.workspace.touch()
        return {"ok": True}

    def _interact(self, kind: Kind, payload: Json) -> Reply:
        """The one way by which what a person did reaches the app."""
        return self.transport.send(kind, payload)

    def _press(self, user: User, body: Body) -> Json:
        workspace = self.workspace
        channel = self._channel(user, body)
        message = self._message(channel, user, str(body.get("ts") or ""))
        action = pressed(message.blocks, message.inputs, body)
        action["action_ts"] = workspace.new_ts()
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(message.ephemeral_for),
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        path = workspace.new_response_url(channel.id, user.id, message.ts)
        payload = self._base("block_actions", user) | {
            "container": container,
            "trigger_id": workspace.new_trigger(user.id),
            "channel": channel_ref(channel),
            "state": {"values": copy.deepcopy(message.inputs)},
            "response_url": self.url + path,
            "actions": [action],
        }
        if not message.ephemeral_for:  # of an ephemeral message Slack tells only the container
            payload["message"] = message_json(workspace, channel, message)
        return payload

    def _press_view(self, user: User, body: Body) -> Json:
        workspace = self.workspace
        opened = self._view(user, body)
        action = pressed(opened.view["blocks"], opened.inputs, body)
        action["action_ts"] = workspace.new_ts()
        return self._base("block_actions", user) | {
            "container": {"type": "view", "view_id": opened.id},
            "trigger_id": workspace.new_trigger(user.id, opened.id),
            "view": view_json(workspace, opened),
            "actions": [action],
        }

    def _base(self, kind: str, user: User) -> Json:
        return {
            "type": kind,
            "team": {"id": self.workspace.team_id, "domain": DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            "user": user_ref(self.workspace, user),
            "api_app_id": APP_ID,
            "token": "sandbox",
        }

    def _event(self, event: Json) -> None:
        workspace = self.workspace
        authorization = {
            "enterprise_id": None,
            "team_id": workspace.team_id,
            "user_id": workspace.bot.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        self.events.send(
            {
                "token": "sandbox",
                "team_id": workspace.team_id,
                "api_app_id": APP_ID,
                "event": event,
                "type": "event_callback",
                "event_id": workspace.new_id("Ev"),
                "event_time": int(workspace.clock()),
                "authorizations": [authorization],
                "is_ext_shared_channel": False,
                "event_context": f"4-{workspace.new_id('ctx')}",
            }
        )

    def _message_event(self, channel: Channel, message: Message) -> Json:
        event: Json = {
            "type": "message",
            "client_msg_id": str(uuid.uuid4()),
            "user": message.user_id,
            "text": message.text,
            "ts": message.ts,
            "event_ts": message.ts,
            "team": self.workspace.team_id,
            "channel": channel.id,
            "channel_type": "im" if channel.direct else "channel",
        }
        return event | {"thread_ts": message.thread_ts} if message.thread_ts else event

    def _channel(self, user: User, body: Body) -> Channel:
        channel = self.workspace.channels.get(str(body.get("channel_id") or ""))
        if channel is None or user.id not in channel.members:
            raise ActFault(404, "no such channel")
        return channel

    def _message(self, channel: Channel, user: User, ts: str) -> Message:
        for message in self.workspace.visible(channel, user.id):
            if message.ts == ts:
                return message
        raise ActFault(404, "no such message")

    def _view(self, user: User, body: Body) -> OpenView:
        view_id = str(body.get("view_id") or "")
        home = self.workspace.homes.get(user.id)
        opened = home if home and home.id == view_id else self.workspace.views.get(view_id)
        if opened is None or opened.user_id != user.id:
            raise ActFault(404, "no such view")
        return opened
