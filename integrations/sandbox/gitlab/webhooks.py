"""Webhooks on their way out: headers, signatures, the log of what was sent, and sending again.

Source: https://docs.gitlab.com/user/project/integrations/webhooks/ and gitlabhq's
`app/services/web_hook_service.rb`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.gitlab.state import Hook, Ids, now
from integrations.sandbox.http import Courier, Parcel

VERSION = "19.0.0-sandbox"
TIMEOUT_S = 10.0
HEADERS = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "merge_requests": "Merge Request Hook",
    "note": "Note Hook",
    "issues": "Issue Hook",
    "releases": "Release Hook",
    "pipeline": "Pipeline Hook",
    "job": "Job Hook",
    "deployment": "Deployment Hook",
}


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver; `key` is the `Idempotency-Key`, the same when it is sent again."""

    id: int
    hook_id: int
    event: str
    key: str
    parcel: Parcel
    sent: datetime


class Post:
    """Sends every webhook once, in order, 10 s at most; nothing is repeated by itself."""

    def __init__(self, instance_url: str, ids: Ids) -> None:
        self._instance_url = instance_url
        self._ids = ids
        self._lock = threading.Lock()
        self._log: list[Delivery] = []
        self._courier = Courier("gitlab", retry_on=lambda _status: False, timeout_s=TIMEOUT_S)

    def emit(self, hooks: Sequence[Hook], event: str, payload: Mapping[str, object]) -> None:
        """Queue `payload` for each of `hooks` that wants `event`; returns at once."""
        body = json.dumps(payload).encode()
        event_uuid = str(uuid.uuid4())
        for hook in hooks:
            if event in hook.events:
                self._send(hook, event, body, str(uuid.uuid4()), event_uuid)

    def test(self, hook: Hook, event: str, payload: Mapping[str, object]) -> None:
        """Queue `payload` for one hook, whatever it wants."""
        self._send(hook, event, json.dumps(payload).encode(), str(uuid.uuid4()), str(uuid.uuid4()))

    def resend(self, hook: Hook, delivery: Delivery) -> None:
        """Queue the same bytes again under the same `Idempotency-Key`."""
        event_uuid = delivery.parcel.headers["X-Gitlab-Event-UUID"]
        self._send(hook, delivery.event, delivery.parcel.body, delivery.key, event_uuid)

    def deliveries(self, hook: Hook) -> list[tuple[Delivery, int | None, bool]]:
        """What was sent to `hook`, newest first: the delivery, its status, whether it is done."""
        done = {id(parcel): status for parcel, status in list(self._courier.delivered)}
        with self._lock:
            sent = [delivery for delivery in reversed(self._log) if delivery.hook_id == hook.id]
        return [(each, done.get(id(each.parcel)), id(each.parcel) in done) for each in sent]

    def stop(self) -> None:
        """Send no more."""
        self._courier.stop()

    def _send(self, hook: Hook, event: str, body: bytes, key: str, event_uuid: str) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{VERSION}",
            "Idempotency-Key": key,
            "X-Gitlab-Event": HEADERS[event],
            "X-Gitlab-Webhook-UUID": str(uuid.UUID(hook.uuid)),
            "X-Gitlab-Instance": self._instance_url,
            "X-Gitlab-Event-UUID": event_uuid,
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        if hook.signing_token:
            headers |= signature(hook.signing_token, key, int(time.time()), body)
        parcel = Parcel(hook.url, body, headers)
        with self._lock:
            self._log.append(Delivery(next(self._ids), hook.id, event, key, parcel, now()))
        self._courier.send(parcel)


def signature(signing_token: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks; `signing_token` is `whsec_` and the key in base64."""
    secret = base64.b64decode(signing_token.removeprefix("whsec_"))
    signed = f"{key}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}
