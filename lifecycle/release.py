"""What the events of one release add up to.

Which event may follow in which phase is in `lifecycle.phases`; whether one fits this very release is in
`lifecycle.fitting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lifecycle import events as e
from lifecycle.fitting import objection, takes_back
from lifecycle.phases import TRANSITIONS, IllegalEvent, Phase
from lifecycle.scope import Scope, ScopeLine, changed


class Release(BaseModel):
    """What the events of one release add up to. Everything about an earlier candidate stays readable.

    `plan` is the present one, `closed` as the review closed it. `outdated`: the newest candidate was cut
    under another plan.
    """

    model_config = ConfigDict(frozen=True)

    plan: e.Planned
    closed: e.Planned
    outdated: bool = False
    scope_asked: tuple[e.ScopeChangeAsked, ...] = ()
    scope_approved: tuple[e.ScopeChangeApproved, ...] = ()
    scope_refused: tuple[e.ScopeChangeRefused, ...] = ()
    scope_changed: tuple[e.ScopeChanged, ...] = ()
    phase: Phase = Phase.PLANNED
    told: frozenset[str] = frozenset()
    hold: e.Held | None = None
    resumed: e.Resumed | None = None
    holds: int = 0
    candidates: tuple[e.CandidateCut, ...] = ()
    candidate_asked: e.CandidateAsked | None = None
    verified: e.CandidateVerified | None = None
    judged: e.CandidateJudged | None = None
    rejected: e.CandidateRejected | None = None
    staged: e.Staged | None = None
    unstaged: tuple[e.Unstaged, ...] = ()
    rehearsed: e.Rehearsed | None = None
    no_return: e.NoReturnAccepted | None = None
    asked: tuple[e.SignOffAsked, ...] = ()
    reminded: tuple[e.SignOffReminded, ...] = ()
    deputies: tuple[e.DeputyAsked, ...] = ()
    expired: tuple[e.SignOffExpired, ...] = ()
    signatures: tuple[e.SignOffGiven, ...] = ()
    withdrawn: tuple[e.SignOffWithdrawn, ...] = ()
    carried: tuple[e.SignOffCarried, ...] = ()
    returned: tuple[e.Returned, ...] = ()
    passed: tuple[e.StepPassed, ...] = ()
    overridden: tuple[e.StepOverridden, ...] = ()
    timed: e.ReleaseTimed | None = None
    unfrozen: e.FreezeOverridden | None = None
    """Who let the next attempt out in a freeze, if anybody did."""
    production: e.ProductionStarted | None = None
    deployed: e.ProductionDeployed | None = None
    ticks: tuple[e.WatchTicked, ...] = ()
    alerts_raised: tuple[e.AlertRaised, ...] = ()
    alerts_recovered: tuple[e.AlertRecovered, ...] = ()
    alerts_received: tuple[e.AlertReceived, ...] = ()
    watch: e.WatchEnded | None = None
    rollback: e.RollbackStarted | None = None
    rolled_back: e.RolledBack | None = None
    rollbacks: tuple[e.RollbackStarted, ...] = ()
    came_back: tuple[e.RolledBack, ...] = ()
    backed_out: int = 0
    """How often the watch took it back by itself."""
    feedback_asked: tuple[e.FeedbackAsked, ...] = ()
    feedback_reminded: tuple[e.FeedbackReminded, ...] = ()
    feedback_given: tuple[e.FeedbackGiven, ...] = ()
    feedback_late: tuple[e.FeedbackGiven, ...] = ()
    """Those of `feedback_given` that came after the closing, which did not count them."""
    feedback_followed: tuple[e.FeedbackFollowed, ...] = ()
    ended: e.Closed | e.Abandoned | e.Superseded | None = None

    @property
    def candidate(self) -> e.CandidateCut | None:
        """The newest candidate."""
        return self.candidates[-1] if self.candidates else None

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Issues that the release still has to deliver and the newest candidate was cut without."""
        cut = self.candidate.unfinished if self.candidate else ()
        return tuple(key for key in cut if key in self.delivers)

    @property
    def attempt(self) -> int:
        """How often this release has been sent to production."""
        return self.production.attempt if self.production else 0

    @property
    def unstagings(self) -> int:
        """How often the newest candidate was taken off staging again."""
        return sum(fact.number == self.candidate.number for fact in self.unstaged) if self.candidate else 0

    @property
    def delivers(self) -> tuple[str, ...]:
        """Every issue that goes out with this release, those of a rolled-back one included."""
        return (*self.plan.carries, *(k for k in self.plan.issues if k not in self.plan.carries))

    @property
    def taken_back(self) -> tuple[str, ...]:
        """Every issue that left production with this release: its own, and those of releases between."""
        also = (key for started in self.rollbacks for key in started.also)
        return tuple(dict.fromkeys((*self.delivers, *also)))

    @property
    def scope(self) -> Scope:
        """The present scope; without sizes and dependencies where no review told them."""
        return scope_of(self.plan)

    @property
    def scope_change(self) -> e.ScopeChangeAsked | None:
        """The change of scope that waits for its approvals; there is never more than one."""
        over = {fact.request for fact in (*self.scope_refused, *self.scope_changed)}
        return next((asked for asked in self.scope_asked if asked.request not in over), None)

    @property
    def answers(self) -> tuple[e.FeedbackGiven, ...]:
        """The last answer to each question whether it helped, in the order of the first ones."""
        return tuple({given.request: given for given in self.feedback_given}.values())

    @property
    def unanswered(self) -> tuple[e.FeedbackAsked, ...]:
        """Who was asked whether it helped and has not said."""
        answered = {given.request for given in self.feedback_given}
        return tuple(a for a in self.feedback_asked if a.request not in answered)

    def question(self, request: str) -> e.SignOffAsked | None:
        """What `request` asks, None if nobody was asked so."""
        return next((a for a in self.asked if a.request == request), None)

    def asked_now(self, step: str | None = None) -> tuple[e.SignOffAsked, ...]:
        """The open questions of the newest candidate (of one step); older ones are superseded.

        So are those that were asked before the plan changed.
        """
        number = self.candidate.number if self.candidate else 0
        return tuple(
            a
            for a in self.asked
            if (a.number, a.plan_hash) == (number, self.plan.plan_hash) and step in (None, a.step)
        )

    def has_passed(self, step: str) -> bool:
        """The step is passed for the newest candidate."""
        number = self.candidate.number if self.candidate else 0
        return any(p.step == step and p.number == number for p in self.passed)

    def is_returned(self, request: str) -> bool:
        """Somebody sent back what `request` asked about."""
        return any(r.request == request for r in self.returned)

    def is_expired(self, request: str) -> bool:
        """Its time to be signed is over."""
        return any(x.request == request for x in self.expired)

    def is_open(self, request: str) -> bool:
        """`request` asks about the newest candidate, is in time, and nobody has sent it back."""
        in_time = not self.is_expired(request)
        return in_time and self.question(request) in self.asked_now() and not self.is_returned(request)

    def override(self, step: str) -> e.StepOverridden | None:
        """Who let the newest candidate past `step` unsigned, if anybody did."""
        number = self.candidate.number if self.candidate else 0
        return next((o for o in self.overridden if (o.step, o.number) == (step, number)), None)

    def carry(self, request: str) -> e.SignOffCarried | None:
        """The one carry that can reach the open question `request`, None if there is none.

        Only an issue's own sign-off carries, only from the candidate it was last asked for, only if the
        issue's files are the same there and here, never past a return or a change of the plan.
        """
        ask = self.question(request)
        if ask is None or ask.issue is None or ask not in self.asked_now():
            return None
        same = [a for a in self.asked if (a.step, a.issue) == (ask.step, ask.issue) and a.number < ask.number]
        before = max(same, key=lambda a: a.number, default=None)
        if before is None or self.is_returned(before.request) or before.plan_hash != ask.plan_hash:
            return None
        digests = {c.number: c.digests.get(ask.issue, "") for c in self.candidates}
        if not digests[ask.number] or digests[before.number] != digests[ask.number]:
            return None
        return e.SignOffCarried(
            request=ask.request,
            from_request=before.request,
            step=ask.step,
            issue=ask.issue,
            from_sha=before.sha,
            to_sha=ask.sha,
            from_digest=digests[before.number],
            to_digest=digests[ask.number],
        )


