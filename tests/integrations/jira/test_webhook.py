"""Webhooks: only Jira's own are taken, a repeat is known, and every recorded kind can be read."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.errors import Refused
from integrations.jira.client import JiraClient
from integrations.jira.webhook import FieldChange, JiraEvent, delivery_id, parse, verify
from integrations.sandbox.http import Server
from integrations.sandbox.jira import JiraSandbox, WebhookTarget
from tests.integrations.jira.world import PEOPLE, Jira

SECRET = "it is a secret"
RECORDED = Path(__file__).parents[3].parent / "shared" / "recorded" / "jira"
WEBHOOKS = sorted((RECORDED / "webhooks").glob("*.json"))


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature": ""},
        {"X-Hub-Signature": "sha256="},
        {"X-Hub-Signature": "sha256=Ünicode"},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha1).hexdigest()},
        signed(b"{}", "another secret"),
        signed(b"{} "),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as raised:
        verify(headers, b"{}", SECRET)
    assert raised.value.status == 401


def test_nothing_is_accepted_while_no_secret_is_set() -> None:
    with pytest.raises(Refused):
        verify(signed(b"{}", ""), b"{}", "")


def test_a_signature_is_taken_whatever_the_case_of_its_header() -> None:
    headers = {"x-hub-signature": signed(b"{}")["X-Hub-Signature"]}
    assert verify(headers, b"{}", SECRET) is None
    with pytest.raises(Refused):
        verify(headers, b'{"tampered": 1}', SECRET)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        parse(body)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"webhookEvent": None, "timestamp": "soon", "issue": [], "changelog": {"items": [None, 3]}},
        {"webhookEvent": "sprint_started", "timestamp": 10**30, "comment": "x", "user": 7, "version": [1]},
    ],
)
def test_an_unknown_event_has_its_kind_and_empty_parts(raw: dict[str, Any]) -> None:
    event = parse(json.dumps(raw).encode())
    assert event.kind == (raw.get("webhookEvent") or "")
    assert (event.issue_key, event.status, event.at, event.comment, event.version) == (
        "",
        "",
        None,
        None,
        None,
    )


def test_a_delivery_is_known_by_jiras_identifier_else_by_its_bytes() -> None:
    assert delivery_id({"x-atlassian-webhook-identifier": "abc"}, b"1") == "abc"
    assert delivery_id({}, b"1") == hashlib.sha256(b"1").hexdigest()


@pytest.mark.skipif(not WEBHOOKS, reason="../shared/recorded/jira/webhooks is not here")
@pytest.mark.parametrize("path", WEBHOOKS, ids=lambda path: path.stem)
def test_every_recorded_webhook_is_read(path: Path) -> None:
    raw = json.loads(path.read_bytes())
    event = parse(path.read_bytes())
    assert event.kind == raw["webhookEvent"]
    assert event.at == datetime.fromtimestamp(raw["timestamp"] / 1000, UTC)
    assert event.issue_id
    if "issue" in raw:
        assert event.issue_key == raw["issue"]["key"]
        assert event.summary == raw["issue"]["fields"]["summary"]
        assert event.project_key == raw["issue"]["key"].split("-")[0]
    items = raw.get("changelog", {}).get("items", [])
    assert [(c.field, c.to_string) for c in event.changes] == [
        (i["field"], i["toString"] or "") for i in items
    ]
    assert (event.comment is not None) == ("comment" in raw)
    assert event.actor_account_id
    assert event.actor_name


Hooked = tuple[dict[str, str], bytes]


@dataclass
class Listener:
    """An endpoint that verifies what comes and hands it over."""

    url: str
    received: queue.Queue[Hooked]
    answers: list[int]

    def next(self) -> tuple[dict[str, str], JiraEvent]:
        """The next webhook, verified and parsed."""
        headers, body = self.received.get(timeout=10)
        verify(headers, body, SECRET)
        return headers, parse(body)


@pytest.fixture
def listener() -> Iterator[Listener]:
    received: queue.Queue[Hooked] = queue.Queue()
    answers: list[int] = []

    async def hook(request: Request) -> Response:
        received.put((dict(request.headers), await request.body()))
        return Response(status_code=answers.pop(0) if answers else 200)

    server = Server(Starlette(routes=[Route("/hook", hook, methods=["POST"])]))
    yield Listener(f"{server.url}/hook", received, answers)
    server.stop()


@pytest.fixture(params=["cloud", "server"])
def jira(request: pytest.FixtureRequest, listener: Listener) -> Iterator[Jira]:
    hooks = [WebhookTarget(listener.url, SECRET)]
    projects = {"REL": "Release train"}
    sandbox = JiraSandbox(
        None, PEOPLE, projects, flavor=request.param, webhooks=hooks, retry_pause_scale=0.0001
    )
    yield Jira(sandbox, request.param)
    sandbox.stop()


New = Callable[[str], str]


def test_a_new_issue_is_told_with_its_maker(jira: Jira, listener: Listener) -> None:
    key = jira.client("ana").create_issue("REL", "Bug", "It breaks", "", op_key="1", labels=["request"])
    headers, event = listener.next()
    assert (event.kind, event.issue_key, event.issue_type) == ("jira:issue_created", key, "Bug")
    assert (event.project_key, event.status, event.summary) == ("REL", "To Do", "It breaks")
    assert "request" in event.labels
    assert (event.actor_account_id, event.actor_name) == ("acc-ana", "Ana")
    assert ("x-atlassian-webhook-identifier" in headers) == (jira.flavor == "cloud")


def test_a_transition_is_told_with_the_status_before_and_after(
    jira: Jira, listener: Listener, client: JiraClient, new: New
) -> None:
    client.transition(new("x"), "In Progress")
    listener.next()
    _, event = listener.next()
    assert event.kind == "jira:issue_updated"
    assert event.changes == (FieldChange("status", "To Do", "In Progress"),)
    assert event.status == "In Progress"


def test_a_comment_is_told_with_its_text(
    jira: Jira, listener: Listener, client: JiraClient, new: New
) -> None:
    key = new("x")
    listener.next()
    made = client.comment(key, "looks good", op_key="1")
    _, event = listener.next()
    assert event.comment is not None
    assert (event.kind, event.comment.id, event.comment.body) == ("comment_created", made, "looks good")
    assert event.issue_id == client.issue(key).id
    if jira.flavor == "server":  # which tells it a second time, with the issue
        assert listener.next()[1].issue_key == key


def test_a_released_version_is_told(jira: Jira, listener: Listener, client: JiraClient) -> None:
    client.ensure_version("REL", "1.4.0")
    client.release_version("REL", "1.4.0", datetime(2026, 3, 2, tzinfo=UTC).date())
    assert listener.next()[1].kind == "jira:version_created"
    event = listener.next()[1]
    assert event.version is not None
    assert (event.kind, event.version.name, event.version.released) == (
        "jira:version_released",
        "1.4.0",
        True,
    )


def test_cloud_tries_again_with_the_same_identifier_and_server_does_not(
    jira: Jira, listener: Listener, client: JiraClient, new: New
) -> None:
    listener.answers += [503, 429]
    new("x")
    headers, body = listener.received.get(timeout=10)
    if jira.flavor == "server":
        client.ensure_version("REL", "1.4.0")
        assert listener.next()[1].kind == "jira:version_created"
        return
    again, same = listener.received.get(timeout=10)
    third, _ = listener.received.get(timeout=10)
    assert delivery_id(again, same) == delivery_id(headers, body)
    assert same == body
    assert [h.get("x-atlassian-webhook-retry") for h in (headers, again, third)] == [None, "1", "2"]
    assert third["x-atlassian-webhook-flow"] == "Primary"


def test_a_webhook_that_is_refused_is_not_sent_again(jira: Jira, listener: Listener, new: New) -> None:
    listener.answers += [401]
    new("first")
    new("second")
    assert [listener.next()[1].summary for _ in range(2)] == ["first", "second"]
