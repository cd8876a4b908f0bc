"""Deliveries: the signature, the key under which one is known again, and what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.errors import Refused
from integrations.slack.events import (
    AppHomeOpened,
    BlockAction,
    MessageEvent,
    Shortcut,
    SlashCommand,
    UnknownEvent,
    UrlVerification,
    ViewClosed,
    ViewSubmission,
)
from integrations.slack.inbound import delivery_id, parse, verify

PAYLOADS = Path(__file__).parents[3].parent / "shared" / "recorded" / "slack" / "payloads"
RECORDED = sorted(PAYLOADS.rglob("*.json"))
NOW = 1_800_000_000
SECRET = "a signing secret"
BODY = "payload=%7B%7D&straße=ä".encode()
FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, stamp: str = str(NOW), secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def form(payload: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.parametrize(
    ("headers", "body", "why"),
    [
        ({}, BODY, "timestamp"),
        (signed(BODY), BODY + b" ", "signature"),
        (signed(BODY, secret="another"), BODY, "signature"),
        (signed(BODY) | {"X-Slack-Signature": ""}, BODY, "signature"),
        (signed(BODY) | {"X-Slack-Signature": "v0=ä"}, BODY, "signature"),
        (signed(BODY) | {"X-Slack-Request-Timestamp": str(NOW - 1)}, BODY, "signature"),
        (signed(BODY, "yesterday"), BODY, "integer"),
        (signed(BODY, "1.8e9"), BODY, "integer"),
        (signed(BODY, "-5"), BODY, "integer"),
        (signed(BODY, "١٨٠٠٠٠٠٠٠٠"), BODY, "integer"),
        (signed(BODY, str(NOW - 301)), BODY, "300 s"),
        (signed(BODY, str(NOW + 301)), BODY, "300 s"),
        (signed(BODY, str(NOW + 360)), BODY, "300 s"),
    ],
)
def test_a_delivery_that_slack_did_not_sign_now_is_refused(
    headers: dict[str, str], body: bytes, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        verify(headers, body, SECRET, NOW)


def test_without_a_signing_secret_nothing_is_let_in() -> None:
    with pytest.raises(Refused, match="no signing secret"):
        verify(signed(BODY, secret=""), BODY, "", NOW)


@pytest.mark.parametrize("age_s", [-300, 0, 300])
def test_a_signed_delivery_passes_within_five_minutes_either_side(age_s: int) -> None:
    headers = {name.upper(): value for name, value in signed(BODY).items()}
    assert verify(headers, BODY, SECRET, NOW + age_s) is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("application/json", b"{}"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b"[" * 100_000),
        (FORM, b""),
        (FORM, b"\xff\xfe=1"),
        (FORM, b"payload=%7B"),
        (FORM, b"payload=[]"),
        (FORM, b"payload={}"),
        (FORM, b"text=hello"),
        (FORM, form({"type": "block_actions"})),
        (FORM, form({"type": "block_actions", "actions": []})),
        (FORM, form({"type": "block_actions", "actions": ["approve"]})),
        ("", b"no idea"),
    ],
)
def test_what_is_not_a_delivery_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Refused):
        parse(content_type, body)


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions", "actions": [{"action_id": 5}], "user": "U1", "state": [], "channel": None},
        {"type": "view_submission", "view": None, "user": None},
        {"type": "view_submission", "view": {"state": {"values": {"b": {"a": None}}}}},
        {"type": "view_closed", "view": "V1"},
        {"type": "message_action", "message": None},
    ],
)
def test_odd_parts_of_a_payload_are_empty(payload: dict[str, Any]) -> None:
    assert getattr(parse(FORM, form(payload)), "user_id", None) == ""


@pytest.mark.skipif(not RECORDED, reason="needs ../shared/recorded/slack")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_payload_is_understood(path: Path) -> None:
    payload = json.loads(path.read_text())
    name = path.stem.removesuffix("Payload")
    if name == "SlashCommand":
        assert isinstance(parse(FORM, urlencode(payload).encode()), SlashCommand)
    elif path.parent.name == "events":
        seen = parse("application/json", json.dumps(payload).encode())
        kind = payload["event"]["type"]
        expected = {"message": MessageEvent, "app_home_opened": AppHomeOpened}.get(kind, UnknownEvent)
        assert isinstance(seen, expected)
        assert not isinstance(seen, UnknownEvent) or seen.kind == kind
    else:
        expected = {
            "BlockAction": BlockAction,
            "ViewSubmission": ViewSubmission,
            "ViewClosed": ViewClosed,
            "MessageShortcut": Shortcut,
            "AttachmentAction": UnknownEvent,
        }[name]
        assert isinstance(parse(FORM, form(payload)), expected)


def test_a_click_says_who_pressed_what_and_where() -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "trigger_id": "t",
        "response_url": "https://hooks.example.test/1",
        "container": {"type": "message", "message_ts": "1.000001", "channel_id": "C1"},
        "state": {"values": {"pick": {"menu": {"selected_option": {"value": "later"}}}}},
        "actions": [{"action_id": "approve", "block_id": "b", "type": "button", "value": "so-1"}],
    }
    assert parse(FORM, form(payload)) == BlockAction(
        user_id="U1",
        action_id="approve",
        block_id="b",
        value="so-1",
        selected="",
        channel_id="C1",
        message_ts="1.000001",
        trigger_id="t",
        response_url="https://hooks.example.test/1",
        values={"pick": {"menu": "later"}},
    )


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"type": "plain_text_input", "value": "text"}, "text"),
        ({"type": "plain_text_input", "value": None}, ""),
        ({"type": "static_select", "selected_option": {"value": "a"}}, "a"),
        ({"type": "static_select", "selected_option": None}, ""),
        ({"type": "checkboxes", "selected_options": [{"value": "a"}, {"value": "b"}]}, ("a", "b")),
        ({"type": "checkboxes", "selected_options": []}, ()),
        ({"type": "users_select", "selected_user": "U1"}, "U1"),
        ({"type": "multi_users_select", "selected_users": ["U1", "U2"]}, ("U1", "U2")),
        ({"type": "datepicker", "selected_date": "2026-08-01"}, "2026-08-01"),
        ({"type": "timepicker", "selected_time": "17:00"}, "17:00"),
        ({"type": "conversations_select", "selected_conversation": "C1"}, "C1"),
    ],
)
def test_each_kind_of_input_yields_its_value(element: dict[str, Any], value: object) -> None:
    view = {"id": "V1", "callback_id": "c", "state": {"values": {"block": {"action": element}}}}
    seen = parse(FORM, form({"type": "view_submission", "user": {"id": "U1"}, "view": view}))
    assert isinstance(seen, ViewSubmission)
    assert seen.values == {"block": {"action": value}}


def test_the_same_menu_in_a_message_is_a_selection() -> None:
    action = {"type": "static_select", "action_id": "m", "selected_option": {"value": "later"}}
    seen = parse(FORM, form({"type": "block_actions", "actions": [action]}))
    assert isinstance(seen, BlockAction)
    assert (seen.selected, seen.value) == ("later", "")


def test_a_challenge_is_read() -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    assert parse("application/json; charset=utf-8", body) == UrlVerification("abc")


def test_an_event_is_known_again_by_its_id_and_anything_else_by_its_bytes() -> None:
    event = json.dumps({"event_id": "Ev1", "event": {}}).encode()
    again = json.dumps({"event": {}, "event_id": "Ev1"}).encode()
    assert delivery_id({}, event) == delivery_id({"X-Slack-Retry-Num": "1"}, again) == "Ev1"
    assert delivery_id({}, BODY) == hashlib.sha256(BODY).hexdigest()
    assert delivery_id({}, BODY) != delivery_id({}, BODY + b" ")
