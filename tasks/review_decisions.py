"""What people decide while planning: lines of the review, its closing, merges. One core for all doors.

The contract is that of `tasks.decisions.decide`: a door authenticates and says who; whether it counts is
decided here, from the ledger and the people file; an accepted decision is on the ledger together with the
wake-up of whoever waits for it before this returns. Nothing here speaks to a vendor. A door calls afterwards
`tasks.planning_messages.refresh(outcome.subject)`, so that the name appears at once.

    Slack's action_id   value                    calls
    review.accept       a line's id              decide_line(value, "accept", person, ...)
    review.defer        a line's id              decide_line(value, "defer", person, ...)
    review.reject       a line's id              decide_line(value, "reject", person, ...)
    review.close        the proposal's id        close_review(value, person, ...)
    request.merge       the id of what is alike  merge(value, person, ...)
    request.unmerge     the id of what is alike  unmerge(value, person, ...)

`review.close` may also be given the review's stream, and `request.unmerge` the issue's key (the CLI does).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from integrations.errors import Conflict
from integrations.ledger import Event
from lifecycle import backlog, merging, requests, review
from lifecycle.planning import Decision
from lifecycle.policy import Person
from lifecycle.release import Door
from lifecycle.workflow import issue_keys
from tasks.context import ledger, policy
from tasks.decisions import Outcome
from tasks.walk import Fact, new_events

_REASONS = {
    Decision.ACCEPT: "accepted in the review",
    Decision.DEFER: "deferred in the review",
    Decision.REJECT: "rejected in the review",
}


def decide_line(
    line_id: str,
    decision: str,
    person_id: str,
    reason: str = "",
    door: Door = "slack",
    now: datetime | None = None,
) -> Outcome:
    """Accept, defer or reject one line of the review. The last decision before the closing stands."""
    try:
        wanted = Decision(decision)
    except ValueError:
        return _no(f"{decision} is none of accept, defer and reject.")

    def attempt(person: Person, moment: datetime) -> Outcome:
        proposed = ledger().event_by_key(f"Proposed:{review.proposal_of(line_id)}")
        if proposed is None:
            return _no("There is no such line in any review.")
        stream, known = proposed.subject, ledger().events(proposed.subject)
        folded = review.fold(review.parse(event.data) for event in known)
        issue = folded.issue_of(line_id)
        if issue is None:
            return _no("There is no such line in this review.", stream)
        if folded.closed:
            return _no("The review is closed.", stream)
        last = folded.latest(line_id)
        if (
            last
            and (last.person, last.decision) == (person.id, wanted)
            and reason.strip() in ("", last.reason)
        ):
            return Outcome(
                accepted=True, message=f"{issue}: you decided this already.", subject=stream, repeated=True
            )
        fact = review.LineDecided(
            line=line_id,
            round=sum(d.line == line_id for d in folded.decided) + 1,
            issue=issue,
            decision=wanted,
            reason=requests.one_line(reason) or _REASONS[wanted],
            person=person.id,
            door=door,
        )
        new = _record(stream, fact, known, moment)
        return Outcome(accepted=True, message=f"{issue}: {wanted.value}.", subject=stream, repeated=not new)

    return _decided(attempt, person_id, line_id, now)


def close_review(target: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Close the review: the plan stands, and its release starts. `target`: proposal id or stream."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        proposed = ledger().event_by_key(f"Proposed:{target}")
        stream = target if target.startswith("review:") else proposed.subject if proposed else ""
        known = ledger().events(stream) if stream else ()
        if not known:
            return _no("There is no such review.")
        folded = review.fold(review.parse(event.data) for event in known)
        if folded.closed:
            return Outcome(
                accepted=True, message="The review is closed already.", subject=stream, repeated=True
            )
        verdict = review.may_close(folded, policy(), person.id)
        if not verdict.allowed:
            return _no(f"Not closed: {'; '.join(verdict.reasons)}.", stream)
        fact = review.ReviewClosed(person=person.id, door=door)
        new = _record(stream, fact, known, moment)
        return Outcome(
            repeated=not new,
            accepted=True,
            message="The review is closed; the plan is being written.",
            subject=stream,
        )

    return _decided(attempt, person_id, target, now)


def merge(alike_id: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Merge a request into the one that was found alike; the id is that of the finding."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        found = ledger().event_by_key(f"AlikeFound:{alike_id}")
        alike = requests.parse(found.data) if found else None
        if not isinstance(alike, requests.AlikeFound):
            return _no("There is no such request.")
        stream, known, state = _backlog(alike.issue)
        subject = requests.stream(alike.issue)
        into = merging.original_of(state.merges, alike.other)
        standing = state.standing.get(alike.issue)
        if standing and standing.into == into:
            return Outcome(
                accepted=True,
                message=f"{alike.issue} is merged into {into} already.",
                subject=subject,
                repeated=True,
            )
        fact = backlog.Merged(
            issue=alike.issue,
            into=into,
            round=state.rounds.get(alike.issue, 0) + 1,
            person=person.id,
            door=door,
            alike=alike_id,
        )
        try:
            backlog.apply(state, fact)
        except (merging.SelfDuplicate, merging.AlreadyMerged) as refusal:
            return _no(f"Not merged: {refusal}.", subject)
        new = _record(stream, fact, known, moment)
        return Outcome(
            accepted=True, message=f"{alike.issue} is merged into {into}.", subject=subject, repeated=not new
        )

    return _decided(attempt, person_id, alike_id, now)


def unmerge(target: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Take the merge of a request back. `target`: its key, or the id of the finding it was merged by."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        found = ledger().event_by_key(f"AlikeFound:{target}")
        issue = str(found.data["issue"]) if found else target
        subject = requests.stream(issue)
        if not any(issue in issue_keys(issue, project.jira) for project in policy().projects):
            return _no(f"There is no request {target}.")
        stream, known, state = _backlog(issue)
        standing = state.standing.get(issue)
        if standing is None:
            if state.rounds.get(issue):
                return Outcome(
                    accepted=True, message=f"{issue} is not merged any more.", subject=subject, repeated=True
                )
            return _no(f"{issue} is not merged.", subject)
        fact = backlog.Unmerged(
            issue=issue, into=standing.into, round=standing.round, person=person.id, door=door
        )
        new = _record(stream, fact, known, moment)
        return Outcome(
            accepted=True, message=f"{issue} stands on its own again.", subject=subject, repeated=not new
        )

    return _decided(attempt, person_id, target, now)


def _decided(
    attempt: Callable[[Person, datetime], Outcome], person_id: str, target: str, now: datetime | None
) -> Outcome:
    """Attempt as that person, again while others write to the same stream at the same moment."""
    person = policy().person(person_id)
    if person is None:
        return _no("You are not in Conveyor's people file, so nothing was decided.")
    if not person.active:
        return _no("Your account is deactivated, so nothing was decided.")
    if not set(person.roles) - {"client"}:
        return _no("Planning is the team's: nothing was decided.")
    for _ in range(10):
        try:
            return attempt(person, now or datetime.now(UTC))
        except Conflict:
            continue
    raise Conflict("ledger", "decide", target)


def _backlog(issue: str) -> tuple[str, tuple[Event, ...], backlog.Backlog]:
    """The project stream that the issue's merges are on, its events, and what they add up to."""
    project = next(p for p in policy().projects if issue in issue_keys(issue, p.jira))
    stream = backlog.stream(project.id)
    known = ledger().events(stream)
    return stream, known, backlog.fold(event.data for event in known)


def _record(stream: str, fact: Fact, known: Sequence[Event], now: datetime) -> bool:
    """Record the decision and wake who waits for it; False if exactly this was recorded at the same moment.

    Raises:
        Conflict: something else was; look again.
    """
    expected = known[-1].revision if known else 0
    told = ledger().append(stream, new_events(stream, [fact]), now=now, expected=expected, wake=True)
    if not told.inserted and told.events[0].data != fact.model_dump(mode="json"):
        raise Conflict("ledger", "append", stream)
    return told.inserted


def _no(message: str, subject: str = "") -> Outcome:
    return Outcome(accepted=False, message=message, subject=subject)
