"""`conveyor plan ...`: a release's plan, how it changed since its closing, and changing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from tasks.plan_views import PlanView

app = App(name="plan", help="A release's plan: its waves, and changes of its scope after the closing.")

Version = Annotated[str, Parameter(help="A version (1.4.0), or project:version.")]
Keys = Annotated[tuple[str, ...], Parameter(consume_multiple=True)]


@app.command
def show(
    version: Annotated[str, Parameter(help="A version; the one planned last if left out.")] = "",
    *,
    mermaid: Annotated[bool, Parameter(name="--mermaid", help="Print the waves as a Mermaid graph.")] = False,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Show a plan wave by wave: who decided what, and what was changed since the review closed it.

    Example: `conveyor plan show 1.4.0 --mermaid`
    """
    plan = _view(version, project)
    release = plan.release
    if mermaid:
        from lifecycle.plan_pages import mermaid as graph

        say.out(graph(release.scope))
        return
    if json:
        say.dump(_facts(plan))
        return
    points = f"{release.scope.points} of {release.scope.capacity} points" if release.scope.capacity else ""
    by = f"closed by {plan.closed_by}" if plan.review else f"started by {plan.closed_by or 'nobody named'}"
    about = ", ".join(part for part in (points, by, str(release.phase)) if part)
    say.out(f"{release.plan.project}:{release.plan.version}: {about}")
    say.table(
        ("WAVE", "ISSUE", "POINTS", "TITLE", "WAITS FOR", "BY", "WHY"),
        (
            (str(x.wave), x.key, str(x.points or ""), x.title, ", ".join(x.waits_for), x.by, x.why)
            for x in plan.lines
        ),
    )
    for change in plan.changes:
        say.out(f"changed: {change}")
    if plan.waiting:
        say.out(f"waiting for approval: {plan.waiting}")
    for address in (plan.wiki, plan.milestone):
        if address:
            say.out(address)


def _facts(plan: PlanView) -> dict[str, object]:
    release = plan.release
    return {
        "project": release.plan.project,
        "version": release.plan.version,
        "phase": release.phase.value,
        "plan_hash": release.plan.plan_hash,
        "points": release.scope.points,
        "capacity": release.scope.capacity,
        "review": plan.review,
        "closed_by": plan.closed_by,
        "wiki": plan.wiki,
        "milestone": plan.milestone,
        "waves": release.scope.waves,
        "lines": [asdict(line) for line in plan.lines],
        "changes": plan.changes,
        "waiting": plan.waiting,
    }


@app.command
def diff(version: Version, *, project: ProjectName = "", json: Json = False) -> None:
    """Show how the plan differs from the one the review closed, and Jira's fix versions from the plan.

    Example: `conveyor plan diff 1.4.0`
    """
    plan = _view(version, project)
    with say.busy("Asking Jira"):
        from lifecycle.release import scope_of
        from lifecycle.scope import difference
        from tasks.context import policy
        from tasks.plan_reconciling import against_jira

        release = plan.release
        since = difference(scope_of(release.closed), release.scope)
        jira = against_jira(policy().project(release.plan.project), release)
    changed = () if since.empty else since.lines
    if json:
        by_hand = {"only_jira": jira.only_jira, "only_plan": jira.only_plan}
        say.dump({"since_closing": changed, "changes": plan.changes, "jira": by_hand})
        return
    for line in (*changed, *(f"changed: {change}" for change in plan.changes), *jira.lines):
        say.out(line)
    if not changed and not jira.lines:
        say.note("no difference: neither since the closing nor in Jira")


@app.command
def change(
    version: Version,
    *,
    add: Keys = (),
    remove: Keys = (),
    why: str,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Ask the review's roles for another scope; it takes effect once each of them has approved.

    Example: `conveyor plan change 1.4.0 --add SHOP-9 --remove SHOP-4 --why "the client asked" --as olli`

    Parameters
    ----------
    add:
        Keys of the Jira issues that come in.
    remove:
        Keys of the issues that go out.
    why:
        The reason; everybody who is asked reads it.
    """
    stream = names.release_stream(version, project)
    with say.busy("Asking"):
        from tasks.scope_decisions import ask_change

        outcome = ask_change(stream, add, remove, why, person, "cli")
    report(outcome, as_json=json)


@app.command
def approve(version: Version, *, person: Person, project: ProjectName = "", json: Json = False) -> None:
    """Approve the change of scope that waits, in every role the person holds.

    Example: `conveyor plan approve 1.4.0 --as mara`
    """
    request = _waiting(version, project, person)
    with say.busy("Approving"):
        from tasks.scope_decisions import approve as decide

        outcome = decide(request, person, "cli")
    report(outcome, as_json=json)


@app.command
def refuse(
    version: Version, *, reason: str, person: Person, project: ProjectName = "", json: Json = False
) -> None:
    """Refuse the change of scope that waits, or take back one's own; the plan stays as it is.

    Example: `conveyor plan refuse 1.4.0 --reason "next time" --as mara`

    Parameters
    ----------
    reason:
        Why not; who asked reads it.
    """
    request = _waiting(version, project, person)
    with say.busy("Refusing"):
        from tasks.scope_decisions import refuse as decide

        outcome = decide(request, person, reason, "cli")
    report(outcome, as_json=json)


def _waiting(version: str, project: str, person: str) -> str:
    """The change that is meant: the one that waits, or else the last one, which this person may repeat."""
    release = names.release_at(names.release_stream(version, project))
    asked = release.scope_change
    if asked is None:
        own = {a.request for a in (*release.scope_approved, *release.scope_refused) if a.person == person}
        asked = next((a for a in reversed(release.scope_asked) if a.request in own), None)
    if asked is None:
        raise say.Stop(Exit.HELD, f"no change of the scope of {version} waits for a decision")
    return asked.request


def _view(version: str, project: str) -> PlanView:
    from tasks.plan_views import newest, view

    stream = names.release_stream(version, project) if version else newest(names.project_named(project).id)
    plan = view(stream) if stream else None
    if plan is None:
        raise say.Stop(Exit.USAGE, "there is no plan yet; `conveyor review show` shows the review")
    return plan
