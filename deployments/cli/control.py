"""`conveyor control ...`: what has stood too long in development."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.say import Json, ProjectName

app = App(name="control", help="Development under control.")


@app.command
def digest(
    *,
    post: Annotated[bool, Parameter(name="--post", help="Post it as the digest of today, once.")] = False,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Show what has stood too long: issues in progress, reviews, a red main branch; since when, and whose.

    Example: `conveyor control digest --project shop`
    """
    chosen = names.project_named(project)
    with say.busy("Asking Jira and GitLab"):
        from tasks import standstills

        now = datetime.now(UTC)
        found = standstills.find.fn(chosen.id, now)
        if post:
            standstills.tell.fn(chosen.id, found, now)
    if json:
        say.dump({"lines": [each.model_dump(mode="json") for each in found.lines], "more": found.more})
        return
    say.table(
        ("WHAT", "WHICH", "SINCE (UTC)", "FOR", "WHO", "WHERE"),
        (
            (
                each.kind,
                each.title,
                f"{each.since:%Y-%m-%d %H:%M}",
                standstills.age(each, now),
                ", ".join(each.who),
                each.url,
            )
            for each in found.lines
        ),
    )
    if found.more:
        say.note(f"and {found.more} more")
    if not found.lines:
        say.note("nothing stands still")
