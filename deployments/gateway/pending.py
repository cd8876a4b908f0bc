"""The page that lists what waits for whom, and how long. It changes nothing, and has no login of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deployments.gateway.rendering import page
from integrations.errors import IntegrationError
from lifecycle.calendar import duration_text
from lifecycle.pending import Pending
from lifecycle.policy import Policy
from tasks import pending
from tasks.context import policy

SHOWN = 500
"""Rows on the page, those that are due first."""


def pages() -> list[Route]:
    """The page's route."""

    async def show(_: Request) -> Response:
        return await to_thread.run_sync(_show)

    return [Route("/pending", show, methods=["GET"])]


def _show() -> Response:
    try:
        rules, waiting = policy(), pending.everything()
    except IntegrationError:
        # The ledger is out of reach, or the policy is being edited: neither is told to whoever looks.
        return PlainTextResponse("try again", status_code=503)
    now = datetime.now(UTC)
    rows = [_row(each, rules, now) for each in waiting[:SHOWN]]
    late = sum(each.is_late(now) for each in waiting)
    return page("pending.html", 200, rows=rows, count=len(waiting), late=late, now=now)


def _row(each: Pending, rules: Policy, now: datetime) -> dict[str, object]:
    projects = {project.id: project.name for project in rules.projects}
    people = {person.id: person.name for person in rules.people}
    return {
        "release": f"{projects.get(each.project, each.project)} {each.version}",
        "what": each.what,
        "title": each.issue_title,
        "people": [people[person] for person in each.people],
        "lacks": " and ".join(f"{count} {role}" for role, count in each.lacks.items()),
        "waited": duration_text(each.waited(now)),
        "due": each.due.astimezone(UTC),
        "late": duration_text(each.late(now)) if each.is_late(now) else "",
    }
