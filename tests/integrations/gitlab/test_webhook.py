"""Only GitLab's own deliveries are let in, each is known again, and none brings the reader down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import Refused
from integrations.gitlab import webhook
from integrations.gitlab.events import MergeRequestEvent, UnknownEvent
from integrations.settings import GitLabSettings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = b'{"object_kind": "push", "ref": "refs/heads/main"}'
KEY = b"thirty-two bytes that sign things"
SIGNING = "whsec_" + base64.b64encode(KEY).decode()


def settings(token: str = "", signing: str = "") -> GitLabSettings:
    return GitLabSettings.model_validate({"webhook_token": token, "signing_token": signing})


def signature(body: bytes = BODY, at: datetime = NOW, key: bytes = KEY, delivery: str = "d-1") -> str:
    signed = f"{delivery}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed(changed: dict[str, str] | None = None, *, at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": "d-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature(at=at),
        **(changed or {}),
    }


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "X-Gitlab-Token"),
        ({"X-Gitlab-Token": ""}, "X-Gitlab-Token"),
        ({"X-Gitlab-Token": "secre"}, "X-Gitlab-Token"),
        ({"X-Gitlab-Token": "sécret"}, "X-Gitlab-Token"),
    ],
)
def test_a_delivery_without_the_right_token_is_refused(headers: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        webhook.verify(headers, BODY, settings(token="secret"), NOW)


def test_a_gateway_without_any_secret_lets_nothing_in() -> None:
    with pytest.raises(Refused, match="no webhook secret"):
        webhook.verify({"X-Gitlab-Token": ""}, BODY, settings(), NOW)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "timestamp"),
        (signed({"webhook-timestamp": "soon"}), "timestamp"),
        (signed(at=NOW - timedelta(seconds=301)), "timestamp"),
        (signed(at=NOW + timedelta(seconds=301)), "timestamp"),
        (signed({"webhook-id": "d-2"}), "signature"),
        (signed({"webhook-signature": ""}), "signature"),
        (signed({"webhook-signature": signature(body=BODY + b" ")}), "signature"),
        (signed({"webhook-signature": signature(key=b"another key")}), "signature"),
        (signed({"webhook-signature": signature().replace("v1,", "v2,")}), "signature"),
    ],
)
def test_a_delivery_with_a_wrong_or_stale_signature_is_refused(headers: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        webhook.verify(headers, BODY, settings(signing=SIGNING), NOW)


def test_a_signing_token_that_is_not_base64_refuses_instead_of_crashing() -> None:
    with pytest.raises(Refused, match="base64"):
        webhook.verify(signed(), BODY, settings(signing="whsec_not base64!"), NOW)


def test_the_right_token_alone_does_not_make_up_for_a_missing_signature() -> None:
    with pytest.raises(Refused, match="timestamp"):
        webhook.verify({"X-Gitlab-Token": "secret"}, BODY, settings("secret", SIGNING), NOW)


def test_a_refusal_names_no_secret() -> None:
    with pytest.raises(Refused) as refused:
        webhook.verify({"X-Gitlab-Token": "guess"}, BODY, settings(token="s3cret"), NOW)
    assert "s3cret" not in repr(refused.value)
    assert "guess" not in repr(refused.value)


@pytest.mark.parametrize(
    ("configured", "headers"),
    [
        (settings(token="secret"), {"X-Gitlab-Token": "secret"}),
        (settings(token="secret"), {"x-gitlab-token": "secret"}),
        (settings(signing=SIGNING), signed()),
        (settings(signing=SIGNING), signed(at=NOW - timedelta(seconds=300))),
        (settings(signing=SIGNING), signed({"webhook-signature": "v1,b2xk " + signature()})),
        (settings("secret", SIGNING), {"X-Gitlab-Token": "secret", **signed()}),
    ],
)
def test_a_delivery_that_fits_every_configured_secret_is_let_in(
    configured: GitLabSettings, headers: dict[str, str]
) -> None:
    webhook.verify(headers, BODY, configured, NOW)
    with pytest.raises(Refused):
        webhook.verify({}, BODY, configured, NOW)


def test_a_resent_delivery_has_the_same_id_and_another_one_has_not() -> None:
    first = webhook.delivery_id({"Idempotency-Key": "k-1", "X-Gitlab-Event-UUID": "u-1"}, BODY)
    assert first == webhook.delivery_id({"idempotency-key": "k-1", "X-Gitlab-Event-UUID": "u-2"}, b"{}")
    assert first != webhook.delivery_id({"Idempotency-Key": "k-2", "X-Gitlab-Event-UUID": "u-1"}, BODY)


def test_before_idempotency_keys_the_raw_body_and_the_event_tell_deliveries_apart() -> None:
    push = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "u-1"}
    first = webhook.delivery_id(push, BODY)
    assert first == webhook.delivery_id({**push, "X-Gitlab-Event-UUID": "u-2"}, BODY)
    assert first != webhook.delivery_id(push, BODY + b"\n")
    assert first != webhook.delivery_id({"X-Gitlab-Event": "System Hook"}, BODY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"<html>",
        b'{"object_kind": 7}',
        b'{"object_kind": "\\ud800"}',
        b"[" * 100_000,
        b'{"object_kind": "release", "tag": "1", "released_at": "0001-01-01T00:00:00+14:00"}',
        b'{"object_kind": "merge_request"}',
        b'{"object_kind": "merge_request", "object_attributes": []}',
        b'{"object_kind": "pipeline", "object_attributes": {"id": "x"}}',
        b'{"object_kind": "push", "ref": null, "project": "none", "user_id": {}}',
        b'{"object_kind": "deployment", "deployment_id": 1, "status_changed_at": "yesterday"}',
    ],
)
def test_what_cannot_be_read_is_an_unknown_event_that_says_why(body: bytes) -> None:
    event = webhook.parse({"X-Gitlab-Event": "Some Hook"}, body)
    assert isinstance(event, UnknownEvent)
    assert event.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS = ("push", "tag_push", "merge_request", "pipeline", "build", "deployment", "note", "issue", "release")
NAMES = (
    "ref",
    "project",
    "user",
    "object_attributes",
    "labels",
    "build_id",
    "deployment_id",
    "tag",
    "commit",
)
ATTRIBUTES = ("iid", "id", "labels", "variables", "last_commit", "updated_at", "draft", "title")


@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(NAMES), JSON),
    st.dictionaries(st.sampled_from(ATTRIBUTES), JSON),
)
def test_no_body_whatsoever_brings_the_reader_down(
    kind: str, fields: dict[str, object], attributes: dict[str, object]
) -> None:
    body = {"object_attributes": attributes, **fields, "object_kind": kind}
    event = webhook.parse({}, json.dumps(body).encode())
    assert event.kind == kind or isinstance(event, UnknownEvent)


def test_a_kind_that_is_not_used_keeps_its_name_and_project() -> None:
    body = {"object_kind": "wiki_page", "project": {"id": 4}, "user": {"id": 9}}
    event = webhook.parse({}, json.dumps(body).encode())
    assert event == UnknownEvent(name="wiki_page", why="not used", project_id=4, actor_id=9)


def test_a_merge_request_with_only_what_identifies_it_is_read() -> None:
    body = {
        "object_kind": "merge_request",
        "object_attributes": {"iid": 3, "action": "update", "oldrev": "a" * 40, "draft": True},
        "kind": "not GitLab's",
    }
    event = webhook.parse({}, json.dumps(body).encode())
    assert isinstance(event, MergeRequestEvent)
    assert (event.iid, event.action, event.oldrev, event.draft) == (3, "update", "a" * 40, True)
    assert (event.state, event.author_id, event.labels) == ("", None, ())
