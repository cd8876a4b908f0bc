"""`conveyor release remove` and `conveyor release hotfix`: one issue out, and one out quickly."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName


def add_to(app: App) -> None:
    """Put the commands below `conveyor release`."""
    app.command(remove)
    app.command(hotfix)


def remove(
    release: Annotated[str, Parameter(help="A version (1.4.0), or project:version.")],
    issue: Annotated[str, Parameter(help="The issue's key.")],
    *,
    reason: str = "",
    person: Person = "",
    dry_run: Annotated[bool, Parameter(name="--dry-run", help="Show what would leave; ask nobody.")] = False,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Ask to take one issue out of a release, with all that depends on it; its main branch keeps them.

    Once the review's roles have approved, the merges are reverted on the release branch and the next
    candidate is cut. If git conflicts, it says where and nothing is changed.

    Example: `conveyor release remove 1.4.0 SHOP-3 --reason "the client wants to wait" --as mara`

    Parameters
    ----------
    reason:
        Why; everybody who is asked reads it.
    """
    stream = names.release_stream(release, project)
    if dry_run:
        _show(stream, issue, as_json=json)
        return
    with say.busy("Asking"):
        from tasks.removing import ask

        outcome = ask(stream, issue, reason, person, "cli")
    report(outcome, as_json=json)


def _show(stream: str, issue: str, *, as_json: bool) -> None:
    with say.busy("Asking GitLab"):
        from tasks.removing import preview

        seen = preview(stream, issue)
    if seen is None:
        raise say.Stop(Exit.USAGE, "there is no such release")
    if as_json:
        removal = seen.removal
        say.dump(
            {
                "issues": dict(removal.issues),
                "reverts": [each.model_dump() for each in removal.told],
                "why_not": seen.why_not,
            }
        )
    else:
        for line in (f"{issue.upper()} leaves", *seen.lines):
            say.out(line)
    if seen.why_not:
        raise say.Stop(Exit.HELD, "" if as_json else seen.why_not)


def hotfix(
    version: Annotated[str, Parameter(help="The new version, X.Y.Z.")],
    *,
    issues: Annotated[tuple[str, ...], Parameter(consume_multiple=True)],
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Plan a hotfix of what production serves, and start its run.

    It is cut from production's tag, needs the steps that the policy marks for hotfixes, and is merged back.
    What was rolled back is mended by `conveyor release start --hotfix-of`.

    Example: `conveyor release hotfix 1.4.1 --issues SHOP-9 --as olli`

    Parameters
    ----------
    issues:
        Keys of the Jira issues that it brings.
    """
    wanted = names.project_named(project)
    with say.busy(f"Starting {version}"):
        from tasks.starting import start_hotfix

        outcome = start_hotfix(wanted.id, version, issues, person)
    report(outcome, as_json=json)
