"""The page behind a signed link "mine too": who asked without Slack joins their request to an earlier one.

Looking at it changes nothing: programs follow links as well.
"""

from __future__ import annotations

from collections.abc import Callable

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deployments.gateway.rendering import page
from integrations import links
from integrations.errors import Refused
from lifecycle.requests import AlikeFound, Received
from tasks import voting
from tasks.backlog import project_of, request_of, state_of
from tasks.decisions import Outcome
from tasks.review_decisions import finding


def pages(poke: Callable[[], None]) -> list[Route]:
    """The page's routes; `poke` tells the sender that somebody decided."""

    async def show(request: Request) -> Response:
        return await to_thread.run_sync(_show, request.path_params["token"])

    async def join(request: Request) -> Response:
        response = await to_thread.run_sync(_join, request.path_params["token"])
        poke()
        return response

    path = "/mine-too/{token}"
    return [Route(path, show, methods=["GET"]), Route(path, join, methods=["POST"])]


def _show(token: str) -> Response:
    found = _read(token)
    return found if isinstance(found, Response) else _page(*found)


def _join(token: str) -> Response:
    found = _read(token)
    if isinstance(found, Response):
        return found
    alike, asked = found
    outcome = voting.mine_too(alike.request, asked.requester, door="link")
    return _page(alike, asked, outcome)


def _read(token: str) -> tuple[AlikeFound, Received] | Response:
    """What the link is about, and how its holder asked; or the page that says why it is none."""
    try:
        link = links.read(token, purpose="mine-too")
    except Refused as error:
        return page("invalid.html", 403, why=error.detail)
    alike = finding(link.request)
    for received in request_of(alike.issue).received if alike else ():
        if alike and received.requester.identity == link.person:
            return alike, received
    return page("invalid.html", 404, why="there is no such request")


def _page(alike: AlikeFound, asked: Received, outcome: Outcome | None = None) -> Response:
    standing = state_of(project_of(alike.issue).id).standing.get(alike.issue)
    return page(
        "mine_too.html",
        200 if outcome is None or outcome.accepted else 409,
        issue=(alike.issue, asked.title),
        other=(alike.other, alike.title),
        into=standing.into if standing else "",
        outcome=outcome,
    )
