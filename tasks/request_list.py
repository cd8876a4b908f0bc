"""Every request with how far it is, from the mirror and the ledger: what the page /requests shows."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakKeyDictionary

from integrations.ledger import Ledger, MirroredIssue
from lifecycle import backlog, merging, requests
from lifecycle.policy import Policy, Project
from lifecycle.progress import Delivery, Listed, folded, progress
from lifecycle.requests import Door, Request
from lifecycle.scoring import RequestSource
from lifecycle.workflow import Status, UnknownStatus
from tasks import folding
from tasks.context import ledger, policy

_RELEASE, _REQUEST = "release:", "request:"


@dataclass(frozen=True)
class _Mirrored:
    """One project's issues, by key, up to a revision of its mirror."""

    revision: int = 0
    removals: int = 0
    issues: Mapping[str, MirroredIssue] = field(default_factory=dict[str, MirroredIssue])


@dataclass(frozen=True)
class _Planned:
    """What one release delivers, and how far it is."""

    project: str
    since: datetime
    delivery: Delivery
    issues: tuple[str, ...]


@dataclass(frozen=True)
class _Look:
    """What one look found by which policy, up to which seq of the ledger; the next reads the rest."""

    rules: Policy
    seq: int = 0
    mirrors: Mapping[str, _Mirrored] = field(default_factory=dict[str, _Mirrored])
    requests: Mapping[str, Request] = field(default_factory=dict[str, Request])
    merges: Mapping[str, backlog.Backlog] = field(default_factory=dict[str, backlog.Backlog])
    releases: Mapping[str, _Planned] = field(default_factory=dict[str, _Planned])
    listed: tuple[Listed, ...] = ()


_looks: WeakKeyDictionary[Ledger, _Look] = WeakKeyDictionary()
_looking = threading.Lock()


def everything() -> tuple[Listed, ...]:
    """Every issue of the mirror as a request, the newest first. Reads only, and never Jira.

    A process remembers its last look: another costs a query per project and what happened since. One
    thread looks at a time, and those that wait find what it found.
    """
    book, now_rules = ledger(), policy()
    with _looking:
        before = _looks.get(book)
        if before is None or before.rules is not now_rules:
            before = _Look(now_rules)
        look = _looks[book] = _look(book, before)
        return look.listed


def _look(book: Ledger, before: _Look) -> _Look:
    now_rules = before.rules
    mirrors = {p.jira: _mirrored(book, p, before.mirrors.get(p.jira)) for p in now_rules.projects}
    seq, changed = book.changed(before.seq)
    if seq == before.seq and all(mirrors[key] is before.mirrors.get(key) for key in mirrors):
        return before
    asked = [stream for stream in changed if stream.startswith(_REQUEST)]
    merged = [p for p in now_rules.projects if backlog.stream(p.id) in changed]
    planned = [stream for stream in changed if stream.startswith(_RELEASE)]
    look = _Look(
        now_rules,
        seq,
        mirrors,
        {**before.requests, **dict(_requests(book, asked))},
        {**before.merges, **{p.id: _merges(book, p) for p in merged}},
        {**before.releases, **dict(_releases(book, planned))},
    )
    rows = itertools.chain.from_iterable(_Rows(look, project).all() for project in now_rules.projects)
    listed = tuple(sorted(rows, key=lambda row: (row.created, row.key), reverse=True))
    return replace(look, listed=listed)


def _mirrored(book: Ledger, project: Project, before: _Mirrored | None) -> _Mirrored:
    known = before or _Mirrored()
    changes = book.mirror_changes(project.jira, known.revision, texts=False)
    if changes.removals != known.removals:
        changes, known = book.mirror_changes(project.jira, texts=False), _Mirrored()
    elif changes.revision == known.revision and before is not None:
        return before
    issues = {**known.issues, **{issue.key: issue for issue in changes.issues}}
    return _Mirrored(changes.revision, changes.removals, issues)


