"""A release told event by event: the builders that the tests of its rules share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import shipping, signoff
from lifecycle.policy import Person, Policy, Step
from lifecycle.release import Phase, Release
from lifecycle.shipping import Around

STREAM = rules.release_id("shop", "1.4.0")
NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)

PEOPLE: dict[str, tuple[str, ...]] = {
    "dora": ("developer",),
    "quinn": ("qa",),
    "quentin": ("qa", "security"),
    "mara": ("manager",),
    "clara": ("client",),
    "gerd": ("management",),
    "olli": ("release", "manager"),
}
"""Slug -> roles. All of them are made up."""


def sha(number: int) -> str:
    """A commit id that is easy to tell from others."""
    return f"{number:040x}"


def policy_data(**changes: Any) -> dict[str, Any]:
    """A whole policy as plain data."""
    return {
        "people": [{"id": slug, "name": slug.title(), "roles": roles} for slug, roles in PEOPLE.items()],
        "projects": [
            {
                "id": "shop",
                "name": "Shop",
                "jira": "SHOP",
                "gitlab": 7,
                "channel": "C1",
                "staging_url": "http://staging.example",
                "production_url": "http://shop.example",
            }
        ],
        "steps": [
            step_data("qa", binds="issue", quorum={"qa": 1}),
            step_data("check", quorum={"manager": 1}, hotfix=False),
            step_data("client", quorum={"client": 1}, authors_may_sign=True, hotfix=False),
            step_data("approval", quorum={"management": 1}),
        ],
        "review": {"channel": "C2", "capacity": 8},
        "watch": {"rules": {}, "probes": [{"name": "health", "path": "/healthz"}]},
        **changes,
    }


def step_data(step_id: str, **changes: Any) -> dict[str, Any]:
    """One sign-off step as plain data."""
    title = {"qa": "QA"}.get(step_id, step_id.title())
    return {"id": step_id, "title": title, "waits_as": f"Awaiting {title}", "binds": "release", **changes}


def policy(**changes: Any) -> Policy:
    """The policy of `policy_data`, checked."""
    return Policy.model_validate(policy_data(**changes))


class Story:
    """One release. Every telling goes through the rules, as the decisions and the walk do."""

    def __init__(self, *issues: str, using: Policy | None = None, **plan: Any) -> None:
        self.policy = using or policy()
        self.events: list[e.ReleaseEvent] = []
        defaults: dict[str, Any] = {
            "project": "shop",
            "version": "1.4.0",
            "issues": issues or ("SHOP-1", "SHOP-2"),
            "base": "main",
            "plan_hash": "p1",
            "started_by": "olli",
        }
        self.tell(e.Planned(**{**defaults, **plan}))

    @property
    def release(self) -> Release:
        """What the events add up to."""
        release = rules.fold(self.events)
        assert release is not None
        return release

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that this release needs."""
        return self.policy.steps_for(self.release.plan.release_kind)

    def tell(self, *facts: e.ReleaseEvent) -> Story:
        """Add the facts; IllegalEvent if one does not fit."""
        release = rules.fold(self.events)
        for fact in facts:
            release = rules.apply(release, fact)
        self.events += facts
        return self

    def step(self, step_id: str) -> Step:
        """The step of that id."""
        return next(step for step in self.policy.steps if step.id == step_id)

    def person(self, slug: str) -> Person:
        """The person of that slug."""
        person = self.policy.person(slug)
        assert person is not None
        return person

    def cut(self, digests: dict[str, str] | None = None, **changes: Any) -> Story:
        """Cut the next candidate; by default each issue's files are what they always were."""
        number = len(self.release.candidates) + 1
        defaults: dict[str, Any] = {
            "number": number,
            "tag": rules.candidate_tag("1.4.0", number),
            "sha": sha(number),
            "branch": rules.release_branch("1.4.0"),
            "digests": digests if digests is not None else dict.fromkeys(self.release.delivers, "same"),
            "authors": ("dora",),
        }
        return self.tell(e.CandidateCut(**{**defaults, **changes}))

    def stage(self) -> Story:
        """Pipeline, gates and staging let the newest candidate pass."""
        newest = self.release.candidate
        assert newest is not None
        return self.tell(
            e.CandidateVerified(number=newest.number, pipeline_id=1),
            e.Staged(number=newest.number, sha=newest.sha, url="http://staging.example", pipeline_id=2),
        )

    def ask(self, step_id: str) -> Story:
        """Ask for a step as the walk does: the questions, then what can be carried."""
        step = self.step(step_id)
        self.tell(*signoff.asks(self.release, STREAM, step, NOW, "staging"))
        return self.tell(*signoff.carries(self.release, step))

    def request(self, step_id: str, issue: str | None = None, number: int | None = None) -> str:
        """The id of what was asked about `issue` on candidate `number`, the newest if None."""
        newest = self.release.candidate
        assert newest is not None
        wanted = (step_id, issue, number or newest.number)
        return next(a.request for a in self.release.asked if (a.step, a.issue, a.number) == wanted)

    def may_sign(self, slug: str, request: str) -> signoff.Signing:
        """Whether the person may sign."""
        return signoff.may_sign(self.release, request, self.person(slug), self.policy)

    def sign(self, slug: str, request: str) -> Story:
        """The person signs, if the rules let them."""
        signing = self.may_sign(slug, request)
        assert signing.allowed, signing.reasons
        return self.tell(self.signature(slug, request, signing.role, signing.round))

    @staticmethod
    def signature(slug: str, request: str, role: str, number: int = 1) -> e.SignOffGiven:
        """The fact that the person signed, whether they may or not."""
        return e.SignOffGiven(request=request, role=role, person=slug, round=number, door="cli")

    def send_back(self, slug: str, request: str, reason: str = "it breaks") -> Story:
        """The person returns what was asked."""
        ask = self.release.question(request)
        assert ask is not None
        assert signoff.may_return(self.release, request, self.person(slug), self.policy).allowed
        return self.tell(
            e.Returned(
                request=request, step=ask.step, issue=ask.issue, person=slug, reason=reason, door="slack"
            )
        )

    def conclude(self, step_id: str) -> Story:
        """Record that the step passed, as the walk does: only if it did."""
        verdict = signoff.passed(self.release, self.step(step_id))
        assert verdict.allowed, verdict.reasons
        number = self.release.candidates[-1].number
        return self.tell(e.StepPassed(step=step_id, number=number))

    def sign_all(self) -> Story:
        """Everybody who is asked signs, and every step is concluded."""
        signers = {"qa": "quinn", "check": "mara", "client": "clara", "approval": "gerd"}
        for step in self.steps:
            self.ask(step.id)
            for ask in self.release.asked_now(step.id):
                if signoff.missing(self.release, ask.request, step):
                    self.sign(signers[step.id], ask.request)
            self.conclude(step.id)
        return self

    def start_production(self, **changes: Any) -> Story:
        """Decide for production, if it may be decided."""
        release, newest = self.release, self.release.candidates[-1]
        if release.phase is Phase.SIGN_OFF:
            verdict = signoff.may_ship(release, self.steps)
            assert verdict.allowed, verdict.reasons
        defaults: dict[str, Any] = {
            "number": newest.number,
            "tag": "1.4.0",
            "sha": newest.sha,
            "attempt": release.attempt + 1,
            "previous_tag": "1.3.0",
            "previous_sha": sha(0),
        }
        return self.tell(e.ProductionStarted(**{**defaults, **changes}))

    def deploy(self, at: datetime = NOW) -> Story:
        """Production serves it."""
        production = self.release.production
        assert production is not None
        return self.tell(
            e.ProductionDeployed(
                attempt=production.attempt,
                sha=production.sha,
                url="http://shop.example",
                pipeline_id=3,
                at=at,
            )
        )

    def start_rollback(self) -> Story:
        """The watch or a failed deployment sends production back."""
        attempt = self.release.attempt
        return self.tell(
            e.RollbackStarted(
                person=None, reasons=("cart is bad",), to_tag="1.3.0", to_sha=sha(0), attempt=attempt
            )
        )

    def roll_back(self, at: datetime = NOW) -> Story:
        """Production serves the earlier version again."""
        self.start_rollback()
        return self.tell(e.RolledBack(to_sha=sha(0), pipeline_id=4, attempt=self.release.attempt, at=at))

    def end_watch(self) -> Story:
        """The watch saw nothing bad."""
        return self.tell(e.WatchEnded(attempt=self.release.attempt, verdict="healthy"))

    def resume(self) -> Story:
        """A person releases the hold."""
        hold = self.release.hold
        assert hold is not None
        return self.tell(e.Resumed(round=hold.round, person="mara"))


