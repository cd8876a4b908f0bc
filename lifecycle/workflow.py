"""The statuses of one Jira issue, which moves are legal, and what GitLab's facts imply.

Forward one step at a time; back only by `RETURNS`. One exception: an issue on which nothing was reviewed
yet (`To Do`, `In Progress`) may be rejected straight to `Closed`, as a duplicate or as not wanted: there
is no work whose steps could be skipped. From Code Review on, an issue has to be returned first.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from pydantic import RootModel, model_validator


class Status(StrEnum):
    """Our names. The team's own are mapped to these by `StatusMap`."""

    TO_DO = "To Do"
    IN_PROGRESS = "In Progress"
    CODE_REVIEW = "Code Review"
    QA = "QA"
    WAITING_RELEASE = "Waiting Release"
    RELEASED = "Released"
    CLOSED = "Closed"


FORWARD: tuple[Status, ...] = tuple(Status)
"""The way of an issue that is never returned."""

RETURNS: frozenset[tuple[Status, Status]] = frozenset(
    {
        (Status.CODE_REVIEW, Status.IN_PROGRESS),
        (Status.QA, Status.IN_PROGRESS),
        (Status.RELEASED, Status.WAITING_RELEASE),  # a rollback
    }
)

REJECTABLE: frozenset[Status] = frozenset({Status.TO_DO, Status.IN_PROGRESS})
"""From here an issue may be closed without being built."""

_PLACE: Mapping[Status, int] = {status: place for place, status in enumerate(FORWARD)}
_MOVES: frozenset[tuple[Status, Status]] = (
    frozenset(pairwise(FORWARD)) | RETURNS | {(status, Status.CLOSED) for status in REJECTABLE}
)


class IllegalTransition(Exception):
    """No rule leads from `current` to `target`; ask a person, do not force it."""

    def __init__(self, current: Status, target: Status) -> None:
        super().__init__(current, target)
        self.current = current
        self.target = target

    def __str__(self) -> str:
        return f"an issue cannot go from {self.current} to {self.target}"


class UnknownStatus(Exception):
    """Jira holds a status that the policy does not map; add it to the policy's statuses."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        return f"status {self.name!r} is not mapped; the policy knows {', '.join(self.known)}"


class CodeFact(StrEnum):
    """What GitLab tells us of an issue's code."""

    BRANCH_PUSHED = "branch pushed"
    MERGE_REQUEST_READY = "merge request ready"
    MERGE_REQUEST_DRAFT = "merge request draft"
    CHANGES_REQUESTED = "changes requested"
    PIPELINE_FAILED = "pipeline failed"
    MERGED = "merged"
    TESTABLE = "on the test environment"


_IMPLIED: Mapping[CodeFact, Status] = {
    CodeFact.BRANCH_PUSHED: Status.IN_PROGRESS,
    CodeFact.MERGE_REQUEST_READY: Status.CODE_REVIEW,
    CodeFact.MERGE_REQUEST_DRAFT: Status.IN_PROGRESS,
    CodeFact.CHANGES_REQUESTED: Status.IN_PROGRESS,
    CodeFact.PIPELINE_FAILED: Status.IN_PROGRESS,
    CodeFact.MERGED: Status.QA,
    CodeFact.TESTABLE: Status.QA,
}
_SENDS_BACK = frozenset({CodeFact.MERGE_REQUEST_DRAFT, CodeFact.CHANGES_REQUESTED, CodeFact.PIPELINE_FAILED})


class LastMove(NamedTuple):
    """When an issue came to its present status, whether a person (not Conveyor) put it there.

    `back`: it had been further.
    """

    at: datetime
    by_person: bool
    back: bool = False


def may_move(current: Status, target: Status) -> bool:
    """Tell whether one move leads from `current` to `target`. Staying is not a move."""
    return (current, target) in _MOVES


def is_back(before: Status, after: Status) -> bool:
    """Whether `after` is an earlier status than `before`."""
    return _PLACE[after] < _PLACE[before]


def move(current: Status, target: Status) -> Status:
    """Move one step and return where the issue stands now.

    Raises:
        IllegalTransition: no move leads there; staying is not one either, so look first.
    """
    if not may_move(current, target):
        raise IllegalTransition(current, target)
    return target


def steps(current: Status, target: Status) -> tuple[Status, ...]:
    """Return the single moves that lead forward to `target`, without `current`.

    Empty when the issue stands there or is ahead: this path never leads back.
    """
    return FORWARD[_PLACE[current] + 1 : _PLACE[target] + 1]


