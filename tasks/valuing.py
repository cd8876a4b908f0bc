"""What people set a request's values to, and what is suggested. One core for all doors.

The contract is that of `tasks.review_decisions`, with one thing more: to keep the suggestion beside what a
person sets, the issue is read from Jira. A door calls afterwards `show(key)`: Jira's property and the
request's message then say it too; a repeat of the decision shows it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime

from integrations.errors import NotFound, Transient
from integrations.jira.client import quoted
from integrations.jira.models import Issue
from lifecycle import backlog, parts, requests, values
from lifecycle.policy import Person, Project
from lifecycle.release import Door
from lifecycle.scoring import Note, RequestSource, Weights
from lifecycle.scoring import Request as Scored
from lifecycle.values import Known, Sla, Standing, Suggestion, Value, ValueSet
from tasks import planning_messages, slas
from tasks.backlog import own_requests, project_of, request_of, state_of
from tasks.context import jira, ledger, policy
from tasks.deciding import decided, no, record_all, request_stream
from tasks.decisions import Outcome
from tasks.sizes import ESTIMATE, Sizes, estimate_of

FIELDS = ("summary", "description", "created", "duedate", "issuelinks", "issuetype", "reporter")
"""What the suggestions read of an issue."""

INCIDENT = "incident"
"""The label of an incident's issue."""

_NAMES = {value.value: value for value in Value}


def set_values(
    key: str,
    wanted: Mapping[str, str],
    person_id: str,
    why: str,
    door: Door = "slack",
    now: datetime | None = None,
) -> Outcome:
    """Set what `wanted` holds by name (type, urgency, importance, complexity), all or nothing.

    What stands so already, by the same person, is not set again.
    """

    def attempt(person: Person, moment: datetime) -> Outcome:
        read = _read(wanted)
        if isinstance(read, str):
            return no(f"Not set: {read}.")
        reason = requests.one_line(why, 500)
        if not reason:
            return no("Not set: say why.")
        stream, problem = request_stream(key)
        if problem:
            return no(f"Not set: {problem}.")
        known = ledger().events(stream)
        had = requests.fold(requests.parse(event.data) for event in known).values
        last = {each.value: each for each in had}
        new = {v: to for v, to in read.items() if v not in last or _differs(last[v], to, person, reason)}
        told = f"{key}: {', '.join(f'{value} {to}' for value, to in read.items())}"
        if not new:
            return Outcome(accepted=True, message=f"{told}, as it was.", subject=stream, repeated=True)
        suggested = _suggested_if_told(key, moment)
        facts = [
            ValueSet(
                value=value,
                round=sum(each.value is value for each in had) + 1,
                to=to,
                suggested=suggested[value].to if value in suggested else None,
                suggested_why=suggested[value].why if value in suggested else "",
                person=person.id,
                why=reason,
                door=door,
            )
            for value, to in new.items()
        ]
        inserted = record_all(stream, facts, known, moment)
        return Outcome(accepted=True, message=f"{told}.", subject=stream, repeated=not inserted)

    return decided(attempt, person_id, key, now)


def _read(wanted: Mapping[str, str]) -> dict[Value, values.Valued] | str:
    """The values that are meant, or what is wrong with them."""
    if not wanted:
        return "say which value: urgency, importance, complexity or type"
    unknown = sorted(wanted.keys() - _NAMES.keys())
    if unknown:
        return f"{unknown[0]} is no value of a request"
    try:
        return {_NAMES[name]: values.read(_NAMES[name], text) for name, text in wanted.items()}
    except ValueError as problem:
        return str(problem)


def _differs(last: ValueSet, to: values.Valued, person: Person, why: str) -> bool:
    return (last.to, last.person, last.why) != (to, person.id, why)


def _suggested_if_told(key: str, now: datetime) -> Mapping[Value, Suggestion]:
    """The suggestions; none while Jira does not answer, for a decision does not wait for that."""
    try:
        return suggestions(key, now)
    except (NotFound, Transient):
        return {}


def suggestions(key: str, now: datetime) -> dict[Value, Suggestion]:
    """What is suggested for one request at `now`. Reads Jira, and what finished requests took."""
    project = project_of(key)
    issue = jira().issue(key, fields=FIELDS)
    state = state_of(project.id)
    own = own_requests(key, state)
    reporter = policy().by_jira(issue.reporter_account_id)
    asked = len(backlog.requesters(key, state, own)) or 1
    told = [received.source for request in own.values() for received in request.received]
    sources = frozenset(told or [requests.source_of(requests.Door.JIRA, reporter)])
    promised = slas.running(own, now)
    return _suggest(issue, sources, asked, incidents(project), Sizes(project), promised, now)