def signed_off(*issues: str, **plan: Any) -> Story:
    """A release whose first candidate everybody signed."""
    return Story(*issues, **plan).cut().stage().sign_all()


def live(*issues: str, **plan: Any) -> Story:
    """A release that production serves and the watch looks at."""
    return signed_off(*issues, **plan).start_production().deploy()


def at(phase: Phase) -> Story:
    """A release that stands in `phase`, by the shortest way."""
    ways = {
        Phase.PLANNED: lambda: Story(),
        Phase.VERIFYING: lambda: Story().cut(),
        Phase.STAGING: lambda: Story().cut().tell(e.CandidateVerified(number=1, pipeline_id=1)),
        Phase.SIGN_OFF: lambda: Story().cut().stage().ask("qa"),
        Phase.REWORK: lambda: Story().cut().tell(e.CandidateRejected(number=1, reasons=("red",))),
        Phase.PRODUCTION: lambda: signed_off().start_production(),
        Phase.WATCHING: lambda: live(),
        Phase.ROLLING_BACK: lambda: live().start_rollback(),
        Phase.ROLLED_BACK: lambda: live().roll_back(),
        Phase.FEEDBACK: lambda: live().end_watch(),
        Phase.CLOSED: lambda: live().end_watch().tell(e.Closed()),
        Phase.ABANDONED: lambda: Story().tell(e.Abandoned(person="mara", reason="no need")),
        Phase.SUPERSEDED: lambda: live().roll_back().tell(e.Superseded(by="1.4.1")),
    }
    return ways[phase]()


def later(minutes: float) -> datetime:
    """A moment so many minutes after NOW."""
    return NOW + timedelta(minutes=minutes)


def around(release: Release, **changes: Any) -> Around:
    """Staging serves the newest candidate, and nothing is frozen."""
    serves = release.candidate.sha if release.candidate else ""
    return Around(**{"now": NOW, "serves": serves, "staged_at": NOW, **changes})


def going_out(story: Story, **changes: Any) -> tuple[str, ...]:
    """What speaks against going to production, with `changes` around it."""
    release = story.release
    return shipping.may_go_out(release, story.steps, around(release, **changes)).reasons
