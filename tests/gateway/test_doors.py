"""The doors: only what a vendor signed comes in, and it is on record before it is answered."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlencode

import pytest

from tests.gateway.world import SECRETS, WAYS, Office, Way

JIRA, GITLAB, SLACK = WAYS
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.source)
SIX_MINUTES = 360.0


@each_way
def test_what_is_not_signed_at_all_is_refused(office: Office, way: Way) -> None:
    body = way.body()
    answer = office.http.post(way.path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (401, "not verified")
    assert office.kept(body) == []


@pytest.mark.parametrize(
    ("way", "header"),
    [
        (JIRA, "x_hub_signature"),
        (GITLAB, "x_gitlab_token"),
        (GITLAB, "webhook_id"),
        (GITLAB, "webhook_timestamp"),
        (GITLAB, "webhook_signature"),
        (SLACK, "x_slack_signature"),
        (SLACK, "x_slack_request_timestamp"),
    ],
)
@pytest.mark.parametrize("value", [None, "", "v0=00", "sha256=00", "é"])
def test_a_signature_that_is_missing_or_wrong_is_refused(
    office: Office, way: Way, header: str, value: str | None
) -> None:
    body = way.body()
    sent = None if value is None else value.encode("latin-1").decode("latin-1")
    if sent == "é":
        headers = {**way.headers(body)}
        name = next(n for n in headers if n.lower() == header.replace("_", "-"))
        raw = [(n.encode(), v.encode()) for n, v in headers.items() if n != name]
        answer = office.http.post(way.path, content=body, headers=[*raw, (name.encode(), "é".encode())])
    else:
        answer = office.send(way, body, **{header: sent})
    assert answer.status_code == 401
    assert office.kept(body) == []


@each_way
def test_a_signature_with_another_secret_is_refused(office: Office, way: Way) -> None:
    body = way.body()
    answer = office.http.post(way.path, content=body, headers=way.headers(body, secret="another secret"))
    assert answer.status_code == 401
    assert office.kept(body) == []


@each_way
def test_a_body_that_was_changed_on_its_way_is_refused(office: Office, way: Way) -> None:
    body = way.body(amount=1)
    changed = body.replace(b'"amount": 1', b'"amount": 2')
    answer = office.http.post(way.path, content=changed, headers=way.headers(body))
    assert answer.status_code == 401
    assert office.kept(changed) == []


@pytest.mark.parametrize("way", [SLACK, GITLAB], ids=lambda way: way.source)
@pytest.mark.parametrize("off_s", [-SIX_MINUTES, SIX_MINUTES])
def test_a_signature_six_minutes_off_is_refused(office: Office, way: Way, off_s: float) -> None:
    body = way.body()
    headers = way.headers(body, at=time.time() + off_s)
    assert office.http.post(way.path, content=body, headers=headers).status_code == 401
    assert office.kept(body) == []


@each_way
def test_what_is_signed_is_on_record_when_it_is_answered(office: Office, way: Way) -> None:
    body = way.body()
    assert office.send(way, body).status_code == 200
    [delivery] = office.kept(body)
    assert delivery.source == way.source
    kept = json.dumps(dict(delivery.headers)).lower()
    assert not [secret for secret in (*SECRETS, "signature", "token") if secret.lower() in kept]


@each_way
def test_the_same_delivery_again_is_answered_and_kept_once(office: Office, way: Way) -> None:
    body = way.body()
    assert [office.send(way, body).status_code for _ in range(3)] == [200, 200, 200]
    assert len(office.kept(body)) == 1


def test_a_delivery_is_known_again_by_the_vendors_own_id(office: Office) -> None:
    first, again = JIRA.body(), JIRA.body()
    for body in (first, again):
        assert office.send(JIRA, body, x_atlassian_webhook_identifier="j-77").status_code == 200
    pushed, resent = GITLAB.body(), GITLAB.body()
    for body in (pushed, resent):
        assert office.send(GITLAB, body, idempotency_key="g-77").status_code == 200
    assert [len(office.kept(body)) for body in (first, again, pushed, resent)] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("way", "body"),
    [
        (JIRA, b"not json"),
        (JIRA, b"[1, 2]"),
        (JIRA, b"\xff\xfe"),
        (JIRA, b"[" * 60_000),
        (SLACK, b"{not json"),
        (SLACK, b"{}"),
        (SLACK, b"payload=not+json"),
        (SLACK, b"payload=%7B%7D"),
        (SLACK, b"nothing=here"),
        (SLACK, b"\xff\xfe"),
        (SLACK, b""),
    ],
)
def test_what_is_signed_but_cannot_be_read_is_answered_400_and_not_kept(
    office: Office, way: Way, body: bytes
) -> None:
    answer = office.send(way, body)
    assert (answer.status_code, answer.text) == (400, "not understood")
    assert office.kept(body) == []


@pytest.mark.parametrize("body", [b"not json 1", b"\xff\xfe 2", b"[" * 60_001])
def test_gitlab_is_never_answered_400_since_it_would_switch_the_hook_off(office: Office, body: bytes) -> None:
    assert office.send(GITLAB, body).status_code == 200
    assert len(office.kept(body)) == 1


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (JIRA, {"webhookEvent": "jira:something_new"}),
        (JIRA, {}),
        (GITLAB, {"object_kind": "wiki_page"}),
        (GITLAB, {"object_kind": "pipeline", "object_attributes": "not an object"}),
        (SLACK, {"event": {"type": "team_join"}}),
        (SLACK, {"type": "something_new", "event": None}),
    ],
)
def test_an_unknown_kind_is_answered_and_on_record(office: Office, way: Way, told: dict[str, object]) -> None:
    body = way.body(**told)
    assert office.send(way, body).status_code == 200
    [delivery] = office.kept(body)
    assert delivery.id


def test_an_unknown_press_in_slack_is_answered_and_done_with(office: Office) -> None:
    body = json.dumps(
        {"type": "block_actions", "actions": [{"action_id": "who knows"}], "user": {"id": "U1"}}
    )
    form = urlencode({"payload": body}).encode()
    assert office.send(SLACK, form).status_code == 200
    [delivery] = office.kept(form)
    assert delivery.outcome == "nobody listens to it"


@each_way
def test_a_body_as_long_as_is_allowed_comes_in(office: Office, way: Way) -> None:
    start = way.body()
    body = start + b" " * (way.limit - len(start))
    assert office.send(way, body).status_code == 200


@each_way
def test_a_longer_body_is_refused_by_its_announced_length_alone(office: Office, way: Way) -> None:
    head = (
        f"POST {way.path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
        f"Content-Length: {way.limit + 1}\r\n\r\n"
    )
    assert status_after(office, head.encode()) == 413


@each_way
def test_a_body_without_an_announced_length_is_read_no_further_than_allowed(office: Office, way: Way) -> None:
    head = f"POST {way.path} HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    # The last chunk never comes: whoever reads to the end hangs here.
    assert status_after(office, head, *[piece] * (way.limit // 0x10000 + 1)) == 413


def status_after(office: Office, *pieces: bytes) -> int:
    """The status that is answered once these bytes have been sent, and no more."""
    host, _, port = office.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        for piece in pieces:
            line.sendall(piece)
        return int(line.recv(200).split()[1])


def test_slacks_question_whether_the_address_is_ours_is_answered_however_often(office: Office) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}).encode()
    answers = [office.send(SLACK, body) for _ in range(2)]
    assert [(a.status_code, a.json()) for a in answers] == [(200, {"challenge": "3eZbrw1a"})] * 2


@each_way
def test_a_door_opens_to_posts_only(office: Office, way: Way) -> None:
    assert office.http.get(way.path).status_code == 405
    assert office.http.put(way.path, content=b"{}").status_code == 405


def test_whoever_watches_the_gateway_hears_that_it_is_well(office: Office) -> None:
    answer = office.http.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
