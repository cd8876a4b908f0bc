"""What people decide while planning: lines of the review, its closing, merges. One core for all doors.

The contract is that of `tasks.decisions.decide`: a door authenticates and says who; whether it counts is
decided here, from the ledger and the people file; an accepted decision is on the ledger together with the
wake-up of whoever waits for it before this returns. Only the closing asks a vendor, Jira, for open questions.
A door calls `tasks.planning_messages.refresh_all(outcome.subject)` afterwards: the name appears at once.

    Slack's action_id   value                    calls
    review.accept       a line's id              decide_line(value, "accept", person, ...)
    review.defer        a line's id              a modal, then decide_line(value, "defer", person, reason)
    review.reject       a line's id              a modal, then decide_line(value, "reject", person, reason)
    review.close        the proposal's id        close_review(value, person, ...)
    request.merge       the id of what is alike  merge(value, person, ...)
    request.unmerge     the id of what is alike  unmerge(value, person, ...)
    request.mine_too    see tasks.voting

`review.close` may also be given the review's stream, and `request.unmerge` the issue's key (the CLI does).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.errors import IntegrationError
from integrations.ledger import Event
from lifecycle import backlog, merging, requests, review
from lifecycle.planning import Decision
from lifecycle.policy import Person
from lifecycle.release import Door
from lifecycle.workflow import issue_keys
from tasks import needing, review_obstacles
from tasks.context import ledger, policy
from tasks.deciding import decided as _decided
from tasks.deciding import no
from tasks.deciding import record as _record
from tasks.decisions import Outcome

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
        return no(f"{decision} is none of accept, defer and reject.")

    def attempt(person: Person, moment: datetime) -> Outcome:
        proposed = ledger().event_by_key(f"Proposed:{review.proposal_of(line_id)}")
        if proposed is None:
            return no("There is no such line in any review.")
        stream, known = proposed.subject, ledger().events(proposed.subject)
        folded = review.fold(review.parse(event.data) for event in known)
        issue = folded.issue_of(line_id)
        if issue is None:
            return no("There is no such line in this review.", stream)
        if folded.closed:
            return no("The review is closed.", stream)
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
            return no("There is no such review.")
        folded = review.fold(review.parse(event.data) for event in known)
        if folded.closed:
            return Outcome(
                accepted=True, message="The review is closed already.", subject=stream, repeated=True
            )
        try:
            reasons = _against_closing(stream, folded, person)
        except IntegrationError as error:
            return no(f"Not closed, for whether questions are open could not be seen: {error}", stream)
        if reasons:
            return no(f"Not closed: {'; '.join(reasons)}.", stream)
        fact = review.ReviewClosed(person=person.id, door=door)
        new = _record(stream, fact, known, moment)
        return Outcome(
            repeated=not new,
            accepted=True,
            message="The review is closed; the plan is being written.",
            subject=stream,
        )

    return _decided(attempt, person_id, target, now)


def _against_closing(stream: str, folded: review.Review, person: Person) -> Sequence[str]:
    """Why not; Jira is asked only where the ledger has nothing against it."""
    verdict = review.may_close(folded, policy(), person.id)
    reasons = (*verdict.reasons, *needing.obstacles(folded.plan if folded.proposed else None))
    if reasons:
        return reasons
    found = review_obstacles.obstacles(policy().project(stream.split(":")[1]), folded)
    return review.may_close(folded, policy(), person.id, found).reasons


def merge(alike_id: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Merge a request into the one that was found alike; the id is that of the finding."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        alike = finding(alike_id)
        if alike is None:
            return no("There is no such request.")
        return join(alike.issue, alike.other, person.id, door, moment, alike=alike_id)

    return _decided(attempt, person_id, alike_id, now)


def merge_keys(
    issue: str, into: str, person_id: str, door: Door = "cli", now: datetime | None = None
) -> Outcome:
    """Merge a request into any other one of its project, by their keys."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        projects = [project_id(key) for key in (issue, into)]
        if None in projects:
            return no(f"There is no request {issue if projects[0] is None else into}.")
        if projects[0] != projects[1]:
            return no(f"Not merged: {issue} and {into} are of different projects.")
        return join(issue, into, person.id, door, moment)

    return _decided(attempt, person_id, issue, now)


def finding(alike_id: str) -> requests.AlikeFound | None:
    """What was found alike, by the id that its button carries."""
    found = ledger().event_by_key(f"AlikeFound:{alike_id}")
    alike = requests.parse(found.data) if found else None
    return alike if isinstance(alike, requests.AlikeFound) else None


def join(
    issue: str, other: str, by: str, door: Door, now: datetime, *, alike: str = "", name: str = ""
) -> Outcome:
    """Record that `issue` is a duplicate of whatever stands for `other`; whoever calls knows that `by` may.

    Raises:
        Conflict: somebody decided at the same moment; look again.
    """
    stream, known, state = _backlog(issue)
    subject = requests.stream(issue)
    into = merging.original_of(state.merges, other)
    standing = state.standing.get(issue)
    if into == issue:
        why = "is never its own duplicate" if other == issue else f"is already a duplicate of {issue}"
        return no(f"Not merged: {other} {why}.", subject)
    if standing and standing.into == into:
        message = f"{issue} is merged into {into} already."
        return Outcome(accepted=True, message=message, subject=subject, repeated=True)
    fact = backlog.Merged(
        issue=issue,
        into=into,
        round=state.rounds.get(issue, 0) + 1,
        person=by,
        door=door,
        alike=alike,
        name=name,
    )
    try:
        backlog.apply(state, fact)
    except merging.AlreadyMerged as refusal:
        return no(f"Not merged: {refusal}.", subject)
    new = _record(stream, fact, known, now)
    message = f"{issue} is merged into {into}."
    return Outcome(accepted=True, message=message, subject=subject, repeated=not new)


def unmerge(target: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Take the merge of a request back. `target`: its key, or the id of the finding it was merged by."""

    def attempt(person: Person, moment: datetime) -> Outcome:
        found = ledger().event_by_key(f"AlikeFound:{target}")
        issue = str(found.data["issue"]) if found else target
        subject = requests.stream(issue)
        if project_id(issue) is None:
            return no(f"There is no request {target}.")
        stream, known, state = _backlog(issue)
        standing = state.standing.get(issue)
        if standing is None:
            if state.rounds.get(issue):
                return Outcome(
                    accepted=True, message=f"{issue} is not merged any more.", subject=subject, repeated=True
                )
            return no(f"{issue} is not merged.", subject)
        fact = backlog.Unmerged(
            issue=issue, into=standing.into, round=standing.round, person=person.id, door=door
        )
        new = _record(stream, fact, known, moment)
        return Outcome(
            accepted=True, message=f"{issue} stands on its own again.", subject=subject, repeated=not new
        )

    return _decided(attempt, person_id, target, now)


def project_id(key: str) -> str | None:
    """The id of the project that an issue's key belongs to, None if the policy has none."""
    return next((p.id for p in policy().projects if key in issue_keys(key, p.jira)), None)


def _backlog(issue: str) -> tuple[str, tuple[Event, ...], backlog.Backlog]:
    """The project stream that the issue's merges are on, its events, and what they add up to."""
    stream = backlog.stream(project_id(issue) or "")
    known = ledger().events(stream)
    return stream, known, backlog.fold(event.data for event in known)
