"""`conveyor env ...`: what the environments serve, who has them, and whether they are apart."""

from __future__ import annotations

from datetime import UTC, datetime

from cyclopts import App

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

app = App(name="env", help="Environments: what they serve, who has them, locks.")


@app.command(name="list")
def list_environments(*, project: ProjectName = "", json: Json = False) -> None:
    """Show each environment: its data, the commit it serves, the release that has it, its lock.

    Example: `conveyor env list`
    """
    wanted = names.project_named(project)
    with say.busy("Asking GitLab"):
        from tasks.environment_checks import standing

        rows = standing(wanted, datetime.now(UTC))
    if json:
        shown = [
            {**row.environment.model_dump(mode="json"), "serves": row.serves, "release": row.release}
            | {"lock": row.lock}
            for row in rows
        ]
        say.dump(shown)
        return
    say.table(
        ("ENVIRONMENT", "TIER", "DATA", "URL", "SERVES", "RELEASE", "LOCKED BY"),
        (
            (
                *(x.environment.name, x.environment.tier.value, x.environment.data, x.environment.url),
                *(x.serves[:8], x.release, x.lock),
            )
            for x in rows
        ),
    )


@app.command
def check(*, project: ProjectName = "", json: Json = False) -> None:
    """Look for production's addresses and secrets in what is below staging; ends with 1 if there are any.

    Looks at GitLab's CI/CD variables and at the settings files on the main branch. Values are not shown.

    Example: `conveyor env check`
    """
    wanted = names.project_named(project)
    with say.busy("Asking GitLab"):
        from tasks.environment_checks import check as look

        found = look(wanted)
    looked = [place.name for place in wanted.places if place.below_staging]
    if json:
        say.dump({"ok": not found, "environments": looked, "findings": [each._asdict() for each in found]})
    elif found:
        say.table(("ENVIRONMENT", "WHERE", "HAS"), found)
    if found:
        raise say.Stop(Exit.FAILED, f"{len(found)} places below staging reach production")
    if not json:
        say.out(f"nothing of production is in {', '.join(looked)}" if looked else "nothing is below staging")


@app.command
def lock(
    environment: str,
    *,
    reason: str,
    person: Person,
    until: str = "",
    zone: str = "",
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Keep deployments away from an environment; rollbacks go on. The channel is told.

    Example: `conveyor env lock staging --reason "load test" --until "2026-11-30 22:00" --as olli`

    Parameters
    ----------
    environment:
        Its name in the policy, such as staging.
    until:
        The wall-clock time at which the lock ends by itself; until it is unlocked if left out.
    zone:
        The IANA time zone of that clock; yours if left out.
    """
    wanted = names.project_named(project)
    with say.busy("Locking"):
        from tasks import environment_messages, locking

        outcome = locking.lock(wanted.id, environment, person, reason, until, zone)
        if outcome.accepted:
            environment_messages.lock_told(wanted.id, environment)
    report(outcome, as_json=json)


@app.command
def unlock(environment: str, *, person: Person, project: ProjectName = "", json: Json = False) -> None:
    """Take a lock away; releases that waited for it go on.

    Example: `conveyor env unlock staging --as olli`

    Parameters
    ----------
    environment:
        Its name in the policy, such as staging.
    """
    wanted = names.project_named(project)
    with say.busy("Unlocking"):
        from tasks import locking

        outcome = locking.unlock(wanted.id, environment, person)
    report(outcome, as_json=json)
