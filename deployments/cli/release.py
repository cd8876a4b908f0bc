"""`conveyor release ...`: where releases stand, starting one, and deciding."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from deployments.cli.standing import Standing
    from integrations.ledger import Event
    from lifecycle.release import Release as ReleaseState

app = App(name="release", help="Releases: where they stand, and what people decide.")

Release = Annotated[str, Parameter(help="A version (1.4.0), or project:version.")]


@app.command(name="list")
def list_releases(
    *, all_: Annotated[bool, Parameter(name="--all", help="Ended releases too.")] = False, json: Json = False
) -> None:
    """Show the open releases, what each waits for and since when.

    Example: `conveyor release list --all --json`
    """
    from deployments.cli.standing import standing
    from tasks.context import ledger, policy

    found = [standing(ledger().events(stream), policy()) for stream in ledger().subjects(names.PREFIX)]
    shown = [each for each in found if all_ or not each.release.phase.terminal]
    if json:
        say.dump([_facts(each) for each in shown])
        return
    if not shown:
        say.note("no releases" if all_ else "no open releases; --all shows those that have ended")
        return
    rows = ((_name(each), each.release.phase, each.waiting, _time(each.since)) for each in shown)
    say.table(("RELEASE", "PHASE", "WAITS FOR", "SINCE (UTC)"), rows)


@app.command
def show(release: Release, *, project: ProjectName = "", json: Json = False) -> None:
    """Tell the story of one release, in order.

    Example: `conveyor release show 1.4.0`
    """
    from deployments.cli.standing import standing
    from tasks.context import ledger, policy

    history = ledger().events(names.release_stream(release, project))
    now = standing(history, policy())
    if json:
        say.dump({**_facts(now), "story": [_told(event, now.release) for event in history]})
        return
    plan = now.release.plan
    say.out(f"{_name(now)}: {now.release.phase}{f', waits for {now.waiting}' if now.waiting else ''}")
    for key in now.release.delivers:
        say.out(f"  {key}  {plan.titles.get(key, '')}".rstrip())
    say.table(("WHEN (UTC)", "WHAT"), ((_time(event.at), _sentence(event, now.release)) for event in history))


@app.command
def start(
    version: str,
    *,
    issues: Annotated[tuple[str, ...], Parameter(consume_multiple=True)],
    person: Person,
    project: ProjectName = "",
    hotfix_of: str = "",
    group: str = "",
    json: Json = False,
) -> None:
    """Plan a release by hand and start its run.

    With --hotfix-of it is cut from that version's tag; if that version was rolled back, its issues go out
    with this one, and it is superseded.

    Example: `conveyor release start 1.4.1 --issues SHOP-9 --hotfix-of 1.4.0 --as olli`

    Parameters
    ----------
    version:
        The new version, X.Y.Z.
    issues:
        Keys of the Jira issues that it brings.
    hotfix_of:
        The version in production that it mends.
    group:
        A name that releases of several projects share which go out together.
    """
    wanted = names.project_named(project)
    with say.busy(f"Starting {version}"):
        from tasks.starting import start_release

        outcome = start_release(wanted.id, version, issues, person, hotfix_of=hotfix_of, group=group)
    report(outcome, as_json=json)


@app.command
def candidate(
    release: Release, *, person: Person, reason: str = "", project: ProjectName = "", json: Json = False
) -> None:
    """Cut the next candidate now, ready or not.

    Example: `conveyor release candidate 1.4.0 --as olli`
    """
    decide_on("candidate", names.release_stream(release, project), person, reason, as_json=json)


@app.command
def approve(
    target: str,
    step: str = "",
    issue: str = "",
    *,
    person: Person,
    comment: str = "",
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Sign a step of a release; step and issue may be left out where only one sign-off is open.

    Example: `conveyor release approve 1.4.0 qa SHOP-3 --as quinn`

    Parameters
    ----------
    target:
        A release, or the id of a sign-off request.
    step:
        The step's id in the policy, such as qa.
    issue:
        The issue's key, for a step that is signed issue by issue.
    """
    request = names.request_id(target, step, issue, project)
    decide_on("approve", request, person, comment, as_json=json)


