"""What the sandbox's GitLab holds in memory: accounts, projects and everything in them but the code."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from integrations.sandbox.gitlab.ci_settings import FreezePeriod, Variable
from integrations.sandbox.people import SandboxPerson

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50

Fields = dict[str, object]


def now() -> datetime:
    """The sandbox's clock: aware, UTC."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """GitLab's way to write a time: `2026-03-05T10:11:12.345Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class ProjectSeed:
    """A project to begin with. `seed_dir`: the content of its first commit (None: an empty repository).

    `variables` are the CI/CD variables, each for all environments unless `scopes` names another scope for
    it (`production`, `review/*`); `members` gives each person's access level (30: Developer,
    40: Maintainer); who is not named does not see the project.
    """

    path: str
    name: str
    default_branch: str = "main"
    seed_dir: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    members: Mapping[str, int] = field(default_factory=dict[str, int])
    scopes: Mapping[str, str] = field(default_factory=dict[str, str])


EVENTS = (
    "push",
    "tag_push",
    "merge_requests",
    "note",
    "issues",
    "releases",
    "pipeline",
    "job",
    "deployment",
)


@dataclass(frozen=True)
class HookSeed:
    """A webhook to begin with; `signing_token` is GitLab 19.0's (`whsec_...`)."""

    project_path: str
    url: str
    token: str = ""
    signing_token: str = ""
    events: Sequence[str] = EVENTS


@dataclass(frozen=True)
class Account:
    """A person's account; `token` authenticates at the API and, as the password, with git."""

    id: int
    username: str
    name: str
    email: str
    token: str
    bot: bool
    active: bool = True

    @classmethod
    def of(cls, person: SandboxPerson) -> Account:
        """The account of a sandbox's person."""
        return cls(
            person.gitlab_id,
            person.id,
            person.name,
            person.email,
            person.token,
            bot=person.is_bot,
            active=person.active,
        )


@dataclass
class Note:
    """One comment on a merge request or an issue; `system` notes are GitLab's own."""

    id: int
    body: str
    author: int
    created: datetime
    updated: datetime
    system: bool = False


@dataclass
class MergeRequest:
    """`state` is opened, closed, merged; `sha` the head of the source branch, frozen once merged."""

    id: int
    iid: int
    title: str
    description: str
    source: str
    target: str
    author: int
    sha: str
    base: str
    created: datetime
    updated: datetime
    state: str = "opened"
    assignees: list[int] = field(default_factory=list[int])
    reviewers: list[int] = field(default_factory=list[int])
    review_states: dict[int, str] = field(default_factory=dict[int, str])
    labels: list[str] = field(default_factory=list[str])
    milestone: int | None = None
    squash: bool = False
    remove_source: bool = False
    approvals: dict[int, datetime] = field(default_factory=dict[int, datetime])
    notes: list[Note] = field(default_factory=list[Note])
    auto_merge: int | None = None
    auto_merge_sha: str = ""
    merge_message: str = ""
    merge_error: str | None = None
    merged_by: int | None = None
    merged: datetime | None = None
    merge_commit: str | None = None
    squash_commit: str | None = None
    closed_by: int | None = None
    closed: datetime | None = None

    @property
    def draft(self) -> bool:
        """Whether the title says that it is not ready."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


@dataclass
class Issue:
    """One GitLab issue."""

    id: int
    iid: int
    title: str
    description: str
    author: int
    created: datetime
    updated: datetime
    state: str = "opened"
    assignees: list[int] = field(default_factory=list[int])
    labels: list[str] = field(default_factory=list[str])
    milestone: int | None = None
    due: str | None = None
    confidential: bool = False
    closed: datetime | None = None
    closed_by: int | None = None
    notes: list[Note] = field(default_factory=list[Note])


@dataclass
class Milestone:
    """One milestone of a project."""

    id: int
    iid: int
    title: str
    description: str
    created: datetime
    updated: datetime
    state: str = "active"
    due: str | None = None
    start: str | None = None


@dataclass
class Release:
    """One release, by its tag."""

    tag: str
    name: str
    description: str
    author: int
    created: datetime
    released: datetime
    milestones: list[str] = field(default_factory=list[str])
    links: list[Fields] = field(default_factory=list[Fields])


@dataclass
class Hook:
    """One webhook of a project. `events` are names from `EVENTS`."""

    id: int
    url: str
    token: str
    signing_token: str
    events: set[str]
    created: datetime
    branch_filter: str = ""
    uuid: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass
class Protection:
    """Who may do what to the branches or tags that a pattern (`*` allowed) names; 0: nobody."""

    id: int
    pattern: str
    push: int
    merge: int = 0
    allow_force: bool = False


@dataclass
class Status:
    """An external commit status."""

    id: int
    sha: str
    ref: str
    name: str
    state: str
    author: int
    created: datetime
    description: str | None = None
    target_url: str | None = None
    coverage: float | None = None
    started: datetime | None = None
    finished: datetime | None = None


@dataclass
class Package:
    """One file of a generic package."""

    id: int
    name: str
    version: str
    file: str
    content: bytes
    created: datetime


@dataclass
class WikiPage:
    """One page of the wiki, by its slug."""

    slug: str
    title: str
    content: str
    format: str = "markdown"


class Records:
    """What one project holds beside its code. Use under the sandbox's lock."""

    def __init__(self, ids: Iterator[int]) -> None:
        self.ids = ids
        self.merge_requests: dict[int, MergeRequest] = {}
        self.issues: dict[int, Issue] = {}
        self.milestones: dict[int, Milestone] = {}
        self.releases: dict[str, Release] = {}
        self.hooks: dict[int, Hook] = {}
        self.labels: dict[str, Fields] = {}
        self.statuses: list[Status] = []
        self.packages: list[Package] = []
        self.wiki: dict[str, WikiPage] = {}
        self.branch_rules: dict[str, Protection] = {}
        self.tag_rules: dict[str, Protection] = {}
        self.variables: list[Variable] = []
        self.freezes: dict[int, FreezePeriod] = {}

    def next_iid(self, kind: Mapping[int, object]) -> int:
        """The next number within the project for merge requests, issues or milestones."""
        return max(kind, default=0) + 1


class Ids:
    """Numbers that no two things of the whole instance share."""

    def __init__(self) -> None:
        self._count = itertools.count(1001)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._count)
