"""Socket Mode as our side of it: the bytes are those of HTTP, and the line is opened as often as is right."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socket import SHUT_RDWR
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.sync.server import ServerConnection, serve

from deployments.demo.waiting import eventually
from integrations.errors import Refused, Transient
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import Server
from integrations.sandbox.slack import SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack.events import BlockAction, MessageEvent, SlashCommand
from integrations.slack.inbound import delivery_id, parse
from integrations.slack.socket import Answer, SocketMode, as_http
from tests.integrations.slack.world import APP_TOKEN, BOT_TOKEN

FORM = "application/x-www-form-urlencoded"
OPENINGS = "/api/apps.connections.open"


@contextmanager
def line(api_url: str, token: str) -> Iterator[SocketMode]:
    def take(headers: Mapping[str, str], body: bytes) -> Answer:
        del headers, body
        return Answer("", b"")

    reached = SlackSettings(api_url=api_url, app_token=SecretStr(token), timeout_s=5)
    made = SocketMode(reached, take)
    try:
        yield made
    finally:
        made.close()


def openings(sandbox: SlackSandbox) -> int:
    return sum(seen.path == OPENINGS for seen in sandbox.faults.requests)


def test_an_envelope_becomes_the_headers_and_the_bytes_that_it_has_over_http() -> None:
    press = {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "a", "value": "ä"}]}
    command = {"command": "/request", "text": "a & b", "user_id": "U1"}
    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "ü"}}
    assert as_http("interactive", press) == (
        {"content-type": FORM},
        urlencode({"payload": json.dumps(press)}).encode(),
    )
    assert as_http("slash_commands", command) == ({"content-type": FORM}, urlencode(command).encode())
    assert as_http("events_api", event) == ({"content-type": "application/json"}, json.dumps(event).encode())
    assert as_http("hello", {}) is None


@pytest.mark.parametrize(
    ("kind", "payload", "read"),
    [
        ("interactive", {"type": "block_actions", "user": {}, "actions": [{"action_id": "a"}]}, BlockAction),
        ("slash_commands", {"command": "/request", "text": ""}, SlashCommand),
        ("events_api", {"type": "event_callback", "event": {"type": "message"}}, MessageEvent),
    ],
)
def test_an_envelope_is_read_as_its_http_delivery(kind: str, payload: dict[str, object], read: type) -> None:
    delivery = as_http(kind, payload)
    assert delivery is not None
    assert type(parse(delivery[0]["content-type"], delivery[1])) is read


def test_slacks_retry_of_an_event_is_the_same_delivery_and_says_that_it_is_a_retry() -> None:
    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}
    first, again = as_http("events_api", event, 0), as_http("events_api", event, 1)
    assert first is not None
    assert again is not None
    assert "x-slack-retry-num" not in first[0]
    assert again[0]["x-slack-retry-num"] == "1"
    assert delivery_id(*first) == delivery_id(*again) == "Ev1"


def test_a_line_counts_as_open_when_slack_has_said_hello(sandbox: SlackSandbox) -> None:
    with line(sandbox.api_url, APP_TOKEN) as made:
        assert not made.connected
        made.keep_open()
        eventually("hello", lambda: made.connected, 10)
        made.keep_open()
        assert (sandbox.sockets.count, openings(sandbox)) == (1, 1)


def test_a_line_that_ends_without_a_word_is_given_up_at_once() -> None:
    def greet_and_hang_up(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello"}))
        hang_up.wait(10)
        connection.socket.shutdown(SHUT_RDWR)

    async def opens(_: Request) -> Response:
        return JSONResponse({"ok": True, "url": f"ws://127.0.0.1:{wire.socket.getsockname()[1]}/"})

    hang_up = threading.Event()
    wire = serve(greet_and_hang_up, "127.0.0.1", 0)
    threading.Thread(target=wire.serve_forever, daemon=True).start()
    slack = Server(Starlette(routes=[Route(OPENINGS, opens, methods=["POST"])]))
    try:
        with line(f"{slack.url}/api/", APP_TOKEN) as made:
            made.keep_open()
            eventually("hello", lambda: made.connected, 10)
            hang_up.set()
            eventually("it is noticed", lambda: not made.connected, 5)
    finally:
        hang_up.set()
        wire.shutdown()
        slack.stop()


def test_a_bot_token_opens_no_line(sandbox: SlackSandbox) -> None:
    with line(sandbox.api_url, BOT_TOKEN) as made:
        with pytest.raises(Refused, match="not_allowed_token_type"):
            made.keep_open()
        assert not made.connected


def test_when_slack_says_too_often_it_is_not_asked_again_before_its_time(sandbox: SlackSandbox) -> None:
    sandbox.faults.order(Fault(f"POST {OPENINGS}", "429", retry_after="600"))
    with line(sandbox.api_url, APP_TOKEN) as made:
        with pytest.raises(Transient) as caught:
            made.keep_open()
        assert caught.value.retry_after_s == 600
        made._next -= 590  # as if so many seconds had gone by
        made.keep_open()
        assert openings(sandbox) == 1
        made._next -= 11
        made.keep_open()
        assert openings(sandbox) == 2
