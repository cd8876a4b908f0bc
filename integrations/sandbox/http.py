"""What the sandbox vendors share: a real HTTP server in a thread, and a courier for webhooks."""

from __future__ import annotations

import asyncio
import logging
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TypedDict

import httpx
import uvicorn
from starlette.types import ASGIApp

log = logging.getLogger(__name__)


class _Loopback(TypedDict):
    trust_env: bool
    verify: bool


LOOPBACK: _Loopback = {"trust_env": False, "verify": False}
"""How httpx talks to this machine: past any proxy, and without the world's certificates.

There is no TLS here, and loading them takes every new client 40 ms of CPU.
"""


class _Server(uvicorn.Server):
    """Ends at once when told to: uvicorn looks every 0.1 s whether it is to, and then waits as long again."""

    _told: asyncio.Event
    _loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Told from any thread, and as often as one likes."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._told, self._loop = asyncio.Event(), asyncio.get_running_loop()
        for tick in count():
            if await self.on_tick(tick):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for listening in sockets or []:
            listening.close()


class Server:
    """Serves `app` on a loopback port from construction until `stop`; port 0 takes a free one."""

    def __init__(self, app: ASGIApp, port: int = 0, host: str = "127.0.0.1") -> None:
        # The protocol is named, else asyncio leaves Nagle on and every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen(512)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="auto")
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=f"sandbox:{self.port}", daemon=True
        )
        # The socket listens already: a request that comes before the loop runs waits, none is refused.
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port; a second call does nothing."""
        self._server.end()
        self._thread.join(timeout=5)
        self._socket.close()


@dataclass(frozen=True)
class Parcel:
    """One webhook on its way: where to, the exact bytes, and how often it was tried."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    attempt: int = 0


class Courier:
    """Delivers webhooks in order from one thread, as a vendor would: outside the caller's request.

    `retries_s` are the pauses before each further attempt; empty means one attempt (GitLab).
    `retry_on(status)` decides from the answer (None: no answer) whether another attempt is due;
    `retry_headers(attempt)` are the vendor's headers that mark one. A parcel that waits for its retry
    does not hold up the others, so order is not promised, as with the vendors.
    """

    def __init__(
        self,
        name: str,
        *,
        retries_s: tuple[float, ...] = (),
        retry_on: Callable[[int | None], bool] = lambda status: status is None,
        retry_headers: Callable[[int], Mapping[str, str]] = lambda attempt: {},
        timeout_s: float = 10.0,
    ) -> None:
        self._retries_s = retries_s
        self._retry_on = retry_on
        self._retry_headers = retry_headers
        self._queue: queue.Queue[Parcel | None] = queue.Queue()
        self._client = httpx.Client(timeout=timeout_s, **LOOPBACK)
        self._timers: set[threading.Timer] = set()
        self._stopped = False
        self.delivered: list[tuple[Parcel, int | None]] = []
        self._thread = threading.Thread(target=self._run, name=f"courier:{name}", daemon=True)
        self._thread.start()

    def send(self, parcel: Parcel) -> None:
        """Queue `parcel`; returns at once."""
        self._queue.put(parcel)

    def stop(self) -> None:
        """Stop after the parcel in hand; what is queued or waiting for a retry is dropped."""
        self._stopped = True
        for timer in list(self._timers):
            timer.cancel()
        self._queue.put(None)
        self._thread.join(timeout=5)
        self._client.close()

    def _run(self) -> None:
        while (parcel := self._queue.get()) is not None and not self._stopped:
            status = self._deliver(parcel)
            self.delivered.append((parcel, status))
            if self._retry_on(status) and parcel.attempt < len(self._retries_s):
                self._again(parcel)

    def _deliver(self, parcel: Parcel) -> int | None:
        headers = {**parcel.headers, **(self._retry_headers(parcel.attempt) if parcel.attempt else {})}
        try:
            return self._client.post(parcel.url, content=parcel.body, headers=headers).status_code
        except httpx.HTTPError as error:
            log.info("webhook to %s: %s", parcel.url, type(error).__name__)
            return None

    def _again(self, parcel: Parcel) -> None:
        following = Parcel(parcel.url, parcel.body, parcel.headers, parcel.attempt + 1)
        timer = threading.Timer(self._retries_s[parcel.attempt], self.send, (following,))
        timer.daemon = True
        self._timers.add(timer)
        timer.start()
