"""`conveyor requests ...` and `conveyor review ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import duplicates, importing, merging, names, review_view, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lifecycle.planning import ReleasePlan
    from lifecycle.review import Review as ReviewState

requests_app = App(name="requests", help="Requests: what came in, and which say the same.")
review_app = App(name="review", help="The weekly review: starting it, its plan, closing it.")
requests_app.command(importing.import_, name="import")
requests_app.command(merging.merge)
requests_app.command(merging.unmerge)
requests_app.command(duplicates.similar)
requests_app.command(duplicates.rank)

Review = Annotated[str, Parameter(help="A week such as 2026-W42; the newest review if left out.")]


@requests_app.command(name="list")
def list_requests(*, project: ProjectName = "", json: Json = False) -> None:
    """Show every request that came in: through which door, from whom, and into what it was merged.

    Example: `conveyor requests list --json`
    """
    from lifecycle import requests
    from tasks.backlog import request_of, state_of
    from tasks.context import ledger

    wanted = names.project_named(project)
    state = state_of(wanted.id)
    found: list[dict[str, object]] = []
    for stream in ledger().subjects(requests.stream(f"{wanted.jira}-")):
        key = stream.partition(":")[2]
        request = request_of(key)
        first = next(iter(request.received), None)
        if first is not None:
            found.append(
                {
                    "key": key,
                    "title": first.title,
                    "door": first.door.value,
                    "source": first.source.value,
                    "requesters": [each.requester.name for each in request.received],
                    "merged_into": state.merges.originals.get(key, ""),
                    "alike": [each.other for each in request.alike],
                    "at": first.at.isoformat(),
                }
            )
    found.sort(key=lambda row: str(row["at"]))
    if json:
        say.dump(found)
        return
    if not found:
        say.note("no requests yet")
        return
    columns = ("key", "title", "door", "source", "requesters", "merged_into", "alike")
    say.table([c.upper().replace("_", " ") for c in columns], ([_cell(r[c]) for c in columns] for r in found))


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@review_app.command(name="show")
def show_review(week: Review = "", *, project: ProjectName = "", json: Json = False) -> None:
    """Show the weekly review: its agenda, who has still to take part, and every line with its decision.

    Example: `conveyor review show`
    """
    stream, state = _review(week, project)
    if state.proposed is None:
        raise say.Stop(Exit.FAILED, f"{stream}: nothing was proposed yet")
    plan = state.plan
    if json:
        say.dump(review_view.facts(stream, state))
        return
    closed = (
        f"closed by {state.closed.person}"
        if state.closed
        else f"open, due {state.proposed.due:%Y-%m-%d %H:%M} UTC"
    )
    say.out(f"{stream}: {plan.version}, {plan.used} of {plan.capacity} points, {closed}")
    for remark in review_view.remarks(state):
        say.out(f"  {remark}")
    _show_lines(plan, state.proposed.agenda.sources)
    say.note(_when_next())


def _when_next() -> str:
    from datetime import UTC, datetime

    from tasks.review_walk import when_next

    return when_next(datetime.now(UTC))


def _show_lines(plan: ReleasePlan, sources: Mapping[str, str]) -> None:
    say.table(
        ("ISSUE", "DECISION", "WAVE", "SCORE", "POINTS", "FROM", "TITLE", "WAITS FOR", "WHY", "BY"),
        (
            (
                line.key,
                line.decision.value,
                str(line.wave or ""),
                f"{line.score.total:.2f}",
                str(line.size),
                sources.get(line.key, ""),
                line.title,
                ", ".join(line.blocked_by),
                line.why,
                line.person,
            )
            for line in plan.lines
        ),
    )


@review_app.command(name="start")
def start(*, project: ProjectName = "", json: Json = False) -> None:
    """Begin this week's review now, whatever the schedule says; one that has begun stays as it is.

    Example: `conveyor review start`
    """
    wanted = names.project_named(project)
    with say.busy("Starting the review"):
        from tasks.review_starting import start_review

        outcome = start_review(wanted.id)
    report(outcome, as_json=json)


@review_app.command(name="close")
def close(week: Review = "", *, person: Person, project: ProjectName = "", json: Json = False) -> None:
    """Close the review: its plan is written to Jira, and its release starts.

    Example: `conveyor review close --as mara`
    """
    stream, _ = _review(week, project)
    with say.busy("Closing"):
        from tasks.review_decisions import close_review

        outcome = close_review(stream, person, door="cli")
    report(outcome, as_json=json)


def _review(week: str, project: str) -> tuple[str, ReviewState]:
    from lifecycle import review
    from tasks.context import ledger

    prefix = review.stream(names.project_named(project).id, "")
    streams = [s for s in ledger().subjects(prefix) if week in ("", s.removeprefix(prefix), s)]
    if not streams:
        none = f"there is no review {week}".rstrip() if week else f"there is no review yet; {_when_next()}"
        raise say.Stop(Exit.USAGE, none)
    # Weeks sort as they follow each other.
    stream = streams[-1]
    return stream, review.fold(review.parse(event.data) for event in ledger().events(stream))
