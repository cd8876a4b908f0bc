"""How far a request is, in words that whoever asked for it understands; and how one is found again.

What the page shows is what is searched: the key and the title, never a text that may hold more than a client
should read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from lifecycle.phases import Phase
from lifecycle.scoring import RequestSource
from lifecycle.workflow import Status


class State(StrEnum):
    """What a list of requests is filtered by; `words` says more."""

    OPEN = "open"
    PLANNED = "planned"
    IN_WORK = "in work"
    TESTED = "being tested"
    DONE = "done"
    LIVE = "live"
    MERGED = "merged"
    CLOSED = "closed"


class Delivery(NamedTuple):
    """A release that has the request in it; `live` is when production last got it (aware), if it did."""

    version: str
    phase: Phase
    live: datetime | None = None


class Progress(NamedTuple):
    """Where a request stands; `version` is its release, "" while it has none."""

    state: State
    words: str
    version: str = ""


_OVER = (Phase.ABANDONED, Phase.SUPERSEDED)
_LIVE = (Phase.WATCHING, Phase.FEEDBACK, Phase.CLOSED)
_TAKEN_BACK = (Phase.ROLLING_BACK, Phase.ROLLED_BACK)


def progress(
    status: Status | None,
    fix_versions: Sequence[str] = (),
    deliveries: Iterable[Delivery] = (),
    merged_into: str = "",
) -> Progress:
    """Say where a request stands. `deliveries`: in the order they were planned; the last one counts.

    A release that was given up says nothing. What production runs counts more than what Jira says of the
    issue; a status that the policy does not know (None) is one on which nothing has begun.
    """
    going = [delivery for delivery in deliveries if delivery.phase not in _OVER]
    newest = going[-1] if going else None
    version = newest.version if newest else "".join(fix_versions[-1:])
    if merged_into:
        return Progress(State.MERGED, f"merged into {merged_into}", version)
    if newest and newest.phase in _LIVE:
        since = f" since {newest.live:%Y-%m-%d}" if newest.live else ""
        return Progress(State.LIVE, f"live{since}", version)
    if newest and newest.phase in _TAKEN_BACK:
        return Progress(State.IN_WORK, "taken back from production, in work again", version)
    return _by_status(status, version)


def _by_status(status: Status | None, version: str) -> Progress:
    match status:
        case Status.IN_PROGRESS | Status.CODE_REVIEW:
            return Progress(State.IN_WORK, "in work", version)
        case Status.QA:
            return Progress(State.TESTED, "being tested", version)
        case Status.WAITING_RELEASE:
            words = f"done, comes with {version}" if version else "done, waits for its release"
            return Progress(State.DONE, words, version)
        case Status.RELEASED:
            return Progress(State.LIVE, "live", version)
        case Status.CLOSED:
            return Progress(State.CLOSED, "closed", version)
        case _ if version:
            return Progress(State.PLANNED, f"planned for {version}", version)
        case _:
            return Progress(State.OPEN, "we have it")


class Listed(NamedTuple):
    """One request as the list shows it; `votes`: how many asked for it, and voted in Jira.

    `siblings` are the keys of those that ask for the same. `folded` is what is searched; see `folded`.
    """

    key: str
    title: str
    type: str
    source: RequestSource
    progress: Progress
    votes: int
    siblings: tuple[str, ...]
    created: datetime
    folded: str


class Wanted(NamedTuple):
    """What somebody looks for; what is empty does not restrict."""

    text: str = ""
    source: str = ""
    type: str = ""
    state: str = ""


def folded(key: str, title: str) -> str:
    """The text that a request is found by, in which case does not count."""
    return f"{key} {title}".casefold()


def found(listed: Iterable[Listed], wanted: Wanted) -> list[Listed]:
    """Return the requests that hold every word of the text, in the order given; the named one first."""
    words = wanted.text.casefold().split()
    those = list(listed)
    for word in words:
        those = [each for each in those if word in each.folded]
    if wanted.source:
        those = [each for each in those if each.source == wanted.source]
    if wanted.type:
        those = [each for each in those if each.type == wanted.type]
    if wanted.state:
        those = [each for each in those if each.progress.state == wanted.state]
    named = [each for each in those if [each.key.casefold()] == words] if len(words) == 1 else []
    return [*named, *(each for each in those if each not in named)] if named else those
