"""The doors for the vendors' deliveries: verify on the raw bytes, write to the inbox, then answer.

A delivery is durable before it is acknowledged. The same delivery again is answered and does nothing.
Nothing of a request reaches a log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deployments.gateway.inbox import Inbox
from deployments.gateway.slack import SlackListener
from integrations import alertmanager
from integrations.errors import Refused, Transient
from integrations.gitlab import webhook as gitlab_webhook
from integrations.jira import webhook as jira_webhook
from integrations.ledger import Ledger, NewDelivery, Received
from integrations.settings import settings
from integrations.slack import inbound
from integrations.slack.events import UrlVerification

MIB = 1024 * 1024
KEPT_HEADERS = frozenset({"content-type", "x-gitlab-event", "x-slack-retry-num", "x-atlassian-webhook-flow"})
"""What of a delivery's headers is kept; never a token or a signature."""


@dataclass(frozen=True)
class Door:
    """How one vendor's deliveries are let in."""

    source: str
    limit: int
    verify: Callable[[Mapping[str, str], bytes], None]
    delivery_id: Callable[[Mapping[str, str], bytes], str]
    kind: Callable[[Mapping[str, str], bytes], str]


def _jira() -> Door:
    return Door(
        "jira",
        10 * MIB,
        lambda headers, body: jira_webhook.verify(
            headers, body, settings().jira.webhook_secret.get_secret_value()
        ),
        jira_webhook.delivery_id,
        lambda _, body: jira_webhook.parse(body).kind,
    )


def _gitlab() -> Door:
    return Door(
        "gitlab",
        10 * MIB,
        lambda headers, body: gitlab_webhook.verify(headers, body, settings().gitlab, datetime.now(UTC)),
        gitlab_webhook.delivery_id,
        lambda headers, body: gitlab_webhook.parse(headers, body).kind,
    )


def _slack() -> Door:
    return Door(
        "slack",
        MIB,
        lambda headers, body: inbound.verify(
            headers, body, settings().slack.signing_secret.get_secret_value(), time.time()
        ),
        inbound.delivery_id,
        lambda headers, body: type(inbound.parse(headers.get("content-type", ""), body)).__name__,
    )


def _alertmanager() -> Door:
    return Door(
        "alertmanager",
        MIB,
        lambda headers, _: alertmanager.verify(headers, settings().alertmanager_token.get_secret_value()),
        lambda _, body: alertmanager.delivery_id(body),
        lambda _, body: f"{len(alertmanager.parse(body))} alerts",
    )


class Doors:
    """The routes; `poke` tells whoever handles deliveries that there is one."""

    def __init__(self, ledger: Ledger, listener: SlackListener, poke: Callable[[], None]) -> None:
        self._ledger = ledger
        self._inbox = Inbox(ledger)
        self._listener = listener
        self._poke = poke

    def routes(self, *, slack: bool = True) -> list[Route]:
        """One door per vendor; Slack's three addresses are one door, closed where Slack has a socket."""
        routes = [
            Route("/jira/webhook", self._endpoint(_jira()), methods=["POST"]),
            Route("/gitlab/webhook", self._endpoint(_gitlab()), methods=["POST"]),
            Route("/alertmanager", self._endpoint(_alertmanager()), methods=["POST"]),
        ]
        if slack:
            endpoint = self._endpoint(_slack())
            routes += [
                Route(f"/slack/{name}", endpoint, methods=["POST"])
                for name in ("interactivity", "commands", "events")
            ]
        return routes

    def _endpoint(self, door: Door) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            body = await read_body(request, door.limit)
            if body is None:
                return PlainTextResponse("too large", status_code=413)
            headers = {name.lower(): value for name, value in request.headers.items()}
            delivery = _delivery(door, headers, body)
            if isinstance(delivery, Response):
                return delivery
            try:
                received = await self._inbox.receive(delivery)
            except Transient:
                return PlainTextResponse("try again", status_code=503)
            return await self._answer(received, delivery)

        return endpoint

    async def _answer(self, received: Received, delivery: NewDelivery) -> Response:
        if delivery.kind == UrlVerification.__name__ and delivery.source == "slack":
            return await to_thread.run_sync(self._answer_challenge, received.id, delivery)
        if not received.new:
            return PlainTextResponse("")
        if delivery.source == "slack":
            return await to_thread.run_sync(self._answer_slack, received.id, delivery)
        self._poke()
        return PlainTextResponse("")

    def _answer_slack(self, number: int, delivery: NewDelivery) -> Response:
        """Slack shows the person what we answer, so its deliveries are handled at once."""
        answer = self._listener.dispatch(number, delivery.headers, delivery.body)
        self._poke()
        return answer

    def _answer_challenge(self, number: int, delivery: NewDelivery) -> Response:
        """Slack asks whether the address is ours, again if it did not hear the answer."""
        event = inbound.parse(delivery.headers.get("content-type", ""), delivery.body)
        self._ledger.handled([number], "challenge answered", datetime.now(UTC))
        return JSONResponse({"challenge": event.challenge if isinstance(event, UrlVerification) else ""})


def _delivery(door: Door, headers: dict[str, str], body: bytes) -> NewDelivery | Response:
    """What came in, verified and understood so far as to name it; or why it is not let in."""
    try:
        door.verify(headers, body)
    except Refused:
        return PlainTextResponse("not verified", status_code=401)
    try:
        kind = door.kind(headers, body)
    except Refused:
        return PlainTextResponse("not understood", status_code=400)
    kept = {name: value for name, value in headers.items() if name in KEPT_HEADERS}
    return NewDelivery(door.source, door.delivery_id(headers, body), kind, kept, body, datetime.now(UTC))


async def read_body(request: Request, limit: int) -> bytes | None:
    """The raw body; None if it is longer than `limit`, of which no more than that is read."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
