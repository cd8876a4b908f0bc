"""The rows of this Jira and how they are found. No HTTP, no JSON; whoever touches it holds `lock`."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.jira.catalogue import ISSUE_TYPES, RESOLUTIONS, STATUSES, TRANSITIONS, Transition
from integrations.sandbox.people import SandboxPerson


class Problem(Exception):
    """A request is answered with `status` and Jira's error body."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


@dataclass(slots=True)
class Comment:
    """A comment with its properties; `author` is an account id, as everywhere here."""

    id: str
    author: str
    body: str
    created: datetime
    updated: datetime
    properties: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Change:
    """One entry of an issue's history: who, when, and the fields' old and new values in Jira's shape."""

    id: str
    author: str
    created: datetime
    items: list[dict[str, Any]]


@dataclass(slots=True)
class Link:
    """`inward` does the link type's outward thing to `outward`: a blocker is the inward issue."""

    id: str
    type: str
    inward: str
    outward: str


@dataclass(slots=True)
class Version:
    """A version of a project; `release_date` is an ISO date or empty."""

    id: str
    project: str
    name: str
    description: str = ""
    released: bool = False
    archived: bool = False
    release_date: str = ""


@dataclass(slots=True)
class Issue:
    """One issue. Statuses, types, priorities and people by name or account id, versions by id."""

    id: str
    key: str
    project: str
    summary: str
    created: datetime
    updated: datetime
    reporter: str
    creator: str
    description: str = ""
    status: str = "To Do"
    issuetype: str = "Task"
    priority: str = "Medium"
    assignee: str = ""
    resolution: str = ""
    resolved: datetime | None = None
    duedate: str = ""
    parent: str = ""
    labels: list[str] = field(default_factory=list[str])
    fix_versions: list[str] = field(default_factory=list[str])
    components: list[str] = field(default_factory=list[str])
    comments: list[Comment] = field(default_factory=list[Comment])
    history: list[Change] = field(default_factory=list[Change])
    links: list[Link] = field(default_factory=list[Link])
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    remote_links: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    rank: float = 0.0
    votes: int = 0

    @property
    def number(self) -> int:
        """The N of KEY-N."""
        return int(self.key.rpartition("-")[2])


_OURS = frozenset({"lock", "people", "cloud", "desks"})
"""What the next process says anew."""


