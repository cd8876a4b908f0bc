"""Alertmanager's webhooks: only with the token, and whatever can be read is read."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.alertmanager import Alert, delivery_id, parse, verify
from integrations.errors import Refused

SECRET = "the token of the tests"


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": SECRET},
        {"authorization": f"Digest {SECRET}"},
        {"authorization": "Bearer Ünicode"},
        {"authorization": "Basic ???"},
        {"authorization": f"Basic {SECRET}"},
        basic("prometheus:wrong"),
        basic(SECRET),
        {"authorization": "Basic " + base64.b64encode(b"a:\xff").decode()},
    ],
)
def test_who_does_not_show_the_token_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused):
        verify(headers, SECRET)


def test_nobody_is_let_in_while_no_token_is_set() -> None:
    for headers in ({"authorization": "Bearer "}, basic("prometheus:"), {"authorization": "Bearer"}):
        with pytest.raises(Refused):
            verify(headers, "")


def test_the_token_is_taken_as_bearer_and_as_password() -> None:
    for headers in ({"authorization": f"Bearer {SECRET}"}, basic(f"prometheus:{SECRET}")):
        assert verify(headers, SECRET) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"null", b"[]", b"{}", b"3", b'"alerts"', b'{"alerts": {}}', b"[" * 99_999],
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        parse(body)


def told(**changes: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "HighErrorRate", "project": "shop", "severity": "critical"},
        "annotations": {"summary": "Too many errors", "description": "5 % of the requests fail"},
        "startsAt": "2026-11-21T10:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=x",
        "fingerprint": "0011223344556677",
        **changes,
    }


def notified(*alerts: Any) -> bytes:
    told_of_all = {"version": "4", "status": "firing", "receiver": "conveyor", "truncatedAlerts": 0}
    return json.dumps({**told_of_all, "alerts": alerts}).encode()


def test_an_alert_is_read_with_nanoseconds() -> None:
    [alert] = parse(notified(told()))
    assert alert == Alert(
        fingerprint="0011223344556677",
        status="firing",
        labels={"alertname": "HighErrorRate", "project": "shop", "severity": "critical"},
        summary="Too many errors",
        starts_at=datetime(2026, 11, 21, 10, 0, 0, 123456, UTC),
        url="http://prometheus.example/graph?g0.expr=x",
    )
    assert alert.name == "HighErrorRate"


@pytest.mark.parametrize(
    "odd",
    [
        3,
        {},
        told(status="pending"),
        told(startsAt="yesterday"),
        told(startsAt=None),
        told(startsAt="2026-11-21T10:00:00"),
    ],
)
def test_one_that_cannot_be_read_does_not_hide_the_others(odd: Any) -> None:
    assert [alert.fingerprint for alert in parse(notified(odd, told()))] == ["0011223344556677"]


def test_what_is_left_out_is_empty() -> None:
    bare = {"status": "resolved", "startsAt": "2026-11-21T12:00:00+02:00"}
    [alert] = parse(notified(bare))
    assert (alert.name, alert.summary, alert.url, alert.labels) == ("alert", "", "", {})
    assert alert.starts_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert len(alert.fingerprint) == 16


def test_without_a_fingerprint_the_labels_tell_alerts_apart() -> None:
    one, again, other = parse(
        notified(
            told(fingerprint=""),
            told(fingerprint="", status="resolved"),
            told(fingerprint="", labels={"alertname": "Slow"}),
        )
    )
    assert one.fingerprint == again.fingerprint != other.fingerprint


def test_a_link_that_is_no_web_address_is_left_out_and_a_long_text_is_cut() -> None:
    [alert] = parse(
        notified(told(generatorURL="javascript:alert(1)", annotations={"description": "x" * 9999}))
    )
    assert (alert.url, len(alert.summary)) == ("", 500)


def test_a_notification_that_is_sent_again_has_the_same_id() -> None:
    assert delivery_id(notified(told())) == delivery_id(notified(told()))
    assert delivery_id(notified(told())) != delivery_id(notified(told(status="resolved")))
