"""Every request that the Slack client sends and every answer of the sandbox, held against Slack's Swagger 2.

The requests are real: they pass through a small server that notes both. The description says GET for
what only reads, and forms; Slack takes POST and JSON just as well, and its SDK sends nothing but POST.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from jsonschema import Draft4Validator
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.errors import IntegrationError
from integrations.sandbox.http import LOOPBACK, Server
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack import blocks as kit
from integrations.slack.client import SlackClient
from tests.contracts.rows import CONTRACTS, Row
from tests.integrations.slack.world import BOT_TOKEN, CHANNELS, PEOPLE, SECRET

SWAGGER = CONTRACTS / "slack-web.swagger2.json"
ADA = "U0TEST002"
THEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEWER = "Slack has it since the description was written (docs.slack.dev)"

# Why a complaint is none of ours: {part of the complaint: reason}, by operation.
_BOT_MESSAGE = {
    "/bot_profile: Additional properties are not allowed ('user_id'": NEWER,
    "'metadata' were unexpected": "messages of apps carry app_id and, when asked for, metadata; " + NEWER,
}
EXPLAINED: dict[str, dict[str, str]] = {
    "chat.postMessage": {"sends metadata": NEWER, **_BOT_MESSAGE},
    "chat.update": {
        "/message/blocks": "blocks are an array everywhere else in the description, and in Slack"
    },
    "conversations.history": {
        "sends include_all_metadata": NEWER,
        "'response_metadata' was unexpected": "the cursor's place, as docs.slack.dev says for all paging",
        **_BOT_MESSAGE,
    },
    "conversations.replies": {
        "sends include_all_metadata": NEWER,
        "'response_metadata' was unexpected": "the cursor's place, as docs.slack.dev says for all paging",
    },
}


class Exchange(NamedTuple):
    """One call of `method`: what was sent, and what the sandbox answered."""

    method: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]


class World(NamedTuple):
    """What the calls need: a client behind the note-taker, what it asks about, and fresh triggers."""

    client: SlackClient
    channel_id: str
    group_id: str
    trigger: Callable[[], str]


# Every public method, with every argument that it can send. A test sees that none is missing.
CALLS: dict[str, Callable[[World], object]] = {
    "auth_test": lambda w: w.client.auth_test(),
    "post": lambda w: w.client.post(
        w.channel_id, "text", [kit.section("text")], op_key="k", thread_ts=_posted(w)
    ),
    "find_message": lambda w: w.client.find_message(w.channel_id, "k", THEN, _posted(w)),
    "upload": lambda w: w.client.upload(
        w.channel_id, "a.png", b"png", title="A graph", alt="A graph", thread_ts=_posted(w)
    ),
    "find_file": lambda w: w.client.find_file(w.channel_id, "a.png", THEN, _posted(w)),
    "update": lambda w: w.client.update(w.channel_id, _posted(w), "text", [kit.section("text")]),
    "ephemeral": lambda w: w.client.ephemeral(
        w.channel_id, ADA, "text", [kit.section("text")], thread_ts=_posted(w)
    ),
    "permalink": lambda w: w.client.permalink(w.channel_id, _posted(w)),
    "direct_channel": lambda w: w.client.direct_channel(ADA),
    "open_view": lambda w: w.client.open_view(w.trigger(), _view("open")),
    "update_view": lambda w: w.client.update_view(
        w.client.open_view(w.trigger(), _view("update")), _view("update")
    ),
    "publish_home": lambda w: w.client.publish_home(ADA, kit.home([kit.section("text")])),
    "history": lambda w: (_posted(w), w.client.history(w.channel_id, THEN, 10)),
    "replies": lambda w: w.client.replies(w.channel_id, _posted(w)),
    "user": lambda w: w.client.user(ADA),
    "channels": lambda w: w.client.channels(),
    "group_members": lambda w: w.client.group_members(w.group_id),
}
# Calls that Slack refuses, for the shape of its refusals.
REFUSED: tuple[Callable[[World], object], ...] = (
    lambda w: w.client.post("C0NOWHERE", "text", op_key="k"),
    lambda w: w.client.post(w.channel_id, "", op_key="k"),
    lambda w: w.client.upload("C0NOWHERE", "a.png", b"png", title="A graph", alt="A graph"),
    lambda w: w.client.update(w.channel_id, "1700000000.000001", "text"),
    lambda w: w.client.ephemeral(w.channel_id, "U0NOBODY01", "text"),
    lambda w: w.client.direct_channel("U0NOBODY01"),
    lambda w: w.client.open_view("1.1", _view("refused")),
    lambda w: w.client.history("C0NOWHERE"),
    lambda w: w.client.replies(w.channel_id, "1700000000.000001"),
    lambda w: w.client.user("U0NOBODY01"),
)


def _posted(world: World) -> str:
    return world.client.post(world.channel_id, "text", op_key="k").ts


def _view(external_id: str) -> kit.View:
    block = kit.input_block("reason", "Reason", kit.text_input("text"))
    return kit.modal("Title", [block], callback_id="c", submit="Send", external_id=external_id)


@cache
def exchanges() -> tuple[Exchange, ...]:
    """All calls, made once, with their answers."""
    with _world() as (world, noted):
        for call in CALLS.values():
            call(world)
        for call in REFUSED:
            try:
                call(world)
            except IntegrationError:
                continue
            raise AssertionError("was not refused")
    return tuple(noted)


@contextmanager
def _world() -> Iterator[tuple[World, list[Exchange]]]:
    noted: list[Exchange] = []
    triggers: list[str] = []

    async def app(request: Request) -> Response:
        triggers.append(dict(parse_qsl((await request.body()).decode()))["trigger_id"])
        return Response()

    front = Server(Starlette(routes=[Route("/", app, methods=["POST"])]))
    seed = SlackAppSeed(BOT_TOKEN, SECRET, commands_url=f"{front.url}/")
    sandbox = SlackSandbox(PEOPLE, CHANNELS, seed, limits=False)
    behind = httpx.AsyncClient(base_url=sandbox.url, **LOOPBACK)

    async def note(request: Request) -> Response:
        body = await request.body()
        answer = await behind.post(request.url.path, content=body, headers=dict(request.headers))
        noted.append(Exchange(request.path_params["method"], _arguments(request, body), answer.json()))
        return Response(answer.content, answer.status_code, media_type="application/json")

    taker = Server(Starlette(routes=[Route("/api/{method}", note, methods=["POST"])]))
    settings = SlackSettings(api_url=f"{taker.url}/api/", bot_token=SecretStr(BOT_TOKEN))
    releases = sandbox.channel_id("releases")

    made = httpx.post(f"{sandbox.url}/people/ada/group", json={"handle": "qa", "members": ["bo"]}, **LOOPBACK)
    group_id = str(made.json()["group_id"])

    def trigger() -> str:
        body = {"channel_id": releases, "command": "/request"}
        httpx.post(f"{sandbox.url}/people/ada/command", json=body, **LOOPBACK)
        return triggers[-1]

    try:
        yield World(SlackClient(settings), releases, group_id, trigger), noted
    finally:
        for server in (taker, sandbox, front):
            server.stop()


def _arguments(request: Request, body: bytes) -> dict[str, Any]:
    if request.headers["content-type"].startswith("application/json"):
        return json.loads(body or b"{}")
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


@cache
def _swagger() -> dict[str, Any]:
    return json.loads(SWAGGER.read_text())


def described(method: str) -> dict[str, Any] | None:
    """What Slack's file says about the method, under whichever verb."""
    return next(iter(_swagger()["paths"].get(f"/{method}", {}).values()), None)


