"""The gateway as a web application: the doors, the pages for people, and the threads behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deployments.gateway import mine_too, pending, request_page
from deployments.gateway.doors import Doors
from deployments.gateway.links import pages
from deployments.gateway.pump import Pump
from deployments.gateway.sender import Sender
from deployments.gateway.slack import SlackListener
from deployments.gateway.slack_socket import SlackSocket
from integrations.settings import settings
from tasks.context import ledger, policy


def application() -> Starlette:
    """The gateway of this process: settings, ledger and policy are the process's own.

    Raises:
        Refused: the policy breaks a rule; with a wrong one every delivery would be taken for nobody's.
    """
    policy()
    sender = Sender(ledger())
    listener = SlackListener(ledger(), poke=sender.loop.poke)
    pump = Pump(ledger(), listener, poke=sender.loop.poke)
    doors = Doors(ledger(), listener, poke=pump.loop.poke)
    socket_mode = bool(settings().slack.app_token.get_secret_value())
    slack = (SlackSocket(ledger(), listener, poke=pump.loop.poke),) if socket_mode else ()
    loops = (sender.loop, pump.loop, *slack)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for loop in loops:
            loop.start()
        yield
        for loop in reversed(loops):
            loop.stop()

    async def healthz(_: Request) -> JSONResponse:
        well = all(loop.alive for loop in loops)
        return JSONResponse({"status": "ok" if well else "not working"}, status_code=200 if well else 503)

    vendors = doors.routes(slack=not socket_mode)
    people = [*pages(sender.loop.poke), *pending.pages(), *request_page.pages()]
    people += mine_too.pages(sender.loop.poke)
    routes = [Route("/healthz", healthz), *vendors, *people]
    return Starlette(routes=routes, lifespan=lifespan)
