"""The page behind a signed link: what is new in the client's words, and agree or object."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deployments.gateway.doors import read_body
from deployments.gateway.rendering import page
from integrations import links
from integrations.errors import IntegrationError, Refused
from integrations.links import Link
from lifecycle import answers, feedback, signoff
from lifecycle.release import Release
from tasks import asking, feedback_messages, folding, signoffs
from tasks.context import ledger, policy
from tasks.decisions import Decision, Outcome, decide, guest

log = logging.getLogger(__name__)

_LIMIT = 64 * 1024


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
        score = form.get("score", [""])[0]
        response = await to_thread.run_sync(_answer, request.path_params["token"], verb, comment, score)
        poke()
        return response

    path = "/decide/{token}"
    return [Route(path, show, methods=["GET"]), Route(path, answer, methods=["POST"])]


def _show(token: str, outcome: Outcome | None = None) -> Response:
    try:
        link = links.read(token)
    except Refused as error:
        return page("invalid.html", 403, why=error.detail)
    if why := _barred(link):
        return page("invalid.html", 403, why=why)
    asked, folded = _asked(link)
    if folded is None:
        return page("invalid.html", 404, why="nobody asks for this any more")
    if asked == "FeedbackAsked":
        return page("feedback.html", 200, **_feedback_facts(link, folded, outcome))
    return page("decide.html", 200, **_facts(link, folded, outcome))


def _barred(link: Link) -> str:
    """Why its person decides nothing any more, whatever was asked; empty if they may."""
    person = policy().person(link.person) or guest(link.person, link.request)
    if person is None:
        return "whoever it was made for is not among the people any more"
    return "" if person.active else "the account of whoever it was made for is deactivated"


def _asked(link: Link) -> tuple[str, Release | None]:
    """What the link's request asks, and the release it is about."""
    for kind in ("SignOffAsked", "FeedbackAsked"):
        asked = ledger().event_by_key(f"{kind}:{link.request}")
        if asked is not None:
            return kind, folding.release_of(asked.subject)
    return "", None


def _feedback_facts(link: Link, folded: Release, outcome: Outcome | None) -> dict[str, object]:
    question = next(a for a in folded.feedback_asked if a.request == link.request)
    return {
        "name": feedback_messages.called(folded, policy(), question.person),
        "project": policy().project(folded.plan.project),
        "version": folded.plan.version,
        "issue": (question.issue, folded.plan.titles.get(question.issue, "")),
        "given": next((g for g in folded.answers if g.request == link.request), None),
        "goes_on": feedback.followed_by(folded, link.request),
        "outcome": outcome,
    }


def _facts(link: Link, folded: Release, outcome: Outcome | None) -> dict[str, object]:
    rules = policy()
    person = rules.person(link.person)
    project = rules.project(folded.plan.project)
    given = answers.answer_of(folded, link.request, link.person)
    returned = next((r for r in folded.returned if r.request == link.request), None)
    signing = signoff.may_sign(folded, link.request, person, rules) if person else signoff.Signing()
    return {
        "name": person.name if person else link.person,
        "project": project,
        "version": folded.plan.version,
        "issues": [(key, folded.plan.titles.get(key, "")) for key in folded.delivers],
        "given": given,
        "returned": returned,
        "open": signing.allowed and given is None and returned is None,
        "why_not": signing.reasons,
        "outcome": outcome,
    }


def _answer(token: str, verb: str, comment: str, score: str) -> Response:
    try:
        link = links.read(token)
    except Refused as error:
        return page("invalid.html", 403, why=error.detail)
    match verb:
        case "approve" | "return":
            wanted = Decision(verb, link.request, link.person, "link", comment)
        case "solved" | "partly" | "not":
            number = int(score) if score in ("1", "2", "3", "4", "5") else None
            wanted = Decision(
                "feedback", link.request, link.person, "link", comment, answer=verb, score=number
            )
        case _:
            return page("invalid.html", 400, why="that is not an answer")
    outcome = decide(wanted)
    if outcome.subject:
        try:
            (asking if wanted.verb == "feedback" else signoffs).refresh(outcome.subject)
        except IntegrationError as error:
            # The decision stands; the next walk shows it.
            log.warning("%s: not shown: %s", outcome.subject, error)
    return _show(token, outcome)
