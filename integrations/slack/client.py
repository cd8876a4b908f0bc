"""What Conveyor asks of Slack's Web API; the only place that calls it.

No call is repeated in here: after `Transient` the caller looks (`find_message`), then repeats.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from integrations.errors import Transient
from integrations.settings import SlackSettings
from integrations.slack.blocks import Block, View
from integrations.slack.failures import NETWORK_FAILURES, from_api_error, from_network
from integrations.slack.models import PostedMessage, SlackChannel, SlackMessage, SlackUser
from integrations.slack.parsing import OP_EVENT_TYPE, channel_of, message_of, user_of
from integrations.slack.wire import mapping, sequence, text

_PAGE = 200


class SlackClient:
    """Slack as the app's bot. Holds no connection, so threads may share it.

    Every method raises the errors of `integrations.errors`, never the SDK's (its `SlackApiError`
    cannot be unpickled). A channel is always given by its id (`C…`, `G…`, `D…`), a person by `U…`.
    """

    def __init__(self, settings: SlackSettings) -> None:
        log = logging.getLogger("conveyor.slack_sdk")
        log.setLevel(logging.CRITICAL)  # below that the SDK logs request and answer bodies
        web = WebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=max(1, round(settings.timeout_s)),
            retry_handlers=[],
            logger=log,
        )
        # The SDK takes a proxy from the environment but not NO_PROXY; urllib knows both.
        if proxy_bypass(urlsplit(settings.api_url).hostname or ""):
            web.proxy = None
        # Untyped in the SDK.
        self._send: Callable[..., Any] = cast("Any", web).api_call
        self._upload: Callable[..., Any] = cast("Any", web).files_upload_v2

    def auth_test(self) -> str:
        """The user id of our bot. Raises Refused: the token is wrong or revoked."""
        return text(self._call("auth.test", "bot", {})["user_id"])

    def post(
        self,
        channel_id: str,
        text: str,
        blocks: Sequence[Block] = (),
        *,
        op_key: str,
        thread_ts: str | None = None,
    ) -> PostedMessage:
        """Post a message that carries `op_key`; `text` is what notifications and screen readers get.

        Slack has no idempotency key, so a repeat posts again: after Transient, `find_message` first.

        Raises:
            NotFound: no such channel.
            Refused: the bot is not in it, or Slack does not accept the blocks or the text.
            Transient: no answer, or more than about one message a second in this channel.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        arguments: dict[str, Any] = {
            "channel": channel_id,
            "text": text,
            "metadata": {"event_type": OP_EVENT_TYPE, "event_payload": {"op_key": op_key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if blocks:
            arguments["blocks"] = list(blocks)
        if thread_ts:
            arguments["thread_ts"] = thread_ts
        answer = self._call("chat.postMessage", channel_id, arguments)
        return PostedMessage(channel_id=answer["channel"], ts=answer["ts"])

    def find_message(
        self, channel_id: str, op_key: str, oldest: datetime, thread_ts: str | None = None
    ) -> PostedMessage | None:
        """The first message since `oldest` (aware) that carries `op_key`, or None if there is none.

        Reads every page. A reply is found only with the `thread_ts` of its parent. Give `oldest` a
        minute of slack: it is compared with Slack's clock, not ours.
        """
        messages = self._messages(channel_id, _ts(oldest), thread_ts)
        found = [message.ts for message in messages if message.op_key == op_key]
        return PostedMessage(channel_id, min(found)) if found else None

    def upload(
        self,
        channel_id: str,
        name: str,
        content: bytes,
        *,
        title: str,
        alt: str,
        thread_ts: str | None = None,
    ) -> str:
        """Share a file in the channel, or as a reply; its id. Three requests: an address, the bytes, the end.

        A file carries no `op_key`, so give it a `name` that no other file has: after Transient, `find_file`
        first. `alt` is what screen readers get.

        Raises:
            NotFound: no such channel or thread.
            Refused: the bot is not in the channel, or the app lacks `files:write`.

        Source: https://docs.slack.dev/messaging/working-with-files
        """
        try:
            response = self._upload(
                filename=name,
                content=content,
                title=title,
                alt_txt=alt,
                channel=channel_id,
                thread_ts=thread_ts,
            )
        except SlackApiError as error:
            raise from_api_error("files.completeUploadExternal", channel_id, error) from None
        except (SlackClientError, *NETWORK_FAILURES) as error:
            raise from_network("files.getUploadURLExternal", channel_id, error) from None
        return text(mapping(sequence(mapping(response.data).get("files"))[0]).get("id"))

    def find_file(
        self, channel_id: str, name: str, oldest: datetime, thread_ts: str | None = None
    ) -> PostedMessage | None:
        """The first message since `oldest` that has a file of that name; otherwise as `find_message`.

        Slack shares a file some moments after it was uploaded: until then there is none.
        """
        messages = self._messages(channel_id, _ts(oldest), thread_ts)
        found = [message.ts for message in messages if name in message.files]
        return PostedMessage(channel_id, min(found)) if found else None

    def update(self, channel_id: str, ts: str, text: str, blocks: Sequence[Block] = ()) -> None:
        """Replace the message's text and blocks; without `blocks` it has none. A repeat is harmless.

        Raises:
            NotFound: the message is gone. Conflict: it is not ours, or too old to edit.

        Source: https://docs.slack.dev/reference/methods/chat.update
        """
        arguments = {"channel": channel_id, "ts": ts, "text": text, "blocks": list(blocks)}
        self._call("chat.update", f"{channel_id}/{ts}", arguments)

    def ephemeral(
        self,
        channel_id: str,
        user_id: str,
        text: str,
        blocks: Sequence[Block] = (),
        thread_ts: str | None = None,
    ) -> None:
        """Show a message to one person of the channel; Slack keeps none, so it cannot be found again."""
        arguments: dict[str, Any] = {"channel": channel_id, "user": user_id, "text": text}
        if blocks:
            arguments["blocks"] = list(blocks)
        if thread_ts:
            arguments["thread_ts"] = thread_ts
        self._call("chat.postEphemeral", f"{channel_id}/{user_id}", arguments)

    def permalink(self, channel_id: str, ts: str) -> str:
        """The address of a message. Raises NotFound: the message is gone."""
        arguments = {"channel": channel_id, "message_ts": ts}
        return text(self._call("chat.getPermalink", f"{channel_id}/{ts}", arguments)["permalink"])

    def direct_channel(self, user_id: str) -> str:
        """The id of our direct conversation with this person; opens it if need be."""
        answer = self._call("conversations.open", user_id, {"users": user_id})
        return text(mapping(answer["channel"])["id"])

    def open_view(self, trigger_id: str, view: View) -> str:
        """Open a modal; its view id. `trigger_id` lives 3 s and serves once.

        Raises:
            Conflict: the trigger is used up or expired, or the view's `external_id` is open already
                (which means that an earlier call of ours took effect).
        """
        answer = self._call("views.open", "view", {"trigger_id": trigger_id, "view": view})
        return text(mapping(answer["view"])["id"])

    def update_view(self, view_id: str, view: View) -> None:
        """Replace an open modal. Raises NotFound: the person has closed it."""
        self._call("views.update", view_id, {"view_id": view_id, "view": view})

    def publish_home(self, user_id: str, view: View) -> None:
        """Set this person's App Home. A repeat is harmless."""
        self._call("views.publish", user_id, {"user_id": user_id, "view": view})

    def history(
        self, channel_id: str, oldest: datetime | None = None, limit: int | None = None
    ) -> list[SlackMessage]:
        """The channel's messages since `oldest`, oldest first; of more than `limit` the newest.

        Replies in threads are not among them: see `replies`.
        """
        found: list[SlackMessage] = []
        for message in self._messages(channel_id, _ts(oldest) if oldest else None, None):
            found.append(message)
            if limit is not None and len(found) >= limit:
                break
        return sorted(found, key=lambda message: message.ts)

    def replies(self, channel_id: str, ts: str) -> list[SlackMessage]:
        """The replies under the message `ts`, oldest first, without the message itself."""
        messages = self._messages(channel_id, None, ts)
        return sorted((m for m in messages if m.ts != ts), key=lambda message: message.ts)

    def user(self, user_id: str) -> SlackUser:
        """One account. Raises NotFound: no such user."""
        return user_of(self._call("users.info", user_id, {"user": user_id})["user"])

    def group_members(self, group_id: str) -> tuple[str, ...]:
        """The ids of the people in a user group (`S…`), deactivated groups' too.

        Raises:
            NotFound: no such group.
            Refused: the workspace's plan has no user groups, or the app lacks `usergroups:read`.

        Source: https://docs.slack.dev/reference/methods/usergroups.users.list
        """
        arguments = {"usergroup": group_id}
        answer = self._call("usergroups.users.list", group_id, arguments)
        return tuple(map(text, sequence(answer.get("users"))))

    def channels(self) -> list[SlackChannel]:
        """Every public channel, and the private ones that our bot is in."""
        arguments = {"types": "public_channel,private_channel", "exclude_archived": False}
        pages = self._pages("conversations.list", "channels", arguments)
        return [channel_of(channel) for page in pages for channel in sequence(page.get("channels"))]

    def _messages(self, channel_id: str, oldest: str | None, thread_ts: str | None) -> Iterator[SlackMessage]:
        arguments: dict[str, Any] = {"channel": channel_id, "include_all_metadata": True}
        if oldest:
            arguments |= {"oldest": oldest, "inclusive": True}
        method = "conversations.history"
        if thread_ts:
            method, arguments["ts"] = "conversations.replies", thread_ts
        for page in self._pages(method, channel_id, arguments):
            for message in sequence(page.get("messages")):
                yield message_of(channel_id, mapping(message))

    def _pages(self, method: str, object_id: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = self._call(method, object_id, {**arguments, "limit": _PAGE, "cursor": cursor})
            yield page
            following = text(mapping(page.get("response_metadata")).get("next_cursor"))
            if not following:
                return
            if following == cursor:  # would never end
                raise Transient("slack", method, object_id, 200, "the same cursor twice")
            cursor = following

    def _call(self, method: str, object_id: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One call, one request. Reads go as a form: those methods do not take JSON."""
        as_form = method.startswith(("conversations.", "users.", "usergroups.", "auth.", "chat.getPermalink"))
        try:
            if as_form:
                given = {key: value for key, value in arguments.items() if value not in ("", None)}
                response = self._send(method, params=given)
            else:
                response = self._send(method, json=dict(arguments))
        except SlackApiError as error:
            raise from_api_error(method, object_id, error) from None
        except (SlackClientError, *NETWORK_FAILURES) as error:
            raise from_network(method, object_id, error) from None
        return mapping(response.data)


def _ts(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"
