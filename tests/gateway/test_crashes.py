"""A gateway that is killed, or that stumbles: what came in is neither lost nor told to the log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from deployments.demo.waiting import eventually
from tests.gateway.world import SECRETS, WAYS, Asked, Office

JIRA, GITLAB, SLACK = WAYS
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A gateway that may be killed."""
    made = Office(tmp_path_factory.mktemp("mortal"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def click(asked: Asked, **changed: object) -> bytes:
    """Quinn's approval as Slack delivers it."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0QUINN"},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
        **changed,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def test_what_was_answered_before_a_kill_is_handled_after_the_restart(mortal: Office) -> None:
    bodies = [way.body(object_kind="wiki_page") for way in (JIRA, GITLAB) for _ in range(3)]
    asked = mortal.asking()
    for body in bodies:
        assert mortal.send(GITLAB if body in bodies[3:] else JIRA, body).status_code == 200
    assert mortal.send(SLACK, click(asked)).status_code == 200
    mortal.kill()
    deliveries = [mortal.kept(body)[0] for body in (*bodies, click(asked))]
    assert "SignOffGiven" in mortal.kinds(asked.subject)
    mortal.start()
    for delivery in deliveries:
        eventually("it is handled", lambda d=delivery: mortal.ledger.delivery(d.id).handled_at, 60)
    assert mortal.kinds(asked.subject).count("SignOffGiven") == 1


def test_a_click_recorded_but_not_decided_before_a_kill_is_decided_later(mortal: Office) -> None:
    asked = mortal.asking()
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    received = mortal.ledger.receive("slack", "cut short", "BlockAction", FORM, click(asked), long_ago)
    eventually("it is decided", lambda: "SignOffGiven" in mortal.kinds(asked.subject), 60)
    eventually("and done with", lambda: mortal.ledger.delivery(received.id).handled_at, 60)
    eventually("and shown", lambda: "signed by Quinn" in mortal.message(asked), 60)


def test_a_delivery_that_cannot_be_decided_is_500_and_stays(mortal: Office) -> None:
    body = click(mortal.asking(), user={"name": "no id"})
    assert mortal.send(SLACK, body).status_code == 500
    [delivery] = mortal.kept(body)
    assert delivery.handled_at is None


def test_a_poisoned_delivery_holds_up_no_other(mortal: Office) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    poison = [
        mortal.ledger.receive("slack", f"poison {n}", "BlockAction", FORM, body, long_ago).id
        for n, body in enumerate([b"\xff\xfe", b"payload=null", click(mortal.asking(), actions=[])])
    ]
    after = JIRA.body(webhookEvent="jira:later")
    assert mortal.send(JIRA, after).status_code == 200
    eventually("the later one is handled", lambda: mortal.kept(after)[0].handled_at, 60)
    for delivery in poison:
        eventually(
            "the bad ones are counted or put aside",
            lambda d=delivery: mortal.ledger.delivery(d).attempts or mortal.ledger.delivery(d).handled_at,
            60,
        )
    assert mortal.http.get("/healthz").status_code == 200


def test_no_secret_and_nothing_of_a_body_is_logged(mortal: Office) -> None:
    mark = "tellnobody"
    asked = mortal.asking("client")
    for way in WAYS:
        mortal.send(way, way.body(secret=mark))
        mortal.send(way, way.body(secret=mark), x_slack_signature="v0=" + mark, x_gitlab_token=mark)
        mortal.send(way, f'{{"{mark}'.encode())
        cut_short(mortal, way.path, mark)
    qa = mortal.asking()
    assert mortal.send(SLACK, click(qa, user={mark: mark})).status_code == 500
    mortal.send(SLACK, click(qa, trigger_id=mark))
    path = mortal.link("clara", asked.requests["client"])
    mortal.http.post(path, data={"verb": "return", "comment": mark})
    mortal.http.post(path + mark, data={"verb": "return", "comment": mark})
    mortal.people["dora"].command("planning", "/request", mark)
    # What the log says of these comes before what it says of a later start.
    mortal.kill()
    mortal.start()
    logged = mortal.log.read_text()
    assert "Slack delivery" in logged
    told = [
        secret for secret in (mark, *SECRETS, path.rpartition("/")[2], "v0=", "sha256=") if secret in logged
    ]
    assert told == []


def cut_short(office: Office, path: str, mark: str) -> None:
    """Begin a request and hang up in its middle."""
    host, _, port = office.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n"
        line.sendall(head.encode() + mark.encode())
