"""From HTTP to a handler and back: who calls, what was sent, and errors in Jira's shape.

Only `/rest/api/2` is there: `/rest/api/3` differs in rich text (ADF), which Conveyor does not send, so it
answers 404 rather than pretend.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.jira.hooks import Hooks
from integrations.sandbox.jira.state import Problem, State
from integrations.sandbox.jira.wire import Wire

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Call:
    """One authenticated request, parsed. `actor` is the caller's account id."""

    state: State
    wire: Wire
    hooks: Hooks
    actor: str
    path: Mapping[str, str]
    query: QueryParams
    body: object

    def listed(self, name: str) -> list[str]:
        """A query parameter that is a comma-separated list, possibly repeated."""
        return [part for value in self.query.getlist(name) for part in value.split(",") if part]

    def number(self, name: str, default: int) -> int:
        """A whole number from the query, or 400."""
        text = self.query.get(name, str(default))
        if not re.fullmatch(r"-?\d+", text):
            raise Problem(400, f"The value '{text}' of '{name}' is not a number.")
        return int(text)

    def object(self) -> dict[str, Any]:
        """The body, which has to be a JSON object."""
        body = self.body
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        raise Problem(400, "Unexpected character: the body has to be a JSON object.")


Handler = Callable[[Call], Answer]
Table = list[tuple[str, str, Handler]]


class Bursts:
    """Per issue at most 20 writes in 2 s and 100 in 30 s; beyond that 429.

    Source: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
    """

    WINDOWS = ((20, 2.0), (100, 30.0))

    def __init__(self) -> None:
        self._writes: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def write(self, issue: str) -> None:
        """Count a write to `issue` or answer 429 with the time to wait."""
        now = time.monotonic()
        with self._lock:
            times = self._writes[issue]
            while times and times[0] <= now - 30.0:
                times.popleft()
            for most, window_s in self.WINDOWS:
                if len(times) >= most and times[-most] > now - window_s:
                    wait_s = int(times[-most] + window_s - now) + 1
                    headers = {"Retry-After": str(wait_s), "RateLimit-Reason": "jira-per-issue-on-write"}
                    raise Problem(429, "Rate limit exceeded.", headers=headers)
            times.append(now)


class Endpoint:
    """Turns handlers into Starlette routes."""

    def __init__(self, state: State, wire: Wire, hooks: Hooks, bursts: Bursts | None) -> None:
        self._state = state
        self._wire = wire
        self._hooks = hooks
        self._bursts = bursts

    def routes(self, prefix: str, table: Table, *, anonymous: bool = False) -> list[Route]:
        """A route for each line of `table`."""
        return [
            Route(prefix + path, self._endpoint(handler, anonymous=anonymous), methods=[method])
            for method, path, handler in table
        ]

    def _endpoint(self, handler: Handler, *, anonymous: bool) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                actor = "" if anonymous else self._who(request.headers.get("authorization", ""))
                request.scope["actor"] = actor
                body = _parse(await request.body())
                self._limit(request)
                call = Call(
                    self._state,
                    self._wire,
                    self._hooks,
                    actor,
                    request.path_params,
                    request.query_params,
                    body,
                )
                with self._state.lock:
                    status, answer = handler(call)
            except Problem as problem:
                return refusal(problem)
            return Response(status_code=status) if answer is None else JSONResponse(answer, status)

        return endpoint

    def _who(self, authorization: str) -> str:
        """Basic `email:token` on Cloud, `Bearer token` on Server; anybody else 401."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != ("basic" if self._state.cloud else "bearer"):
            raise Problem(401, "Client must be authenticated to access this resource.")
        email, token = "", text.strip()
        if self._state.cloud:
            try:
                email, _, token = base64.b64decode(text).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                token = ""
        for person in self._state.people.values():
            same = secrets.compare_digest(person.token.encode(), token.encode())
            if token and same and person.active and (not self._state.cloud or person.email == email):
                return person.jira_account_id
        raise Problem(401, "Client must be authenticated to access this resource.")

    def _limit(self, request: Request) -> None:
        key = request.path_params.get("issue")
        if self._bursts and key and request.method != "GET":
            self._bursts.write(key)


def refusal(problem: Problem) -> Response:
    """The answer that tells a problem, as Jira words it."""
    body = {"errorMessages": list(problem.messages), "errors": problem.errors}
    return JSONResponse(body, problem.status, problem.headers)


def _parse(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise Problem(400, "Unexpected character: the body is not JSON.") from None