@app.command(name="return")
def send_back(
    target: str,
    step: str = "",
    issue: str = "",
    *,
    reason: str,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Return an issue (or the whole release) for rework; the reason reaches its author.

    Example: `conveyor release return 1.4.0 qa SHOP-3 --reason "teapot is not found" --as quinn`

    Parameters
    ----------
    target:
        A release, or the id of a sign-off request.
    step:
        The step's id in the policy, such as qa.
    issue:
        The issue's key, for a step that is signed issue by issue.
    reason:
        What has to be mended.
    """
    request = names.request_id(target, step, issue, project)
    decide_on("return", request, person, reason, as_json=json)


@app.command
def hold(
    release: Release, *, reason: str, person: Person, project: ProjectName = "", json: Json = False
) -> None:
    """Stop a release where it is, until somebody resumes it.

    Example: `conveyor release hold 1.4.0 --reason "the fair is on" --as mara`
    """
    decide_on("hold", names.release_stream(release, project), person, reason, as_json=json)


@app.command
def resume(
    release: Release, *, person: Person, reason: str = "", project: ProjectName = "", json: Json = False
) -> None:
    """Let a held release go on.

    Example: `conveyor release resume 1.4.0 --as mara`
    """
    decide_on("resume", names.release_stream(release, project), person, reason, as_json=json)


@app.command
def withdraw(
    target: str,
    step: str = "",
    issue: str = "",
    *,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Take back your signature, as long as production has not started.

    Example: `conveyor release withdraw 1.4.0 qa SHOP-3 --as quinn`

    Parameters
    ----------
    target:
        A release, or the id of a sign-off request.
    step:
        The step's id in the policy, such as qa.
    issue:
        The issue's key, for a step that is signed issue by issue.
    """
    request = names.request_id(target, step, issue, project, passed=True)
    decide_on("withdraw", request, person, "", as_json=json)


@app.command
def override(
    release: Release,
    step: str,
    *,
    reason: str,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Break-glass: let a release past a step that nobody has signed. Everybody is told.

    Only for the roles that the policy names under break_glass, and only for the present candidate.

    Example: `conveyor release override 1.4.1 approval --reason "the shop is down" --as olli`

    Parameters
    ----------
    step:
        The step's id in the policy, such as approval.
    """
    stream = names.release_stream(release, project)
    decide_on("override", stream, person, reason, as_json=json, step=step)


@app.command(name="time")
def set_time(
    release: Release,
    at: str = "",
    *,
    zone: str = "",
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Set when a release goes out once it is approved; without a time: as soon as it is.

    Example: `conveyor release time 1.4.0 "2026-11-30 22:00" --zone Europe/Berlin --as mara`

    Parameters
    ----------
    at:
        The wall-clock time, such as 2026-11-30 22:00, or one with an offset.
    zone:
        The IANA time zone of the clock; yours if left out.
    """
    stream = names.release_stream(release, project)
    decide_on("time", stream, person, "", as_json=json, at=at, zone=zone)


@app.command
def unfreeze(
    release: Release, *, reason: str, person: Person, project: ProjectName = "", json: Json = False
) -> None:
    """Let a hotfix go to production in a freeze, once. Everybody is told.

    Only for the roles that the policy names under unfreeze.

    Example: `conveyor release unfreeze 1.4.1 --reason "the shop is down" --as olli`
    """
    decide_on("unfreeze", names.release_stream(release, project), person, reason, as_json=json)


@app.command
def abandon(
    release: Release, *, reason: str, person: Person, project: ProjectName = "", json: Json = False
) -> None:
    """End a release that will not go out (or not again, after a rollback).

    Example: `conveyor release abandon 1.4.0 --reason "1.5.0 replaces it" --as mara`
    """
    decide_on("abandon", names.release_stream(release, project), person, reason, as_json=json)


def decide_on(verb: Any, target: str, person: str, reason: str, *, as_json: bool, **more: Any) -> None:
    """Decide at the command line, and say what became of it."""
    with say.busy("Deciding"):
        from tasks.decisions import Decision, decide

        outcome = decide(Decision(verb, target, person, "cli", reason, **more))
    report(outcome, as_json=as_json)


def report(outcome: Any, *, as_json: bool) -> None:
    """Say what became of a decision (`tasks.decisions.Outcome`); a refusal ends with 3."""
    if as_json:
        say.dump(vars(outcome))
        if not outcome.accepted:
            raise say.Stop(Exit.HELD, "")
        return
    if not outcome.accepted:
        raise say.Stop(Exit.HELD, outcome.message)
    say.out(outcome.message)


def _name(standing: Standing) -> str:
    plan = standing.release.plan
    return f"{plan.project}:{plan.version}{' (hotfix)' if plan.release_kind == 'hotfix' else ''}"


def _facts(standing: Standing) -> dict[str, object]:
    release, plan = standing.release, standing.release.plan
    return {
        "release": f"{plan.project}:{plan.version}",
        "project": plan.project,
        "version": plan.version,
        "kind": plan.release_kind,
        "phase": release.phase.value,
        "waiting": standing.waiting,
        "since": standing.since.isoformat(),
        "issues": list(release.delivers),
        "candidate": release.candidate.tag if release.candidate else None,
        "held": release.hold is not None,
    }


def _told(event: Event, release: ReleaseState) -> dict[str, object]:
    text = _sentence(event, release)
    return {"at": event.at.isoformat(), "kind": event.kind, "text": text, "data": event.data}


def _sentence(event: Event, release: ReleaseState) -> str:
    from lifecycle import events, timeline

    return timeline.sentence(events.parse(event.data), release)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
