"""What the Jira client sends and the sandbox answers, held against Atlassian's own OpenAPI files.

One describes Cloud's v3, another Jira Software's ranks; for Jira Service Management there is none at hand, so
that `DESK` says by hand what its documentation lists. Conveyor speaks v2, which differs in one thing:
where v3 takes and gives rich text (ADF), v2 has plain text. Each such place is in `ADF` and makes its
operation deviate, with that reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from jsonschema import Draft202012Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.jira.client import JiraClient
from integrations.sandbox.http import Server
from integrations.sandbox.jira import JiraSandbox
from integrations.sandbox.people import SandboxPerson
from integrations.settings import JiraSettings
from tests.contracts.rows import CONTRACTS, Row

OPENAPI = CONTRACTS / "jira-cloud-platform-v3.openapi3.json"
AGILE = CONTRACTS / "jira-cloud-agile.openapi3.json"
_RANKS = "/rest/agile/1.0"
_DESK = "/rest/servicedeskapi"

_MOMENT = {name: {"type": "string"} for name in ("iso8601", "jira", "friendly")} | {
    "epochMillis": {"type": "integer"}
}
_TIME = {"millis": {"type": "integer"}, "friendly": {"type": "string"}}


def _shape(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


_CYCLE = {
    **{name: _shape(**_MOMENT) for name in ("startTime", "breachTime")},
    "breached": {"type": "boolean"},
    **{name: _shape(**_TIME) for name in ("goalDuration", "elapsedTime", "remainingTime")},
}
_SLA = _shape(
    id={"type": "string"},
    name={"type": "string"},
    slaDisplayFormat={"type": "string"},
    _links=_shape(self={"type": "string"}),
    completedCycles={"type": "array", "items": _shape(**_CYCLE, stopTime=_shape(**_MOMENT))},
    ongoingCycle=_shape(**_CYCLE, paused={"type": "boolean"}, withinCalendarHours={"type": "boolean"}),
)
_PAGE = _shape(
    **{name: {"type": "integer"} for name in ("size", "start", "limit")},
    isLastPage={"type": "boolean"},
    _expands={"type": "array", "items": {"type": "string"}},
    _links=_shape(**{name: {"type": "string"} for name in ("self", "base", "context", "next", "prev")}),
    values={"type": "array", "items": _SLA},
)
# Source: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/#api-rest-servicedeskapi-request-issueidorkey-sla-get
DESK = {
    "components": {},
    "paths": {
        f"{_DESK}/request/{{issueIdOrKey}}/sla": {
            "get": {
                "parameters": [{"name": name, "in": "query"} for name in ("start", "limit")],
                "responses": {"200": {"content": {"application/json": {"schema": _PAGE}}}},
            }
        }
    },
}
PROJECTS = {"REL": "Release train", "HELP": "Help"}
BOT = SandboxPerson("bot", "Conveyor", "bot@example.test", "acc-bot", 1, "U01", "token-bot", is_bot=True)
# Where v2 has text and v3 has ADF.
ADF = {
    "POST /issue": "fields.description",
    "PUT /issue/{issueIdOrKey}": "fields.description",
    "GET /issue/{issueIdOrKey}": "fields.description, fields.comment",
    "POST /search/jql": "fields.description",
    "POST /search": "fields.description",
    "GET /issue/{issueIdOrKey}/comment": "body",
    "POST /issue/{issueIdOrKey}/comment": "body",
}

Call = Callable[[JiraClient], object]

# Every public method, with every argument it can send, in an order in which each finds what it needs.
CALLS: dict[str, Call] = {
    "myself": lambda jira: jira.myself(),
    "user": lambda jira: jira.user("acc-bot"),
    "create_issue": lambda jira: (
        [
            jira.create_issue(
                "REL",
                "Task",
                "Summary",
                "Text",
                op_key=key,
                labels=["a"],
                priority="High",
                reporter_account_id="acc-bot",
                properties=[("state", {"a": 1})],
            )
            for key in ("one", "two")
        ]
        + [
            jira.create_issue(
                "REL",
                "Sub-task",
                "Part",
                "Text",
                op_key="part",
                parent_key="REL-1",
                assignee_account_id="acc-bot",
                due="2026-03-02",
            )
        ]
    ),
    "issue": lambda jira: jira.issue("REL-1"),
    "entered": lambda jira: jira.entered("REL-1"),
    "scan": lambda jira: list(jira.scan("project = REL ORDER BY created ASC", ("summary", "votes"))),
    "keys": lambda jira: jira.keys("project = REL ORDER BY created ASC"),
    "search": lambda jira: list(jira.search("project = REL ORDER BY key", page_size=1)),
    "find_created": lambda jira: jira.find_created("REL", "one"),
    "transition": lambda jira: jira.transition("REL-1", "In Progress"),
    "comment": lambda jira: jira.comment("REL-1", "Text", op_key="c"),
    "find_comment": lambda jira: jira.find_comment("REL-1", "c"),
    "comments": lambda jira: jira.comments("REL-1"),
    "edit": lambda jira: jira.edit(
        "REL-1",
        summary="New",
        description="New",
        priority="Low",
        assignee_account_id="acc-bot",
        add_labels=["b"],
        remove_labels=["a"],
    ),
    "ensure_version": lambda jira: jira.ensure_version("REL", "1.4.0", "Text"),
    "versions": lambda jira: jira.versions("REL"),
    "release_version": lambda jira: jira.release_version("REL", "1.4.0", date(2026, 3, 2)),
    "unrelease_version": lambda jira: jira.unrelease_version("REL", "1.4.0"),
    "add_fix_version": lambda jira: jira.add_fix_version("REL-1", "1.4.0"),
    "remove_fix_version": lambda jira: jira.remove_fix_version("REL-1", "1.4.0"),
    "link": lambda jira: jira.link("Blocks", "REL-1", "REL-2"),
    "unlink": lambda jira: jira.unlink("Blocks", "REL-1", "REL-2"),
    "remote_link": lambda jira: jira.remote_link(
        "REL-1", "mr:1", "https://git.example.test/1", "Merge request"
    ),
    "remove_remote_link": lambda jira: jira.remove_remote_link("REL-1", "mr:1"),
    "rank": lambda jira: jira.rank(["REL-2"], before="REL-1"),
    "set_property": lambda jira: jira.set_property("REL-1", "state", {"a": 2}),
    "property": lambda jira: jira.property("REL-1", "state"),
    "remove_property": lambda jira: jira.remove_property("REL-1", "state"),
    "running_slas": lambda jira: jira.running_slas(
        jira.create_issue("HELP", "Task", "Asked", "", op_key="asked")
    ),
}


class Exchange(NamedTuple):
    """One request and its answer; `path` decoded, and without `/rest/api/2` unless it is another API's."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int
    answer: Any


