"""What is allowed, by whom, and how long things may take: the team's policy as a checked value.

The file is YAML (conveyor.example.yaml shows every field); reading it is not done here.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from lifecycle import environments
from lifecycle.calendar import Duration, OfficeHours, WorkingHours, ZoneName
from lifecycle.cutting import Candidates
from lifecycle.environments import Environment
from lifecycle.freezes import Freeze
from lifecycle.gates import GatePolicy
from lifecycle.review_calendar import Cron, EveryWeeks, Holidays, Schedule, cron, occasions
from lifecycle.runtime import RuntimeRules
from lifecycle.standstill import Control
from lifecycle.watch import WatchRules
from lifecycle.watch_metrics import Comparison, Metric, problems
from lifecycle.waves import Cycle, waves
from lifecycle.workflow import StatusMap

_LOG_ADDRESS = r"^$|^file:/|^https?://"
_ANY_DAY = date(2024, 1, 1)


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
    remind: tuple[Duration, ...] = Field(default=(), description="after the asking, in working hours")
    due: Duration = Field(default=timedelta(days=2), description="from then on deputies may sign too")
    expires: Duration = Field(default=timedelta(days=14), description="from then on nobody may sign it")
    authors_may_sign: bool = False
    by_link: bool = Field(default=False, description="ask through a signed link instead of Slack")
    hotfix: bool = Field(default=True, description="also asked for a hotfix")

    @model_validator(mode="after")
    def _quorums_are_positive(self) -> Self:
        for role, needed in self.quorum.items():
            if needed < 1:
                raise ValueError(f"step {self.id}: a quorum of {needed} {role} asks nobody")
        return self

    @model_validator(mode="after")
    def _times_ascend(self) -> Self:
        times = [*self.remind, self.due, self.expires]
        if times != sorted(times) or len(set(self.remind)) < len(self.remind):
            raise ValueError(f"step {self.id}: remind, due and expires must follow each other in time")
        return self


class Probe(Frozen):
    """One HTTP check of the watch: healthy means `status` within `within_ms`."""

    name: str
    path: str
    status: int = 200
    within_ms: int = 2000


class Alerting(Frozen):
    """When the watch says that a probe is bad, and when that it is well again: so many looks in a row.

    `deciding` lets Alertmanager's alerts count, too.
    """

    raise_after: int = Field(default=1, ge=1)
    recover_after: int = Field(default=2, ge=1, description="one good look between bad ones is no recovery")
    deciding: tuple[str, ...] = Field(
        default=(),
        description="severities of Alertmanager's alerts that count as bad looks; none: told, decide nothing",
    )


class Watch(Frozen):
    """The watch over a production release."""

    rules: WatchRules
    probes: tuple[Probe, ...] = Field(min_length=1)
    metrics: tuple[Metric, ...] = Field(default=(), description="asked of Prometheus at each tick")
    comparison: Comparison = Comparison()
    alerts: Alerting = Alerting()

    @model_validator(mode="after")
    def _metrics_can_be_judged(self) -> Self:
        if found := problems(self.metrics, self.comparison, self.rules.lasts):
            raise ValueError("; ".join(found))
        return self


class Review(Frozen):
    """The weekly review: when, where, who must have taken part, and how much fits."""

    cron: str | None = Field(default=None, description="0 10 * * 5 if there is no `every` either")
    every: EveryWeeks | None = None
    time_zone: ZoneName = "UTC"
    holidays: Holidays = Holidays()
    channel: str
    roles: tuple[str, ...] = ()
    capacity: float | Literal["measured"] = Field(description="points that one release can take")
    capacity_weeks: int = Field(default=8, ge=1, le=52, description="so many past weeks are measured")
    capacity_unmeasured: float = Field(default=20, gt=0, description="taken while no week was measured")
    due: Duration = Field(default=timedelta(days=2), description="from then on it is late; one reminder")
    deputies: Duration | None = Field(
        default=None, description="from then on deputies may take part; twice `due` if left out"
    )
    need: Literal["required", "optional"] = Field(
        default="optional", description="whether an accepted request must show its need, or have a waiver"
    )

    @field_validator("capacity")
    @classmethod
    def _room_for_something(cls, value: float | Literal["measured"]) -> float | Literal["measured"]:
        if value != "measured" and not value > 0:
            raise ValueError("capacity is a number of points greater than 0, or measured")
        return value

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if self.cron is not None and self.every is not None:
            raise ValueError("a review has either cron or every")
        if self.cron is not None and next(occasions(Schedule(cron(self.cron)), _ANY_DAY), None) is None:
            raise ValueError(f"{self.cron!r} names no day that ever comes")
        return self

    @model_validator(mode="after")
    def _times_ascend(self) -> Self:
        if self.deputies is not None and self.due > self.deputies:
            raise ValueError("due must not be later than deputies")
        return self

    @property
    def deputies_after(self) -> timedelta:
        """How long after its beginning deputies may take part for who holds a missing role."""
        return 2 * self.due if self.deputies is None else self.deputies

    @property
    def rule(self) -> Cron | EveryWeeks:
        """On which days it is planned, and at what time."""
        return self.every or cron("0 10 * * 5" if self.cron is None else self.cron)


class Feedback(Frozen):
    """When the requesters are asked, and how long an answer is waited for."""

    after: Duration = timedelta(days=7)
    remind_after: Duration = Field(default=timedelta(days=3), description="once, in working hours")
    closes_after: Duration = timedelta(days=7)
    settles_after: Duration = Field(
        default=timedelta(minutes=10), description="a bare answer waits for its score and comment"
    )


class Waits(Frozen):
    """The longest a release waits for a machine before a person is told."""

    pipeline: Duration = timedelta(hours=1)
    poll: Duration = Field(default=timedelta(minutes=5), description="look again without a webhook")
    rework: Duration = timedelta(days=5)


class Logs(Frozen):
    """Where a product's JSON log lines are read, by environment: file:/PATH or https://...; "" is nowhere."""

    staging: str = Field(default="", pattern=_LOG_ADDRESS)
    production: str = Field(default="", pattern=_LOG_ADDRESS)


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
    qa_environment: str = Field(
        default="", description="an issue is in QA once this environment runs it; at the merge if left out"
    )
    issue_type: str = "Task"
    intake_label: str = "request"
    subtask_type: str = Field(default="Sub-task", description="Jira's issue type for parts of an issue")
    service_desk: str = Field(
        default="",
        description="a Jira Service Management project: each issue there asks for a request here",
    )
    statuses: StatusMap = Field(default=StatusMap(), description="the team's own status names -> ours")
    gates: GatePolicy = GatePolicy()
    prometheus_job: str = Field(default="", description="its name in Prometheus; its id if left out")
    migrations: tuple[str, ...] = Field(
        default=("**/migrations/**",),
        description="files that change the database: signers are warned",
    )
    changelog_trailer: str = Field(
        default="",
        pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$",
        description="the git trailer, such as Changelog, whose commits GitLab lists below the notes",
    )
    contracts: tuple[str, ...] = Field(
        default=(), description="files that others rely on: going back over a change of them is unsafe"
    )
    depends_on: tuple[str, ...] = Field(
        default=(), description="projects whose releases of the same group go out first, and back last"
    )
    rehearsal: bool = Field(
        default=False, description="a candidate goes back and forward on staging before anybody is asked"
    )
    candidates: Candidates | None = Field(default=None, description="in place of the policy's own")
    environments: tuple[Environment, ...] = Field(
        default=(), description="staging and production are there without being named"
    )
    settings_file: str = Field(
        default="deploy/{environment}.env", description="an environment's settings in the repository"
    )
    soak: Duration = Field(
        default=timedelta(0), description="so long staging has to serve a candidate before production"
    )
    logs: Logs = Logs()
    runtime: RuntimeRules = Field(
        default=RuntimeRules(), description="what a candidate must be like on staging"
    )
    alert_labels: dict[str, str] = Field(
        default_factory=dict,
        description="Alertmanager's labels of this product's alerts; {project: ID} if left out",
    )

    @model_validator(mode="after")
    def _environments_fit(self) -> Self:
        if why := environments.objection(self.places, self.staging_url, self.production_url):
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _logs_to_look_at(self) -> Self:
        if self.runtime.json_logs and not self.logs.staging:
            raise ValueError(f"project {self.id}: runtime.json_logs needs logs.staging")
        return self

    @property
    def places(self) -> tuple[Environment, ...]:
        """All environments, staging and production too where the policy does not name them."""
        return environments.places(self.environments, self.staging_url, self.production_url)


