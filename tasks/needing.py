"""What people put on record of a request's need, and what the review asks of it.

The contract is that of `tasks.valuing`: a door calls `tasks.valuing.show(key)` afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from integrations.errors import NotFound
from lifecycle import needs, planning, requests
from lifecycle.needs import NeedKind, NeedShown, NeedWaived
from lifecycle.planning import ReleasePlan
from lifecycle.policy import Person
from lifecycle.release import Door
from tasks.backlog import request_of
from tasks.context import jira, ledger, policy
from tasks.deciding import decided, no, record_all, request_stream
from tasks.decisions import Outcome

Fact = NeedShown | NeedWaived


def show_need(
    key: str, need: str, said: str, person_id: str, door: Door = "slack", now: datetime | None = None
) -> Outcome:
    """Put on record what shows that the request is needed: a metric, feedback or an incident."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        try:
            kind = NeedKind(need)
            text = needs.read(kind, said)
        except ValueError as problem:
            return no(f"Not noted: {problem}.")
        if kind is NeedKind.INCIDENT and not _is_there(text):
            return no(f"Not noted: Jira has no {text}.")

        def fact(number: int) -> Fact:
            return NeedShown(round=number, need=kind, said=text, person=person.id, door=door)

        return _need(key, fact, moment)

    return decided(attempt, person_id, key, now)


def waive_need(
    key: str, person_id: str, why: str, door: Door = "slack", now: datetime | None = None
) -> Outcome:
    """Let the request go on without a need on record; the person answers for it by name."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        verdict = needs.may_waive(person, policy())
        reason = requests.one_line(why, 500)
        if not verdict.allowed or not reason:
            return no(f"Not waived: {'; '.join(verdict.reasons) or 'say why'}.")

        def fact(number: int) -> Fact:
            return NeedWaived(round=number, person=person.id, why=reason, door=door)

        return _need(key, fact, moment)

    return decided(attempt, person_id, key, now)


def _is_there(key: str) -> bool:
    try:
        jira().issue(key, fields=("summary",))
    except NotFound:
        return False
    return True


def _need(key: str, make: Callable[[int], Fact], now: datetime) -> Outcome:
    stream, problem = request_stream(key)
    if problem:
        return no(f"Not noted: {problem}.")
    known = ledger().events(stream)
    had = requests.fold(requests.parse(event.data) for event in known).needs
    fact = make(len(had) + 1)
    if had and had[-1] == make(len(had)):
        return Outcome(accepted=True, message=f"{key}: that stands already.", subject=stream, repeated=True)
    inserted = record_all(stream, [fact], known, now)
    message = f"{key}: {needs.standing([fact])}."
    return Outcome(accepted=True, message=message, subject=stream, repeated=not inserted)


def on_record(keys: Iterable[str]) -> frozenset[str]:
    """Those of `keys` that have a need or a waiver on the ledger."""
    return frozenset(key for key in keys if request_of(key).needs)


def obstacles(plan: ReleasePlan | None) -> tuple[str, ...]:
    """What keeps the plan from being closed for want of a need; nothing where the policy asks for none."""
    if plan is None or policy().review.need != "required":
        return ()
    return planning.without_need(plan, on_record(plan.accepted))
