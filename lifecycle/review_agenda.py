"""What a review looks at besides the requests themselves: likeness, what was left over, what people answered.

Read once, when the review begins; it is part of what was proposed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from pydantic import BaseModel

from lifecycle import merging
from lifecycle.events import FeedbackGiven
from lifecycle.merging import Merges
from lifecycle.phases import Phase
from lifecycle.release import Release
from lifecycle.requests import AlikeFound
from lifecycle.scoring import RequestSource
from lifecycle.throughput import Capacity

_DONE_AND_OVER = (Phase.ABANDONED, Phase.SUPERSEDED, Phase.CLOSED)
_ANSWERS = ("not", "partly", "solved")


class LeftOver(BaseModel, frozen=True):
    """An issue that was planned for `version` and did not go out with it."""

    issue: str
    title: str
    version: str


class Answer(BaseModel, frozen=True):
    """What a requester said of an issue after its release."""

    issue: str
    version: str
    answer: Literal["solved", "partly", "not"]
    score: int | None = None
    comment: str = ""


class Agenda(BaseModel, frozen=True):
    """`sources`: who asked, by issue. `questions`: open requests that wait for an answer.

    `alike`: likeness that nobody has judged, the best first; of it and of `answers` only the first, with
    the number of all. `feedback` says in lines what the answers add up to.
    """

    sources: dict[str, RequestSource] = {}
    questions: tuple[str, ...] = ()
    alike: tuple[AlikeFound, ...] = ()
    alike_total: int = 0
    left_over: tuple[LeftOver, ...] = ()
    answers: tuple[Answer, ...] = ()
    answers_total: dict[str, int] = {}
    feedback: tuple[str, ...] = ()
    capacity: Capacity | None = None


def open_alike(
    found: Iterable[AlikeFound], merges: Merges, still_open: Collection[str]
) -> tuple[AlikeFound, ...]:
    """Of what reads alike, the pairs that are both open and not merged, each once, the most alike first."""
    best: dict[frozenset[str], AlikeFound] = {}
    for each in found:
        pair = frozenset((each.issue, each.other))
        open_pair = len(pair) == 2 and all(key in still_open for key in pair)
        better = pair not in best or each.score > best[pair].score
        if open_pair and better and not _one_wish(pair, merges):
            best[pair] = each
    return tuple(sorted(best.values(), key=lambda a: (-a.score, a.issue, a.other)))


def _one_wish(pair: Iterable[str], merges: Merges) -> bool:
    return len({merging.original_of(merges, key) for key in pair}) == 1


def left_over(releases: Iterable[Release]) -> tuple[LeftOver, ...]:
    """What ended releases planned, or removed from their plan, and no release delivers or is about to."""
    known = list(releases)
    delivered = {
        key
        for release in known
        if release.phase not in (Phase.ABANDONED, Phase.SUPERSEDED)
        for key in release.delivers
    }
    found: dict[str, LeftOver] = {}
    for release in known:
        if release.phase in _DONE_AND_OVER:
            titles = {**release.closed.titles, **release.plan.titles}
            for key in dict.fromkeys((*release.closed.issues, *release.plan.issues)):
                if key not in delivered:
                    title = titles.get(key, "")
                    found[key] = LeftOver(issue=key, title=title, version=release.plan.version)
    return tuple(found.values())


def answers(given: Iterable[tuple[str, FeedbackGiven]]) -> tuple[Answer, ...]:
    """What requesters answered, by version: those whose wish was not met first."""
    found = [
        Answer(issue=a.issue, version=version, answer=a.answer, score=a.score, comment=a.comment)
        for version, a in given
    ]
    return tuple(sorted(found, key=lambda a: _ANSWERS.index(a.answer)))


def counts(given: Iterable[Answer]) -> Mapping[str, int]:
    """How many answered so."""
    found = [each.answer for each in given]
    return {answer: found.count(answer) for answer in _ANSWERS if answer in found}
