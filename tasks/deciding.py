"""How a planning decision is made: who may decide, the attempt and its repeat, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from integrations.errors import Conflict, NotFound
from integrations.ledger import Event
from lifecycle import people, requests
from lifecycle.policy import Person
from tasks.backlog import project_of, state_of
from tasks.context import jira, ledger, policy
from tasks.decisions import Outcome
from tasks.walk import Fact, new_events


def decided(
    attempt: Callable[[Person, datetime], Outcome], person_id: str, target: str, now: datetime | None
) -> Outcome:
    """Attempt as that person, again while others write to the same stream at the same moment."""
    person = policy().person(person_id)
    if person is None or people.barred_from_planning(person):
        return no(people.barred_from_planning(person))
    return insist(lambda: attempt(person, now or datetime.now(UTC)), target)


def insist(attempt: Callable[[], Outcome], target: str) -> Outcome:
    """Attempt again while others write to the same stream at the same moment."""
    for _ in range(10):
        try:
            return attempt()
        except Conflict:
            continue
    raise Conflict("ledger", "decide", target)


def record(stream: str, fact: Fact, known: Sequence[Event], now: datetime) -> bool:
    """Record the decision and wake who waits for it; False if exactly this was recorded at the same moment.

    Raises:
        Conflict: something else was; look again.
    """
    return record_all(stream, [fact], known, now, wake=True)


def record_all(
    stream: str, facts: Sequence[Fact], known: Sequence[Event], now: datetime, *, wake: bool = False
) -> bool:
    """Record `facts` together; `known` is what was read of the stream before. See `record`."""
    expected = known[-1].revision if known else 0
    told = ledger().append(stream, new_events(stream, facts), now=now, expected=expected, wake=wake)
    if not told.inserted and [e.data for e in told.events] != [f.model_dump(mode="json") for f in facts]:
        raise Conflict("ledger", "append", stream)
    return told.inserted


def no(message: str, subject: str = "") -> Outcome:
    """A refusal, with what the person is told."""
    return Outcome(accepted=False, message=message, subject=subject)


def request_stream(key: str) -> tuple[str, str]:
    """The request's stream, or why there is none to write to: no such issue, or merged into another one."""
    try:
        project = project_of(key)
    except NotFound:
        return "", f"there is no request {key}"
    stream = requests.stream(key)
    merged = state_of(project.id).standing.get(key)
    if merged:
        return "", f"{key} is merged into {merged.into}: it counts there"
    if not ledger().revision(stream):
        try:
            jira().issue(key, fields=("summary",))
        except NotFound:
            return "", f"there is no request {key}"
    return stream, ""
