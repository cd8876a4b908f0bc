"""Webhooks as Jira sends them: signed, with an identifier that stays the same over retries.

Cloud tries again up to five times, after 408, 409, 425, 429, 5xx and no answer; Server never does and sends
no identifier. Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.http import Courier, Parcel
from integrations.sandbox.jira.catalogue import LINK_TYPES
from integrations.sandbox.jira.state import Change, Comment, Issue, Link, State, Version
from integrations.sandbox.jira.wire import Wire

EVENTS = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "jira:version_created",
    "jira:version_released",
    "jira:version_unreleased",
    "issuelink_created",
    "issuelink_deleted",
)
CLOUD_RETRIES_S = (300.0, 450.0, 600.0, 750.0, 900.0)


@dataclass(frozen=True)
class WebhookTarget:
    """Where events go: no `events` means all of them; without a `secret` nothing is signed."""

    url: str
    secret: str = ""
    events: tuple[str, ...] = ()


def due_again(status: int | None) -> bool:
    """Whether Cloud tries again after this answer (None: no answer)."""
    return status is None or status in (408, 409, 425, 429) or status >= 500


class Hooks:
    """Tells the registered targets what happened, outside the caller's request."""

    def __init__(
        self, state: State, wire: Wire, targets: Sequence[WebhookTarget], *, pause_scale: float
    ) -> None:
        self._state = state
        self._wire = wire
        self.targets: dict[str, WebhookTarget] = {str(n): target for n, target in enumerate(targets, 1)}
        retries_s = tuple(pause * pause_scale for pause in CLOUD_RETRIES_S) if state.cloud else ()
        self.courier = Courier(
            "jira",
            retries_s=retries_s,
            retry_on=due_again,
            retry_headers=lambda attempt: {"X-Atlassian-Webhook-Retry": str(attempt)},
        )

    def register(self, target: WebhookTarget) -> str:
        """Add a target; returns its id."""
        id_ = str(max((int(id_) for id_ in self.targets), default=0) + 1)
        self.targets[id_] = target
        return id_

    def issue_created(self, issue: Issue, actor: str) -> None:
        """An issue is there."""
        self._issue_event("jira:issue_created", "issue_created", issue, actor)

    def issue_updated(self, issue: Issue, actor: str, change: Change, kind: str = "issue_generic") -> None:
        """Fields or the status of an issue changed."""
        changelog = {"id": change.id, "items": change.items}
        self._issue_event("jira:issue_updated", kind, issue, actor, changelog=changelog)

    def issue_deleted(self, issue: Issue, actor: str) -> None:
        """An issue is gone."""
        self._issue_event("jira:issue_deleted", "issue_deleted", issue, actor)

    def comment(self, event: str, issue: Issue, comment: Comment, actor: str) -> None:
        """A comment was made, changed or deleted. Server leaves the issue out and sends a second event."""
        body: dict[str, Any] = {"comment": self._wire.comment(issue.id, comment)}
        if self._state.cloud:
            wanted = ("summary", "issuetype", "project", "assignee", "priority", "status")
            body["issue"] = {**self._wire.ids(issue), "fields": self._wire.fields(issue, wanted)}
            body["eventType"] = "primaryAction"
        self._send(event, body)
        if not self._state.cloud:
            kind = {"comment_created": "issue_commented", "comment_updated": "issue_comment_edited"}
            parts = {} if event == "comment_deleted" else {"comment": body["comment"]}
            kind_name = kind.get(event, "issue_comment_deleted")
            self._issue_event("jira:issue_updated", kind_name, issue, actor, **parts)

    def version(self, event: str, version: Version) -> None:
        """A version was created, released or taken back."""
        self._send(event, {"version": self._wire.version(version)})

    def link(self, event: str, link: Link) -> None:
        """Two issues were linked or unlinked."""
        kind = LINK_TYPES[link.type]
        ends = {
            "sourceIssueId": int(self._state.issues[link.inward].id),
            "destinationIssueId": int(self._state.issues[link.outward].id),
        }
        names = {
            "id": int(kind.id),
            "name": kind.name,
            "outwardName": kind.outward,
            "inwardName": kind.inward,
        }
        self._send(event, {"issueLink": {"id": int(link.id), **ends, "issueLinkType": names}})

    def _issue_event(self, event: str, kind: str, issue: Issue, actor: str, **parts: Any) -> None:
        body = {"issue_event_type_name": kind, "user": self._wire.user(actor)}
        self._send(event, {**body, "issue": self._wire.issue(issue), **parts})

    def _send(self, event: str, payload: dict[str, Any]) -> None:
        body = json.dumps({"timestamp": int(time.time() * 1000), "webhookEvent": event, **payload}).encode()
        for target in self.targets.values():
            if not target.events or event in target.events:
                self.courier.send(Parcel(target.url, body, self._headers(target, body)))

    def _headers(self, target: WebhookTarget, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
        }
        if self._state.cloud:
            headers["X-Atlassian-Webhook-Identifier"] = uuid.uuid4().hex
            headers["X-Atlassian-Webhook-Flow"] = "Primary"
        if target.secret:
            digest = hmac.new(target.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        return headers
