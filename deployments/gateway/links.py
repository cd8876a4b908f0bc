"""The page behind a signed link: what is new in the client's words, and agree or object."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from deployments.gateway.doors import read_body
from integrations import links
from integrations.errors import IntegrationError, Refused
from integrations.links import Link
from lifecycle import events, release, signoff
from lifecycle.release import Release
from tasks import signoffs
from tasks.context import ledger, policy
from tasks.decisions import Decision, Outcome, decide

log = logging.getLogger(__name__)

_LIMIT = 64 * 1024
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""Whoever has the address may decide: it is neither kept by a cache nor told to the next page."""

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def pages(poke: Callable[[], None]) -> list[Route]:
    """The page's routes; `poke` tells the sender that somebody decided."""

    async def show(request: Request) -> Response:
        return await to_thread.run_sync(_show, request.path_params["token"])

    async def answer(request: Request) -> Response:
        body = await read_body(request, _LIMIT)
        if body is None:
            return PlainTextResponse("too large", status_code=413)
        try:
            form = parse_qs(body.decode(), max_num_fields=10)
        except ValueError:
            return PlainTextResponse("not understood", status_code=400)
        verb, comment = form.get("verb", [""])[0], form.get("comment", [""])[0][:2000]
        response = await to_thread.run_sync(_answer, request.path_params["token"], verb, comment)
        poke()
        return response

    path = "/decide/{token}"
    return [Route(path, show, methods=["GET"]), Route(path, answer, methods=["POST"])]


def _show(token: str, outcome: Outcome | None = None) -> Response:
    try:
        link = links.read(token)
    except Refused as error:
        return _page("invalid.html", 403, why=error.detail)
    asked, folded = _asked(link)
    if folded is None:
        return _page("invalid.html", 404, why="nobody asks for this any more")
    if asked == "FeedbackAsked":
        return _page("feedback.html", 200, **_feedback_facts(link, folded, outcome))
    return _page("decide.html", 200, **_facts(link, folded, outcome))


def _asked(link: Link) -> tuple[str, Release | None]:
    """What the link's request asks, and the release it is about."""
    for kind in ("SignOffAsked", "FeedbackAsked"):
        asked = ledger().event_by_key(f"{kind}:{link.request}")
        if asked is not None:
            return kind, release.fold(events.parse(e.data) for e in ledger().events(asked.subject))
    return "", None


def _feedback_facts(link: Link, folded: Release, outcome: Outcome | None) -> dict[str, object]:
    person = policy().person(link.person)
    question = next(a for a in folded.feedback_asked if a.request == link.request)
    return {
        "name": person.name if person else link.person,
        "project": policy().project(folded.plan.project),
        "version": folded.plan.version,
        "issue": (question.issue, folded.plan.titles.get(question.issue, "")),
        "given": next((g for g in folded.feedback_given if g.request == link.request), None),
        "outcome": outcome,
    }


def _facts(link: Link, folded: Release, outcome: Outcome | None) -> dict[str, object]:
    rules = policy()
    person = rules.person(link.person)
    project = rules.project(folded.plan.project)
    signed = any(who == link.person for _, who in signoff.signers(folded, link.request))
    returned = next((r for r in folded.returned if r.request == link.request), None)
    open_ = person is not None and signoff.may_sign(folded, link.request, person, rules).allowed
    return {
        "name": person.name if person else link.person,
        "project": project,
        "version": folded.plan.version,
        "issues": [(key, folded.plan.titles.get(key, "")) for key in folded.delivers],
        "signed": signed,
        "returned": returned,
        "open": open_ and not signed and returned is None,
        "outcome": outcome,
    }


def _answer(token: str, verb: str, comment: str) -> Response:
    try:
        link = links.read(token)
    except Refused as error:
        return _page("invalid.html", 403, why=error.detail)
    match verb:
        case "approve" | "return":
            wanted = Decision(verb, link.request, link.person, "link", comment)
        case "solved" | "partly" | "not":
            wanted = Decision("feedback", link.request, link.person, "link", comment, answer=verb)
        case _:
            return _page("invalid.html", 400, why="that is not an answer")
    outcome = decide(wanted)
    if outcome.subject:
        try:
            signoffs.refresh(outcome.subject)
        except IntegrationError as error:
            # The decision stands; the next walk shows it.
            log.warning("%s: not shown: %s", outcome.subject, error)
    return _show(token, outcome)


def _page(template: str, status: int, **facts: object) -> Response:
    page = _TEMPLATES.get_template(template).render(**facts)
    return HTMLResponse(page, status_code=status, headers=_PRIVATE)