def standing_of(key: str, now: datetime) -> dict[Value, Standing]:
    """Each value of one request: as it was last set, else as suggested at `now`."""
    return values.standing(request_of(key).values, suggestions(key, now))


def incidents(project: Project) -> frozenset[str]:
    """The keys of the project's incidents, open and closed ones."""
    jql = f"project = {quoted(project.jira)} AND labels = {quoted(INCIDENT)} ORDER BY key ASC"
    return frozenset(issue.key for issue in jira().search(jql, fields=("summary",)))


def _suggest(
    issue: Issue,
    sources: frozenset[RequestSource],
    asked: int,
    incidents: frozenset[str],
    sizes: Sizes,
    promised: tuple[Sla, ...],
    now: datetime,
) -> dict[Value, Suggestion]:
    known = Known(
        created=issue.created or now,
        jira_type=issue.issue_type,
        due=_day(issue.due),
        slas=promised,
        incidents=_linked(issue, incidents),
        sources=sources,
        asked=asked,
        alike=sizes.alike(issue.summary, issue.description, now),
        usual_days=sizes.usual_days,
    )
    return values.suggest(known, now, Weights().full_age)


def _day(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


def _linked(issue: Issue, incidents: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(link.key for link in issue.links if link.key in incidents))


class Valuer:
    """Puts values on the requests of one project's review; what all of them need is read once."""

    def __init__(self, project: Project, now: datetime) -> None:
        self._now = now
        self._incidents = incidents(project)
        self._sizes = Sizes(project)

    def valued(self, request: Scored, issue: Issue, own: Mapping[str, requests.Request]) -> Scored:
        """`request` with its values as they stand, each with where it comes from, and its need.

        `request.complexity` is what people estimated in Jira. `own` holds what came in for it and for its
        duplicates. The size of a request in parts is the sum of theirs once all are estimated.
        """
        sources = frozenset(r.source for each in own.values() for r in each.received) or {request.source}
        asked = len(set(request.requesters)) + request.votes
        promised = slas.running(own, self._now)
        suggested = _suggest(
            issue, frozenset(sources), asked, self._incidents, self._sizes, promised, self._now
        )
        mine = own.get(issue.key, requests.Request())
        now = values.standing(mine.values, suggested)
        size = now[Value.COMPLEXITY]
        if whole := parts.total(parts.fold(mine.parts)):
            size = Standing(whole, "", "the sum of what its sub-tasks are estimated at")
        elif request.complexity is not None and not size.by:
            size = Standing(request.complexity, "people", "estimated in Jira")
        now[Value.COMPLEXITY] = size
        changed: dict[str, object] = {
            "type": str(now[Value.TYPE].to or request.type),
            "urgency": now[Value.URGENCY].to or values.NEUTRAL,
            "importance": now[Value.IMPORTANCE].to or values.NEUTRAL,
            "complexity": size.to,
            "notes": {
                value.value: _note(standing) for value, standing in now.items() if _noted(value, standing)
            },
            "need": ", ".join(f"incident {key}" for key in _linked(issue, self._incidents)),
        }
        return request.model_copy(update=changed)


def _noted(value: Value, standing: Standing) -> bool:
    return value is not Value.TYPE and (standing.to is not None or value is not Value.COMPLEXITY)


def _note(standing: Standing) -> Note:
    person = policy().person(standing.by)
    named = standing._replace(by=person.name if person else standing.by)
    return Note(named.basis, standing.why)


def show(key: str) -> None:
    """Make Jira's property and the request's message say what the ledger says; a repeat says the same.

    The property carries the complexity that a person set; what is only suggested is not written there.
    """
    request = request_of(key)
    latest = [each for each in request.values if each.value is Value.COMPLEXITY][-1:]
    whole = parts.total(parts.fold(request.parts))
    points = whole or next((each.to for each in latest), None)
    if points is not None and estimate_of(key) != points:
        jira().set_property(key, ESTIMATE, {"points": points})
    planning_messages.refresh(requests.stream(key))
