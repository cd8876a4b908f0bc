"""The ASGI application: lets people in, finds who answers, turns answers into HTTP."""

from __future__ import annotations

import re
from urllib.parse import unquote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from integrations.sandbox.gitlab import api, smart_http
from integrations.sandbox.gitlab.access import Asker, Limit, identify
from integrations.sandbox.gitlab.errors import Refusal, forbidden, missing
from integrations.sandbox.gitlab.instance import Instance
from integrations.sandbox.gitlab.pages import Pages
from integrations.sandbox.gitlab.params import parse
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Route, find, turn

_IN_PROJECT = re.compile(r"/projects/(?P<project>[^/]+)(?P<rest>/.*)?")
_NOT_FOUND = Refusal(404, {"error": "404 Not Found"})


class Application:
    """One instance over HTTP."""

    def __init__(self, instance: Instance, per_minute: int | None = None) -> None:
        self._instance = instance
        self._limit = Limit(per_minute)
        self._pages = Pages(instance, self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode("latin-1")
        request = Request(scope, receive)
        if path.startswith("/api/v4/"):
            await self._api(path.removeprefix("/api/v4").rstrip("/"), request, receive, send)
        elif smart_http.is_git(path):
            response = await smart_http.serve(self._instance, request)
            await response(scope, receive, send)
        else:
            response = await self._pages.serve(path)
            await response(scope, receive, send)

    async def _api(self, path: str, request: Request, receive: Receive, send: Send) -> None:
        try:
            found = find(api.TABLE, request.method, path)
            if found is None:
                await self._ci(path, request, receive, send)
                return
            asker = identify(self._instance, request, path)
            request.scope["actor"] = asker.account.username
            headers = self._limit.count(asker.account)
            body = await request.body()
            route, names = found
            reply = await to_thread.run_sync(self._answer, route, names, asker, request, path, body)
            response = _response(reply)
            response.headers.update(headers)
        except Refusal as refusal:
            response = JSONResponse(refusal.body, refusal.status, refusal.headers)
        await response(request.scope, receive, send)

    def _answer(
        self, route: Route, names: dict[str, str], asker: Asker, request: Request, path: str, body: bytes
    ) -> Reply:
        """Let the route's function answer, under the instance's lock."""
        params = parse(request.url.query, request.headers.get("content-type", ""), body)
        with self._instance.lock:
            target = self._entered(asker, names["id"], route.level) if route.in_project else None
            level = target.level(asker.account.id) if target else 0
            query = dict(request.query_params)
            call = Call(
                self._instance, asker.account, level, names, params, body, path, query, target, asker.job_id
            )
            answer = route.handler(call)
            if isinstance(answer, Page):
                return turn(answer, call, f"{self._instance.url}/api/v4{path}")
            return answer

    def _entered(self, asker: Asker, name: str, level: int) -> Project:
        project = self._instance.project(name)
        held = project.level(asker.account.id)
        if held == 0:
            raise missing("Project")
        if held < level:
            raise forbidden()
        return project

    async def _ci(self, path: str, request: Request, receive: Receive, send: Send) -> None:
        """Ask the project's CI, with the project's number in the path and who asks in `request.state`."""
        parts = _IN_PROJECT.fullmatch(path)
        if parts is None:
            raise _NOT_FOUND
        account = None
        if not path.endswith("/trigger/pipeline"):  # its own token, checked by the CI
            asker = identify(self._instance, request, path)
            account = asker.account
            self._limit.count(account)
            project = self._entered(asker, unquote(parts["project"]), 0)
        else:
            project = self._instance.project(unquote(parts["project"]))
        user_id = account.id if account else 0
        scope = {
            **request.scope,
            "path": f"/api/v4/projects/{project.project_id}{unquote(parts['rest'] or '')}",
            "state": {"user_id": user_id, "access_level": project.level(user_id), "project": project},
        }
        request.scope["actor"] = account.username if account else "trigger"
        for route in project.ci.routes() if project.ci else ():
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        raise _NOT_FOUND


def _response(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, dict(reply.headers), reply.media_type)
    return JSONResponse(reply.body, reply.status, dict(reply.headers))