class State:
    """Everything this Jira knows."""

    def __init__(
        self,
        people: Iterable[SandboxPerson],
        projects: Mapping[str, str],
        *,
        cloud: bool,
        desks: Collection[str] = (),
    ) -> None:
        self.lock = threading.RLock()
        self.cloud = cloud
        self.people = {person.jira_account_id: person for person in people}
        self.desks = frozenset(desks)
        self.projects: dict[str, str] = {}
        self.project_ids: dict[str, str] = {}
        self.issue_types = dict(ISSUE_TYPES)
        self.resolutions = dict(RESOLUTIONS)
        self.transitions = list(TRANSITIONS)
        self.issues: dict[str, Issue] = {}
        self.by_id: dict[str, Issue] = {}
        self.by_status: defaultdict[tuple[str, str], dict[str, Issue]] = defaultdict(dict)
        self.by_label: defaultdict[str, dict[str, Issue]] = defaultdict(dict)
        self.by_parent: defaultdict[str, dict[str, Issue]] = defaultdict(dict)
        self.versions: dict[str, Version] = {}
        self.links: dict[str, Link] = {}
        self.revision = 0
        self._last_id = 10_000
        self._numbers: defaultdict[str, int] = defaultdict(int)
        for key, name in projects.items():
            self.add_project(key, name)

    def kept(self) -> dict[str, Any]:
        """What outlives the process, for `restore`."""
        return {name: value for name, value in vars(self).items() if name not in _OURS}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `kept` gave; projects named since then are added."""
        projects = self.projects
        vars(self).update(kept)
        for key, name in projects.items():
            self.add_project(key, name)

    def now(self) -> datetime:
        """The present, aware UTC, to the millisecond as Jira keeps it."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def next_id(self) -> str:
        """A number that nothing in this Jira has yet."""
        self._last_id += 1
        return str(self._last_id)

    def add_project(self, key: str, name: str) -> None:
        """Add a project with this workflow; one that exists stays as it is."""
        if key not in self.projects:
            self.projects[key] = name
            self.project_ids[key] = self.next_id()

    def next_key(self, project: str) -> str:
        """The key of the project's next issue."""
        return f"{project}-{self._numbers[project] + 1}"

    def add(self, issue: Issue) -> None:
        """Put a new issue into every index."""
        self._numbers[issue.project] = max(self._numbers[issue.project], issue.number)
        issue.rank = float(issue.id)
        self.issues[issue.key] = self.by_id[issue.id] = issue
        self.by_status[issue.project, issue.status][issue.key] = issue
        for label in issue.labels:
            self.by_label[label.casefold()][issue.key] = issue
        if issue.parent:
            self.by_parent[issue.parent][issue.key] = issue
        self.revision += 1

    def remove(self, issue: Issue) -> None:
        """Take an issue out with its links; one with sub-tasks only after them."""
        if issue.parent:
            del self.by_parent[issue.parent][issue.key]
        for link in list(issue.links):
            self.unlink(link)
        del self.issues[issue.key], self.by_id[issue.id]
        del self.by_status[issue.project, issue.status][issue.key]
        for label in issue.labels:
            self.by_label[label.casefold()].pop(issue.key, None)
        self.revision += 1

    def subtasks(self, key: str) -> list[Issue]:
        """The issues under that one, the oldest first."""
        return list(self.by_parent[key].values()) if key in self.by_parent else []

    def move(self, issue: Issue, status: str) -> None:
        """Set the status, and the resolution's date with it."""
        del self.by_status[issue.project, issue.status][issue.key]
        issue.status = status
        self.by_status[issue.project, status][issue.key] = issue

    def relabel(self, issue: Issue, labels: list[str]) -> None:
        """Replace the labels."""
        for label in issue.labels:
            self.by_label[label.casefold()].pop(issue.key, None)
        issue.labels = labels
        for label in labels:
            self.by_label[label.casefold()][issue.key] = issue

    def link(self, type_: str, inward: Issue, outward: Issue) -> Link | None:
        """Link two issues; None if they are linked so already."""
        for link in inward.links:
            if (link.type, link.inward, link.outward) == (type_, inward.key, outward.key):
                return None
        link = Link(self.next_id(), type_, inward.key, outward.key)
        self.links[link.id] = link
        inward.links.append(link)
        outward.links.append(link)
        return link

    def unlink(self, link: Link) -> None:
        """Remove a link from both of its issues."""
        del self.links[link.id]
        for key in (link.inward, link.outward):
            self.issues[key].links.remove(link)

    def ways_from(self, issue: Issue) -> list[Transition]:
        """The transitions that the issue may take."""
        return [way for way in self.transitions if issue.status in way.sources]

    def issue(self, key_or_id: str) -> Issue:
        """Find by key or id, or answer 404 as Jira does."""
        found = self.issues.get(key_or_id.upper()) or self.by_id.get(key_or_id)
        if found is None:
            raise Problem(404, "Issue does not exist or you do not have permission to see it.")
        return found

    def project(self, key_or_id: str) -> str:
        """The project's key, or 404."""
        for key, id_ in self.project_ids.items():
            if key_or_id in (key, id_):
                return key
        raise Problem(404, f"No project could be found with key '{key_or_id}'.")

    def version(self, id_: str) -> Version:
        """Find by id, or 404."""
        if id_ not in self.versions:
            raise Problem(404, f"Could not find version for id '{id_}'")
        return self.versions[id_]

    def versions_of(self, project: str) -> list[Version]:
        """The project's versions in the order of their making."""
        return [version for version in self.versions.values() if version.project == project]

    def status(self, name_or_id: str) -> str | None:
        """The status of that name (case ignored) or id."""
        wanted = name_or_id.casefold()
        return next((s.name for s in STATUSES.values() if wanted in (s.name.casefold(), s.id)), None)

    def touch(self, issue: Issue, author: str, items: list[dict[str, Any]]) -> Change:
        """Enter a change in the issue's history."""
        issue.updated = max(self.now(), issue.updated)
        change = Change(self.next_id(), author, issue.updated, items)
        issue.history.append(change)
        self.revision += 1
        return change
