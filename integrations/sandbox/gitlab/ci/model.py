"""What the CI of one project remembers. Only the engine changes it, under its lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from integrations.sandbox.gitlab.ci.reports import Suite
from integrations.sandbox.gitlab.ci.spec import JobSpec


def utc_now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)


@dataclass(eq=False)
class Pipeline:
    """`ref` as GitLab shows it (`refs/merge-requests/1/head` for a merge request)."""

    id: int
    iid: int
    sha: str
    before_sha: str
    ref: str
    tag: bool
    source: str
    user: Mapping[str, object]
    commit: Mapping[str, object]
    variables: Mapping[str, str]
    merge_request: Mapping[str, object] | None = None
    name: str | None = None
    status: str = "created"
    yaml_errors: str | None = None
    protected: bool = False
    stages: tuple[str, ...] = ()
    jobs: list[Job] = field(default_factory=list["Job"])
    #: What every job of it sees, before the job's own variables: predefined, project's and the file's.
    common: Mapping[str, str] = field(default_factory=dict[str, str])
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def latest(self) -> list[Job]:
        """Its jobs without those that were retried, in the order of stages."""
        return [job for job in self.jobs if not job.retried]

    def coverage(self) -> float | None:
        """The mean over the jobs that measured one, in per cent."""
        found = [job.coverage for job in self.latest() if job.coverage is not None]
        return round(sum(found) / len(found), 2) if found else None


@dataclass(eq=False)
class Environment:
    """A place to deploy to; it comes to be with the first job that names it."""

    id: int
    name: str
    tier: str
    external_url: str | None = None
    state: str = "available"
    auto_stop_at: datetime | None = None
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)


@dataclass(eq=False)
class Deployment:
    """`job` is None for one that was recorded through the API."""

    id: int
    iid: int
    environment: Environment
    sha: str
    ref: str
    tag: bool
    user: Mapping[str, object]
    commit: Mapping[str, object]
    job: Job | None = None
    status: str = "created"
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Artifact:
    """One stored file of a job; `file_type` is archive, junit, trace and so on."""

    file_type: str
    filename: str
    path: Path
    file_format: str = "raw"

    @property
    def size(self) -> int:
        """In bytes; 0 while there is no file."""
        return self.path.stat().st_size if self.path.exists() else 0


@dataclass(eq=False)
class Job:
    """One job; a retry is another one, with the same name."""

    id: int
    spec: JobSpec
    pipeline: Pipeline
    when: str
    allow_failure: bool
    #: The job's variables, the rule's and those given when it was played, unexpanded.
    variables: dict[str, str]
    user: Mapping[str, object]
    trace: Path
    status: str = "created"
    environment: Environment | None = None
    deployment: Deployment | None = None
    resource_group: str | None = None
    #: All its variables, expanded, once it runs.
    known: Mapping[str, str] = field(default_factory=dict[str, str])
    attempt: int = 0
    retried: bool = False
    failure_reason: str | None = None
    coverage: float | None = None
    suite: Suite | None = None
    dotenv: dict[str, str] = field(default_factory=dict[str, str])
    artifacts: list[Artifact] = field(default_factory=list[Artifact])
    artifacts_expire_at: datetime | None = None
    created_at: datetime = field(default_factory=utc_now)
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def name(self) -> str:
        """As in the file."""
        return self.spec.name

    @property
    def duration_s(self) -> float | None:
        """How long it ran, or has run until now."""
        if self.started_at is None:
            return None
        return ((self.finished_at or utc_now()) - self.started_at).total_seconds()

    @property
    def queued_s(self) -> float | None:
        """How long it waited for the runner."""
        if self.queued_at is None:
            return None
        return ((self.started_at or self.finished_at or utc_now()) - self.queued_at).total_seconds()
