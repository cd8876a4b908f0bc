"""`conveyor requests ...` and `conveyor review ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from lifecycle.planning import ReleasePlan
    from lifecycle.review import Review as ReviewState

requests_app = App(name="requests", help="Requests: what came in, and which say the same.")
review_app = App(name="review", help="The weekly review: its plan, and closing it.")

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


@requests_app.command
def similar(issue: str, *, json: Json = False) -> None:
    """Show the earlier open requests that say much the same as an issue, the most alike first.

    Example: `conveyor requests similar SHOP-7`

    Parameters
    ----------
    issue:
        The Jira issue's key.
    """
    from tasks.backlog import alike_to

    with say.busy(f"Comparing {issue}"):
        found = alike_to(issue)
    if json:
        say.dump([{"key": each.other, "title": each.title, "score": each.score} for each in found])
    elif found:
        say.table(("KEY", "SCORE", "TITLE"), ((e.other, f"{e.score:.2f}", e.title) for e in found))
    else:
        say.note(f"no open request is like {issue}")


@review_app.command(name="show")
def show_review(week: Review = "", *, project: ProjectName = "", json: Json = False) -> None:
    """Show the plan of the weekly review with every decision so far.

    Example: `conveyor review show`
    """
    stream, state = _review(week, project)
    if state.proposed is None:
        raise say.Stop(Exit.FAILED, f"{stream}: nothing was proposed yet")
    plan = state.plan
    if json:
        say.dump({"review": stream, "closed": state.closed is not None, "plan": plan.model_dump(mode="json")})
        return
    closed = (
        f"closed by {state.closed.person}"
        if state.closed
        else f"open, due {state.proposed.due:%Y-%m-%d %H:%M} UTC"
    )
    say.out(f"{stream}: {plan.version}, {plan.used} of {plan.capacity} points, {closed}")
    _show_lines(plan)


def _show_lines(plan: ReleasePlan) -> None:
    say.table(
        ("ISSUE", "DECISION", "WAVE", "SCORE", "POINTS", "TITLE", "WHY", "BY"),
        (
            (
                line.key,
                line.decision.value,
                str(line.wave or ""),
                f"{line.score.total:.2f}",
                str(line.size),
                line.title,
                line.why,
                line.person,
            )
            for line in plan.lines
        ),
    )


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
        raise say.Stop(Exit.USAGE, f"there is no review {week}".rstrip())
    # Weeks sort as they follow each other.
    stream = streams[-1]
    return stream, review.fold(review.parse(event.data) for event in ledger().events(stream))
