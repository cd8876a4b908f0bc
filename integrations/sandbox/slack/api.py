"""The Web API's front: which method, who calls, is it too often; the methods register themselves.

Source: https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from integrations.sandbox.slack.limits import Limiter
from integrations.sandbox.slack.state import Json, SlackFault, User, Workspace

Method = Callable[["Call"], Json]

METHODS: dict[str, tuple[Method, int]] = {}


def method(name: str, tier: int) -> Callable[[Method], Method]:
    """Register a Web API method under its name and rate limit tier (1 to 4)."""

    def register(function: Method) -> Method:
        METHODS[name] = (function, tier)
        return function

    return register


@dataclass(frozen=True)
class Call:
    """One call: its arguments as they came, by form or JSON alike."""

    workspace: Workspace
    caller: User
    arguments: Mapping[str, Any]
    url: str

    def text(self, name: str, *, required: bool = False) -> str:
        """A string argument; Slack takes numbers for strings in forms only, a `ts` never as a number."""
        value = self.arguments.get(name)
        if value is None or value == "":
            if required:
                raise SlackFault("invalid_arguments", response_metadata={"messages": [f"missing: {name}"]})
            return ""
        if not isinstance(value, str):
            raise SlackFault("invalid_arguments", response_metadata={"messages": [f"not a string: {name}"]})
        return value

    def flag(self, name: str) -> bool:
        return self.arguments.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, most: int) -> int:
        """A positive integer, at most `most`."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        try:
            return max(1, min(int(cast("str", value)), most))
        except (TypeError, ValueError):
            raise SlackFault("invalid_arguments") from None

    def json(self, name: str) -> Any:
        """An argument that is JSON inside a form and an object inside JSON."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackFault("invalid_arguments") from None

    def page(self, rows: Sequence[Json], default: int = 100, most: int = 1000) -> tuple[list[Json], str]:
        """One page of `rows` from the cursor that was given, and the next cursor ("": the end)."""
        cursor, limit = self.text("cursor"), self.number("limit", default, most)
        start = 0
        if cursor:
            if not cursor.startswith("next:") or not cursor[5:].isdigit():
                raise SlackFault("invalid_cursor")
            start = int(cursor[5:])
        following = f"next:{start + limit}" if start + limit < len(rows) else ""
        return list(rows[start : start + limit]), following


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: Json
    headers: Mapping[str, str]


def arguments_of(content_type: str, body: bytes, query: str) -> dict[str, Any]:
    """The arguments of a call, from query, form or JSON. Raises SlackFault: the JSON is none."""
    arguments: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if content_type.startswith("application/json"):
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            raise SlackFault("invalid_json") from None
        if not isinstance(given, dict):
            raise SlackFault("json_not_object")
        return arguments | cast("Json", given)
    return arguments | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class WebApi:
    """Answers calls. `tokens` maps each token to the account that it stands for.

    `app_token` is the app's own, which is for the methods under `apps.connections.` and for no other.
    """

    def __init__(
        self,
        workspace: Workspace,
        tokens: Mapping[str, User],
        limiter: Limiter,
        scopes: str,
        app_token: str = "",
    ) -> None:
        self._workspace = workspace
        self._tokens = tokens
        self._limiter = limiter
        self._scopes = scopes
        self._app_token = app_token

    def caller(self, token: str) -> User | None:
        return self._tokens.get(token)

    def call(self, name: str, token: str, arguments: Mapping[str, Any], url: str) -> Answer:
        """Run one method; every failure is an answer."""
        headers = {"X-OAuth-Scopes": self._scopes}
        found = METHODS.get(name)
        try:
            if found is None:
                raise SlackFault("unknown_method", req_method=name)
            function, tier = found
            caller = self._caller_of(name, token)
            with self._workspace.lock:
                channel = arguments.get("channel") if name == "chat.postMessage" else None
                wait_s = self._limiter.wait_s(name, tier, str(channel) if channel else None)
                if wait_s:
                    body = {"ok": False, "error": "ratelimited"}
                    return Answer(429, body, {**headers, "Retry-After": str(wait_s)})
                body = function(Call(self._workspace, caller, arguments, url))
        except SlackFault as fault:
            return Answer(200, {"ok": False, "error": fault.code, **fault.more}, headers)
        return Answer(200, {"ok": True, **body}, headers)

    def _caller_of(self, name: str, token: str) -> User:
        if name == "api.test":
            return self._workspace.bot
        if not token:
            raise SlackFault("not_authed")
        of_the_app = token == self._app_token
        if not of_the_app and token not in self._tokens:
            raise SlackFault("invalid_auth")
        if of_the_app != name.startswith("apps.connections."):
            raise SlackFault("not_allowed_token_type")
        if of_the_app:
            return self._workspace.bot
        if self._tokens[token].deleted:
            raise SlackFault("account_inactive")
        return self._tokens[token]
