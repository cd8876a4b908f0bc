"""GitLab's webhooks: are they GitLab's, have we had them, and what do they say.

Answer every one that is verified with 2xx, the unknown ones too: GitLab switches a hook off that keeps
failing, and sends nothing twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError

from integrations.errors import Refused
from integrations.gitlab.events import (
    DeploymentEvent,
    Event,
    GitLabEvent,
    IssueEvent,
    JobEvent,
    MergeRequestEvent,
    NoteEvent,
    PipelineEvent,
    PushEvent,
    ReleaseEvent,
    TagEvent,
    UnknownEvent,
)
from integrations.settings import GitLabSettings

MAX_AGE_S = 300

_KINDS: Mapping[str, type[GitLabEvent]] = {
    "push": PushEvent,
    "tag_push": TagEvent,
    "merge_request": MergeRequestEvent,
    "pipeline": PipelineEvent,
    "build": JobEvent,
    "deployment": DeploymentEvent,
    "note": NoteEvent,
    "issue": IssueEvent,
    "release": ReleaseEvent,
}


def verify(headers: Mapping[str, str], body: bytes, settings: GitLabSettings, now: datetime) -> None:
    """Return if the delivery is GitLab's: every secret that is configured must fit the raw `body`.

    The token goes over the wire as it is and has no time; the signature (GitLab 19.0) covers id, time
    and body, and is good for five minutes around `now`.

    Raises:
        Refused: a secret does not fit, the signature is too old, or no secret is configured at all.

    Source: https://docs.gitlab.com/user/project/integrations/webhooks/
    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    given = {name.lower(): value for name, value in headers.items()}
    token = settings.webhook_token.get_secret_value()
    signing = settings.signing_token.get_secret_value()
    if not token and not signing:
        raise _refused("no webhook secret is configured")
    if token and not hmac.compare_digest(given.get("x-gitlab-token", "").encode(), token.encode()):
        raise _refused("X-Gitlab-Token does not fit")
    if signing:
        _verify_signature(given, body, signing, now)


def _verify_signature(given: Mapping[str, str], body: bytes, signing: str, now: datetime) -> None:
    stamp = given.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(now.timestamp() - int(stamp)) > MAX_AGE_S:
        raise _refused("webhook-timestamp is missing or too far from now")
    try:
        key = base64.b64decode(signing.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise _refused("the configured signing token is not base64") from None
    signed = f"{given.get('webhook-id', '')}.{stamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # While a secret is being exchanged there may be several, separated by spaces.
    signatures = given.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(each, expected) for each in signatures):
        raise _refused("webhook-signature does not fit")


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """What makes this delivery one and the same when it is sent again.

    `Idempotency-Key` (GitLab 17.4; kept when a delivery is resent), before that the hash of the body and
    the kind of event. X-Gitlab-Event-UUID is shared by different deliveries and is no use here.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if key := given.get("idempotency-key"):
        return key
    return f"{hashlib.sha256(body).hexdigest()}:{given.get('x-gitlab-event', '')}"


def parse(headers: Mapping[str, str], body: bytes) -> GitLabEvent:
    """What the delivery says; never fails: what cannot be read is an `UnknownEvent` that says why."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        loaded: object = json.loads(body)
    except (ValueError, RecursionError):
        loaded = None
    if not isinstance(loaded, dict):
        return UnknownEvent(name=given.get("x-gitlab-event", ""), why="not a JSON object")
    read = cast("dict[str, Any]", loaded)
    said = str(read.get("object_kind") or read.get("event_name") or given.get("x-gitlab-event", ""))
    kind = said.encode(errors="replace").decode()[:100]
    model = _KINDS.get(kind)
    if model is None:
        return _unknown(kind, "not used", read)
    try:
        return model.model_validate({key: value for key, value in read.items() if key != "kind"})
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
        return _unknown(kind, f"could not be read: {where}", read)


def _unknown(kind: str, why: str, read: dict[str, Any]) -> UnknownEvent:
    try:
        seen = Event.model_validate(read)
    except ValidationError:
        seen = Event()
    return UnknownEvent(name=kind, why=why, project_id=seen.project_id, actor_id=seen.actor_id)


def _refused(why: str) -> Refused:
    return Refused("gitlab", "webhook", "delivery", None, why)
