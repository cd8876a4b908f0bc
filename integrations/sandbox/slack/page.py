"""The web page: the workspace as one of its people sees it, with everything to press.

Rendered here from the person's inbox; the little JavaScript only sends acts and fetches fragments.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from integrations.sandbox.slack.elements import initial_value
from integrations.sandbox.slack.inbox import inbox
from integrations.sandbox.slack.mrkdwn import plain_to_html, to_html
from integrations.sandbox.slack.outbound import SlackAppSeed
from integrations.sandbox.slack.state import Json, User, Workspace

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_HUES = 12


class Page:
    """Serves the page and its fragments."""

    def __init__(self, workspace: Workspace, app: SlackAppSeed) -> None:
        self._workspace = workspace
        self._app = app
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: dict[str, Any] = {
            "slack_text": self._text,
            "initials": _initials,
            "hue": _hue,
            "initial_value": initial_value,
            "clock": _clock,
        }
        cast("Any", self._templates).filters.update(filters)

    async def index(self, request: Request) -> Response:
        """The whole page, for `as` (a person's id) and `channel` (a name, an id, or "home")."""
        seen = self._seen(request)
        if seen is None:
            return HTMLResponse("Nobody of that name is here.", 404)
        return HTMLResponse(self._templates.get_template("index.html").render(seen))

    async def fragment(self, request: Request) -> Response:
        """The parts that change, as HTML in JSON."""
        seen = self._seen(request)
        if seen is None:
            return JSONResponse({"error": "no such person"}, 404)
        parts = {
            name: self._templates.get_template(f"{name}.html").render(seen)
            for name in ("sidebar", "main", "modal")
        }
        return JSONResponse({"revision": seen["revision"], **parts})

    def _seen(self, request: Request) -> Json | None:
        workspace = self._workspace
        with workspace.lock:
            people = [user for user in workspace.users.values() if not user.is_bot]
            wanted = request.query_params.get("as")
            person = workspace.person(wanted) if wanted else next(iter(people), None)
            if person is None:
                return None
            box = inbox(workspace, person)
            members = {channel.id: len(channel.members) for channel in workspace.channels.values()}
        return self._context(request.query_params.get("channel", ""), person, people, box, members)

    def _context(
        self, wanted: str, person: User, people: list[User], box: Json, members: dict[str, int]
    ) -> Json:
        channels: list[Json] = box["channels"]
        at_home = wanted == "home"
        names = (wanted, wanted.removeprefix("#"))
        current = next((c for c in channels if c["id"] == wanted or c["name"] in names), None)
        if current is None and not at_home:
            current = next(iter(channels), None)
        return {
            "me": person,
            "people": people,
            "channels": [c for c in channels if not c["is_im"]],
            "directs": [c for c in channels if c["is_im"]],
            "current": None if at_home else current,
            "at_home": at_home,
            "home": box["home"],
            "bot": self._workspace.bot,
            "users": list(self._workspace.users.values()),
            "members": members,
            "modal": box["views"][-1] if box["views"] else None,
            "revision": box["revision"],
            "commands": self._app.commands,
            "shortcuts": self._app.shortcuts,
        }

    def _text(self, value: Any) -> Markup:
        """A text object of Block Kit, or a message's plain `text`, as HTML."""
        if isinstance(value, dict):
            given = cast("Json", value)
            text = str(given.get("text") or "")
            if given.get("type") == "plain_text":
                return Markup(plain_to_html(text))
        else:
            text = str(value or "")
        return Markup(to_html(text, self._names()))

    def _names(self) -> dict[str, str]:
        workspace = self._workspace
        with workspace.lock:
            names = {user.id: user.name for user in workspace.users.values()}
            return names | {channel.id: channel.name for channel in workspace.channels.values()}


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _hue(user_id: str) -> int:
    return zlib.crc32(user_id.encode()) % _HUES


def _clock(ts: str) -> str:
    minutes = int(float(ts)) // 60
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
