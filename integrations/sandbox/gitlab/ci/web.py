"""Between Starlette and the handlers: who asks, with which parameters, and lists page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from anyio import to_thread
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.gitlab.errors import Refusal, bad_request, forbidden, missing
from integrations.sandbox.gitlab.params import Params, parse

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.ci.engine import Ci

Row = TypeVar("Row")

NOBODY, READ, WRITE = 0, 20, 30


@dataclass(frozen=True)
class Call:
    """One request that was let in."""

    ci: Ci
    user_id: int
    params: Params
    names: Mapping[str, str]
    url: URL

    def number(self, name: str) -> int:
        """A number in the path; 400 if it is none."""
        if not self.names[name].isdecimal():
            raise bad_request(f"{name} is invalid")
        return int(self.names[name])

    def user(self) -> Mapping[str, object]:
        """Who asks, as the API's short user object."""
        return self.ci.host.user(self.user_id)

    def among(self, rows: Mapping[int, Row], name: str, what: str) -> Row:
        """The row whose id the path names; 404 `what` Not Found if there is none."""
        found = rows.get(self.number(name))
        if found is None:
            raise missing(what)
        return found


@dataclass(frozen=True)
class Answer:
    """JSON, or with a `media_type` the bytes as they are."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str | None = None


@dataclass(frozen=True)
class Listing:
    """Rows of which one page is sent, each through `shape`."""

    rows: Sequence[object]
    shape: Callable[[object], object]


def listing(rows: Iterable[Row], shape: Callable[[Row], object]) -> Listing:
    """A list that is sent page by page."""
    return Listing(list(rows), cast("Callable[[object], object]", shape))


Handler = Callable[[Call], Answer | Listing]


def route(find: Callable[[Request], Ci], method: str, path: str, handler: Handler, level: int) -> Route:
    """A Starlette route under `/api/v4/projects/{id}/`; the handler runs in a thread."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()

        def answer() -> Response:
            try:
                return _sent(*_answered(find(request), request, body, handler, level))
            except Refusal as refusal:
                return JSONResponse(refusal.body, refusal.status)

        return await to_thread.run_sync(answer)

    typed: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(f"/api/v4/projects/{{id}}/{path}", typed, methods=[method])


def _answered(
    ci: Ci, request: Request, body: bytes, handler: Handler, level: int
) -> tuple[Answer | Listing, Call]:
    if request.path_params["id"] not in (str(ci.host.project_id), ci.host.path):
        raise missing("Project")
    if int(getattr(request.state, "access_level", WRITE)) < level:
        raise forbidden()
    params = parse(request.url.query, request.headers.get("content-type", ""), body)
    names = {name: str(value) for name, value in request.path_params.items()}
    call = Call(ci, int(request.state.user_id), params, names, request.url)
    return handler(call), call


def _sent(answer: Answer | Listing, call: Call) -> Response:
    if isinstance(answer, Listing):
        return _page(answer, call)
    if answer.media_type is not None:
        content = cast("bytes", answer.body)
        return Response(content, answer.status, dict(answer.headers), answer.media_type)
    return JSONResponse(answer.body, answer.status, dict(answer.headers))


def _page(rows: Listing, call: Call) -> Response:
    """Source: https://docs.gitlab.com/api/rest/#offset-based-pagination"""
    number, size = call.params.integer("page", 1), min(call.params.integer("per_page", 20), 100)
    if number < 1 or size < 1:
        raise bad_request(f"{'page' if number < 1 else 'per_page'} does not have a valid value")
    total = len(rows.rows)
    pages = max(1, -(-total // size))
    turns = {
        "prev": number - 1 if number > 1 else None,
        "next": number + 1 if number < pages else None,
        "first": 1,
        "last": pages,
    }
    links = [
        f'<{call.url.include_query_params(page=to, per_page=size)}>; rel="{name}"'
        for name, to in turns.items()
        if to is not None
    ]
    headers = {
        "Link": ", ".join(links),
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(turns["next"] or ""),
        "X-Prev-Page": str(turns["prev"] or ""),
        "X-Total": str(total),
        "X-Total-Pages": str(pages),
    }
    with call.ci.store.changed:
        body = [rows.shape(row) for row in rows.rows[(number - 1) * size : number * size]]
    return JSONResponse(body, 200, headers)


def ordered(
    rows: Iterable[Row], call: Call, keys: Mapping[str, Callable[[Row], object]], *, default: str
) -> list[Row]:
    """The rows by `order_by` (one of `keys`; `id` unless asked for) and `sort`; equal ones by id."""
    key = keys[call.params.choice("order_by", keys, "id")]
    backwards = call.params.choice("sort", ("asc", "desc"), default) == "desc"
    return sorted(rows, key=lambda row: cast("str", (key(row), keys["id"](row))), reverse=backwards)


def within(moment: datetime | None, call: Call, name: str) -> bool:
    """Whether `moment` lies between the parameters `name_after` and `name_before`."""
    after, before = call.params.time(f"{name}_after"), call.params.time(f"{name}_before")
    if after is None and before is None:
        return True
    if moment is None:
        return False
    return (after is None or moment > after) and (before is None or moment < before)
