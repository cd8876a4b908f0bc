"""The one core behind every door: Slack, the CLI, a signed link, Prefect's form.

A door authenticates and says who decides what; whether it counts is decided here, by the rules, from
the ledger and the people file as they are at this moment. An accepted decision is on the ledger together
with the wake-up of whoever waits for it before this returns. Nothing here speaks to a vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from integrations.errors import Conflict
from lifecycle import answers, feedback, rollback, signoff
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle.answers import Answer
from lifecycle.calendar import wall_clock
from lifecycle.feedback import NotTaken
from lifecycle.policy import Person
from lifecycle.release import IllegalEvent, Phase, Release
from tasks import folding
from tasks.context import ledger, policy
from tasks.walk import Fact, new_events

Verb = Literal[
    "approve",
    "return",
    "withdraw",
    "hold",
    "resume",
    "rollback",
    "abandon",
    "candidate",
    "override",
    "accept-no-return",
    "time",
    "unfreeze",
    "feedback",
    "client-said",
]


@dataclass(frozen=True)
class Decision:
    """What somebody wants: `target` is a sign-off or feedback request's id, or a release's stream.

    `step` is the id of the step that is overridden; `at` the wall-clock time in `zone` (IANA) at which the
    release shall go out, "" for as soon as it is approved. Feedback has its `answer` ("" amends the last
    one), its `score` and, as the reason, its comment; what a person enters for a `client` is about `issue`.
    A rollback goes the way `back` that the person was shown, an unsafe one only by `force`.
    """

    verb: Verb
    target: str
    person: str
    door: rules.Door
    reason: str = ""
    answer: str = ""
    score: int | None = None
    step: str = ""
    at: str = ""
    zone: str = ""
    issue: str = ""
    client: str = ""
    back: rollback.Way | None = None
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of it. `message` is for the person; `subject` the stream it went to, if any.

    `repeated` says that exactly this was decided before: nothing was added, and nothing is wrong.
    """

    accepted: bool
    message: str
    subject: str = ""
    repeated: bool = False


class _Refusal(Exception):
    """The rules say no; the text is for the person."""


def decide(decision: Decision, now: datetime | None = None) -> Outcome:
    """Record `decision` if the rules allow it, and wake the release that waits for it.

    A repeat of an accepted decision changes nothing. Of two that exclude each other the first wins, and
    the other is told so.
    """
    person = policy().person(decision.person) or _guest_of(decision)
    if person is None:
        return Outcome(
            accepted=False, message="You are not in Conveyor's people file, so nothing was decided."
        )
    if not person.active:
        return Outcome(accepted=False, message="Your account is deactivated, so nothing was decided.")
    moment = now or datetime.now(UTC)
    for _ in range(10):
        try:
            return _decide_once(decision, person, moment)
        except Conflict:
            continue  # somebody wrote to this release at the same moment: look again
        except (_Refusal, NotTaken, rollback.NoWay, IllegalEvent) as refusal:
            return Outcome(accepted=False, message=str(refusal), subject=_subject(decision))
    raise Conflict("ledger", decision.verb, decision.target)


def _guest_of(decision: Decision) -> Person | None:
    """Somebody outside the people file may answer the one question that they were asked, and no more."""
    if decision.verb == "feedback" and decision.door in ("slack", "link"):
        return guest(decision.person, decision.target)
    return None


def guest(person_id: str, request: str) -> Person | None:
    """Who was asked `request` as somebody outside the people file; without any role. None for all others."""
    recorded = ledger().event_by_key(f"FeedbackAsked:{request}")
    asked = e.parse(recorded.data) if recorded else None
    if not isinstance(asked, e.FeedbackAsked) or not asked.outside or asked.person != person_id:
        return None
    return Person(id=asked.person, name=asked.name)


def _decide_once(decision: Decision, person: Person, now: datetime) -> Outcome:
    subject = _subject(decision)
    recorded = ledger().events(subject)
    folded = folding.folded(recorded)
    if folded is None:
        raise _Refusal(f"There is no release {decision.target}.")
    facts, message = _RULES[decision.verb](decision, person, folded)
    after = folded
    for fact in facts:
        after = rules.apply(after, fact)
    revision = recorded[-1].revision
    appended = ledger().append(
        subject, new_events(subject, _as_facts(facts)), now=now, expected=revision, wake=True
    )
    told = [fact.model_dump(mode="json") for fact in facts]
    if not appended.inserted and [dict(event.data) for event in appended.events] != told:
        # Another decision got this fact's place at the same moment: look at what it left to decide.
        raise Conflict("ledger", decision.verb, decision.target)
    if not appended.inserted:
        return Outcome(
            accepted=True,
            message="This was decided already; nothing changed.",
            subject=subject,
            repeated=True,
        )
    return Outcome(accepted=True, message=message, subject=subject)


