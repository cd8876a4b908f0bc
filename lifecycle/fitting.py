"""Why an event that the table of phases allows does not fit this very release.

An event speaks of this candidate, this attempt, a question that is open, a signature that stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifecycle import events as e
from lifecycle.phases import FORBIDDEN_WHILE_HELD
from lifecycle.scope import changed

if TYPE_CHECKING:
    from lifecycle.release import Release


def objection(release: Release, event: e.ReleaseEvent) -> str:
    """Why an event that the table allows still does not fit this very release; empty if it does."""
    if release.hold and event.kind in FORBIDDEN_WHILE_HELD:
        return f"held: {release.hold.reason}"
    return (
        _unfit_hold(release, event)
        or _unfit_candidate(release, event)
        or _unfit_signing(release, event)
        or _unfit_scope(release, event)
        or _unfit_attempt(release, event)
        or _unfit_alert(release, event)
        or _unfit_feedback(release, event)
    )


def _unfit_hold(release: Release, event: e.ReleaseEvent) -> str:
    if isinstance(event, e.Held):
        if release.hold:
            return "it is held already"
        return _unlike("hold", release.holds + 1, event.round)
    if isinstance(event, e.Resumed):
        return _unlike("hold", release.hold.round, event.round) if release.hold else "it is not held"
    return ""


def _unfit_candidate(release: Release, event: e.ReleaseEvent) -> str:
    number, sha = (release.candidate.number, release.candidate.sha) if release.candidate else (0, "")
    if isinstance(event, e.CandidateAsked | e.CandidateCut):
        return _unlike("candidate", number + 1, event.number)
    if isinstance(event, e.StepPassed | e.ProductionStarted) and release.unfinished:
        return f"the candidate was cut without {', '.join(release.unfinished)}"
    if isinstance(event, e.CandidateVerified | e.CandidateRejected | e.StepPassed | e.StepOverridden):
        return _unlike("candidate", number, event.number)
    if isinstance(event, e.CandidateJudged):
        turn = (release.judged.round if release.judged else 0) + 1
        return _unlike("candidate", number, event.number) or _unlike("judgement", turn, event.round)
    if isinstance(event, e.Rehearsed | e.NoReturnAccepted):
        return _unlike("candidate", number, event.number) or _unfit_rehearsal(release, event)
    if isinstance(event, e.SignOffReminded | e.DeputyAsked):
        return _unlike("candidate", number, event.number)
    if isinstance(event, e.Staged | e.Unstaged):
        return _unlike("candidate", number, event.number) or _unfit_staging(release, event, sha)
    if isinstance(event, e.SignOffAsked | e.ProductionStarted):
        return _unlike("candidate", number, event.number) or _unlike("commit", sha, event.sha)
    return ""


def _unfit_staging(release: Release, event: e.Staged | e.Unstaged, sha: str) -> str:
    wrong_round = _unlike("staging", release.unstagings + 1, event.round)
    return wrong_round or (_unlike("commit", sha, event.sha) if isinstance(event, e.Staged) else "")


def _unfit_rehearsal(release: Release, event: e.Rehearsed | e.NoReturnAccepted) -> str:
    if isinstance(event, e.NoReturnAccepted) and (release.rehearsed is None or release.rehearsed.ok):
        return "nothing says that the candidate cannot come back"
    return ""


def _unfit_signing(release: Release, event: e.ReleaseEvent) -> str:
    match event:
        case e.SignOffAsked() if event.issue is not None and event.issue not in release.delivers:
            return f"{event.issue} is not in this release"
        case e.SignOffAsked() if release.unfinished and event.issue in (None, *release.unfinished):
            return f"the candidate was cut without {', '.join(release.unfinished)}"
        case e.SignOffAsked():
            return _unlike("plan", release.plan.plan_hash, event.plan_hash)
        case e.SignOffGiven() | e.Returned() | e.SignOffExpired() if not release.is_open(event.request):
            return "this is not asked, or not asked any more"
        case e.ReleaseTimed():
            return _unlike("time", (release.timed.round if release.timed else 0) + 1, event.round)
        case e.SignOffWithdrawn() if not any(takes_back(event, s) for s in release.signatures):
            return "there is no such signature"
        case e.SignOffCarried() if event != release.carry(event.request):
            return "no sign-off can be carried so"
        case _:
            return ""


def _unfit_scope(release: Release, event: e.ReleaseEvent) -> str:
    waiting = release.scope_change
    match event:
        case e.ScopeChangeAsked() if waiting is not None:
            return "another change of scope waits for its approvals"
        case e.ScopeChangeAsked():
            return _unlike("plan", release.plan.plan_hash, event.plan_hash)
        case e.ScopeChangeApproved() | e.ScopeChangeRefused() | e.ScopeChanged():
            if waiting is None or waiting.request != event.request:
                return "this change of scope does not wait for anybody"
            if isinstance(event, e.ScopeChanged):
                after = changed(release.scope, waiting.add, waiting.remove)
                return _unlike("plan", waiting.new_hash, event.plan_hash) or _unlike(
                    "scope", after.issues, event.issues
                )
            return ""
        case _:
            return ""


def takes_back(event: e.SignOffWithdrawn, signature: e.SignOffGiven) -> bool:
    return all(getattr(event, name) == getattr(signature, name) for name in event.identity)


def _unfit_attempt(release: Release, event: e.ReleaseEvent) -> str:
    match event:
        case e.FreezeOverridden() if release.plan.release_kind != "hotfix":
            return "only a hotfix may go out in a freeze"
        case e.ProductionStarted() | e.FreezeOverridden():
            return _unlike("attempt", release.attempt + 1, event.attempt)
        case e.ProductionDeployed() if release.production:
            wrong_sha = _unlike("commit", release.production.sha, event.sha)
        case e.RolledBack() if release.rollback:
            wrong_sha = _unlike("commit", release.rollback.to_sha, event.to_sha)
        case e.WatchTicked() | e.WatchEnded() | e.RollbackStarted():
            wrong_sha = ""
        case e.AlertRaised() | e.AlertRecovered() | e.AlertReceived():
            wrong_sha = ""
        case _:
            return ""
    return _unlike("attempt", release.attempt, event.attempt) or wrong_sha


def _unfit_alert(release: Release, event: e.ReleaseEvent) -> str:
    """An episode of a cause is raised once, and over once, before the next one."""
    if not isinstance(event, e.AlertRaised | e.AlertRecovered):
        return ""
    raised = sum(one.cause == event.cause for one in release.alerts_raised)
    over = sum(one.cause == event.cause for one in release.alerts_recovered)
    if isinstance(event, e.AlertRecovered):
        return _unlike("alert", raised, event.number) if raised > over else "this alert is not open"
    return "this alert is open already" if raised > over else _unlike("alert", raised + 1, event.number)


def _unfit_feedback(release: Release, event: e.ReleaseEvent) -> str:
    match event:
        case e.FeedbackReminded() if not any(a.person == event.person for a in release.unanswered):
            return "they have nothing left to answer"
        case e.FeedbackGiven():
            return _unfit_answer(release, event)
        case e.FeedbackFollowed() if not any(
            (g.request, g.answer) == (event.request, "not") for g in release.feedback_given
        ):
            return "nobody said that it did not help"
        case _:
            return ""


def _unfit_answer(release: Release, event: e.FeedbackGiven) -> str:
    asked = next((a for a in release.feedback_asked if a.request == event.request), None)
    before = [given for given in release.feedback_given if given.request == event.request]
    if asked is None and not event.entered_by:
        return "nobody asks this"
    if asked is not None and (asked.person, asked.issue) != (event.person, event.issue):
        return "this question was for somebody else"
    if event.issue not in release.delivers:
        return f"{event.issue} is not in this release"
    if event.entered_by and any(not given.entered_by for given in before):
        return "they have answered themselves"
    return _unlike("answer", len(before) + 1, event.round)


def _unlike(what: str, wanted: object, given: object) -> str:
    return "" if wanted == given else f"the {what} is {wanted}, not {given}"
