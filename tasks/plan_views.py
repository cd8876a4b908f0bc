"""A release's plan as people look at it from outside: its lines, who decided them, and what changed since."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle import release as rules
from lifecycle import review, scope_changes
from lifecycle.release import Release
from tasks import folding, plan_writes
from tasks.context import ledger


@dataclass(frozen=True)
class Line:
    """One issue of the present plan. `by`: who decided it in the review or asked for it later, or ""."""

    wave: int
    key: str
    title: str
    points: int
    waits_for: tuple[str, ...]
    by: str
    why: str


@dataclass(frozen=True)
class PlanView:
    """The present plan. `changes` took effect since the closing; `waiting` is asked for and not decided."""

    release: Release
    review: str
    closed_by: str
    wiki: str
    milestone: str
    lines: tuple[Line, ...]
    changes: tuple[str, ...]
    waiting: str


def newest(project_id: str) -> str | None:
    """The stream of the project's release that was planned last; None if there is none."""
    streams = ledger().subjects(rules.release_id(project_id, ""))
    return max(streams, key=lambda stream: ledger().events(stream)[0].seq, default=None)


def view(stream: str) -> PlanView | None:
    """The plan of a release; None if there is no such release. Reads the ledger alone."""
    release = folding.release_of(stream)
    if release is None:
        return None
    closed = _review(release.plan.review)
    written = closed.written if isinstance(closed.written, review.PlanClosed) else None
    waiting = release.scope_change
    return PlanView(
        release=release,
        review=release.plan.review or "",
        closed_by=closed.closed.person if closed.closed else release.closed.started_by or "",
        wiki=written.wiki if written else "",
        milestone=written.milestone if written else "",
        lines=tuple(_lines(release)),
        changes=scope_changes.since_closing(release),
        waiting=f"{waiting.changes}: {waiting.why} (asked by {waiting.person})" if waiting else "",
    )


def _review(stream: str | None) -> review.Review:
    return (
        review.fold(review.parse(event.data) for event in ledger().events(stream))
        if stream
        else review.Review()
    )


def _lines(release: Release) -> list[Line]:
    plan = plan_writes.closed_plan(release.plan.review)
    decided = {line.key: (line.person, line.why) for line in plan.lines if line.accepted} if plan else {}
    effective = {fact.request for fact in release.scope_changed}
    for asked in release.scope_asked:
        if asked.request in effective:
            decided |= {line.key: (asked.person, asked.why) for line in asked.add}
    scope = release.scope
    lines = {line.key: line for line in scope.lines}
    return [
        Line(
            wave=number,
            key=key,
            title=lines[key].title,
            points=lines[key].size,
            waits_for=tuple(blocker for blocker, blocked in scope.links if blocked == key),
            by=decided.get(key, ("", ""))[0],
            why=decided.get(key, ("", ""))[1],
        )
        for number, wave in enumerate(scope.waves, 1)
        for key in wave
    ]
