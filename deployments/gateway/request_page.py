"""The page on which clients find every request and how far it is. It changes nothing.

Whether it is there, and for whom, is the policy's `requests_page`. It shows no names and no accounts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.gateway.rendering import page
from integrations.errors import IntegrationError
from integrations.settings import settings
from lifecycle.progress import Listed, State, Wanted, found
from lifecycle.scoring import RequestSource
from tasks import request_list
from tasks.context import policy

SHOWN = 50
"""Requests on one page."""

LONGEST = 200
"""Characters that are read of what somebody typed."""

COOKIE = "conveyor_requests"
_COOKIE_S = 30 * 24 * 3600
_FILTERS = ("q", "source", "type", "state")


def pages() -> list[Route]:
    """The page's routes: the whole of it, and the list alone, which is fetched as somebody types."""

    async def whole(request: Request) -> Response:
        return await to_thread.run_sync(_answer, request, _whole)

    async def only_the_list(request: Request) -> Response:
        return await to_thread.run_sync(_answer, request, _list)

    return [
        Route("/requests", whole, methods=["GET"]),
        Route("/requests/list", only_the_list, methods=["GET"]),
    ]


def _answer(request: Request, show: Callable[[Mapping[str, object]], Response]) -> Response:
    try:
        open_to = policy().requests_page
        if open_to == "off":
            return PlainTextResponse("Not Found", status_code=404)
        if open_to == "token":
            if "token" in request.query_params:
                return _let_in(request)
            if not _same(request.cookies.get(COOKIE, ""), _cookie()):
                return page("invalid.html", 403, why="this page is for those who were given a link to it")
        return show(_facts(request.query_params))
    except IntegrationError:
        # The ledger is out of reach, or the policy is being edited: neither is told to whoever looks.
        return PlainTextResponse("try again", status_code=503)


def _let_in(request: Request) -> Response:
    """Put the token, if it is right, into a cookie and out of the address."""
    if not _same(request.query_params["token"], settings().requests_token.get_secret_value()):
        return page("invalid.html", 403, why="the link is not the right one, or not any more")
    left = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    answer = RedirectResponse(f"requests?{urlencode(left)}", 303, headers={"Referrer-Policy": "no-referrer"})
    over_tls = settings().public_url.startswith("https:")
    answer.set_cookie(COOKIE, _cookie(), max_age=_COOKIE_S, httponly=True, secure=over_tls, samesite="lax")
    return answer


def _cookie() -> str:
    """What stands for the token in a browser: it opens this page and does not tell the token."""
    token = settings().requests_token.get_secret_value()
    return hmac.new(token.encode(), b"conveyor requests page", hashlib.sha256).hexdigest() if token else ""


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _whole(facts: Mapping[str, object]) -> Response:
    nonce = secrets.token_urlsafe(12)
    choices = {
        "sources": [source.value for source in RequestSource],
        "states": [state.value for state in State],
        "types": sorted({each.type for each in request_list.everything() if each.type}),
    }
    answer = page("requests.html", 200, nonce=nonce, **facts, **choices)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return answer


def _list(facts: Mapping[str, object]) -> Response:
    return page("requests_list.html", 200, **facts)


class _Turn(NamedTuple):
    """The way to another page of the same list; "" where there is none."""

    before: str
    after: str


def _facts(given: Mapping[str, str]) -> dict[str, object]:
    asked = {name: given.get(name, "").replace("\0", "")[:LONGEST].strip() for name in _FILTERS}
    wanted = Wanted(asked["q"], asked["source"], asked["type"], asked["state"])
    everything = request_list.everything()
    those = found(everything, wanted)
    last = max(1, -(-len(those) // SHOWN))
    number = min(last, max(1, int(given["page"]))) if _is_number(given.get("page", "")) else 1
    shown: list[Listed] = those[(number - 1) * SHOWN : number * SHOWN]
    return {
        "wanted": wanted,
        "rows": shown,
        "count": len(those),
        "total": len(everything),
        "number": number,
        "last": last,
        "turn": _Turn(
            _address(asked, number - 1) if number > 1 else "",
            _address(asked, number + 1) if number < last else "",
        ),
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _address(asked: Mapping[str, str], number: int) -> str:
    filters = {name: value for name, value in asked.items() if value}
    return f"requests?{urlencode({**filters, 'page': number})}"
