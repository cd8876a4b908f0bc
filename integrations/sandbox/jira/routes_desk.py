"""Jira Service Management, as far as it goes: the SLAs of a customer's request.

Two goals for every issue of a service desk, whose clocks run day and night and are never paused: an answer
by somebody else than the reporter, and the issue's end. They are counted from the issue's comments and
history, so that nothing has to be kept. Whoever has a token is an agent.

Source: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/#api-rest-servicedeskapi-request-issueidorkey-sla-get
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.sandbox.jira.app import Answer, Call, Table
from integrations.sandbox.jira.catalogue import DONE, STATUSES
from integrations.sandbox.jira.state import Issue, Problem
from integrations.sandbox.jira.wire import Json, stamp

Span = tuple[datetime, datetime | None]
"""One cycle: from when, and until when; None while it is going on."""


@dataclass(frozen=True)
class Goal:
    """What is promised, within what time."""

    id: str
    name: str
    within: timedelta
    cycles: Callable[[Issue], list[Span]]


def _answered(issue: Issue) -> list[Span]:
    said = (comment.created for comment in issue.comments if comment.author != issue.reporter)
    return [(issue.created, next(said, None))]


def _finished(issue: Issue) -> list[Span]:
    """One cycle more each time the issue was opened again."""
    found: list[Span] = [(issue.created, None)]
    for at, done in _ends(issue):
        start, stop = found[-1]
        if done and stop is None:
            found[-1] = (start, at)
        elif not done and stop is not None:
            found.append((at, None))
    return found


def _ends(issue: Issue) -> Iterator[tuple[datetime, bool]]:
    for change in issue.history:
        for item in change.items:
            if item["field"] == "status":
                yield change.created, STATUSES[str(item["toString"])].category is DONE


GOALS = (
    Goal("1", "Time to first response", timedelta(hours=8), _answered),
    Goal("2", "Time to resolution", timedelta(days=5), _finished),
)


def slas(call: Call) -> Answer:
    """A page of the SLAs of a customer's request."""
    start, limit = max(0, call.number("start", 0)), max(1, min(call.number("limit", 50), 100))
    issue = _request(call)
    if issue is None:
        return 404, {
            "errorMessage": _GONE,
            "i18nErrorMessage": {"i18nKey": "sd.no.request", "parameters": []},
        }
    base = f"{call.wire.url}/rest/servicedeskapi/request/{issue.id}/sla"
    shown = GOALS[start : start + limit]
    return 200, {
        "_expands": [],
        "size": len(shown),
        "start": start,
        "limit": limit,
        "isLastPage": start + limit >= len(GOALS),
        "_links": {"self": base, "base": call.wire.url, "context": ""},
        "values": [_sla(goal, issue, base, call.state.now()) for goal in shown],
    }


_GONE = "The request does not exist, or you do not have permission to see it."


def _request(call: Call) -> Issue | None:
    """The issue, if a customer asked for it at a service desk."""
    with suppress(Problem):
        issue = call.state.issue(call.path["issue"])
        return issue if issue.project in call.state.desks else None
    return None


def _sla(goal: Goal, issue: Issue, base: str, now: datetime) -> Json:
    cycles = goal.cycles(issue)
    answer: Json = {
        "id": goal.id,
        "name": goal.name,
        "_links": {"self": f"{base}/{goal.id}"},
        "completedCycles": [_cycle(goal, start, stop, now) for start, stop in cycles if stop],
        "slaDisplayFormat": "NEW_SLA_FORMAT",
    }
    start, stop = cycles[-1]
    if stop is None:
        ongoing = {"paused": False, "withinCalendarHours": True}
        answer["ongoingCycle"] = {**_cycle(goal, start, None, now), **ongoing}
    return answer


def _cycle(goal: Goal, start: datetime, stop: datetime | None, now: datetime) -> Json:
    elapsed = (stop or now) - start
    times = {"startTime": start, "stopTime": stop, "breachTime": start + goal.within}
    return {
        **{name: _moment(at) for name, at in times.items() if at is not None},
        "breached": elapsed > goal.within,
        "goalDuration": _duration(goal.within),
        "elapsedTime": _duration(elapsed),
        "remainingTime": _duration(goal.within - elapsed),
    }


def _moment(at: datetime) -> Json:
    millis = int(at.timestamp() * 1000)
    friendly = f"{at:%d/%b/%y %H:%M}"
    return {
        "iso8601": f"{at:%Y-%m-%dT%H:%M:%S}+0000",
        "jira": stamp(at),
        "friendly": friendly,
        "epochMillis": millis,
    }


def _duration(time: timedelta) -> Json:
    millis = int(time / timedelta(milliseconds=1))
    hours, minutes = divmod(abs(millis) // 60_000, 60)
    text = " ".join(part for part in (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "") if part)
    return {"millis": millis, "friendly": ("-" if millis < 0 else "") + (text or "0m")}


TABLE: Table = [("GET", "/request/{issue}/sla", slas)]