def complaints(exchange: Exchange) -> list[str]:
    """All that does not fit the description: "sends ..." or "answers ..."."""
    operation = described(exchange.method)
    if operation is None:
        return []
    return [f"sends {what}" for what in _sent(operation, exchange.arguments)] + [
        f"answers {what}" for what in _answered(operation, exchange.answer)
    ]


def _sent(operation: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[str]:
    known = {one["name"]: one for one in operation["parameters"] if one["name"] != "token"}
    for name, value in arguments.items():
        if name not in known:
            yield f"{name}: not described"
        elif not _fits(known[name]["type"], value):
            yield f"{name}: {type(value).__name__} for {known[name]['type']}"
    for name, one in known.items():
        if one.get("required") and name not in arguments:
            yield f"no {name}"


def _fits(kind: str, value: object) -> bool:
    if kind == "string":  # objects and lists are JSON in a form, and themselves in JSON
        return isinstance(value, (str, dict, list))
    if kind == "boolean":
        return isinstance(value, bool) or value in ("0", "1", "true", "false")
    try:
        return isinstance(float(str(value)), float)
    except ValueError:
        return False


def _answered(operation: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    schema = operation["responses"]["200" if answer["ok"] else "default"]["schema"]
    validator = Draft4Validator({**schema, "definitions": _swagger()["definitions"]})
    for error in validator.iter_errors(answer):
        place = "/".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path)
        yield f"/{place}: {error.message}"


def unexplained() -> list[tuple[str, str]]:
    """Complaints for which `EXPLAINED` has no reason: (operation, complaint)."""
    found: set[tuple[str, str]] = set()
    for exchange in exchanges():
        reasons = EXPLAINED.get(exchange.method, {})
        for complaint in complaints(exchange):
            if not any(part in complaint for part in reasons):
                found.add((exchange.method, complaint))
    return sorted(found)


def rows() -> list[Row]:
    """One row for each operation that the client uses."""
    table: list[Row] = []
    for method in sorted({exchange.method for exchange in exchanges()}):
        operation = f"POST /api/{method}"
        if described(method) is None:
            table.append(Row("slack", operation, "not described"))
        elif reasons := EXPLAINED.get(method):
            why = "; ".join(f"{part}: {reason}" for part, reason in sorted(reasons.items()))
            table.append(Row("slack", operation, "deviating", why))
        else:
            table.append(Row("slack", operation, "validated"))
    return table
