"""Any sandbox's misfortunes, on order: the next matching requests are refused, cut off or left to hang.

`Faults(app)` is the outermost ASGI layer of a sandbox. Over HTTP, under `/_sandbox/`, without login:

    POST   faults    {"match": "POST /rest/api/2/issue", "times": 1, "skip": 0, "do": "drop_after"}
    GET    faults    what is still to come
    DELETE faults    nothing more goes wrong
    GET    requests  [{"method", "path", "query", "status", "actor", "fault", "at"}], oldest first
    DELETE requests  forget them

`match` is a method (`*`: any) and a regular expression for the whole path, decoded, without the query.
`do` is one of:

    503, 429, ...              answered so, not executed (`retry_after`: that header's value)
    503_after, 500_after, ...  executed, then answered so
    drop_before, drop_after    the connection is cut without a byte, before or after the execution
    hang, hang_after           no answer until the caller goes away; not executed, or executed

An application says who acted by setting `scope["actor"]`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DO = re.compile(r"[45]\d\d(_after)?|(drop_before|drop_after|hang|hang_after)")


@dataclass
class Fault:
    """One order: the first `skip` matching requests pass, the next `times` suffer `do`."""

    match: str
    do: str
    times: int = 1
    skip: int = 0
    retry_after: str = ""

    def __post_init__(self) -> None:
        method, _, pattern = self.match.partition(" ")
        if not method or not pattern:
            raise ValueError(f'match: "METHOD path-regex", not {self.match!r}')
        if not _DO.fullmatch(self.do):
            raise ValueError(f"do: {self.do!r} is not known")
        if self.times < 1 or self.skip < 0:
            raise ValueError("times: at least 1, skip: at least 0")
        self._method = method.upper()
        self._path = re.compile(pattern)

    def takes(self, method: str, path: str) -> bool:
        """Whether this order is for the request, counting it: call once per request."""
        if self._method not in ("*", method) or not self._path.fullmatch(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Seen:
    """One request: `status` is what the caller saw (None: no answer), `fault` what befell it.

    `at` is when it came, in seconds since 1970.
    """

    method: str
    path: str
    query: str
    status: int | None
    actor: str
    fault: str = ""
    at: float = 0.0


class Faults:
    """Passes everything through to `app` until a fault is ordered. Safe to order from any thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self.requests: list[Seen] = []

    def order(self, fault: Fault) -> None:
        """Let `fault` happen to the next matching requests, after what was ordered before."""
        with self._lock:
            self._orders.append(fault)

    def clear(self) -> None:
        """Drop every order that is still to come."""
        with self._lock:
            self._orders.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/_sandbox/"):
            await (await self._admin(Request(scope, receive)))(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        at = time.time()
        fault = self._next(scope["method"], scope["path"])

        def record(status: int | None) -> None:
            query, actor = scope["query_string"].decode("latin-1"), str(scope.get("actor", ""))
            do = fault.do if fault else ""
            self.requests.append(Seen(scope["method"], scope["path"], query, status, actor, do, at))

        answer = _Answer(send, record)
        try:
            if fault is None:
                await self._app(scope, receive, answer)
            else:
                await self._suffer(fault, scope, receive, answer)
        finally:
            answer.record(None)

    def _next(self, method: str, path: str) -> Fault | None:
        with self._lock:
            found = next((order for order in self._orders if order.takes(method, path)), None)
            self._orders = [order for order in self._orders if order.times > 0]
            return found

    async def _suffer(self, fault: Fault, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if fault.do.endswith("_after"):
            await self._app(scope, receive, _nowhere)
        what = fault.do.split("_")[0]
        if what.isdigit():
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            response = JSONResponse({"error": "ordered by /_sandbox/faults"}, int(what), headers)
            await response(scope, receive, answer)
            return
        answer.record(None)
        if what == "drop":
            answer.cut()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _admin(self, request: Request) -> Response:
        match request.method, request.url.path.removeprefix("/_sandbox/"):
            case "POST", "faults":
                try:
                    self.order(Fault(**await request.json()))
                except (AttributeError, TypeError, ValueError, re.error) as error:
                    return JSONResponse({"error": str(error)}, 400)
                return JSONResponse({"ok": True}, 201)
            case "GET", "faults":
                return JSONResponse([asdict(order) for order in self._orders])
            case "DELETE", "faults":
                self.clear()
                return Response(status_code=204)
            case "GET", "requests":
                return JSONResponse([asdict(seen) for seen in self.requests])
            case "DELETE", "requests":
                self.requests.clear()
                return Response(status_code=204)
            case _:
                return JSONResponse({"error": "not known"}, 404)


class _Answer:
    """The way back to the caller. What goes over it is recorded before the caller can see it."""

    def __init__(self, send: Send, record: Callable[[int | None], None]) -> None:
        self._send = send
        self._record = record
        self._recorded = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.record(message["status"])
        await self._send(message)

    def record(self, status: int | None) -> None:
        """Put the request on record; only the first time counts."""
        if not self._recorded:
            self._recorded = True
            self._record(status)

    def cut(self) -> None:
        """Reset the connection. ASGI has no word for it: this reaches for uvicorn's transport."""
        cast("Any", self._send).__self__.transport.abort()


async def _nowhere(message: Message) -> None:
    """Takes an answer that the caller is not to see."""
