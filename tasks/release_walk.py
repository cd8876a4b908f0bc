"""One release's walk: what its stages see and say. The stages themselves are the process (flows/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.errors import Conflict
from integrations.gitlab.models import Pipeline
from integrations.ledger import Event
from lifecycle import events, feedback, freezes, release, shipping
from lifecycle.gates.standing import Standing
from lifecycle.policy import Policy, Project, Step
from lifecycle.release import Phase, Release
from lifecycle.verdict import Verdict
from tasks import (
    alert_messages,
    effects,
    gates,
    occupying,
    pipelines,
    plan_messages,
    posts,
    release_messages,
    rollbacks,
    signoffs,
    timeline,
)
from tasks.context import ledger, policy
from tasks.walk import Wait, Walk, new_events, walks


class ReleaseWalk(Walk):
    """A pass over the chain of one release.

    `release` is the present state, `history` the events behind it with their times.
    """

    release: Release
    history: tuple[Event, ...]

    def __init__(self, subject: str, now: datetime, check_lease: Callable[[], None]) -> None:
        _, project, self.version = subject.split(":", 2)
        self.policy: Policy = policy()
        self.project: Project = self.policy.project(project)
        super().__init__(subject, now, check_lease)

    def read(self) -> None:
        """Fold what the ledger says.

        Raises:
            KeyError: there is no such release.
        """
        self.history = ledger().events(self.subject)
        folded = release.fold(events.parse(event.data) for event in self.history)
        if folded is None:
            raise KeyError(f"the ledger knows no {self.subject}")
        self.release = folded

    @property
    def ended(self) -> bool:
        """Closed with nothing left to follow up, abandoned or superseded."""
        late = self.phase is Phase.CLOSED and feedback.to_follow(self.release)
        return self.phase.terminal and not late

    @property
    def phase(self) -> Phase:
        """Where the release stands."""
        return self.release.phase

    @property
    def steps(self) -> tuple[Step, ...]:
        """The sign-offs this kind of release needs, in order."""
        return self.policy.steps_for(self.release.plan.release_kind)

    @property
    def branch(self) -> str:
        """The release branch."""
        return release.release_branch(self.version)

    def op(self, what: str) -> str:
        """The key of one effect of this release, the same in every walk."""
        return f"{self.subject}:{what}"

    def at(self, kind: str) -> datetime:
        """When the last event of `kind` was recorded; `now` if there is none."""
        return next((event.at for event in reversed(self.history) if event.kind == kind), self.now)

    @property
    def cut_at(self) -> datetime:
        """When the newest candidate was cut, or the release planned if there is none."""
        return self.at("CandidateCut" if self.release.candidate else "Planned")

    @property
    def asked_at(self) -> dict[str, datetime]:
        """When each sign-off was asked for, by its request."""
        return {str(e.data["request"]): e.at for e in self.history if e.kind == "SignOffAsked"}

    @property
    def feedback_asked_at(self) -> dict[str, datetime]:
        """When each question whether it helped was asked, by its request."""
        return {str(e.data["request"]): e.at for e in self.history if e.kind == "FeedbackAsked"}

    @property
    def answered_at(self) -> dict[str, datetime]:
        """When each of these was answered last, by its request."""
        return {str(e.data["request"]): e.at for e in self.history if e.kind == "FeedbackGiven"}

    @property
    def title(self) -> str:
        """The release by its name, for people."""
        hotfix = " (hotfix)" if self.release.plan.release_kind == "hotfix" else ""
        return f"{self.project.name} {self.version}{hotfix}"

    @property
    def candidate_number(self) -> int:
        """The newest candidate's number, 0 before the first."""
        return self.release.candidate.number if self.release.candidate else 0

    @property
    def in_production(self) -> bool:
        """Production serves the release, or is on its way to or from it: a hold does not stop that."""
        return self.phase in (Phase.PRODUCTION, Phase.WATCHING, Phase.ROLLING_BACK, Phase.ROLLED_BACK)

    @property
    def watched(self) -> bool:
        """The watch of this attempt has begun, and its alerts may still be told."""
        return self.phase in (Phase.WATCHING, Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.FEEDBACK)

    @property
    def past_sign_off(self) -> bool:
        """No more candidates can be cut."""
        return self.in_production or self.phase is Phase.FEEDBACK

    @property
    def may_go_out(self) -> Verdict:
        """Whether it may go to production now, with every reason against it."""
        around = shipping.Around(
            now=self.now,
            serves=occupying.serves(self.project.gitlab, "staging"),
            staged_at=self.staged_at,
            soak=self.project.soak,
            windows=occupying.windows(self.project.id),
            gates=self.gates_standing,
            others=[each for v, each in rollbacks.known(self.project.id).items() if v != self.version],
            mates=rollbacks.mates(self.release),
            depends_on=self.project.depends_on,
            rehearsal=self.project.rehearsal,
        )
        return shipping.may_go_out(self.release, self.steps, around)

    @property
    def staged_at(self) -> datetime:
        """Since when staging serves the candidate without a break; breaks count where it has to soak."""
        at, staged = self.at("Staged"), self.release.staged
        if staged is None or not self.project.soak:
            return at
        back = occupying.back_since(self.project.gitlab, "staging", staged.sha, staged.deployment_id)
        return max(at, back) if back else at

    @property
    def gates_standing(self) -> Standing:
        """By what the verdict of the gates is measured now."""
        return gates.standing(self.project, self.now)

    def take(self, environment: str) -> Wait | None:
        """Have the environment for the newest candidate; the wait for it while it is locked or taken."""
        verdict = occupying.take(self.subject, self.release, environment, self.now)
        return None if verdict.allowed else self.against("Awaiting environment", verdict)

    def frozen(self, environment: str) -> Wait | None:
        """The wait for the end of a freeze of `environment`."""
        verdict = freezes.closed(occupying.windows(self.project.id), environment, self.now)
        return None if verdict.allowed else self.against("Awaiting environment", verdict)

    def against(self, name: str, verdict: Verdict) -> Wait:
        """The wait for what speaks against a step: until it ends by itself, or the next look."""
        return Wait(name, verdict.until or self.now + self.policy.waits.poll, "; ".join(verdict.reasons))

    def done(self, op_key: str) -> bool:
        """The effect of that key is on record as done."""
        return effects.done(op_key) is not None

    def said(self, what: str) -> bool:
        """The message of this release is posted."""
        return self.done(self.op(what))

    def pipeline(self, step: str, ref: str, sha: str, number: int | str) -> PipelineRun:
        """The pipeline of this step, started if it was not; with the wait while it runs.

        Raises:
            Conflict: it is of another commit; a person has to look.
        """
        begun = pipelines.started(self.subject, step, number) or pipelines.start(
            self.project.gitlab, ref, sha, step, number, subject=self.subject
        )
        pipeline = pipelines.look(self.project.gitlab, begun.pipeline_id)
        if pipeline.sha != sha:
            raise Conflict("gitlab", step, begun.url, None, f"it runs {pipeline.sha}, not {sha}")
        if pipelines.has_ended(self.project, pipeline, self.now):
            return PipelineRun(pipeline, None)
        poll = self.policy.waits.poll
        until = self.now + (min(poll, _ROLLBACK_POLL) if step == "rollback" else poll)
        return PipelineRun(
            pipeline, Wait(f"Awaiting {_WAITS_AS[step]}", until, f"{pipeline.status}: {begun.url}")
        )

    def supersede(self, version: str) -> None:
        """End the rolled-back release `version`: its issues are out with this one."""
        stream = release.release_id(self.project.id, version)
        rolled_back = release.fold(events.parse(event.data) for event in ledger().events(stream))
        if rolled_back is not None and rolled_back.phase is Phase.ROLLED_BACK:
            fact = events.Superseded(by=self.version)
            ledger().append(stream, new_events(stream, [fact]), now=self.now, wake=True)

    def settle(self) -> None:
        """Make the release's messages and its artifact say what the ledger says."""
        alert_messages.tell(self.subject, self.release, self.project, self.policy)
        timeline.publish(self.subject, self.release, self.history, self.project, self.waiting)
        doing = f"{self.waiting.name}: {self.waiting.message}" if self.waiting else ""
        posts.edit_if_changed(
            release_messages.card_key(self.subject),
            release_messages.card(self.release, self.project, doing),
        )
        signoffs.refresh(self.subject)
        plan_messages.refresh(self.subject)


@dataclass(frozen=True)
class PipelineRun:
    """A pipeline as it stands, and the wait for its end (None: it has ended)."""

    pipeline: Pipeline
    waits: Wait | None


_ROLLBACK_POLL = timedelta(seconds=5)
"""Customers wait for its end, so a webhook that got lost must not cost minutes."""

_WAITS_AS = {
    "verify": "pipeline",
    "staging": "staging",
    "production": "production",
    "rollback": "rollback",
    "rehearse-back": "rehearsal",
    "rehearse-forward": "rehearsal",
}


def release_walks(project: str, version: str) -> Iterator[ReleaseWalk]:
    """Walk the release until it waits or has ended; see `tasks.walk.walks`."""
    return walks(release.release_id(project, version), ReleaseWalk)