def _requests(book: Ledger, streams: Sequence[str]) -> Iterator[tuple[str, Request]]:
    for stream, recorded in itertools.groupby(book.events_of(streams), key=lambda event: event.subject):
        yield stream.removeprefix(_REQUEST), requests.fold(requests.parse(event.data) for event in recorded)


def _merges(book: Ledger, project: Project) -> backlog.Backlog:
    return backlog.fold(event.data for event in book.events(backlog.stream(project.id)))


def _releases(book: Ledger, streams: Sequence[str]) -> Iterator[tuple[str, _Planned]]:
    for stream, recorded in itertools.groupby(book.events_of(streams), key=lambda event: event.subject):
        history = list(recorded)
        release = folding.folded(history)
        if release is None:
            continue
        live = release.deployed.at if release.deployed else None
        delivery = Delivery(release.plan.version, release.phase, live)
        yield stream, _Planned(release.plan.project, history[0].at, delivery, release.delivers)


class _Rows:
    """The rows of one project."""

    def __init__(self, look: _Look, project: Project) -> None:
        self._look = look
        self._project = project
        self._issues = look.mirrors[project.jira].issues
        originals = look.merges.get(project.id, backlog.Backlog()).merges
        self._groups: defaultdict[str, list[str]] = defaultdict(list)
        for duplicate in originals.originals:
            self._groups[merging.original_of(originals, duplicate)].append(duplicate)
        self._original = {key: root for root, keys in self._groups.items() for key in keys}
        self._deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
        mine = (planned for planned in look.releases.values() if planned.project == project.id)
        for planned in sorted(mine, key=lambda planned: planned.since):
            for key in planned.issues:
                self._deliveries[key].append(planned.delivery)
        self._statuses: dict[str, Status | None] = {}
        self._reporters: dict[str, tuple[str, RequestSource]] = {}

    def all(self) -> Iterator[Listed]:
        """Every issue of the mirror but sub-tasks: they are parts of a request."""
        return (self._row(issue) for issue in self._issues.values() if not issue.subtask)

    def _row(self, issue: MirroredIssue) -> Listed:
        title = requests.one_line(issue.summary)
        root = self._original.get(issue.key, "")
        group = [root or issue.key, *self._groups.get(root or issue.key, ())]
        return Listed(
            key=issue.key,
            title=title,
            type=issue.type,
            source=self._source(issue),
            progress=progress(
                self._status(issue.status),
                issue.fix_versions,
                self._deliveries.get(issue.key, ()),
                merged_into=root,
            ),
            votes=self._votes([issue.key] if root else group),
            siblings=tuple(key for key in group if key != issue.key),
            created=issue.created,
            folded=folded(issue.key, title),
        )

    def _source(self, issue: MirroredIssue) -> RequestSource:
        request = self._look.requests.get(issue.key)
        return request.received[0].source if request and request.received else self._reporter(issue)[1]

    def _votes(self, keys: Iterable[str]) -> int:
        """How many different people asked or voted for these, and how many voted for them in Jira."""
        people: set[str] = set()
        votes = 0
        for key in keys:
            issue, request = self._issues.get(key), self._look.requests.get(key, Request())
            votes += issue.votes if issue else 0
            people |= {received.requester.identity for received in request.received}
            people |= {voted.voter for voted in request.voted}
            if issue and not request.received:
                people.add(self._reporter(issue)[0])
        return len(people) + votes

    def _reporter(self, issue: MirroredIssue) -> tuple[str, RequestSource]:
        """Who made the issue by hand, as a requester's identity, and what they are."""
        if issue.reporter not in self._reporters:
            who = requests.requester_at(self._look.rules, Door.JIRA, issue.reporter)
            source = requests.source_of(Door.JIRA, self._look.rules.person(who.person))
            self._reporters[issue.reporter] = who.identity, source
        return self._reporters[issue.reporter]

    def _status(self, name: str) -> Status | None:
        if name not in self._statuses:
            try:
                self._statuses[name] = self._project.statuses.to_ours(name)
            except UnknownStatus:
                self._statuses[name] = None
        return self._statuses[name]
