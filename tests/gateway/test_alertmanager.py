"""Alertmanager's door: with the token, kept like any delivery, evidence of the watched release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from deployments.demo.waiting import eventually
from lifecycle import events as e
from lifecycle.alerts import firing
from tests.gateway.world import ALERTMANAGER_TOKEN, SHA, Office

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
BEARER = {"Authorization": f"Bearer {ALERTMANAGER_TOKEN}"}
_NUMBERS = count(1)


@pytest.fixture
def watched(office: Office) -> Iterator[str]:
    """A release that production serves; afterwards the watch is over and the release is closed."""
    version = f"6.{next(_NUMBERS)}.0"
    subject = f"release:shop:{version}"
    office.record(
        subject,
        e.Planned(project="shop", version=version, issues=("SHOP-3",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=SHA, branch=f"release/{version}"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.ProductionStarted(number=1, tag=version, sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=3, at=NOW),
    )
    yield subject
    if office.release(subject).watch is None:
        office.record(subject, e.WatchEnded(verdict="healthy"))
    office.record(subject, e.Closed(answers=0, asked=0))


def notification(status: str = "firing", project: str = "shop", fingerprint: str = "f1") -> bytes:
    """What Alertmanager sends; no two are alike."""
    alert = {
        "status": status,
        "labels": {"alertname": "HighErrorRate", "project": project, "severity": "critical"},
        "annotations": {"summary": "Too many errors"},
        "startsAt": "2026-11-21T10:05:00Z",
        "fingerprint": fingerprint,
    }
    return json.dumps({"version": "4", "alerts": [alert], "number": next(_NUMBERS)}).encode()


def send(office: Office, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return office.http.post("/alertmanager", content=body, headers=BEARER if headers is None else headers)


def outcome(office: Office, body: bytes) -> str:
    """What became of that delivery, once it is handled."""

    def handled() -> str | None:
        [delivery] = office.kept(body)
        return delivery.outcome

    return eventually("the delivery is handled", handled, 30)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}])
def test_who_does_not_show_the_token_is_refused_and_nothing_is_kept(
    office: Office, headers: dict[str, str]
) -> None:
    body = notification()
    assert send(office, body, headers).status_code == 401
    assert office.kept(body) == []


def test_what_is_no_notification_is_refused(office: Office) -> None:
    assert send(office, b'{"alerts": 3}').status_code == 400
    assert send(office, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_an_alert_is_evidence_of_the_watched_release_once(office: Office, watched: str) -> None:
    for _ in range(2):
        body = notification()
        assert send(office, body).status_code == 200
        assert outcome(office, body) == "evidence of a watched release"
    [alert] = firing(office.release(watched))
    assert (alert.name, alert.severity, alert.summary) == ("HighErrorRate", "critical", "Too many errors")
    body = notification("resolved")
    assert send(office, body).status_code == 200
    outcome(office, body)
    assert firing(office.release(watched)) == ()
    assert office.kinds(watched).count("AlertReceived") == 2


def test_an_alert_of_another_product_is_kept_and_told_to_nobody(office: Office, watched: str) -> None:
    body = notification(project="kiosk")
    assert send(office, body).status_code == 200
    assert outcome(office, body) == "of no release that is watched"
    assert "AlertReceived" not in office.kinds(watched)


def test_after_the_watch_only_the_end_of_what_fired_in_it_is_taken(office: Office, watched: str) -> None:
    first = notification(fingerprint="a")
    send(office, first)
    outcome(office, first)
    office.record(watched, e.WatchEnded(verdict="healthy"))
    bodies = [notification("resolved", fingerprint="a"), notification(fingerprint="b")]
    for body in bodies:
        send(office, body)
    assert outcome(office, bodies[0]) == "evidence of a watched release"
    assert outcome(office, bodies[1]) == "of no release that is watched"
    assert firing(office.release(watched)) == ()
