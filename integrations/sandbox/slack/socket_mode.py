"""Socket Mode: the app opens WebSockets, and what a person does goes over one of them as an envelope.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.outbound import ACK_S, Kind, Reply, ms_since
from integrations.sandbox.slack.shapes import APP_ID
from integrations.sandbox.slack.state import Json, Workspace

_ANSWERED_INTERACTIONS = ("view_submission", "block_suggestion")


@method("apps.connections.open", 1)
def connections_open(call: Call) -> Json:
    """The address of a socket; its ticket is good for one connection."""
    return {"url": f"ws{call.url.removeprefix('http')}/link?ticket={call.workspace.new_ticket()}"}


@dataclass
class _Link:
    """One open socket; `outbox` belongs to `loop`, and None in it closes the socket."""

    loop: asyncio.AbstractEventLoop
    outbox: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue[Json | None])
    waiting: dict[str, Future[Json]] = field(default_factory=dict[str, "Future[Json]"])

    def put(self, message: Json | None) -> None:
        with contextlib.suppress(RuntimeError):  # the sandbox has stopped, and its loop with it
            self.loop.call_soon_threadsafe(self.outbox.put_nowait, message)


class Sockets:
    """The app's open sockets, as a `Transport`; an envelope goes over the youngest."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._links: list[_Link] = []

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._links)

    def send(self, kind: Kind, payload: Json, headers: Mapping[str, str] | None = None) -> Reply:
        """One envelope; no acknowledgement within 3 s, or no socket, is a `Reply` too."""
        start = time.monotonic()
        answered = kind == "slash_commands" or payload.get("type") in _ANSWERED_INTERACTIONS
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": answered,
        }
        if headers:
            envelope["retry_attempt"] = int(headers["X-Slack-Retry-Num"])
            envelope["retry_reason"] = headers["X-Slack-Retry-Reason"]
        acknowledged: Future[Json] = Future()
        with self._lock:
            if not self._links:
                return Reply(None, 0, failure="connection_failed")
            link = self._links[-1]
            link.waiting[envelope["envelope_id"]] = acknowledged
            link.put(envelope)
        try:
            ack = acknowledged.result(ACK_S)
        except NotInTime:
            return Reply(None, ms_since(start), failure="http_timeout")
        except ConnectionError:
            return Reply(None, ms_since(start), failure="connection_failed")
        finally:
            link.waiting.pop(envelope["envelope_id"], None)
        said = ack.get("payload") if answered else None
        body = json.dumps(said) if said else ""
        return Reply(200, ms_since(start), body, headers={"content-type": "application/json"})

    def refresh(self) -> None:
        """Ask the app to open a new socket in place of each, as Slack does every few hours."""
        with self._lock:
            for link in self._links:
                link.put({"type": "disconnect", "reason": "refresh_requested"})

    def close(self) -> None:
        """Close every socket without having asked; the app may open new ones."""
        with self._lock:
            for link in self._links:
                link.put(None)

    async def serve(self, websocket: WebSocket) -> None:
        """The endpoint: hello, then envelopes out and acknowledgements in."""
        if not self._workspace.use_ticket(websocket.query_params.get("ticket", "")):
            await websocket.close()
            return
        await websocket.accept()
        link = _Link(asyncio.get_running_loop())
        with self._lock:
            number = len(self._links) + 1
            hello: Json = {
                "type": "hello",
                "num_connections": number,
                "connection_info": {"app_id": APP_ID},
                "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
            }
            link.put(hello)
            self._links.append(link)
        writer = asyncio.create_task(_write(websocket, link.outbox))
        try:
            async for message in websocket.iter_text():
                _acknowledge(link, message)
        finally:
            writer.cancel()
            with self._lock:
                self._links.remove(link)
            for acknowledged in list(link.waiting.values()):
                if not acknowledged.done():
                    acknowledged.set_exception(ConnectionError())


async def _write(websocket: WebSocket, outbox: asyncio.Queue[Json | None]) -> None:
    try:
        while (message := await outbox.get()) is not None:
            await websocket.send_json(message)
        await websocket.close(1000, "too old")
    except (WebSocketDisconnect, RuntimeError):  # the app has gone: the reader says so
        return


def _acknowledge(link: _Link, message: str) -> None:
    """Only what was sent over this socket, and once; Slack does not say what it makes of anything else."""
    try:
        given: object = json.loads(message)
    except ValueError:
        return
    if not isinstance(given, dict):
        return
    ack = cast("dict[str, Any]", given)
    acknowledged = link.waiting.pop(str(ack.get("envelope_id")), None)
    if acknowledged is not None:
        acknowledged.set_result(ack)
