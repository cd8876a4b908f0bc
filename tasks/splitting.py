"""Parts of a request: sub-tasks by role, each estimated by who does it, and work orders for people outside.

A decision is on the ledger first; then `make` carries it out in Jira. After a crash, or once Jira is back,
the same decision once more goes on where it stopped: no sub-task is made twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from integrations.errors import NotFound
from integrations.jira.client import quoted
from lifecycle import parts, requests, values
from lifecycle.parts import ORDER, Added, Part, PartAsked, PartEstimated, PartMade, Role
from lifecycle.policy import Person, Project
from lifecycle.release import Door
from lifecycle.values import Value
from tasks import sizes, valuing
from tasks.backlog import project_of, request_of
from tasks.context import jira, ledger, policy
from tasks.deciding import decided, no, record_all, request_stream
from tasks.decisions import Outcome
from tasks.effects import once
from tasks.leases import alone
from tasks.walk import new_events

LABEL = "work-order"
"""The label of a work order's sub-task, by which all of them are found."""


def split(
    key: str,
    roles: Mapping[str, Role],
    person_id: str,
    order: str = "",
    door: Door = "slack",
    now: datetime | None = None,
) -> Outcome:
    """Split the request into one sub-task per role, beside those that it has; `order` as in `parts.after`.

    What somebody has in a role already stays as it is: its brief and assignee are changed in Jira.
    """

    def attempt(person: Person, moment: datetime) -> Outcome:
        stream, problem = request_stream(key)
        if problem := problem or parts.objection(roles, policy()) or _no_whole(key):
            return no(f"Not split: {problem}.")
        known = ledger().events(stream)
        folded = requests.fold(requests.parse(event.data) for event in known)
        had = [part for part in parts.fold(folded.parts) if not part.is_order]
        try:
            new = parts.added(had, {role: who.person for role, who in roles.items()}, order)
        except ValueError as wrong:
            return no(f"Not split: {wrong}.")
        named = ", ".join(f"{part.asked.role} {part.asked.name}" for part in had)
        if not new:
            message = f"{key} is split already: {named}."
            return Outcome(accepted=True, message=message, subject=stream, repeated=True)
        title = folded.received[0].title if folded.received else key
        facts = [_asked(each, roles[each.role], title, person.id, door) for each in new]
        inserted = record_all(stream, facts, known, moment)
        message = f"{key} is split: {', '.join(f'{fact.role} {fact.name}' for fact in facts)}."
        there = f" There already: {named}." if had else ""
        return Outcome(accepted=True, message=message + there, subject=stream, repeated=not inserted)

    return decided(attempt, person_id, key, now)


def _asked(added: Added, who: Role, title: str, asked_by: str, door: Door) -> PartAsked:
    return PartAsked(
        part=added.part,
        role=added.role,
        person=who.person,
        name=_name(who.person),
        brief=requests.body(who.brief) or f"{title}: {added.role}",
        after=added.after,
        before=added.before,
        asked_by=asked_by,
        door=door,
    )


def _no_whole(key: str) -> str:
    try:
        part = jira().issue(key, fields=("issuetype",)).subtask
    except NotFound:
        return f"Jira has no {key}"
    return f"{key} is a sub-task itself" if part else ""


def _name(person_id: str) -> str:
    person = policy().person(person_id)
    return person.name if person else person_id


def order(
    key: str,
    to: str,
    text: str,
    by: str,
    person_id: str,
    door: Door = "slack",
    now: datetime | None = None,
) -> Outcome:
    """Hand a piece of work to `to`, a name or a person's id, to be done by the day `by` (ISO).

    The same work for the same people is handed out once.
    """

    def attempt(person: Person, moment: datetime) -> Outcome:
        stream, problem = request_stream(key)
        who, brief, due = requests.one_line(to, 100), requests.body(text), _day(by)
        if problem := problem or _no_whole(key):
            return no(f"Not handed out: {problem}.")
        if not who or not brief or due is None:
            return no("Not handed out: say to whom, what, and by which day (YYYY-MM-DD).")
        if due < moment.date():
            return no(f"Not handed out: {due} is over.")
        known = ledger().events(stream)
        part = f"{ORDER}-{requests.opaque(key, who, brief)[:8]}"
        folded = requests.fold(requests.parse(event.data) for event in known)
        had = next((p.asked for p in parts.fold(folded.parts) if p.asked.part == part), None)
        if had is not None and had.due == due:
            message = f"{key}: that was handed to {had.name} already, by {had.due}."
            return Outcome(accepted=True, message=message, subject=stream, repeated=True)
        if had is not None:
            return no(
                f"Not handed out again: {had.name} has it, by {had.due}. Change the day in Jira.", stream
            )
        known_person = policy().person(who)
        fact = PartAsked(
            part=part,
            role=ORDER,
            person=known_person.id if known_person else "",
            name=known_person.name if known_person else who,
            brief=brief,
            due=due,
            asked_by=person.id,
            door=door,
        )
        inserted = record_all(stream, [fact], known, moment)
        message = f"{key}: handed to {fact.name}, by {due}."
        return Outcome(accepted=True, message=message, subject=stream, repeated=not inserted)

    return decided(attempt, person_id, key, now)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def make(key: str) -> list[str]:
    """Make the sub-tasks that were decided on and are not in Jira yet, link them, show them; all their keys.

    Each is made once, whatever became of the answer. A repeat goes on.
    """
    project, stream = project_of(key), requests.stream(key)
    with alone(f"parts:{key}"):
        for part in parts.fold(request_of(key).parts):
            if not part.issue:
                made = PartMade(part=part.asked.part, issue=_create(project, key, part.asked))
                ledger().append(stream, new_events(stream, [made]), now=datetime.now(UTC))
        whole = parts.fold(request_of(key).parts)
        for before, waiting in parts.links(whole):
            jira().link("Blocks", before, waiting)
    valuing.show(key)
    return [part.issue for part in whole]


