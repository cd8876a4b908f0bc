"""The sign-offs on the way to production, in the policy's order: QA, manager, client, management."""

from __future__ import annotations

from lifecycle import signoff
from lifecycle.events import StepPassed
from lifecycle.policy import Scope, Step
from lifecycle.release import Phase
from lifecycle.workflow import Status
from tasks import issues, signoffs
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def sign_off(walk: ReleaseWalk) -> Wait | None:
    """Ask for each step in turn, and wait until its quorum has signed or somebody returns it."""
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
    if not walk.said(f"ask:{step.id}:{number}"):
        signoffs.ask(walk.subject, step.id, number)


def _conclude(walk: ReleaseWalk, step: Step) -> None:
    """All signed: what QA has passed waits for the release."""
    if step.binds is Scope.ISSUE:
        for key in walk.release.delivers:
            issues.move(walk.project.id, key, Status.WAITING_RELEASE, f"{step.title} passed")
    walk.append(StepPassed(step=step.id, number=walk.candidate_number))


def _wait(walk: ReleaseWalk, step: Step, reasons: tuple[str, ...]) -> Wait:
    asked = walk.release.asked_now(step.id)
    lacking = [a for a in asked if signoff.missing(walk.release, a.request, step)]
    due = min((a.due for a in asked), default=walk.now + step.due)
    message = f"{step.title} {len(asked) - len(lacking)} of {len(asked)}: {'; '.join(reasons)}"
    return Wait(step.waits_as, due if due > walk.now else walk.now + step.due, message)


def rework(walk: ReleaseWalk) -> Wait | None:
    """Send what was returned back to its developer, with the reason on the issue."""
    if walk.phase is not Phase.REWORK:
        return None
    for returned in walk.release.returned:
        key = walk.op(f"returned:{returned.request}")
        for issue in [returned.issue] if returned.issue else walk.release.plan.issues:
            op = f"{key}:{issue}"
            if not walk.done(op):
                issues.send_back(
                    walk.project.id, issue, returned.person, returned.reason, op, subject=walk.subject
                )
    return None