def follow(current: Status, fact: CodeFact, *, moved_by_person: bool = False) -> Status | None:
    """Return the status that `fact` implies for the issue, or None where it stays.

    An issue that is ahead is not dragged back. Three facts do send an issue back from Code Review to In
    Progress: a merge request made a draft again, changes requested, and a failed pipeline; never if
    `moved_by_person`, that is, if a person was the last to set the present status. A closed issue stays
    closed.
    """
    implied = _IMPLIED[fact]
    if current is Status.CLOSED:
        return None
    if _PLACE[implied] > _PLACE[current]:
        return implied
    if current is Status.CODE_REVIEW and fact in _SENDS_BACK and not moved_by_person:
        return implied
    return None


def follow_steps(current: Status, fact: CodeFact, *, moved_by_person: bool = False) -> tuple[Status, ...]:
    """Return the single moves that bring the issue to where `follow` wants it; empty where it stays."""
    target = follow(current, fact, moved_by_person=moved_by_person)
    if target is None:
        return ()
    return steps(current, target) or (target,)


def heed(
    current: Status, fact: CodeFact, last: LastMove | None, since: datetime | None
) -> tuple[Status, ...]:
    """Return the moves of `follow_steps`, unless a person decided otherwise after `since`.

    `since` is when the fact came about, None where GitLab does not tell: then no issue is sent back that a
    person moved, or whose history (`last`) nobody knows, and none forward that a person took back.
    """
    if since is None:
        if last is not None and last.by_person and last.back:
            return ()
        return follow_steps(current, fact, moved_by_person=last is None or last.by_person)
    if last is not None and last.by_person and last.at > since:
        return ()
    return follow_steps(current, fact)


def meant_keys(project_key: str, names: Iterable[str], messages: Iterable[str]) -> tuple[str, ...]:
    """Find the issues that code is for: keys in `names` (a branch, a title) and in trailers of `messages`.

    A trailer is a line such as `Issue: SHOP-7` or `Closes SHOP-7, SHOP-8`. A key that a message merely
    mentions is not one that the code is for.
    """
    lines = (match[1] for message in messages for match in _TRAILER.finditer(message))
    trailers = (run[0] for line in lines if (run := _KEYS.match(line)))
    return issue_keys("\n".join([*names, *trailers]), project_key)


_CLOSING = r"close[sd]?|fix(?:e[sd])?|resolve[sd]?|implement(?:s|ed)?"
_TRAILER = re.compile(rf"(?im)^[ \t]*(?:(?:issues?|jira|refs)[ \t]*:|(?:{_CLOSING})\b:?)[ \t]*(\S.*)$")
_KEY = r"[A-Za-z][A-Za-z0-9_]*-[0-9]+"
_KEYS = re.compile(rf"{_KEY}(?:[ \t,;&]+(?:and[ \t]+)?{_KEY})*")


def issue_keys(text: str, project_key: str) -> tuple[str, ...]:
    """Find the project's issue keys in a branch name, a title or a message: in order, each once.

    They come in upper case; `shop-12-empty-cart` counts, for people write branches so. `ESHOP-12`,
    `MY_SHOP-12`, `SHOP-012`, `SHOP-12b` and the version `shop-1.4` are no keys of `SHOP`.

    Source: https://support.atlassian.com/jira-software-cloud/docs/reference-issues-in-your-development-work/
    """
    before, after = r"(?<![A-Za-z0-9])(?<![A-Z]_)", r"(?![A-Za-z0-9]|\.[0-9])"
    pattern = rf"{before}(?i:{re.escape(project_key)})-([1-9][0-9]*){after}"
    found = (f"{project_key.upper()}-{match.group(1)}" for match in re.finditer(pattern, text))
    return tuple(dict.fromkeys(found))


class StatusMap(RootModel[dict[str, Status]], frozen=True):
    """The team's own status names, each with the status of ours that it means.

    Several of theirs may mean one of ours; the first listed is the one that we move issues to. A name that
    is not listed means itself if it is one of ours, so an empty map fits a Jira that uses our names. Case
    and outer blanks are ignored.
    """

    root: dict[str, Status] = {}

    @model_validator(mode="after")
    def _names_differ(self) -> "StatusMap":
        names = [_plain(name) for name in self.root]
        if len(set(names)) != len(names) or "" in names:
            raise ValueError("a status name is empty or listed twice")
        return self

    def to_ours(self, name: str) -> Status:
        """Translate the team's name.

        Raises:
            UnknownStatus: the policy does not know it; never guess.
        """
        theirs = {_plain(status): status for status in Status}
        theirs |= {_plain(listed): status for listed, status in self.root.items()}
        if _plain(name) not in theirs:
            raise UnknownStatus(name, tuple(dict.fromkeys([*self.root, *Status])))
        return theirs[_plain(name)]

    def all_theirs(self, status: Status) -> tuple[str, ...]:
        """Every name of the team's that means our status; ours where they list none."""
        return tuple(name for name, ours in self.root.items() if ours is status) or (status.value,)

    def to_theirs(self, status: Status) -> str:
        """Translate our status to the first of the team's names that means it."""
        return self.all_theirs(status)[0]


def _plain(name: str) -> str:
    return name.strip().casefold()
