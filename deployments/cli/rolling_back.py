"""`conveyor release rollback` and `accept-no-return`: what goes back is shown before it is decided."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, release, say
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from lifecycle.rollback import Way

Name = Annotated[str, Parameter(name="release", help="A version (1.4.0), or project:version.")]

_SHOWN = 20


def add_to(app: App) -> None:
    """Add the commands to `conveyor release`."""
    app.command(rollback)
    app.command(accept_no_return)


def rollback(
    release_name: Name,
    *,
    reason: str = "",
    person: Person = "",
    to: str = "",
    dry_run: Annotated[bool, Parameter(help="Only show what goes back.")] = False,
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    force: Annotated[bool, Parameter(help="Also where it is unsafe; needs a role.")] = False,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Bring back a version that production served before, after showing what that takes back.

    Example: `conveyor release rollback 1.4.0 --reason "carts are empty" --as olli --yes`

    Parameters
    ----------
    to:
        The tag of an earlier good version; what production served before if left out.
    """
    if not dry_run and not (reason.strip() and person):
        raise say.Stop(Exit.USAGE, "say --reason and --as, or --dry-run")
    stream = names.release_stream(release_name, project)
    again = to == stream.split(":", 2)[-1]
    way = None if again else _way(stream, to)
    if way is not None and not json:
        _show(way)
    if dry_run:
        if json and way is not None:
            say.dump({**way.model_dump(mode="json"), "unsafe": way.unsafe})
        return
    if not yes:
        _ask(f"Roll {release_name} back to {way.to.tag}?" if way else f"Let {release_name} go out again?")
    with say.busy("Deciding"):
        from tasks import rollbacks

        outcome = rollbacks.decide_back(stream, person, "cli", reason, way.to.tag if way else to, force=force)
    release.report(outcome, as_json=json)


def accept_no_return(
    release_name: Name,
    *,
    reason: str,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Let a candidate go on that cannot come back, for the roles that the policy names under no_return.

    Example: `conveyor release accept-no-return 1.4.0 --reason "a dump is kept" --as gerd`
    """
    release.decide_on(
        "accept-no-return", names.release_stream(release_name, project), person, reason, as_json=json
    )


def _way(stream: str, to: str) -> Way:
    with say.busy("Looking"):
        from lifecycle.rollback import NoWay
        from tasks import rollbacks

        try:
            return rollbacks.look(stream, to)
        except NoWay as none:
            raise say.Stop(Exit.HELD, f"Not rolled back: {none}.") from None


def _show(way: Way) -> None:
    say.out(f"{way.version} goes back to {way.to.tag} ({way.to.sha[:8]}).")
    say.out(f"  issues   {', '.join((*way.issues, *way.also))}")
    _list("commits", [f"{each.sha[:8]} {each.title}" for each in way.commits])
    _list("files", list(way.files))
    say.out(f"  safe     {'no: ' + '; '.join(way.unsafe) if way.unsafe else 'yes'}")
    if way.measured:
        say.out(f"  measured {'; '.join(way.measured)}")


def _list(what: str, found: list[str]) -> None:
    for number, each in enumerate(found[:_SHOWN]):
        say.out(f"  {what if not number else '':8} {each}")
    if len(found) > _SHOWN:
        say.out(f"  {'':8} … and {len(found) - _SHOWN} more")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise say.Stop(Exit.USAGE, "nobody can be asked here; say --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise say.Stop(Exit.HELD, "not rolled back")
