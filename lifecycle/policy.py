"""What is allowed, by whom, and how long things may take: the team's policy as a checked value.

The file is YAML (conveyor.example.yaml shows every field); reading it is not done here.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lifecycle.calendar import Duration, ZoneName
from lifecycle.gates import GatePolicy
from lifecycle.watch import WatchRules
from lifecycle.workflow import StatusMap


class Frozen(BaseModel):
    """An immutable value; an unknown field is an error, so that a typo cannot switch a rule off."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Frozen):
    """One person and their account at each vendor; the ids are the vendors' own, never names."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    jira: str = ""
    gitlab: int = 0
    slack: str = ""
    emails: tuple[str, ...] = Field(default=(), description="as they stand in git commits")
    time_zone: ZoneName = "UTC"
    deputy: str | None = None
    active: bool = True


class Scope(StrEnum):
    """What one request for a sign-off binds: each issue, the candidate as a whole, or the release."""

    ISSUE = "issue"
    CANDIDATE = "candidate"
    RELEASE = "release"


class Step(Frozen):
    """One sign-off on the way to production; steps are taken in the order of the policy."""

    id: str
    title: str
    waits_as: str = Field(description="the flow run's state while it waits, such as `Awaiting QA`")
    binds: Scope
    quorum: dict[str, int] = Field(min_length=1, description="how many people of which role")
    due: Duration = timedelta(days=2)
    remind: tuple[Duration, ...] = ()
    authors_may_sign: bool = False
    by_link: bool = Field(default=False, description="ask through a signed link instead of Slack")
    hotfix: bool = Field(default=True, description="also asked for a hotfix")

    @model_validator(mode="after")
    def _quorums_are_positive(self) -> Self:
        for role, needed in self.quorum.items():
            if needed < 1:
                raise ValueError(f"step {self.id}: a quorum of {needed} {role} asks nobody")
        return self


class Probe(Frozen):
    """One HTTP check of the watch: healthy means `status` within `within_ms`."""

    name: str
    path: str
    status: int = 200
    within_ms: int = 2000


class Watch(Frozen):
    """The watch over a production release."""

    rules: WatchRules
    probes: tuple[Probe, ...] = Field(min_length=1)


class Review(Frozen):
    """The weekly review: when, where, who must have taken part, and how much fits."""

    cron: str = "0 10 * * 5"
    time_zone: ZoneName = "UTC"
    channel: str
    roles: tuple[str, ...] = ()
    capacity: float = Field(gt=0, description="points that one release can take")
    due: Duration = timedelta(days=2)


class Feedback(Frozen):
    """When the requesters are asked, and how long an answer is waited for."""

    after: Duration = timedelta(days=7)
    closes_after: Duration = timedelta(days=7)


class Waits(Frozen):
    """The longest a release waits for a machine before a person is told."""

    pipeline: Duration = timedelta(hours=1)
    poll: Duration = Field(default=timedelta(minutes=5), description="look again without a webhook")
    rework: Duration = timedelta(days=5)


class Project(Frozen):
    """One product: its Jira project, its GitLab project, its channel, its environments."""

    id: str
    name: str
    jira: str
    gitlab: int
    channel: str
    main: str = "main"
    staging_url: str
    production_url: str
    issue_type: str = "Task"
    intake_label: str = "request"
    statuses: StatusMap = Field(default=StatusMap(), description="the team's own status names -> ours")
    gates: GatePolicy = GatePolicy()


class Policy(Frozen):
    """Everything the rules may look at that a team decides for itself."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    people: tuple[Person, ...]
    projects: tuple[Project, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    review: Review
    watch: Watch
    feedback: Feedback = Feedback()
    waits: Waits = Waits()
    bots: tuple[str, ...] = Field(default=(), description="git e-mails of bots, who are no authors")

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        problems = [*self._double_ids(), *self._unknown_deputies(), *self._quorums_out_of_reach()]
        if not self.steps_for("hotfix"):
            problems.append("steps: none is asked for a hotfix, so that one would go out unsigned")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _double_ids(self) -> list[str]:
        problems: list[str] = []
        for what, ids in (
            ("person", [p.id for p in self.people]),
            ("Jira account", [p.jira for p in self.people if p.jira]),
            ("GitLab id", [str(p.gitlab) for p in self.people if p.gitlab]),
            ("Slack id", [p.slack for p in self.people if p.slack]),
            ("e-mail", [e.lower() for p in self.people for e in p.emails]),
            ("project", [p.id for p in self.projects]),
            ("step", [s.id for s in self.steps]),
        ):
            problems += [f"{what} {i} stands twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
        return problems

    def _unknown_deputies(self) -> list[str]:
        known = {person.id for person in self.people}
        return [
            f"{person.id}: deputy {person.deputy} is not among the people"
            for person in self.people
            if person.deputy is not None and person.deputy not in known
        ]

    def _quorums_out_of_reach(self) -> list[str]:
        return [
            f"step {step.id}: needs {needed} {role}, the people file has {len(self.with_role(role))}"
            for step in self.steps
            for role, needed in step.quorum.items()
            if len(self.with_role(role)) < needed
        ]

    def project(self, project_id: str) -> Project:
        """The project; KeyError if the policy has none of that id."""
        for project in self.projects:
            if project.id == project_id:
                return project
        raise KeyError(f"the policy has no project {project_id!r}")

    def person(self, person_id: str) -> Person | None:
        """The person of that slug, deactivated ones included."""
        return next((p for p in self.people if p.id == person_id), None)

    def by_slack(self, slack_id: str) -> Person | None:
        """Who signs under this Slack id; None for somebody who is not in the people file."""
        return next((p for p in self.people if p.slack and p.slack == slack_id), None)

    def by_jira(self, account_id: str) -> Person | None:
        """Who acts under this Jira account id."""
        return next((p for p in self.people if p.jira and p.jira == account_id), None)

    def by_gitlab(self, gitlab_id: int) -> Person | None:
        """Who acts under this GitLab id."""
        return next((p for p in self.people if p.gitlab and p.gitlab == gitlab_id), None)

    def by_email(self, email: str) -> Person | None:
        """The author behind a git e-mail, case ignored."""
        wanted = email.lower()
        return next((p for p in self.people if wanted in {e.lower() for e in p.emails}), None)

    def with_role(self, role: str) -> tuple[Person, ...]:
        """Active people who hold `role`, in the file's order."""
        return tuple(p for p in self.people if p.active and role in p.roles)

    def steps_for(self, kind: str) -> tuple[Step, ...]:
        """The sign-offs a release of `kind` ("regular" or "hotfix") needs, in order."""
        return tuple(step for step in self.steps if kind == "regular" or step.hotfix)
