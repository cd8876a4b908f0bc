"""A sandbox Slack with a few people, a client of it, and an app that remembers what Slack sent it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from integrations.sandbox.http import LOOPBACK, Server
from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack.client import SlackClient
from integrations.slack.events import SlackEvent
from integrations.slack.inbound import parse, verify

BOT_TOKEN = "xoxb-sandbox"
APP_TOKEN = "xapp-sandbox"
SECRET = "signing-secret-of-the-tests"


def person(serial: int, slug: str, name: str, *, is_bot: bool = False, active: bool = True) -> SandboxPerson:
    return SandboxPerson(
        slug,
        name,
        f"{slug}@example.test",
        f"j-{slug}",
        serial,
        f"U0TEST{serial:03d}",
        f"token-{slug}",
        is_bot,
        active=active,
    )


PEOPLE = (
    person(1, "bot", "Conveyor", is_bot=True),
    person(2, "ada", "Ada Example"),
    person(3, "bo", "Bo Example"),
    person(4, "gone", "Gone Example", active=False),
)
CHANNELS = {"releases": ["ada", "bo", "bot"], "requests": ["ada", "bot"]}


@dataclass
class App:
    """An HTTP application that verifies what Slack sends, remembers it, and answers as it is told.

    `answers` are used up in order, then it is 200 with no body; an answer is (status, body, type).
    """

    now: Callable[[], float]
    url: str = ""
    seen: queue.Queue[SlackEvent] = field(default_factory=queue.Queue[SlackEvent])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])
    answers: list[tuple[int, bytes, str]] = field(default_factory=list[tuple[int, bytes, str]])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        verify(request.headers, body, SECRET, self.now())
        self.headers.append(dict(request.headers))
        self.bodies.append(body)
        self.seen.put(parse(request.headers.get("content-type", ""), body))
        status, content, kind = self.answers.pop(0) if self.answers else (200, b"", "text/plain")
        if status == 0:  # never
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await Response(content, status, media_type=kind)(scope, receive, send)

    def next(self, timeout_s: float = 5.0) -> SlackEvent:
        return self.seen.get(timeout=timeout_s)


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The sandbox's clock; stands until a test moves it."""
    return Clock()


class Front:
    """One server for all tests, with the app of the present one behind it."""

    app: App

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def front() -> Iterator[tuple[Front, str]]:
    front = Front()
    server = Server(front)
    yield front, server.url
    server.stop()


@pytest.fixture
def app(front: tuple[Front, str], clock: Clock) -> App:
    """The app that Slack calls."""
    front[0].app = App(clock, front[1])
    return front[0].app


@pytest.fixture
def sandbox(app: App, clock: Clock) -> Iterator[SlackSandbox]:
    seed = SlackAppSeed(
        BOT_TOKEN,
        SECRET,
        f"{app.url}/interactivity",
        f"{app.url}/commands",
        f"{app.url}/events",
        app_token=APP_TOKEN,
    )
    sandbox = SlackSandbox(PEOPLE, CHANNELS, seed, clock=clock, event_pauses_s=(0.01, 0.01, 0.01))
    yield sandbox
    sandbox.stop()


@pytest.fixture
def settings(sandbox: SlackSandbox) -> SlackSettings:
    return SlackSettings(api_url=sandbox.api_url, bot_token=SecretStr(BOT_TOKEN), timeout_s=5)


@pytest.fixture
def client(settings: SlackSettings) -> SlackClient:
    return SlackClient(settings)


@pytest.fixture
def releases(sandbox: SlackSandbox) -> str:
    return sandbox.channel_id("releases")


@dataclass
class Hands:
    """What people do, over the sandbox's HTTP."""

    http: httpx.Client

    def __call__(self, person: str, act: str, **body: Any) -> httpx.Response:
        return self.http.post(f"/people/{person}/{act}", json=body)

    def inbox(self, person: str) -> dict[str, Any]:
        return self.http.get(f"/people/{person}/inbox").json()

    def messages(self, person: str, channel_id: str) -> list[dict[str, Any]]:
        channels = self.inbox(person)["channels"]
        return next(channel["messages"] for channel in channels if channel["id"] == channel_id)


@pytest.fixture
def hands(sandbox: SlackSandbox) -> Iterator[Hands]:
    with httpx.Client(base_url=sandbox.url, timeout=10, **LOOPBACK) as http:
        yield Hands(http)