class Tap:
    """An ASGI layer that notes what goes through it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent, answered = bytearray(), bytearray()
        status = 0

        async def tapped_receive() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def tapped_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                path = unquote(scope["path"]).removeprefix("/rest/api/2")
                query = dict(parse_qsl(scope["query_string"].decode()))
                bodies = (json.loads(one) if one else None for one in (sent, answered))
                body, answer = bodies
                self.exchanges.append(Exchange(scope["method"], path, query, body, status, answer))
            await send(message)

        await self._app(scope, tapped_receive, tapped_send)


@contextmanager
def tapped(flavor: Any) -> Iterator[tuple[Tap, JiraClient]]:
    """A sandbox with a tap before it, and a client of the tap."""
    sandbox = JiraSandbox(None, [BOT], PROJECTS, desks=["HELP"], flavor=flavor, bursts=False)
    tap = Tap(sandbox.faults)
    server = Server(tap)
    values = {"url": server.url, "user": BOT.email, "token": BOT.token}
    yield tap, JiraClient(JiraSettings.model_validate(values))
    server.stop()
    sandbox.stop()


@cache
def exchanges() -> tuple[Exchange, ...]:
    """All that goes over the wire when every method is called; on Server only what differs, the search."""
    with tapped("cloud") as (tap, client):
        for call in CALLS.values():
            call(client)
    cloud = tap.exchanges  # read once the server has stopped: a client may have a 204 before the tap notes it
    with tapped("server") as (tap, client):
        client.create_issue("REL", "Task", "Summary", "Text", op_key="one")
        for name in ("search", "scan", "keys"):
            CALLS[name](client)
    server = [one for one in tap.exchanges if one.path == "/search"]
    return (*cloud, *server)


def rows() -> list[Row]:
    """One row per operation the client uses; needs the OpenAPI file."""
    said: dict[str, list[str]] = {}
    missing: set[str] = set()
    for exchange in exchanges():
        template = _template(exchange)
        if template is None:
            missing.add(f"{exchange.method} {exchange.path}")
            continue
        operation = f"{exchange.method} {template}"
        said.setdefault(operation, []).extend(complaints(exchange, template))
    table = [_row(operation, list(dict.fromkeys(why))) for operation, why in said.items()]
    table += [
        Row("jira", operation, "not described", "no such operation in the file") for operation in missing
    ]
    return sorted(table, key=lambda row: row.operation.split()[::-1])


def _row(operation: str, why: list[str]) -> Row:
    if operation.partition(" ")[2].startswith(_DESK):
        return Row("jira", operation, "not described", "; ".join([_BY_HAND, *why]))
    if operation in ADF:
        why = [*why, f"v2 has text where v3 has ADF: {ADF[operation]}"]
    return Row("jira", operation, "deviating" if why else "validated", "; ".join(why))


_BY_HAND = "no file for Jira Service Management; compared with the fields that its documentation lists"


def complaints(exchange: Exchange, template: str) -> list[str]:
    """What the description of `template` has against a request and its answer."""
    description = _description(exchange.path)
    operation = description["paths"][f"{_base(exchange.path)}{template}"][exchange.method.lower()]
    known = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
    said = [f"query {name} is not described" for name in exchange.query if name not in known]
    content = operation.get("requestBody", {}).get("content", {})
    if exchange.body is not None:
        said += _against("request", exchange.body, _schema(content) if content else False, description)
    answer = operation["responses"].get(str(exchange.status))
    if answer is None:
        return [*said, f"answer {exchange.status} is not described"]
    if exchange.answer is not None:
        said += _against("answer", exchange.answer, _schema(answer.get("content", {})), description)
    return said


def _schema(content: Mapping[str, Any]) -> Any:
    return content.get("application/json", {}).get("schema", True)


def _against(what: str, value: Any, schema: Any, description: Any) -> list[str]:
    if isinstance(schema, dict):
        schema = {**schema, "components": description["components"]}
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{what} {error.json_path}: {error.message[:120]}" for error in errors]


def _template(exchange: Exchange) -> str | None:
    """The path of the description that fits; one with fewer blanks goes first."""
    base = _base(exchange.path)
    fitting = [
        path.removeprefix(base)
        for path, operations in _description(exchange.path)["paths"].items()
        if exchange.method.lower() in operations
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), f"{base}{exchange.path}")
    ]
    return min(fitting, key=lambda path: path.count("{"), default=None)


def _base(path: str) -> str:
    """What the description puts before `path`: nothing before the other APIs', which are whole."""
    return "" if path.startswith((_RANKS, _DESK)) else "/rest/api/3"


def _description(path: str) -> Any:
    if path.startswith(_DESK):
        return DESK
    return _openapi(AGILE if path.startswith(_RANKS) else OPENAPI)


@cache
def _openapi(source: Path) -> Any:
    return _nullable(json.loads(source.read_bytes()))


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(part) for name, part in node.items()}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made