def _as_facts(facts: Sequence[e.ReleaseEvent]) -> Sequence[Fact]:
    return facts


def _subject(decision: Decision) -> str:
    """The stream that the target belongs to; an unknown request has none."""
    if decision.target.startswith("release:"):
        return decision.target
    for kind in ("SignOffAsked", "FeedbackAsked"):
        asked = ledger().event_by_key(f"{kind}:{decision.target}")
        if asked is not None:
            return asked.subject
    return ""


_Facts = tuple[Sequence[e.ReleaseEvent], str]


def _approve(decision: Decision, person: Person, release: Release) -> _Facts:
    signing = signoff.may_sign(release, decision.target, person, policy())
    already = [s for s in release.signatures if s.request == decision.target and s.person == person.id]
    if already and (decision.door == "link" or not signing.role):
        return already, ""
    _needs_unused_link(decision, person, release)
    if not signing.allowed:
        raise _Refusal(f"Not signed: {'; '.join(signing.reasons)}.")
    fact = e.SignOffGiven(
        request=decision.target,
        role=signing.role,
        person=person.id,
        round=signing.round,
        door=decision.door,
        comment=decision.reason,
        instead_of=signing.instead_of,
    )
    return (fact,), f"Signed as {signing.role}."


def _return(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_unused_link(decision, person, release)
    verdict = signoff.may_return(release, decision.target, person, policy())
    if not verdict.allowed:
        raise _Refusal(f"Not returned: {'; '.join(verdict.reasons)}.")
    if not decision.reason.strip():
        raise _Refusal("Not returned: say what has to be mended.")
    ask = next(a for a in release.asked if a.request == decision.target)
    fact = e.Returned(
        request=ask.request,
        step=ask.step,
        issue=ask.issue,
        person=person.id,
        reason=decision.reason.strip(),
        door=decision.door,
    )
    return (fact,), f"Returned {ask.issue or 'the candidate'} for rework."


def _withdraw(decision: Decision, person: Person, release: Release) -> _Facts:
    facts = signoff.may_withdraw(release, decision.target, person)
    if not facts:
        why = "production has started" if release.attempt else "you have not signed this"
        raise _Refusal(f"Not withdrawn: {why}.")
    return facts, "Your signature is withdrawn."


def _hold(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "hold", ("manager", "management", "release"))
    fact = e.Held(round=release.holds + 1, person=person.id, reason=decision.reason or "no reason given")
    return (fact,), "The release is held."


def _resume(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "resume", ("manager", "management", "release"))
    if release.hold is None:
        raise _Refusal("The release is not held.")
    return (
        e.Resumed(round=release.hold.round, person=person.id, reason=decision.reason),
    ), "The release goes on."


def _rollback(decision: Decision, person: Person, _: Release) -> _Facts:
    if decision.back is None:
        raise _Refusal("Not rolled back: nobody looked where to.")
    fact = rollback.start(decision.back, person, policy(), decision.reason, force=decision.force)
    return (fact,), f"Rolling back to {fact.to_tag}."


def _abandon(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "abandon", ("manager", "management", "release"))
    if release.phase.terminal:
        raise _Refusal(f"The release is {release.phase.lower()} already.")
    return (
        e.Abandoned(person=person.id, reason=decision.reason or "no reason given"),
    ), "The release is abandoned."


def _candidate(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "cut a candidate of", ("release", "devops", "manager", "developer"))
    number = release.candidate.number + 1 if release.candidate else 1
    fact = e.CandidateAsked(number=number, person=person.id, reason=decision.reason)
    return (fact,), f"Candidate {number} will be cut."


def _override(decision: Decision, person: Person, release: Release) -> _Facts:
    step = next((s for s in policy().steps_for(release.plan.release_kind) if s.id == decision.step), None)
    verdict = signoff.may_override(release, step, person, policy())
    if not verdict.allowed:
        raise _Refusal(f"Not overridden: {'; '.join(verdict.reasons)}.")
    if not decision.reason.strip():
        raise _Refusal("Not overridden: say why it cannot wait.")
    fact = e.StepOverridden(
        step=decision.step,
        number=release.candidate.number if release.candidate else 0,
        person=person.id,
        role=next(role for role in policy().break_glass if role in person.roles),
        reason=decision.reason.strip(),
        door=decision.door,
    )
    return (fact,), f"{decision.step} is overridden; everybody is told."


def _accept_no_return(decision: Decision, person: Person, release: Release) -> _Facts:
    fact = rollback.accept_no_return(release, person, policy(), decision.reason, decision.door)
    return (fact,), f"Candidate {fact.number} goes on without a way back."


def _time(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "time", ("manager", "management", "release"))
    zone = decision.zone or person.time_zone
    try:
        at = wall_clock(decision.at, zone) if decision.at else None
    except ValueError as error:
        raise _Refusal(f"Not timed: {error}.") from None
    timed = release.timed
    if timed is not None and timed.at == at:
        return (timed,), ""
    wall = f"{decision.at} {zone}" if decision.at else ""
    fact = e.ReleaseTimed(round=timed.round + 1 if timed else 1, person=person.id, at=at, wall=wall)
    when = f"at {wall}, once it is approved" if at else "as soon as it is approved"
    return (fact,), f"The release goes out {when}."


def _unfreeze(decision: Decision, person: Person, release: Release) -> _Facts:
    if release.unfrozen is not None:
        return (release.unfrozen,), ""
    roles = policy().unfreeze
    role = next((role for role in roles if role in person.roles), None)
    if role is None:
        raise _Refusal(f"To let a hotfix out in a freeze is for {', '.join(roles) or 'nobody'}.")
    if release.plan.release_kind != "hotfix":
        raise _Refusal("Only a hotfix may go out in a freeze.")
    if not decision.reason.strip():
        raise _Refusal("Not let out: say why it cannot wait.")
    fact = e.FreezeOverridden(
        attempt=release.attempt + 1, person=person.id, role=role, reason=decision.reason.strip()
    )
    return (fact,), "It may go out in a freeze; everybody is told."


def _feedback(decision: Decision, person: Person, release: Release) -> _Facts:
    said = feedback.Said(decision.answer, decision.score, decision.reason)
    fact = feedback.give(release, decision.target, person.id, said)
    return (fact,), "Thank you: your answer reached the team."


def _client_said(decision: Decision, person: Person, release: Release) -> _Facts:
    _needs_role(person, "enter what a client said of", feedback.ENTERS)
    said = feedback.Said(decision.answer, decision.score, decision.reason)
    stream = decision.target
    fact = feedback.enter(release, stream, decision.issue, decision.client, person.id, said, policy())
    return (fact,), f"Recorded: {decision.client} says “{fact.answer}”, entered by {person.name}."


_SPENT = {
    Answer.AGREED: "you agreed already",
    Answer.OBJECTED: "you objected already",
    Answer.WITHDREW: "you agreed by it, and took that back",
}


def _needs_unused_link(decision: Decision, person: Person, release: Release) -> None:
    """A signed link takes one answer; who holds it later, or sends the page again, changes nothing."""
    if decision.door != "link":
        return
    given = answers.answer_of(release, decision.target, person.id)
    if given is not None:
        raise _Refusal(f"This link takes one answer: {_SPENT[given]}.")


def _needs_role(person: Person, what: str, roles: tuple[str, ...]) -> None:
    if not set(roles) & set(person.roles):
        raise _Refusal(f"To {what} a release is for {', '.join(roles)}.")


_RULES: Mapping[str, Callable[[Decision, Person, Release], _Facts]] = {
    "approve": _approve,
    "return": _return,
    "withdraw": _withdraw,
    "hold": _hold,
    "resume": _resume,
    "rollback": _rollback,
    "abandon": _abandon,
    "candidate": _candidate,
    "override": _override,
    "accept-no-return": _accept_no_return,
    "time": _time,
    "unfreeze": _unfreeze,
    "feedback": _feedback,
    "client-said": _client_said,
}


def phase_of(subject: str) -> Phase | None:
    """Where the release stands; None if there is none."""
    folded = folding.release_of(subject)
    return None if folded is None else folded.phase
