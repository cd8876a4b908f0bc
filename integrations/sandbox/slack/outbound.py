"""What Slack sends to the app: signed requests within 3 s, and events that come again.

Everything leaves through `Transport.send`; Socket Mode is the other transport (`socket_mode`).

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://docs.slack.dev/apis/events-api/#error-handling
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlencode

import httpx

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.slack.state import Json

Kind = Literal["interactive", "slash_commands", "events_api"]

ACK_S = 3.0


@dataclass(frozen=True)
class SlackAppSeed:
    """The app that is installed in the workspace: its secrets, and where it is reached.

    An URL may be "" while the app has none: then what would go there is not sent. With `socket_mode`
    nothing goes to the URLs, all goes over the sockets that the app opens with its `app_token`. `shortcuts`
    are those on messages: callback id and label.
    """

    bot_token: str
    signing_secret: str
    interactivity_url: str = ""
    commands_url: str = ""
    events_url: str = ""
    commands: tuple[str, ...] = ("/request", "/conveyor")
    shortcuts: tuple[tuple[str, str], ...] = (("request.from_message", "Make a request of it"),)
    app_token: str = ""
    socket_mode: bool = False


@dataclass(frozen=True)
class Reply:
    """What the app made of it. `status` None: it did not answer; then `failure` says how."""

    status: int | None
    ms: int
    body: str = ""
    failure: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def ok(self) -> bool:
        return self.status == 200


class Transport(Protocol):
    """A way to the app."""

    def send(self, kind: Kind, payload: Json, headers: Mapping[str, str] | None = None) -> Reply:
        """Bring `payload` to the app and wait at most 3 s for its word."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class HttpTransport:
    """Signed POSTs to the app's request URLs."""

    def __init__(self, app: SlackAppSeed, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._urls: dict[Kind, str] = {
            "interactive": app.interactivity_url,
            "slash_commands": app.commands_url,
            "events_api": app.events_url,
        }
        self._client = httpx.Client(timeout=ACK_S, **LOOPBACK, limits=httpx.Limits(max_connections=None))

    def send(self, kind: Kind, payload: Json, headers: Mapping[str, str] | None = None) -> Reply:
        """One request; no answer, or none within 3 s, is a `Reply` too."""
        url = self._urls[kind]
        if not url:
            return Reply(None, 0, failure="no_url")
        body, content_type = _encoded(kind, payload)
        sent = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0", **(headers or {})}
        sent |= self._signature(body)
        start = time.monotonic()
        try:
            response = self._client.post(url, content=body, headers=sent)
        except httpx.TimeoutException:
            return Reply(None, ms_since(start), failure="http_timeout")
        except httpx.HTTPError:
            return Reply(None, ms_since(start), failure="connection_failed")
        failure = "" if response.status_code == 200 else "http_error"
        return Reply(response.status_code, ms_since(start), response.text, failure, response.headers)

    def close(self) -> None:
        self._client.close()

    def _signature(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self._clock()))
        digest = hmac.new(
            self._app.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256
        ).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


class Events:
    """Sends events in the background; one that is not answered with 2xx comes again, three times.

    Slack's pauses are about none, 1 min and 5 min; `pauses_s` are the sandbox's..
    """

    def __init__(self, transport: Transport, pauses_s: tuple[float, ...]) -> None:
        self._transport = transport
        self._pauses_s = pauses_s
        self._queue: queue.Queue[tuple[Json, int, str] | None] = queue.Queue()
        self._timers: set[threading.Timer] = set()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="slack-events", daemon=True)
        self._thread.start()

    def send(self, envelope: Json) -> None:
        """Queue an event; returns at once."""
        self._queue.put((envelope, 0, ""))

    def stop(self) -> None:
        """Stop after the event in hand; the others are dropped."""
        self._stopped = True
        for timer in list(self._timers):
            timer.cancel()
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None and not self._stopped:
            envelope, attempt, reason = item
            headers = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
            reply = self._transport.send("events_api", envelope, headers if attempt else None)
            done = reply.failure == "no_url" or (reply.status is not None and reply.status < 300)
            if not done and attempt < len(self._pauses_s) and "x-slack-no-retry" not in reply.headers:
                again = (envelope, attempt + 1, reply.failure or "http_error")
                timer = threading.Timer(self._pauses_s[attempt], self._queue.put, (again,))
                timer.daemon = True
                self._timers.add(timer)
                timer.start()


def _encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def ms_since(start: float) -> int:
    """Whole milliseconds since `start` of the monotonic clock."""
    return round((time.monotonic() - start) * 1000)
