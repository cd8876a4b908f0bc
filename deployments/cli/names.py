"""What a person types -> what it stands for in the ledger and the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.cli.say import Exit, Stop

if TYPE_CHECKING:
    from lifecycle.events import SignOffAsked
    from lifecycle.policy import Project
    from lifecycle.release import Release

PREFIX = "release:"


def release_stream(name: str, project: str = "") -> str:
    """The release's stream: `name` is `1.4.0`, `shop:1.4.0` or the stream itself.

    Raises:
        Stop: there is none, or several projects have one of that name.
    """
    from tasks.context import ledger

    if name.startswith(PREFIX) or ":" in name:
        wanted = f"{PREFIX}{name.removeprefix(PREFIX)}"
        found = [wanted] if ledger().revision(wanted) else []
    else:
        starts = f"{PREFIX}{project}:" if project else PREFIX
        found = [s for s in ledger().subjects(starts) if s.split(":", 2)[2] == name]
    if not found:
        raise Stop(Exit.USAGE, f"there is no release {name}; `conveyor release list` shows all")
    if len(found) > 1:
        raise Stop(Exit.USAGE, f"several projects have a release {name}: {', '.join(found)}")
    return found[0]


def release_at(stream: str) -> Release:
    """The release as the ledger has it."""
    from lifecycle import events, release
    from tasks.context import ledger

    folded = release.fold(events.parse(event.data) for event in ledger().events(stream))
    if folded is None:
        raise Stop(Exit.USAGE, f"there is no release {stream.removeprefix(PREFIX)}")
    return folded


def request_id(target: str, step: str, issue: str, project: str = "", *, passed: bool = False) -> str:
    """The open sign-off request that is meant: `target` is its id, or a release that has one such.

    Those of steps that have `passed` are meant only if asked for.

    Raises:
        Stop: nothing is asked for, or several requests fit.
    """
    from tasks.context import ledger

    if not step and ledger().event_by_key(f"SignOffAsked:{target}"):
        return target
    release = release_at(release_stream(target, project))
    fitting = [
        ask
        for ask in release.asked_now(step or None)
        if issue in ("", ask.issue)
        and (passed or not release.has_passed(ask.step))
        and not release.is_returned(ask.request)
    ]
    if len(fitting) == 1:
        return fitting[0].request
    about = f"{target}{f' {step}' if step else ''}{f' {issue}' if issue else ''}"
    if not fitting:
        raise Stop(Exit.HELD, f"no sign-off of {about} is open now ({release.phase})")
    raise Stop(Exit.USAGE, f"several are open, say which: {', '.join(map(_named, fitting))}")


def _named(ask: SignOffAsked) -> str:
    return f"{ask.step} {ask.issue}" if ask.issue else ask.step


def project_named(project: str) -> Project:
    """The project of that id; with "" the only one.

    Raises:
        Stop: there is none, or several and none was named.
    """
    from tasks.context import policy

    known = {each.id: each for each in policy().projects}
    if project in known:
        return known[project]
    if project:
        raise Stop(Exit.USAGE, f"the policy has no project {project}; it has {', '.join(known)}")
    if len(known) > 1:
        raise Stop(Exit.USAGE, f"say --project: {', '.join(known)}")
    return next(iter(known.values()))