def fold(events: Iterable[e.ReleaseEvent]) -> Release | None:
    """The release after all `events`, in order; None for none.

    Raises:
        IllegalEvent: the history breaks the rules; the ledger was written past them.
    """
    release: Release | None = None
    for event in events:
        release = apply(release, event)
    return release


def apply(release: Release | None, event: e.ReleaseEvent) -> Release:
    """The release after one more event. A fact told again changes nothing, as in the ledger: the first wins.

    Raises:
        IllegalEvent: the event cannot follow in this phase, or does not fit this release.
    """
    if release is None:
        if not isinstance(event, e.Planned):
            raise IllegalEvent("no release", event.kind)
        return Release(plan=event, closed=event, told=frozenset({event.key("")}))
    if event.key("") in release.told:
        return release
    after = TRANSITIONS.get((release.phase, event.kind))
    if after is None:
        raise IllegalEvent(release.phase, event.kind)
    if why := objection(release, event):
        raise IllegalEvent(release.phase, event.kind, why)
    told = release.told | {event.key("")}
    return release.model_copy(update={**_changes(release, event), "phase": after, "told": told})


_LISTS: Mapping[str, str] = {
    "ScopeChangeAsked": "scope_asked",
    "ScopeChangeApproved": "scope_approved",
    "ScopeChangeRefused": "scope_refused",
    "ScopeChanged": "scope_changed",
    "CandidateCut": "candidates",
    "Unstaged": "unstaged",
    "SignOffAsked": "asked",
    "SignOffReminded": "reminded",
    "DeputyAsked": "deputies",
    "SignOffExpired": "expired",
    "SignOffGiven": "signatures",
    "SignOffWithdrawn": "withdrawn",
    "SignOffCarried": "carried",
    "Returned": "returned",
    "StepPassed": "passed",
    "StepOverridden": "overridden",
    "WatchTicked": "ticks",
    "AlertRaised": "alerts_raised",
    "AlertRecovered": "alerts_recovered",
    "AlertReceived": "alerts_received",
    "FeedbackAsked": "feedback_asked",
    "FeedbackReminded": "feedback_reminded",
    "FeedbackGiven": "feedback_given",
    "FeedbackFollowed": "feedback_followed",
}
_SINGLES: Mapping[str, str] = {
    "CandidateAsked": "candidate_asked",
    "CandidateVerified": "verified",
    "CandidateJudged": "judged",
    "CandidateRejected": "rejected",
    "Staged": "staged",
    "Rehearsed": "rehearsed",
    "NoReturnAccepted": "no_return",
    "ReleaseTimed": "timed",
    "FreezeOverridden": "unfrozen",
    "Held": "hold",
    "Resumed": "resumed",
    "ProductionStarted": "production",
    "ProductionDeployed": "deployed",
    "WatchEnded": "watch",
    "RollbackStarted": "rollback",
    "RolledBack": "rolled_back",
    "Closed": "ended",
    "Abandoned": "ended",
    "Superseded": "ended",
}


