"""The sandbox's Slack: put together, and served over HTTP."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from integrations.sandbox.faults import Faults
from integrations.sandbox.http import Server
from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.slack import (
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_views,
)
from integrations.sandbox.slack.acts import ActFault, Acts
from integrations.sandbox.slack.api import WebApi, arguments_of
from integrations.sandbox.slack.inbox import inbox
from integrations.sandbox.slack.limits import Limiter, Rates
from integrations.sandbox.slack.outbound import Events, HttpTransport, Kind, Reply, SlackAppSeed
from integrations.sandbox.slack.page import STATIC, Page
from integrations.sandbox.slack.responses import use_response_url
from integrations.sandbox.slack.socket_mode import Sockets
from integrations.sandbox.slack.state import Json, SlackFault, User, Workspace

__all__ = ["Rates", "SlackAppSeed", "SlackSandbox"]

#: Importing these registers the methods they hold.
METHOD_MODULES = (methods_chat, methods_conversations, methods_files, methods_people, methods_views)

_ACTS = ("press", "submit", "close", "say", "command", "shortcut", "home", "read", "group")
_SCOPES = (
    "channels:history,channels:read,chat:write,commands,files:write,im:write,users:read,users:read.email"
)
_ACTING_AT_ONCE = 200

Handler = Callable[[Request], Awaitable[Response]]


class SlackSandbox:
    """A workspace with `people`, `channels` {name: person ids} and one app, served until `stop`.

    `url` is the page on which one sees and does what a person would; `api_url` is the Web API's base.
    `limits` False answers no 429; `rates` says how strict they are. `clock` gives epoch seconds; all
    that expires, and every `ts`, goes by it. `event_pauses_s` stand for Slack's 0, 1 and 5 minutes.
    The app's URLs are called only when somebody acts, so the app may be started later.
    """

    def __init__(
        self,
        people: Sequence[SandboxPerson],
        channels: Mapping[str, Sequence[str]],
        app: SlackAppSeed,
        port: int = 0,
        team: str = "T0SANDBOX",
        *,
        limits: bool = True,
        rates: Rates | None = None,
        clock: Callable[[], float] = time.time,
        event_pauses_s: tuple[float, ...] = (0.1, 1.0, 5.0),
    ) -> None:
        self._workspace = Workspace(people, channels, team, clock)
        tokens = {p.token: self._workspace.users[p.slack_id] for p in people if p.in_slack and p.token}
        tokens[app.bot_token] = self._workspace.bot
        limiter = Limiter((rates or Rates()) if limits else None, clock)
        self._api = WebApi(self._workspace, tokens, limiter, _SCOPES, app.app_token)
        self.sockets = Sockets(self._workspace)
        self._transport = self.sockets if app.socket_mode else HttpTransport(app, clock)
        self._events = Events(self._transport, event_pauses_s)
        self._page = Page(self._workspace, app)
        self._threads = anyio.CapacityLimiter(_ACTING_AT_ONCE)
        self.faults = Faults(Starlette(routes=self._routes()))
        self._server = Server(self.faults, port)
        self.url = self._workspace.url = self._server.url
        self.api_url = f"{self.url}/api/"
        self._acts = Acts(self._workspace, app, self._transport, self._events, self.url)

    def stop(self) -> None:
        """Stop serving and sending."""
        self._events.stop()
        self.sockets.close()
        self._server.stop()
        self._transport.close()

    def deliver(self, kind: Kind, payload: Json) -> Reply:
        """Send the app just this `payload`, whoever would have done what it tells; what the app said."""
        return self._transport.send(kind, payload)

    def channel_id(self, name: str) -> str:
        """The id of the channel of this name. Raises KeyError: there is none."""
        with self._workspace.lock:
            for channel in self._workspace.channels.values():
                if channel.name == name:
                    return channel.id
        raise KeyError(name)

    def _routes(self) -> list[Route | Mount | WebSocketRoute]:
        return [
            Route("/api/{method}", self._web_api, methods=["GET", "POST"]),
            Route("/response/{team}/{key}", self._response_url, methods=["POST"]),
            WebSocketRoute("/link", self.sockets.serve),
            Route("/upload/v1/{key}", self._upload, methods=["POST"]),
            Route("/files/{user}/{file}/{name}", self._file),
            Route("/files-pri/{team}-{file}/{name}", self._private_file),
            Route("/people", self._people),
            Route("/people/{person}/inbox", self._inbox),
            Route("/people/{person}/{act}", self._act, methods=["POST"]),
            Route("/changes", self._changes),
            Route("/fragment", self._page.fragment),
            Route("/", self._page.index),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    async def _web_api(self, request: Request) -> Response:
        try:
            content_type = request.headers.get("content-type", "")
            arguments = arguments_of(content_type, await request.body(), request.url.query)
        except SlackFault as fault:
            return JSONResponse({"ok": False, "error": fault.code})
        bearer = request.headers.get("authorization", "")
        token = bearer.removeprefix("Bearer ") if bearer else str(arguments.pop("token", ""))
        caller = self._api.caller(token)
        request.scope["actor"] = caller.person_id if caller else ""
        name = cast("str", request.path_params["method"])
        answer = self._api.call(name, token, arguments, self.url)
        return JSONResponse(answer.body, answer.status, dict(answer.headers))

    async def _response_url(self, request: Request) -> Response:
        body = await request.body()
        with self._workspace.lock:
            status, text = use_response_url(self._workspace, request.path_params["key"], body)
        return PlainTextResponse(text, status)

    async def _upload(self, request: Request) -> Response:
        body = await request.body()
        with self._workspace.lock:
            status, text = methods_files.take_upload(self._workspace, request.path_params["key"], body)
        return PlainTextResponse(text, status)

    async def _file(self, request: Request) -> Response:
        """What the page shows of a file; whoever looks at the page is taken for who they say they are."""
        file = self._workspace.files.get(request.path_params["file"])
        if file is None or not file.completed:
            return _not_found("no such file")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Response(file.content, media_type=kind)

    async def _private_file(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._api.caller(token) is None:
            return RedirectResponse(self.url)  # to the log-in, in Slack
        return await self._file(request)

    async def _people(self, _request: Request) -> Response:
        users = self._workspace.users.values()
        return JSONResponse(
            [
                {"id": user.person_id, "user_id": user.id, "name": user.name, "is_bot": user.is_bot}
                for user in users
            ]
        )

    async def _inbox(self, request: Request) -> Response:
        with self._workspace.lock:
            user = self._workspace.person(request.path_params["person"])
            return JSONResponse(inbox(self._workspace, user)) if user else _not_found("no such person")

    async def _changes(self, _request: Request) -> Response:
        return JSONResponse({"revision": self._workspace.revision})

    async def _act(self, request: Request) -> Response:
        act: str = request.path_params["act"]
        user = self._workspace.person(request.path_params["person"])
        if user is None or act not in _ACTS:
            return _not_found("no such person" if user is None else "no such act")
        if _is_foreign(request):
            return JSONResponse({"error": "not from the sandbox's own page"}, 403)
        try:
            body: object = json.loads(await request.body() or b"{}")
        except ValueError:
            return JSONResponse({"error": "not JSON"}, 400)
        if not isinstance(body, dict):
            return JSONResponse({"error": "not a JSON object"}, 400)
        do: Callable[[User, Json], Json] = getattr(self._acts, act)
        request.scope["actor"] = user.person_id
        try:
            given = cast("dict[str, Any]", body)
            outcome = await anyio.to_thread.run_sync(do, user, given, limiter=self._threads)
        except ActFault as fault:
            return JSONResponse({"error": fault.error, **fault.more}, fault.status)
        return JSONResponse(outcome)


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site sends this: nobody is logged in here, so that has to be stopped."""
    origin = request.headers.get("origin")
    return bool(origin) and urlsplit(origin).netloc != request.headers.get("host")


def _not_found(error: str) -> Response:
    return JSONResponse({"error": error}, 404)
