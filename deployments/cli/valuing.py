"""`conveyor requests ...`: values, need, estimates, parts and work orders of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from tasks.decisions import Outcome

Key = Annotated[str, Parameter(help="The Jira issue's key.")]
Why = Annotated[str, Parameter(help="The reason, in a line.")]


def add_to(app: App) -> None:
    """Make the commands part of `conveyor requests`."""
    app.command(set_values, name="set")
    for command in (values, estimates, need, waive, split, estimate, order, orders):
        app.command(command)


def set_values(
    key: Key,
    *,
    why: Why,
    person: Person,
    urgency: str = "",
    importance: str = "",
    complexity: str = "",
    type_: Annotated[str, Parameter(name="--type")] = "",
    json: Json = False,
) -> None:
    """Set what a request is worth; what was suggested is kept beside it.

    Example: `conveyor requests set SHOP-7 --urgency 4 --why "the season begins" --as mara`

    Parameters
    ----------
    urgency:
        1 to 5.
    importance:
        1 to 5.
    complexity:
        Points; Jira shows them too.
    type_:
        feature, defect, incident or task.
    """
    given = {"urgency": urgency, "importance": importance, "complexity": complexity, "type": type_}
    with say.busy(f"Setting {key}"):
        from tasks.valuing import set_values as decide

        wanted = {name: text for name, text in given.items() if text}
        outcome = _shown(key.upper(), decide(key.upper(), wanted, person, why, "cli"))
    report(outcome, as_json=json)


def values(key: Key, *, json: Json = False) -> None:
    """Show what a request is worth: each value, who set it or why it is suggested, and its need.

    Example: `conveyor requests values SHOP-7`
    """
    from datetime import UTC, datetime

    from lifecycle import needs
    from tasks.backlog import request_of
    from tasks.valuing import standing_of

    key = key.upper()
    with say.busy(f"Reading {key}"):
        standing = standing_of(key, datetime.now(UTC))
    need = needs.standing(request_of(key).needs)
    if json:
        found = {value.value: {"to": s.to, "basis": s.basis, "why": s.why} for value, s in standing.items()}
        say.dump({"key": key, **found, "need": need})
        return
    rows = [(value.value, "" if s.to is None else str(s.to), s.basis, s.why) for value, s in standing.items()]
    say.table(("WHAT", "VALUE", "BASIS", "WHY"), [*rows, ("need", "", "", need or "none on record")])


def estimates(*, project: ProjectName = "", json: Json = False) -> None:
    """Show what finished requests took, by what they had been estimated at: days from start to production.

    Example: `conveyor requests estimates --json`
    """
    from lifecycle.estimates import per_size

    wanted = names.project_named(project)
    with say.busy("Measuring"):
        from tasks.sizes import measure

        told = measure(wanted)
    figures = per_size(told)
    left_out = len({took.issue for took in told}) - sum(figure.finished for figure in figures)
    if json:
        say.dump({"sizes": [figure._asdict() for figure in figures], "not_measured": left_out})
        return
    if figures:
        columns = ("POINTS", "FINISHED", "MEDIAN DAYS", "SHORTEST", "LONGEST")
        rows = [
            (
                str(f.points),
                str(f.finished),
                *(f"{days:.1f}" for days in (f.median_days, f.shortest, f.longest)),
            )
            for f in figures
        ]
        say.table(columns, rows)
    if left_out or not figures:
        say.note(f"{left_out} finished requests without an estimate, or without a start in Jira's history")


def need(
    key: Key,
    *,
    person: Person,
    metric: str = "",
    feedback: str = "",
    incident: str = "",
    json: Json = False,
) -> None:
    """Put on record what shows that a request is needed: a metric, feedback or an incident.

    Example: `conveyor requests need SHOP-7 --metric https://metrics.example/d/7 --as mara`

    Parameters
    ----------
    metric:
        The link of what was measured.
    feedback:
        What was said, in words or as a link.
    incident:
        The key of the incident's Jira issue.
    """
    said = {"metric": metric, "feedback": feedback, "incident": incident}
    given = [(kind, text) for kind, text in said.items() if text]
    if len(given) != 1:
        raise say.Stop(Exit.USAGE, "say one of --metric, --feedback and --incident")
    with say.busy(f"Noting the need of {key}"):
        from tasks.needing import show_need

        [(kind, text)] = given
        outcome = _shown(key.upper(), show_need(key.upper(), kind, text, person, "cli"))
    report(outcome, as_json=json)


def waive(key: Key, *, why: Why, person: Person, json: Json = False) -> None:
    """Let a request go on without a need on record; one of the review's roles answers for it.

    Example: `conveyor requests waive SHOP-7 --why "the contract asks for it" --as olli`
    """
    with say.busy(f"Waiving the need of {key}"):
        from tasks.needing import waive_need

        outcome = _shown(key.upper(), waive_need(key.upper(), person, why, "cli"))
    report(outcome, as_json=json)


def split(
    key: Key,
    *,
    person: Person,
    developer: str = "",
    qa: str = "",
    devops: str = "",
    order: str = "",
    json: Json = False,
) -> None:
    """Split a request into Jira sub-tasks by role, each with its assignee and its brief.

    Each role is a person's id, or the id, a colon and the brief. They are done in this order: developer, QA,
    DevOps; --order says otherwise, with + between those that are done at once. Called again it adds what is
    new: another role, or another person in a role; what is there already stays as it is.

    Example: `conveyor requests split SHOP-7 --developer "dora: the form" --qa quinn --as mara`

    Parameters
    ----------
    order:
        Such as `devops developer+qa`.
    """
    given = {"developer": developer, "qa": qa, "devops": devops}
    with say.busy(f"Splitting {key}"):
        from tasks import splitting

        roles = {role: splitting.Role(*_named(text)) for role, text in given.items() if text}
        outcome = splitting.split(key.upper(), roles, person, order, "cli")
        made = splitting.make(key.upper()) if outcome.accepted else []
    if made:
        say.note(f"sub-tasks: {', '.join(made)}")
    report(outcome, as_json=json)


def _named(text: str) -> tuple[str, str]:
    who, _, brief = text.partition(":")
    return who.strip(), brief.strip()


def estimate(key: Key, points: str, *, person: Person, json: Json = False) -> None:
    """Say what one's own sub-task takes; the request's complexity is the sum once all are estimated.

    Example: `conveyor requests estimate SHOP-8 3 --as dora`

    Parameters
    ----------
    points:
        A whole number from 1 to 100.
    """
    with say.busy(f"Estimating {key}"):
        from tasks import splitting

        outcome = splitting.estimate(key.upper(), points, person, "cli")
        if outcome.accepted:
            splitting.show_estimate(key.upper())
    report(outcome, as_json=json)


def order(key: Key, *, to: str, text: str, by: str, person: Person, json: Json = False) -> None:
    """Hand a piece of a request's work to people outside the team, as a sub-task with its day and way back.

    Example: `conveyor requests order SHOP-7 --to "Night testers" --text "Try it" --by 2026-12-01 --as mara`

    Parameters
    ----------
    to:
        Who does it: a name, or a person's id.
    text:
        What is to be done.
    by:
        The day by which it has to be done, YYYY-MM-DD.
    """
    with say.busy(f"Handing out {key}"):
        from tasks import splitting

        outcome = splitting.order(key.upper(), to, text, by, person, "cli")
        if outcome.accepted:
            splitting.make(key.upper())
    report(outcome, as_json=json)


def orders(*, project: ProjectName = "", json: Json = False) -> None:
    """Show every work order: who has it, by when, and whether it is done or overdue.

    Example: `conveyor requests orders --json`
    """
    from datetime import UTC, datetime

    from tasks import splitting

    wanted, today = names.project_named(project), datetime.now(UTC).date()
    with say.busy("Reading"):
        found = splitting.orders(wanted)
    rows = [
        {
            "key": each.issue,
            "request": each.key,
            "to": each.part.asked.name,
            "by": str(each.part.asked.due),
            "state": "done" if each.done else "overdue" if each.overdue(today) else "open",
        }
        for each in found
    ]
    if json:
        say.dump(rows)
    elif rows:
        say.table([column.upper() for column in rows[0]], (list(row.values()) for row in rows))
    else:
        say.note("no work orders")


def _shown(key: str, outcome: Outcome) -> Outcome:
    """Show an accepted decision in Jira and in Slack; the decision stands if that does not work."""
    from integrations.errors import IntegrationError
    from tasks.valuing import show

    if outcome.accepted:
        try:
            show(key)
        except IntegrationError as error:
            say.note(f"recorded, but not shown everywhere yet (repeat the command): {error}")
    return outcome