def _changes(release: Release, event: e.ReleaseEvent) -> dict[str, object]:
    """What the event alters: the field that holds it, and what it puts an end to."""
    if event.kind in _LISTS:
        name = _LISTS[event.kind]
        return {name: (*getattr(release, name), event), **_consequences(release, event)}
    return {_SINGLES[event.kind]: event, **_consequences(release, event)}


def _consequences(release: Release, event: e.ReleaseEvent) -> dict[str, object]:
    match event:
        case e.CandidateCut():
            standing = {"verified": None, "judged": None, "rejected": None, "staged": None}
            standing |= {"rehearsed": None, "no_return": None}
            return {"candidate_asked": None, "outdated": False, **standing}
        case e.Unstaged():
            return {"staged": None}
        case e.ScopeChanged():
            return {"plan": _replanned(release, event), "outdated": release.candidate is not None}
        case e.SignOffWithdrawn():
            return {"signatures": tuple(s for s in release.signatures if not takes_back(event, s))}
        case e.Held():
            return {"holds": event.round}
        case e.FeedbackGiven() if release.phase is Phase.CLOSED:
            return {"feedback_late": (*release.feedback_late, event)}
        case e.Resumed():
            return {"hold": None}
        case e.ProductionStarted() | e.RollbackStarted() | e.RolledBack():
            return _in_production(release, event)
        case _:
            return {}


def _in_production(
    release: Release, event: e.ProductionStarted | e.RollbackStarted | e.RolledBack
) -> dict[str, object]:
    match event:
        case e.ProductionStarted():
            ended = {"watch": None, "rollback": None, "rolled_back": None, "unfrozen": None}
            gone = {"alerts_raised": (), "alerts_recovered": (), "alerts_received": (), "ticks": ()}
            return {"deployed": None, **ended, **gone}
        case e.RollbackStarted():
            by_watch = event.person is None and release.phase is Phase.WATCHING
            backed_out = release.backed_out + by_watch
            return {"rollbacks": (*release.rollbacks, event), "backed_out": backed_out, "ended": None}
        case _:
            why = "; ".join(release.rollback.reasons) if release.rollback else ""
            hold = e.Held(round=release.holds + 1, person=None, reason=f"rolled back: {why}")
            came_back = (*release.came_back, event)
            return {"hold": hold, "holds": hold.round, "came_back": came_back}


def _replanned(release: Release, event: e.ScopeChanged) -> e.Planned:
    """The plan with the change that was waiting."""
    waiting = release.scope_change
    assert waiting is not None
    after = changed(release.scope, waiting.add, waiting.remove)
    titles = {line.key: line.title for line in waiting.add if line.title}
    update = {"issues": after.issues, "lines": after.lines, "titles": {**release.plan.titles, **titles}}
    return release.plan.model_copy(update={**update, "plan_hash": event.plan_hash})


def scope_of(plan: e.Planned) -> Scope:
    """The scope of a plan; without sizes and dependencies where no review told them."""
    lines = plan.lines or tuple(ScopeLine(key=key, title=plan.titles.get(key, "")) for key in plan.issues)
    return Scope(version=plan.version, lines=lines, capacity=plan.capacity)


Door = Literal["slack", "cli", "link", "prefect"]


def release_id(project: str, version: str) -> str:
    """The release's stream in the ledger, such as `release:shop:1.4.0`."""
    return f"release:{project}:{version}"


def candidate_tag(version: str, number: int) -> str:
    """The tag of one candidate: `1.4.0-rc.2`."""
    return f"{version}-rc.{number}"


def release_branch(version: str) -> str:
    """The branch a release is made on: `release/1.4.0`."""
    return f"release/{version}"
