"""The review's agenda besides the requests, and the capacity that its plan may count on. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from integrations.errors import NotFound
from integrations.ledger import Event
from lifecycle import events, release, requests, review, review_agenda, throughput
from lifecycle.policy import Project
from lifecycle.release import Release
from lifecycle.requests import AlikeFound
from lifecycle.review_agenda import Agenda, LeftOver
from lifecycle.scoring import Request, Weights
from lifecycle.throughput import Capacity
from lifecycle.workflow import Status, UnknownStatus
from tasks import feedback_digest, feedback_messages, folding, issues
from tasks.backlog import state_of
from tasks.context import ledger, policy

ALIKE_KEPT = 20
ANSWERS_KEPT = 20
THEMES_KEPT = 3
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
LEFT_OVER_READ = 50
"""Of so many issues that a release left over the status in Jira is looked at."""


def capacity(project: Project, now: datetime) -> Capacity:
    """The points that the next plan may hold: measured from what was released, or as the policy sets it."""
    rules = policy().review
    if rules.capacity != "measured":
        return throughput.fixed(rules.capacity)
    return throughput.measured(
        _finished(project),
        now,
        weeks=rules.capacity_weeks,
        period=rules.every.weeks if rules.every else 1,
        time_zone=rules.time_zone,
        otherwise=rules.capacity_unmeasured,
    )


def agenda(project: Project, stream: str, found: Sequence[Request], shown: Collection[str]) -> Agenda:
    """What else the review looks at; `found` are all open requests, `shown` those that have a line."""
    open_keys = {request.key for request in found}
    alike = review_agenda.open_alike(_alike(project, open_keys), state_of(project.id).merges, open_keys)
    since = _begun_before(project, stream) or _EVER
    answers = review_agenda.answers(_answers(project, since))
    return Agenda(
        sources={request.key: request.source for request in found if request.key in shown},
        questions=tuple(request.key for request in found if request.needs_info and request.key in shown),
        alike=alike[:ALIKE_KEPT],
        alike_total=len(alike),
        left_over=tuple(_left_over(project)),
        answers=answers[:ANSWERS_KEPT],
        answers_total=dict(review_agenda.counts(answers)),
        feedback=_feedback(project, since) if answers else (),
    )


def _histories(project: Project) -> Iterator[tuple[Release, Sequence[Event]]]:
    """Every release of the project with its history."""
    for stream in ledger().subjects(release.release_id(project.id, "")):
        history = ledger().events(stream)
        folded = folding.folded(history)
        if folded is not None:
            yield folded, history


def _finished(project: Project) -> Iterator[tuple[datetime, int]]:
    """When how many points went out for good. An issue without a size in a review takes the assumed one."""
    sizes = _sizes(project)
    for folded, _ in _histories(project):
        if folded.deployed is not None and folded.rolled_back is None:
            points = sum(sizes.get(key, Weights().unknown_size) for key in folded.delivers)
            yield folded.deployed.at, points


def _sizes(project: Project) -> dict[str, int]:
    """The points of every issue that a review had a line for, as the last one had it."""
    streams = ledger().subjects(review.stream(project.id, ""))
    proposals = [e for e in ledger().events_of(streams) if e.kind == "Proposed"]
    found = [review.parse(event.data) for event in sorted(proposals, key=lambda e: e.at)]
    return {
        line.key: line.size for each in found if isinstance(each, review.Proposed) for line in each.plan.lines
    }


def _alike(project: Project, open_keys: Collection[str]) -> Iterator[AlikeFound]:
    streams = [
        stream
        for stream in ledger().subjects(requests.stream(f"{project.jira}-"))
        if stream.partition(":")[2] in open_keys
    ]
    for event in ledger().events_of(streams):
        if event.kind == "AlikeFound":
            yield AlikeFound.model_validate(event.data)


def _left_over(project: Project) -> Iterator[LeftOver]:
    """What ended releases left over and is not finished in Jira by now."""
    for left in review_agenda.left_over(folded for folded, _ in _histories(project))[:LEFT_OVER_READ]:
        try:
            status = issues.status_of(project, left.issue)
        except (NotFound, UnknownStatus):
            continue
        if status not in (Status.RELEASED, Status.CLOSED):
            yield left


def _begun_before(project: Project, stream: str) -> datetime | None:
    """When the review before this one began."""
    earlier = [each for each in ledger().subjects(review.stream(project.id, "")) if each < stream]
    first = ledger().events(earlier[-1])[:1] if earlier else ()
    return first[0].at if first else None


def _answers(project: Project, since: datetime) -> Iterator[tuple[str, events.FeedbackGiven]]:
    """The answers that stand, of those that were given or changed since."""
    for folded, history in _histories(project):
        at = {str(event.data["request"]): event.at for event in history if event.kind == "FeedbackGiven"}
        for given in folded.answers:
            if at[given.request] >= since:
                yield folded.plan.version, given


def _feedback(project: Project, since: datetime) -> tuple[str, ...]:
    """Satisfaction and answer rate, and what several people say."""
    digest = feedback_digest.since(project.id, since)
    said = feedback_messages.themes_text(digest.themes[:THEMES_KEPT])
    return (feedback_messages.figures_text(digest.figures), *said)
