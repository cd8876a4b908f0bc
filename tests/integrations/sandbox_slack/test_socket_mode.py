"""The sandbox's Socket Mode on the wire, with a WebSocket client that knows nothing of Slack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from tests.integrations.slack.world import (
    APP_TOKEN,
    BOT_TOKEN,
    CHANNELS,
    PEOPLE,
    SECRET,
    Clock,
    Hands,
)

FAILED = "/request failed with the error “{}”"


@pytest.fixture
def online(clock: Clock) -> Iterator[SlackSandbox]:
    """A sandbox whose app has Socket Mode; its URLs lead nowhere."""
    url = "http://127.0.0.1:1/"
    seed = SlackAppSeed(BOT_TOKEN, SECRET, url, url, url, app_token=APP_TOKEN, socket_mode=True)
    made = SlackSandbox(PEOPLE, CHANNELS, seed, clock=clock, event_pauses_s=(0.01, 0.01, 0.01))
    yield made
    made.stop()


@pytest.fixture
def acting(online: SlackSandbox) -> Iterator[Callable[..., Future[dict[str, Any]]]]:
    """What a person does, going on while the test is the app."""
    with httpx.Client(base_url=online.url, timeout=10, **LOOPBACK) as http, ThreadPoolExecutor() as pool:
        hands = Hands(http)

        def act(person: str, what: str, **body: Any) -> Future[dict[str, Any]]:
            return pool.submit(lambda: hands(person, what, **body).json())

        yield act


def api(sandbox: SlackSandbox, method: str, token: str, **arguments: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{sandbox.api_url}{method}"
    return httpx.post(url, data=arguments, headers=headers, **LOOPBACK).json()


def address(sandbox: SlackSandbox) -> str:
    answer = api(sandbox, "apps.connections.open", APP_TOKEN)
    assert answer["ok"], answer
    return answer["url"]


@contextmanager
def socket(sandbox: SlackSandbox) -> Iterator[Connection]:
    """An open socket that has been greeted."""
    with connect(address(sandbox), proxy=None) as opened:
        assert told(opened)["type"] == "hello"
        yield opened


def told(opened: Connection) -> dict[str, Any]:
    return json.loads(opened.recv(timeout=10))


def acknowledge(opened: Connection, envelope: dict[str, Any], **more: Any) -> None:
    opened.send(json.dumps({"envelope_id": envelope["envelope_id"], **more}))


def question(sandbox: SlackSandbox) -> dict[str, str]:
    """Where a message with a button is."""
    element = {"type": "button", "action_id": "answer", "text": {"type": "plain_text", "text": "Yes"}}
    blocks = json.dumps([{"type": "actions", "elements": [element]}])
    channel = sandbox.channel_id("releases")
    posted = api(sandbox, "chat.postMessage", BOT_TOKEN, channel=channel, text="?", blocks=blocks)
    return {"channel_id": channel, "ts": posted["ts"]}


def test_slack_says_hello_first(online: SlackSandbox) -> None:
    with connect(address(online), proxy=None) as opened:
        hello = told(opened)
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)


def test_a_ticket_is_good_once(online: SlackSandbox) -> None:
    url = address(online)
    with connect(url, proxy=None) as opened:
        assert told(opened)["type"] == "hello"
        with pytest.raises(InvalidStatus):
            connect(url, proxy=None)
    with pytest.raises(InvalidStatus):
        connect(url, proxy=None)
    with pytest.raises(InvalidStatus):
        connect(url.partition("?")[0] + "?ticket=made-up", proxy=None)


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("apps.connections.open", BOT_TOKEN, "not_allowed_token_type"),
        ("apps.connections.open", "token-ada", "not_allowed_token_type"),
        ("apps.connections.open", "xapp-made-up", "invalid_auth"),
        ("apps.connections.open", "", "not_authed"),
        ("auth.test", APP_TOKEN, "not_allowed_token_type"),
    ],
)
def test_each_kind_of_token_is_for_its_own_methods(
    online: SlackSandbox, method: str, token: str, error: str
) -> None:
    assert api(online, method, token) == {"ok": False, "error": error}


def test_a_click_goes_over_the_socket(online: SlackSandbox, acting: Callable[..., Any]) -> None:
    asked = question(online)
    with socket(online) as opened:
        seen = acting("ada", "press", action_id="answer", **asked)
        envelope = told(opened)
        acknowledge(opened, envelope)
        assert seen.result()["error_shown"] == ""
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", False)
    assert envelope["payload"]["type"] == "block_actions"
    assert envelope["payload"]["message"]["ts"] == asked["ts"]


def test_a_commands_answer_in_the_acknowledgement_is_shown(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    where = online.channel_id("releases")
    with socket(online) as opened:
        seen = acting("ada", "command", channel_id=where, command="/request", text="a b")
        envelope = told(opened)
        acknowledge(opened, envelope, payload={"text": "Thank you"})
        assert seen.result()["error_shown"] == ""
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["text"] == "a b"
    inbox = httpx.get(f"{online.url}/people/ada/inbox", **LOOPBACK).json()
    messages = next(c["messages"] for c in inbox["channels"] if c["id"] == where)
    assert [(m["text"], m["ephemeral"]) for m in messages] == [("Thank you", True)]


def test_a_modals_answer_in_the_acknowledgement_is_shown(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    asked = question(online)
    with socket(online) as opened:
        pressed = acting("ada", "press", action_id="answer", **asked)
        envelope = told(opened)
        text = {"type": "plain_text", "text": "Why"}
        element = {"type": "plain_text_input", "action_id": "in"}
        block = {"type": "input", "block_id": "reason", "label": text, "element": element}
        view = json.dumps({"type": "modal", "title": text, "submit": text, "blocks": [block]})
        view_id = api(
            online, "views.open", BOT_TOKEN, trigger_id=envelope["payload"]["trigger_id"], view=view
        )["view"]["id"]
        acknowledge(opened, envelope)
        pressed.result()
        seen = acting("ada", "submit", view_id=view_id, values={"reason": "so"})
        envelope = told(opened)
        assert envelope["accepts_response_payload"]
        errors = {"response_action": "errors", "errors": {"reason": "Not enough"}}
        acknowledge(opened, envelope, payload=errors)
        assert (seen.result()["view"], seen.result()["errors"]) == ("errors", {"reason": "Not enough"})


@pytest.mark.slow
def test_what_is_not_acknowledged_within_three_seconds_has_failed(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    with socket(online) as opened:
        seen = acting(
            "ada", "command", channel_id=online.channel_id("releases"), command="/request", text="x"
        )
        told(opened)
        acknowledge(opened, {"envelope_id": "of another"})
        opened.send("no JSON")
        outcome = seen.result()
    assert outcome["status"] is None
    assert 2900 <= outcome["ms"] < 6000
    assert outcome["error_shown"] == FAILED.format("operation_timeout")


def test_without_a_socket_the_person_sees_the_failure(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    where = online.channel_id("releases")
    seen = acting("ada", "command", channel_id=where, command="/request", text="x").result()
    assert (seen["status"], seen["error_shown"]) == (None, FAILED.format("dispatch_failed"))


def test_a_socket_that_is_lost_before_the_acknowledgement_is_a_failure(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    with socket(online) as opened:
        seen = acting(
            "ada", "command", channel_id=online.channel_id("releases"), command="/request", text="x"
        )
        told(opened)
    assert seen.result()["error_shown"] == FAILED.format("dispatch_failed")


@pytest.mark.slow
def test_an_event_that_is_not_acknowledged_comes_again(
    online: SlackSandbox, acting: Callable[..., Any]
) -> None:
    with socket(online) as opened:
        acting("ada", "say", channel_id=online.channel_id("releases"), text="hello").result()
        first, again = told(opened), told(opened)
        acknowledge(opened, again)
    assert (first["type"], first["accepts_response_payload"]) == ("events_api", False)
    assert (first.get("retry_attempt"), again["retry_attempt"]) == (None, 1)
    assert again["retry_reason"] == "http_timeout"
    assert first["payload"] == again["payload"]
    assert first["envelope_id"] != again["envelope_id"]
