"""Slack's Socket Mode: a WebSocket that we open, over which comes what Slack else posts to our addresses.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

from __future__ import annotations

import json
import logging
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode, urlsplit
from urllib.request import proxy_bypass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from integrations.errors import Transient
from integrations.settings import SlackSettings
from integrations.slack.failures import NETWORK_FAILURES, from_api_error, from_network

log = logging.getLogger(__name__)

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_PING_S = 3.0
"""A line that is silent for four of these is given up."""


@dataclass(frozen=True)
class Answer:
    """What an HTTP answer with status 200 would say."""

    content_type: str
    body: bytes


Take = Callable[[Mapping[str, str], bytes], Answer | None]


def as_http(
    kind: str, payload: Mapping[str, Any], attempt: int | None = None
) -> tuple[dict[str, str], bytes] | None:
    """Headers and body with which Slack would post this envelope; None: of a kind that it would not.

    The same payload gives the same bytes. `attempt` counts Slack's retries of an event.
    """
    headers = {"content-type": _JSON if kind == "events_api" else _FORM}
    if attempt:
        headers["x-slack-retry-num"] = str(attempt)
    if kind == "interactive":
        return headers, urlencode({"payload": json.dumps(payload)}).encode()
    if kind == "slash_commands":
        return headers, urlencode(payload).encode()
    if kind == "events_api":
        return headers, json.dumps(payload).encode()
    return None


class SocketMode:
    """One line to Slack, open as long as somebody calls `keep_open` now and then.

    `take` gets each delivery with the headers and the body that it has over HTTP, in a thread of the SDK,
    several at once, and must not raise. What it returns is the acknowledgement; None: there is none, and
    Slack tells the person that it failed.
    """

    def __init__(self, settings: SlackSettings, take: Take) -> None:
        sdk_log = logging.getLogger("conveyor.slack_sdk")
        sdk_log.setLevel(logging.CRITICAL)  # below that the SDK logs what comes over the line
        web = WebClient(
            base_url=settings.api_url,
            timeout=max(1, round(settings.timeout_s)),
            retry_handlers=[],
            logger=sdk_log,
        )
        self._client = _Client(
            settings.app_token.get_secret_value(),
            logger=sdk_log,
            web_client=web,
            auto_reconnect_enabled=False,  # that is `keep_open`
            ping_interval=_PING_S,
        )
        # The SDK takes a proxy from the environment but not NO_PROXY; urllib knows both.
        if proxy_bypass(urlsplit(settings.api_url).hostname or ""):
            web.proxy = self._client.proxy = None
        untyped = cast("Any", self._client)
        untyped.message_listeners.append(self._greeted)
        untyped.socket_mode_request_listeners.append(self._heard)
        self._take = take
        self._greeted_session = ""
        self._next = 0.0
        self._pause_s = _PAUSE_S

    @property
    def connected(self) -> bool:
        """The line is open and Slack has said hello on it."""
        return self._client.is_connected() and self._client.session_id() == self._greeted_session

    def keep_open(self) -> None:
        """Open the line if there is none. After each failure the next attempt waits longer, at most 60 s.

        Raises:
            Refused: the token is no app-level token, or revoked. Transient: no answer, or too often.
        """
        if self._client.is_connected():
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        try:
            self._client.connect_to_new_endpoint()
        except Transient as error:
            self._next = max(self._next, now + (error.retry_after_s or 0))
            raise

    def close(self) -> None:
        """End the line; what is in hand is finished first."""
        self._client.close()

    def _greeted(
        self, client: BaseSocketModeClient, message: dict[str, Any], raw_message: str | None = None
    ) -> None:
        del client, raw_message
        if message.get("type") == "hello":
            self._greeted_session = self._client.session_id() or ""
            self._pause_s = _PAUSE_S

    def _heard(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = cast("dict[str, Any]", cast("Any", request).payload)
        delivery = as_http(request.type, payload, request.retry_attempt)
        if delivery is None:
            log.warning("Slack's socket: an envelope of unknown kind")
            return
        answer = self._take(*delivery)
        if answer is None:
            return
        ack: dict[str, Any] = {"envelope_id": request.envelope_id}
        if request.accepts_response_payload and answer.body:
            ack["payload"] = _payload(answer)
        try:
            client.send_socket_mode_response(ack)
        except (SlackClientError, OSError, struct.error) as error:  # struct.error: the SDK ends at 64 KiB
            log.warning("Slack's socket: not acknowledged: %s", type(error).__name__)


class _Client(SocketModeClient):
    """The SDK's client, which raises at once when Slack wants to be asked later, or when its line ended."""

    def connect(self) -> None:
        """Open a line at the address in hand; its failure shows in `is_connected`."""
        super().connect()
        session = cast("Any", self.current_session)
        with session.sock_send_lock:
            if session.sock is not None:
                session.sock = _Ending(session.sock)

    def issue_new_wss_url(self) -> str:
        """The address of a new line; it works once."""
        operation = "apps.connections.open"
        try:
            web = cast("Any", self.web_client)
            return str(web.apps_connections_open(app_token=self.app_token)["url"])
        except SlackApiError as error:
            raise from_api_error(operation, "socket", error) from None
        except (SlackClientError, *NETWORK_FAILURES) as error:
            raise from_network(operation, "socket", error) from None


class _Ending:
    """A socket whose end is an error: the SDK would read it again and again, for a quarter of a minute."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:
        received: bytes = self._sock.recv(size)
        if not received:
            raise ConnectionResetError
        return received


def _payload(answer: Answer) -> Any:
    if answer.content_type.startswith(_JSON):
        return json.loads(answer.body)
    return {"text": answer.body.decode()}
