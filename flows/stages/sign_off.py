"""The sign-offs on the way to production, in the policy's order: QA, manager, client, management."""

from __future__ import annotations

from lifecycle import signoff
from lifecycle.events import StepPassed
from lifecycle.ladder import climb
from lifecycle.policy import Scope, Step
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import issues, reminders, returning, signoffs
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def sign_off(walk: ReleaseWalk) -> Wait | None:
    """Ask for each step in turn, and wait until its quorum has signed or somebody returns it."""
    for step in walk.steps:
        if walk.release.override(step.id):  # told at once, also of a step that is not reached yet
            reminders.tell(walk.subject, step.id, walk.candidate_number)
    for step in walk.steps:
        if walk.phase is not Phase.SIGN_OFF:
            return None
        if not walk.release.has_passed(step.id):
            _ask(walk, step)
        verdict = signoff.passed(walk.release, step)
        if not verdict.allowed:  # also for a step that had passed, if a signature was withdrawn
            return _wait(walk, step, verdict.reasons)
        if not walk.release.has_passed(step.id):
            _conclude(walk, step)
    return None


def _ask(walk: ReleaseWalk, step: Step) -> None:
    asks = signoff.asks(walk.release, walk.subject, step, walk.now, "staging")
    if asks:
        walk.append(*asks)
    carries = signoff.carries(walk.release, step)
    if carries:
        walk.append(*carries)
    number = walk.candidate_number
    if walk.release.asked_now(step.id) and not walk.said(f"ask:{step.id}:{number}"):
        signoffs.ask(walk.subject, step.id, number)


def _conclude(walk: ReleaseWalk, step: Step) -> None:
    """All signed: what QA has passed waits for the release."""
    if step.binds is Scope.ISSUE:
        for key in walk.release.delivers:
            issues.move(walk.project.id, key, Status.WAITING_RELEASE, f"{step.title} passed")
    walk.append(StepPassed(step=step.id, number=walk.candidate_number))


def _wait(walk: ReleaseWalk, step: Step, reasons: tuple[str, ...]) -> Wait:
    """Wait for people; on the way remind them, ask their deputies, and let what is too old expire."""
    ladder = climb(walk.release, step, walk.asked_at, walk.policy, walk.now)
    if ladder.facts and walk.release.hold is None:
        walk.append(*ladder.facts)
    reminders.tell(walk.subject, step.id, walk.candidate_number)
    asked = walk.release.asked_now(step.id)
    lacking = [a for a in asked if signoff.missing(walk.release, a.request, step)]
    message = f"{step.title} {len(asked) - len(lacking)} of {len(asked)}: {'; '.join(reasons)}"
    until = ladder.next or walk.now + step.due
    if walk.release.unfinished:  # the next candidate may be due before anybody decides
        until = min(until, walk.now + walk.policy.waits.poll)
    return Wait(step.waits_as, until, message)


def rework(walk: ReleaseWalk) -> Wait | None:
    """Tell the author, and send what was returned back into development, with the reason on the issue."""
    if walk.phase is not Phase.REWORK:
        return None
    for returned in walk.release.returned:
        key = walk.op(f"returned:{returned.request}")
        for issue in [returned.issue] if returned.issue else walk.release.plan.issues:
            op = f"{key}:{issue}"
            if not walk.done(op):
                returning.tell_author(walk.subject, returned.request, issue)
                issues.send_back(
                    walk.project.id, issue, returned.person, returned.reason, op, subject=walk.subject
                )
    return None
