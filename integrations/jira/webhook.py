"""Jira's webhooks: is it Jira, is it new, what does it say. A hint only: read the issue before acting."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.errors import Refused
from integrations.jira.models import Json, account_of, as_list, as_object, as_text, names_of

ISSUE_DELETED = "jira:issue_deleted"
"""The kind of the event about an issue that is gone."""


@dataclass(frozen=True)
class FieldChange:
    """One field that changed, as people read its values."""

    field: str
    from_string: str
    to_string: str


@dataclass(frozen=True)
class CommentPart:
    """The comment an event is about."""

    id: str
    body: str
    author_account_id: str
    author_name: str


@dataclass(frozen=True)
class VersionPart:
    """The version an event is about."""

    id: str
    name: str
    project_id: str
    released: bool


@dataclass(frozen=True)
class JiraEvent:
    """One event; what its kind does not have is empty.

    `kind` is Jira's `webhookEvent`. Account ids are names on Server. `at` is aware UTC, None if not sent.
    On Server a comment's event names the issue by `issue_id` only.
    """

    kind: str
    at: datetime | None
    issue_key: str
    issue_id: str
    project_key: str
    status: str
    summary: str
    issue_type: str
    labels: tuple[str, ...]
    fix_versions: tuple[str, ...]
    actor_account_id: str
    actor_name: str
    changes: tuple[FieldChange, ...]
    comment: CommentPart | None
    version: VersionPart | None


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Check that `body`, as received, is signed with `secret`.

    Raises:
        Refused: there is no signature, it does not fit, or `secret` is empty.

    Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-a-webhook
    """
    method, _, given = _header(headers, "X-Hub-Signature").partition("=")
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    fits = hmac.compare_digest(digest.encode(), given.strip().encode("utf-8", "replace"))
    if not secret or method.lower() != "sha256" or not fits:
        raise Refused("jira", "webhook", "", 401, "the signature does not fit")


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """What stays the same when Jira sends the same event again: its identifier, else the body's sha256."""
    return _header(headers, "X-Atlassian-Webhook-Identifier") or hashlib.sha256(body).hexdigest()


def parse(body: bytes) -> JiraEvent:
    """Read an event; an unknown kind is one with empty parts.

    Raises:
        Refused: `body` is not a JSON object.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise Refused("jira", "webhook", "", 400, "the body is not a JSON object")
    return _event(as_object(raw))  # pyright: ignore[reportUnknownArgumentType]


def _event(raw: Json) -> JiraEvent:
    issue, comment = as_object(raw.get("issue")), as_object(raw.get("comment"))
    fields = as_object(issue.get("fields"))
    version = as_object(raw.get("version"))
    actor = as_object(raw.get("user") or comment.get("updateAuthor") or comment.get("author"))
    key = as_text(issue.get("key"))
    return JiraEvent(
        kind=as_text(raw.get("webhookEvent")),
        at=_at(raw.get("timestamp")),
        issue_key=key,
        issue_id=as_text(issue.get("id")) or _issue_id(as_text(comment.get("self"))),
        project_key=as_text(as_object(fields.get("project")).get("key")) or key.rpartition("-")[0],
        status=as_text(as_object(fields.get("status")).get("name")),
        summary=as_text(fields.get("summary")),
        issue_type=as_text(as_object(fields.get("issuetype")).get("name")),
        labels=tuple(map(as_text, as_list(fields.get("labels")))),
        fix_versions=names_of(fields.get("fixVersions")),
        actor_account_id=account_of(actor),
        actor_name=as_text(actor.get("displayName")),
        changes=tuple(_change(item) for item in as_list(as_object(raw.get("changelog")).get("items"))),
        comment=_comment(comment) if comment else None,
        version=_version(version) if version else None,
    )


def _at(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _issue_id(comment_url: str) -> str:
    found = re.search(r"/issue/(\d+)/comment/", comment_url)
    return found[1] if found else ""


def _change(raw: object) -> FieldChange:
    item = as_object(raw)
    texts = (as_text(item.get(name)) for name in ("field", "fromString", "toString"))
    return FieldChange(*texts)


def _comment(raw: Json) -> CommentPart:
    author = as_object(raw.get("author"))
    body = as_text(raw.get("body"))
    return CommentPart(as_text(raw.get("id")), body, account_of(author), as_text(author.get("displayName")))


def _version(raw: Json) -> VersionPart:
    texts = (as_text(raw.get(name)) for name in ("id", "name", "projectId"))
    return VersionPart(*texts, released=bool(raw.get("released")))


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header's value, the case of its name ignored whatever mapping this is."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")
