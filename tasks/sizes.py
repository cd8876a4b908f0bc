"""What finished work says of size: what each released request took, and which of them are like another."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime

from integrations.errors import NotFound
from integrations.jira.models import as_object
from lifecycle import estimates, release, requests
from lifecycle.duplicates import Index
from lifecycle.estimates import Took
from lifecycle.metrics import StatusChange
from lifecycle.policy import Project
from lifecycle.release import Phase, Release
from lifecycle.values import Finished
from lifecycle.workflow import UnknownStatus
from tasks import folding
from tasks.backlog import LEAST_ALIKE
from tasks.context import jira, ledger
from tasks.walk import new_events

ESTIMATE = "conveyor.estimate"
"""The issue's property with its estimate: `{"points": 3}`."""

ALIKE = 5
"""So many finished requests are asked for a size."""

_OUT = (Phase.FEEDBACK, Phase.CLOSED)


def estimate_of(key: str) -> int | None:
    """What people estimated in Jira, in points; None for nothing or nonsense."""
    points = as_object(jira().property(key, ESTIMATE)).get("points")
    return points if isinstance(points, int) and not isinstance(points, bool) and points >= 1 else None


def measure(project: Project) -> tuple[Took, ...]:
    """What every released request took, in the order in which they were measured.

    A release counts once its watch has ended well. Its requests are read from Jira once; from then on they
    stand on the ledger. One that is not in Jira any more is left out.
    """
    stream = estimates.stream(project.id)
    told = [Took.model_validate(event.data) for event in ledger().events(stream)]
    known = {took.version for took in told}
    for released, folded in _new_ones(project, known):
        version = folded.plan.version
        read = [took for key in folded.delivers if (took := _read(project, version, key, released))]
        ledger().append(stream, new_events(stream, read), now=datetime.now(UTC))
        told += read
    return tuple(told)


def _new_ones(project: Project, known: Container[str]) -> list[tuple[datetime, Release]]:
    """The releases that ended well and are not measured yet, with their time, the oldest first."""
    prefix = release.release_id(project.id, "")
    found: list[tuple[datetime, Release]] = []
    for stream in ledger().subjects(prefix):
        if stream.removeprefix(prefix) not in known:
            folded = folding.release_of(stream)
            if folded is not None and folded.phase in _OUT and folded.deployed is not None:
                found.append((folded.deployed.at, folded))
    return sorted(found, key=lambda each: each[0])


def _read(project: Project, version: str, key: str, released: datetime) -> Took | None:
    try:
        title = requests.one_line(jira().issue(key, fields=("summary",)).summary)
        points = estimate_of(key)
        entered = jira().entered(key)
    except NotFound:
        return None
    changes: list[StatusChange] = []
    for each in entered:
        try:
            changes.append(StatusChange(key=key, status=project.statuses.to_ours(each.status), at=each.at))
        except UnknownStatus:
            continue
    days = estimates.days_taken(changes, released)
    return Took(version=version, issue=key, title=title, points=points, days=days, released=released)


class Sizes:
    """The finished requests of one project, to be asked for those that are like another one."""

    def __init__(self, project: Project) -> None:
        told = measure(project)
        self._took = {took.issue: took for took in told}
        self.usual_days = {figure.points: figure.median_days for figure in estimates.per_size(told)}
        self._index = Index()
        for took in self._took.values():
            self._index.add(took.issue, took.title, "", took.released)

    def alike(self, title: str, text: str, now: datetime) -> tuple[Finished, ...]:
        """The finished requests that say much the same, the most alike first."""
        if not self._took:
            return ()
        ranked = self._index.rank(title, text, now, k=ALIKE)
        return tuple(self._took[key].finished for key, score in ranked if score >= LEAST_ALIKE)