def _off(given: object) -> object:
    """YAML reads an unquoted `off` as false."""
    return "off" if given is False else given


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
    candidates: Candidates = Field(default=Candidates(), description="when the next candidate is cut")
    working_hours: OfficeHours = Field(
        default=OfficeHours(), description="when people are reminded; each in their own time zone"
    )
    control: Control | None = Field(
        default=None, description="what the daily digest tells of; there is none if left out"
    )
    requests_page: Annotated[Literal["off", "public", "token"], BeforeValidator(_off)] = Field(
        default="off", description="who may see every request's title and state on the gateway's /requests"
    )
    break_glass: tuple[str, ...] = Field(default=(), description="roles that may override a sign-off")
    no_return: tuple[str, ...] = Field(
        default=(), description="roles that may force an unsafe rollback, or accept a way of no return"
    )
    bots: tuple[str, ...] = Field(default=(), description="git e-mails of bots, who are no authors")
    freezes: tuple[Freeze, ...] = Field(
        default=(), description="when nothing is deployed forward; GitLab's freeze periods count as well"
    )
    unfreeze: tuple[str, ...] = Field(default=(), description="roles that may let a hotfix out in a freeze")
    slack_groups: dict[str, Annotated[str, Field(pattern=r"^S[A-Z0-9]+$")]] = Field(
        default_factory=dict,
        description="role -> Slack user group whose members hold it",
    )

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        problems = [*self._double_ids(), *self._unknown_deputies(), *self._quorums_out_of_reach()]
        problems += self._desks_of_a_team()
        problems += self._dependencies_without_order()
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
            ("service desk", [p.service_desk for p in self.projects if p.service_desk]),
            ("step", [s.id for s in self.steps]),
        ):
            problems += [f"{what} {i} stands twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
        return problems

    def _desks_of_a_team(self) -> list[str]:
        """What is asked at a desk is filed in the team's project: in one and the same it would never end."""
        keys = {project.jira for project in self.projects}
        return [
            f"service desk {project.service_desk} is a project of its own, not one that a team works in"
            for project in self.projects
            if project.service_desk in keys
        ]

    def _dependencies_without_order(self) -> list[str]:
        known = [project.id for project in self.projects]
        pairs = [(on, project.id) for project in self.projects for on in project.depends_on]
        found = [f"{id_}: depends_on {on} is not among the projects" for on, id_ in pairs if on not in known]
        try:
            waves(known, pairs)
        except Cycle as circle:
            found.append(f"depends_on: {circle}")
        return found

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

    def candidates_of(self, project: Project) -> Candidates:
        """When candidates of this project are cut."""
        return project.candidates or self.candidates

    @property
    def review_schedule(self) -> Schedule:
        """When the weekly review is."""
        rules = self.review
        return Schedule(rules.rule, rules.time_zone, rules.holidays, self.working_hours.days)

    def hours_of(self, person: Person) -> WorkingHours:
        """When `person` works, by the clock where they are."""
        return WorkingHours.model_validate({**self.working_hours.model_dump(), "time_zone": person.time_zone})

    @property
    def keeper(self) -> Person | None:
        """Who hands on what people without Slack have to see: a manager who has it, or else anybody."""
        able = [p for p in (*self.with_role("manager"), *self.people) if p.active and p.slack]
        return able[0] if able else None

    def with_role(self, role: str) -> tuple[Person, ...]:
        """Active people who hold `role`, in the file's order."""
        return tuple(p for p in self.people if p.active and role in p.roles)

    def steps_for(self, kind: str) -> tuple[Step, ...]:
        """The sign-offs a release of `kind` ("regular" or "hotfix") needs, in order."""
        return tuple(step for step in self.steps if kind == "regular" or step.hotfix)
