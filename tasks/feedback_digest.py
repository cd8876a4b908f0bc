"""What was said about what went out, over a time: for the next review's agenda. From the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lifecycle import feedback
from lifecycle import release as rules
from lifecycle.events import FeedbackAsked, FeedbackGiven
from lifecycle.feedback import Figures, Theme
from tasks import feedback_messages, folding
from tasks.context import ledger, policy


class Said(NamedTuple):
    """One answer that stands. `late`: after the closing; `goes_on`: the request that came of it, or ""."""

    version: str
    issue: str
    title: str
    who: str
    answer: str
    score: int | None
    comment: str
    entered_by: str
    late: bool
    goes_on: str


class Digest(NamedTuple):
    """The answers given (or changed) in that time, in order; the figures count them, and what was asked."""

    figures: Figures
    themes: tuple[Theme, ...]
    said: tuple[Said, ...]


def since(project_id: str, moment: datetime) -> Digest:
    """What was answered about the project's releases at `moment` (aware) or after."""
    asked: list[FeedbackAsked] = []
    given: list[FeedbackGiven] = []
    said: list[Said] = []
    for stream in ledger().subjects(rules.release_id(project_id, "")):
        recorded = ledger().events(stream)
        release = folding.folded(recorded)
        if release is None:
            continue
        recent = [
            (e.kind, str(e.data["request"])) for e in recorded if e.at >= moment and "request" in e.data
        ]
        new = [each for each in release.answers if ("FeedbackGiven", each.request) in recent]
        counted = {request for kind, request in recent if kind in ("FeedbackAsked", "FeedbackGiven")}
        asked += [each for each in release.feedback_asked if each.request in counted]
        given += new
        said += of_release(release, new)
    themes = feedback.themes(each.comment for each in given)
    return Digest(feedback.measure(asked, given), themes, tuple(said))


def of_release(release: rules.Release, given: Sequence[FeedbackGiven]) -> list[Said]:
    """These answers of one release, for people."""
    return [
        Said(
            version=release.plan.version,
            issue=each.issue,
            title=release.plan.titles.get(each.issue, ""),
            who=feedback_messages.called(release, policy(), each.person),
            answer=each.answer,
            score=each.score,
            comment=each.comment,
            entered_by=feedback_messages.called(release, policy(), each.entered_by),
            late=each in release.feedback_late,
            goes_on=feedback.followed_by(release, each.request),
        )
        for each in given
    ]
