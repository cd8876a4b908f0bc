"""From a request's path to the function that answers it, and back to HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import unquote, urlencode

from integrations.sandbox.gitlab.errors import bad_request
from integrations.sandbox.gitlab.params import Params
from integrations.sandbox.gitlab.state import DEVELOPER, REPORTER, Account

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.instance import Instance
    from integrations.sandbox.gitlab.project import Project

Row = TypeVar("Row")


@dataclass(frozen=True)
class Reply:
    """One answer. `body`: bytes are sent as they are, anything else as JSON; None: nothing (204)."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/octet-stream"


NOTHING = Reply(None, 204)


def created(body: object) -> Reply:
    """201, with what was made."""
    return Reply(body, 201)


@dataclass(frozen=True)
class Page:
    """A list that is sent page by page; `shape` makes the API's object of a row, for sent rows only."""

    rows: Sequence[object]
    shape: Callable[[object], object] = lambda row: row


def paged(rows: Iterable[Row], shape: Callable[[Row], object]) -> Page:
    """A list whose rows become the API's objects when they are sent."""
    return Page(list(rows), cast("Callable[[object], object]", shape))


@dataclass(frozen=True)
class Call:
    """One request that was let in: who asks, for what, with which parameters."""

    instance: Instance
    user: Account
    level: int
    names: Mapping[str, str]
    params: Params
    body: bytes
    path: str
    query: Mapping[str, str]
    target: Project | None = None
    job_id: int | None = None

    @property
    def project(self) -> Project:
        """The project that the path names."""
        if self.target is None:
            raise ValueError(f"{self.path} names no project")
        return self.target

    def number(self, name: str) -> int:
        """A number in the path; 400 if it is none."""
        if not self.names[name].isdecimal():
            raise bad_request(f"{name} is invalid")
        return int(self.names[name])


Handler = Callable[[Call], "Reply | Page"]


@dataclass(frozen=True)
class Route:
    """`level` is the role that the caller needs in the project."""

    method: str
    path: str
    pattern: re.Pattern[str]
    handler: Handler
    level: int
    in_project: bool


class Routes:
    """A table of routes. `:name` in a pattern is one segment of the path as sent; `%2F` belongs to it."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def get(self, pattern: str, level: int = REPORTER) -> Callable[[Handler], Handler]:
        """Answer GET (and HEAD)."""
        return self._add("GET", pattern, level)

    def post(self, pattern: str, level: int = DEVELOPER) -> Callable[[Handler], Handler]:
        """Answer POST."""
        return self._add("POST", pattern, level)

    def put(self, pattern: str, level: int = DEVELOPER) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self._add("PUT", pattern, level)

    def delete(self, pattern: str, level: int = DEVELOPER) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self._add("DELETE", pattern, level)

    def _add(self, method: str, pattern: str, level: int) -> Callable[[Handler], Handler]:
        in_project = pattern.startswith("/projects/:id")
        regex = re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", pattern))

        def add(handler: Handler) -> Handler:
            self.table.append(Route(method, pattern, regex, handler, level, in_project))
            return handler

        return add


def find(table: Sequence[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The first route for `path` (raw, below `/api/v4`) and the names in it, decoded."""
    wanted = "GET" if method == "HEAD" else method
    for route in table:
        found = route.pattern.fullmatch(path)
        if found and route.method == wanted:
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


def turn(page: Page, call: Call, url: str) -> Reply:
    """The asked-for page of a list, with GitLab's headers.

    `per_page` is 20 unless asked for, 100 at most. `pagination=keyset` is answered with the same pages:
    its `Link` is to be followed as it stands, and no totals are told.
    """
    number, size = call.params.integer("page", 1), min(call.params.integer("per_page", 20), 100)
    if number < 1 or size < 1:
        raise bad_request(f"{'page' if number < 1 else 'per_page'} does not have a valid value")
    total = len(page.rows)
    pages = max(1, -(-total // size))
    rows = [page.shape(row) for row in page.rows[(number - 1) * size : number * size]]
    keyset = call.params.text("pagination") == "keyset"
    turns = {"next": number + 1 if number < pages else None}
    if not keyset:
        turns |= {"prev": number - 1 if number > 1 else None, "first": 1, "last": pages}
    links = [
        f'<{url}?{urlencode({**call.query, "page": to, "per_page": size})}>; rel="{rel}"'
        for rel, to in turns.items()
        if to is not None
    ]
    headers = {"Link": ", ".join(links)} if links else {}
    if not keyset:
        headers |= {
            "X-Page": str(number),
            "X-Per-Page": str(size),
            "X-Next-Page": str(turns["next"] or ""),
            "X-Prev-Page": str(turns["prev"] or ""),
            "X-Total": str(total),
            "X-Total-Pages": str(pages),
        }
    return Reply(rows, 200, headers)
