"""Alertmanager's webhooks: is it ours, and which alerts does it tell.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (version 4)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from integrations.errors import Refused

_MOST = 200
"""So many alerts of one notification are read."""

_CHARS = 500


@dataclass(frozen=True)
class Alert:
    """One alert. `labels` are Prometheus' own; `summary` is its summary, or else its description."""

    fingerprint: str
    status: Literal["firing", "resolved"]
    labels: Mapping[str, str]
    summary: str
    starts_at: datetime
    url: str

    @property
    def name(self) -> str:
        """What the rule is called."""
        return self.labels.get("alertname", "alert")


def verify(headers: Mapping[str, str], secret: str) -> None:
    """Check that the request has `secret` as its bearer token, or as the password of its basic credentials.

    Raises:
        Refused: it does not, or `secret` is empty.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        given = _password(given)
    fits = hmac.compare_digest(secret.encode(), given.strip().encode("utf-8", "replace"))
    if not secret or scheme.lower() not in ("bearer", "basic") or not fits:
        raise Refused("alertmanager", "webhook", "", 401, "the token does not fit")


def delivery_id(body: bytes) -> str:
    """The body's sha256: a notification that is sent again reads the same."""
    return hashlib.sha256(body).hexdigest()


def parse(body: bytes) -> tuple[Alert, ...]:
    """The alerts that can be read, in their order; one without a status or a beginning is left out.

    Raises:
        Refused: it is no notification at all.
    """
    try:
        told = json.loads(body)
        alerts = told["alerts"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("alertmanager", "webhook", "", None, type(error).__name__) from None
    if not isinstance(alerts, list):
        raise Refused("alertmanager", "webhook", "", None, "alerts is no list")
    found = (_alert(one) for one in cast("list[Any]", alerts)[:_MOST])
    return tuple(one for one in found if one is not None)


def _alert(told: Any) -> Alert | None:
    if not isinstance(told, dict):
        return None
    data = cast("dict[str, Any]", told)
    status, starts_at = data.get("status"), _time(data.get("startsAt"))
    if status not in ("firing", "resolved") or starts_at is None:
        return None
    labels, notes = _texts(data.get("labels")), _texts(data.get("annotations"))
    return Alert(
        fingerprint=_text(data.get("fingerprint")) or _fingerprint(labels),
        status=status,
        labels=labels,
        summary=notes.get("summary") or notes.get("description", ""),
        starts_at=starts_at,
        url=url if (url := _text(data.get("generatorURL"))).startswith(("http://", "https://")) else "",
    )


def _fingerprint(labels: Mapping[str, str]) -> str:
    """In place of the one that versions before 0.19 do not send."""
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _texts(value: object) -> dict[str, str]:
    given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {name: text for name, one in given.items() if (text := _text(one))}


def _text(value: object) -> str:
    return value[:_CHARS] if isinstance(value, str) else ""