def _create(project: Project, key: str, asked: PartAsked) -> str:
    op_key = f"part:{key}:{asked.part}"

    def look(_: datetime) -> dict[str, object] | None:
        found = jira().find_created(project.jira, op_key)
        return None if found is None else {"key": found}

    def act() -> dict[str, object]:
        person = policy().person(asked.person)
        is_order = asked.role == ORDER
        what = f"Work order for {asked.name}" if is_order else f"{asked.role}: {asked.name}"
        made = jira().create_issue(
            project.jira,
            project.subtask_type,
            requests.one_line(f"{what}: {asked.brief}", 200),
            _text(key, asked),
            op_key=op_key,
            labels=(LABEL,) if is_order else (),
            parent_key=key,
            assignee_account_id=person.jira if person else "",
            due=asked.due.isoformat() if asked.due else "",
        )
        return {"key": made}

    request = {"part": asked.part}
    stream = requests.stream(key)
    return str(once(op_key, subject=stream, kind="issue", request=request, look=look, act=act)["key"])


def _text(key: str, asked: PartAsked) -> str:
    """The brief, where it belongs, and for a work order the day and the way back."""
    lines = [asked.brief, "", f"Part of {key}, {jira().browse_url(key)}"]
    if asked.role == ORDER:
        lines += [
            f"For {asked.name}, by {asked.due}.",
            f"The way back: say here in a comment how it went, then close this sub-task. "
            f"Questions go to {_name(asked.asked_by)}.",
        ]
    return "\n".join(lines)


def estimate(
    sub: str, points: str, person_id: str, door: Door = "slack", now: datetime | None = None
) -> Outcome:
    """Record what the assignee of sub-task `sub` says that it takes; nobody else says that.

    A door calls `show_estimate(sub)` afterwards.
    """

    def attempt(person: Person, moment: datetime) -> Outcome:
        made = ledger().event_by_key(f"PartMade:{sub}")
        if made is None:
            return no(f"Not estimated: {sub} is no part of a request.")
        try:
            said = values.read(Value.COMPLEXITY, points)
            assignee = jira().issue(sub, fields=("assignee",)).assignee_account_id
        except ValueError as problem:
            return no(f"Not estimated: {problem}.")
        except NotFound:
            return no(f"Not estimated: Jira has no {sub} any more.")
        if not assignee or assignee != person.jira:
            whose = policy().by_jira(assignee)
            named = f"{whose.name} does" if whose else "somebody else, or nobody, does"
            return no(f"Not estimated: {named} {sub}, and only who does it estimates it.")
        known = ledger().events(made.subject)
        told = requests.fold(requests.parse(event.data) for event in known).parts
        had = [fact for fact in told if isinstance(fact, PartEstimated) and fact.issue == sub]
        message = f"{sub}: {said} points."
        if had and (had[-1].points, had[-1].person) == (said, person.id):
            return Outcome(accepted=True, message=message, subject=made.subject, repeated=True)
        fact = PartEstimated(issue=sub, round=len(had) + 1, points=int(said), person=person.id, door=door)
        inserted = record_all(made.subject, [fact], known, moment)
        return Outcome(accepted=True, message=message, subject=made.subject, repeated=not inserted)

    return decided(attempt, person_id, sub, now)


def show_estimate(sub: str) -> None:
    """Make Jira show what the sub-task is estimated at, and its request the sum; a repeat shows the same."""
    made = ledger().event_by_key(f"PartMade:{sub}")
    if made is None:
        return
    key = made.subject.partition(":")[2]
    part = next(each for each in parts.fold(request_of(key).parts) if each.issue == sub)
    if part.points is not None:
        jira().set_property(sub, sizes.ESTIMATE, {"points": part.points})
    valuing.show(key)


class Order(NamedTuple):
    """One work order as it stands in Jira."""

    key: str
    issue: str
    part: Part
    done: bool

    def overdue(self, today: date) -> bool:
        """Its day is over and it is not done."""
        return not self.done and self.part.asked.due is not None and self.part.asked.due < today


def orders(project: Project) -> list[Order]:
    """Every work order that is in Jira, the one that is due first at the top."""
    jql = f"project = {quoted(project.jira)} AND labels = {quoted(LABEL)} ORDER BY created ASC"
    found: list[Order] = []
    for issue in jira().search(jql, fields=("status",)):
        made = ledger().event_by_key(f"PartMade:{issue.key}")
        if made is not None:
            key = made.subject.partition(":")[2]
            part = next(each for each in parts.fold(request_of(key).parts) if each.issue == issue.key)
            found.append(Order(key, issue.key, part, issue.done))
    return sorted(found, key=lambda each: (each.part.asked.due or date.max, each.issue))
