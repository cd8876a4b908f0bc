"""Webhooks, what was sent, and pipeline triggers. Source: https://docs.gitlab.com/api/project_webhooks/"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from integrations.sandbox.gitlab import payloads_push, shapes
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.git import ZERO
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import EVENTS, MAINTAINER, Fields, Hook, iso
from integrations.sandbox.gitlab.webhooks import Delivery

routes = Routes()
_ALL = "/projects/:id/hooks"
_ONE = f"{_ALL}/:hook_id"


def _find(call: Call) -> Hook:
    hook = call.project.records.hooks.get(call.number("hook_id"))
    if hook is None:
        raise missing("Not found")
    return hook


def _shape(call: Call, hook: Hook) -> Fields:
    """The tokens are not shown, only whether they are set."""
    return {
        "id": hook.id,
        "url": hook.url,
        "name": None,
        "description": None,
        "project_id": call.project.project_id,
        "created_at": iso(hook.created),
        "enable_ssl_verification": True,
        "alert_status": "executable",
        "disabled_until": None,
        "url_variables": [],
        "custom_headers": [],
        "push_events_branch_filter": hook.branch_filter,
        "branch_filter_strategy": "wildcard",
        "custom_webhook_template": None,
        "repository_update_events": False,
        "token_present": bool(hook.token),
        "signing_token_present": bool(hook.signing_token),
        **{f"{event}_events": event in hook.events for event in EVENTS},
    }


@routes.get(_ALL, MAINTAINER)
def hooks(call: Call) -> Page:
    """All webhooks."""
    return paged(call.project.records.hooks.values(), lambda hook: _shape(call, hook))


@routes.get(_ONE, MAINTAINER)
def hook(call: Call) -> Reply:
    """One webhook."""
    return Reply(_shape(call, _find(call)))


def _address(call: Call) -> str:
    url = call.params.needed("url")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise refuse(422, "Invalid url given")
    return url


def _events(call: Call, present: set[str]) -> set[str]:
    wanted = {event: call.params.flag(f"{event}_events", event in present) for event in EVENTS}
    return {event for event, on in wanted.items() if on}


@routes.post(_ALL, MAINTAINER)
def create_hook(call: Call) -> Reply:
    """A new webhook; only pushes unless asked otherwise."""
    made = call.project.add_hook(
        _address(call),
        _events(call, {"push"}),
        token=call.params.text("token"),
        signing_token=call.params.text("signing_token"),
    )
    return created(_shape(call, made))


@routes.put(_ONE, MAINTAINER)
def update_hook(call: Call) -> Reply:
    """Change it."""
    it = _find(call)
    it.url = _address(call)
    it.events = _events(call, it.events)
    it.token = call.params.text("token", it.token)
    it.signing_token = call.params.text("signing_token", it.signing_token)
    return Reply(_shape(call, it))


@routes.delete(_ONE, MAINTAINER)
def delete_hook(call: Call) -> Reply:
    """Delete it."""
    del call.project.records.hooks[_find(call).id]
    return NOTHING


@routes.post(f"{_ONE}/test/:trigger", MAINTAINER)
def test_hook(call: Call) -> Reply:
    """Send a push of the default branch's head, whatever `push_events` says."""
    it, project = _find(call), call.project
    if call.names["trigger"] != "push_events":
        raise refuse(400, "trigger does not have a valid value")
    full = f"refs/heads/{project.default_branch}"
    head = project.git.refs().get(full)
    if head is None:
        raise refuse(422, "Ensure the project has at least one commit.")
    call.instance.post.test(it, "push", payloads_push.push(project, call.user, full, ZERO, head))
    return created({"message": "201 Created"})


_GROUPS = {"successful": (200, 299), "client_failure": (400, 499), "server_failure": (500, 599)}


def _in_group(status: int | None, wanted: str) -> bool:
    if wanted == "server_failure" and status is None:
        return True  # GitLab's word for no answer: "internal error"
    low, high = _GROUPS.get(wanted, (int(wanted), int(wanted)) if wanted.isdecimal() else (0, -1))
    return status is not None and low <= status <= high


@routes.get(f"{_ONE}/events", MAINTAINER)
def events(call: Call) -> Page:
    """What was sent, newest first; `status`: successful, client_failure, server_failure or a number."""
    wanted = call.params.optional("status")
    rows = [
        (delivery, status)
        for delivery, status, done in call.instance.post.deliveries(_find(call))
        if done and (wanted is None or _in_group(status, wanted))
    ]
    return paged(rows, lambda row: _event(*row))


def _event(delivery: Delivery, status: int | None) -> Fields:
    hidden = {"X-Gitlab-Token": "[REDACTED]"}
    headers = {**delivery.parcel.headers, **(hidden if "X-Gitlab-Token" in delivery.parcel.headers else {})}
    return {
        "id": delivery.id,
        "url": delivery.parcel.url,
        "trigger": f"{delivery.event}_hooks",
        "request_headers": headers,
        "request_data": json.loads(delivery.parcel.body),
        "response_headers": {},
        "response_body": "",
        "execution_duration": 0.0,
        "response_status": "internal error" if status is None else str(status),
        "created_at": iso(delivery.sent),
    }


@routes.post(f"{_ONE}/events/:event_id/resend", MAINTAINER)
def resend(call: Call) -> Reply:
    """Send the same again, under the same `Idempotency-Key`."""
    it, wanted = _find(call), call.number("event_id")
    for delivery, _, _ in call.instance.post.deliveries(it):
        if delivery.id == wanted:
            status = call.instance.post.resend(it, delivery)
            return created({"response_status": status})
    raise missing("Not found")


@routes.get("/projects/:id/triggers", MAINTAINER)
def triggers(call: Call) -> Page:
    """The pipeline triggers."""
    return paged(call.project.triggers.items(), lambda row: _trigger(call, *row))


@routes.post("/projects/:id/triggers", MAINTAINER)
def create_trigger(call: Call) -> Reply:
    """A new pipeline trigger; it acts as who made it."""
    call.params.require("description")
    token = call.project.add_trigger(call.user.id)
    return created(_trigger(call, token, call.user.id))


def _trigger(call: Call, token: str, owner: int) -> Fields:
    return {
        "id": list(call.project.triggers).index(token) + 1,
        "token": token if owner == call.user.id else token[:4],
        "description": "",
        "created_at": iso(call.project.created),
        "updated_at": iso(call.project.created),
        "last_used": None,
        "owner": shapes.user(call.instance, owner),
    }
