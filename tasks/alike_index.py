"""The open requests of a project as one index, kept in this process and brought up to date by the mirror."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

from integrations.ledger import Ledger, MirroredIssue
from lifecycle.duplicates import Index
from tasks.context import ledger


class Asked(NamedTuple):
    """What others are compared with: an issue, or a text with "" as its key."""

    key: str
    title: str
    text: str
    at: datetime


class _Said(NamedTuple):
    """What is indexed of one request."""

    title: str
    created: datetime
    text_hash: int


class _Kept:
    """One project's index, up to a revision of its mirror.

    Nothing is taken out of an index: what is not open any more stays in it and is passed over.
    """

    def __init__(self, waiting: frozenset[str]) -> None:
        self.waiting = waiting
        self.revision = self.removals = 0
        self.index = Index()
        self.said: dict[str, _Said] = {}
        self.open: set[str] = set()

    def take(self, issues: Iterable[MirroredIssue]) -> bool:
        """Take new states in; False if one is indexed that now says something else: then start anew."""
        for issue in issues:
            waits = issue.status.casefold() in self.waiting and not issue.fix_versions
            if not waits or issue.subtask:
                self.open.discard(issue.key)
                continue
            said = _Said(issue.summary, issue.created, hash(issue.text))
            if self.said.setdefault(issue.key, said) != said:
                return False
            self.open.add(issue.key)
            self.index.add(issue.key, issue.summary, issue.text, issue.created)
        return True


_kept: WeakKeyDictionary[Ledger, dict[str, _Kept]] = WeakKeyDictionary()
_using = threading.Lock()


def rank(jira_key: str, waiting: frozenset[str], asked: Asked, count: int) -> list[tuple[str, str, float]]:
    """The open requests from before that are most like what is `asked`: key, title, score; best first.

    Open means: in one of the statuses `waiting` (small letters), in no version and no sub-task. The first
    call of a process reads all of them, unless it was prepared; a later one what changed since.
    """
    with _using:
        kept = _current(jira_key, waiting)
        fits = {key for key in kept.open if key != asked.key and kept.said[key].created <= asked.at}
        passed_over = len(kept.said) - len(fits)
        ranked = kept.index.rank(asked.title, asked.text, asked.at, k=count + passed_over)
        return [(key, kept.said[key].title, score) for key, score in ranked if key in fits][:count]


def prepare(jira_key: str, waiting: frozenset[str]) -> None:
    """Make the index before somebody waits for it; forks of this process have it too."""
    with _using:
        _current(jira_key, waiting)


def _current(jira_key: str, waiting: frozenset[str]) -> _Kept:
    book = ledger()
    mine = _kept.setdefault(book, {})
    known = mine.pop(jira_key, None)  # a call that fails half-way leaves nothing half-updated
    if known is not None and known.waiting == waiting:
        changes = book.mirror_changes(jira_key, known.revision)
        if changes.removals == known.removals and known.take(changes.issues):
            known.revision = changes.revision
            mine[jira_key] = known
            return known
    made = _Kept(waiting)
    made.revision, made.removals = book.mirror_revision(jira_key)
    after, statuses = "", [name for name in book.mirror_statuses(jira_key) if name.casefold() in waiting]
    while page := book.mirrored(jira_key, after, statuses=statuses):
        after = page[-1].key
        made.take(page)
    mine[jira_key] = made
    return made
