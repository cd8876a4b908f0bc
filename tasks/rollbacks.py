"""Looking at a way back and deciding for it: what GitLab and the ledger say, before anything is decided."""

from __future__ import annotations

from datetime import datetime

from lifecycle import delta, events, rollback, together
from lifecycle import release as rules
from lifecycle.phases import TRANSITIONS
from lifecycle.policy import Project
from lifecycle.release import Phase, Release
from lifecycle.rollback import Change, NoWay, Served, Way
from tasks import folding, occupying
from tasks.context import gitlab, ledger, policy
from tasks.decisions import Decision, Outcome, decide
from tasks.walk import new_events

_DEPLOYMENTS = 100
"""So many of production's last deployments are looked at."""


def known(project_id: str) -> dict[str, Release]:
    """Every release of the project by its version."""
    folded = (folding.release_of(stream) for stream in ledger().subjects(rules.release_id(project_id, "")))
    return {release.plan.version: release for release in folded if release is not None}


def mates(release: Release) -> tuple[Release, ...]:
    """The releases of other projects that go out together with this one."""
    if not release.plan.group:
        return ()
    elsewhere = (project.id for project in policy().projects if project.id != release.plan.project)
    found = (each for project_id in elsewhere for each in known(project_id).values())
    return tuple(each for each in found if each.plan.group == release.plan.group)


def back_first(release: Release) -> tuple[Release, ...]:
    """The mates that have to leave production before `release` does.

    A newer version may have taken the place of one that is live since long; then it has left already.
    """
    depends_on = {project.id: project.depends_on for project in policy().projects}
    found = together.back_first(release, depends_on, mates(release))
    return tuple(mate for mate in found if mate.phase in _UNDER_WAY or _is_served(mate))


_UNDER_WAY = (Phase.PRODUCTION, Phase.ROLLING_BACK)


def _is_served(mate: Release) -> bool:
    gitlab_id = policy().project(mate.plan.project).gitlab
    return mate.production is not None and occupying.serves(gitlab_id, "production") == mate.production.sha


def start_back(mate: Release, because: str, now: datetime) -> None:
    """Roll a mate back that has to go first, and wake it; one that is under way is left alone.

    Raises:
        Conflict: somebody wrote to it at the same moment; look again.
    """
    stream = rules.release_id(mate.plan.project, mate.plan.version)
    recorded = ledger().events(stream)
    found = folding.folded(recorded)
    going = found.production if found else None
    if found is None or going is None or (found.phase, "RollbackStarted") not in TRANSITIONS:
        return
    assert going.previous_tag
    assert going.previous_sha
    fact = events.RollbackStarted(
        person=None,
        reasons=(because,),
        to_tag=going.previous_tag,
        to_sha=going.previous_sha,
        attempt=going.attempt,
    )
    facts = new_events(stream, [fact])
    ledger().append(stream, facts, now=now, expected=recorded[-1].revision, wake=True)


def measured(subject: str) -> tuple[str, ...]:
    """How long going back took before: this release's rehearsal, the project's last rollback."""
    _, project_id, version = subject.split(":", 2)
    releases = known(project_id)
    return rollback.measured(releases[version], releases.values())


def look(subject: str, to: str = "") -> Way:
    """The way back to the tag `to` ("": what production served before), with all that it takes back.

    Reads GitLab and the ledger, changes nothing.

    Raises:
        NoWay: there is none.
        Transient: GitLab did not answer; without it nothing can be rolled back.
    """
    _, project_id, version = subject.split(":", 2)
    project, releases = policy().project(project_id), known(project_id)
    release = releases.get(version)
    if release is None:
        raise NoWay(f"there is no release {version}")
    served = _served(project) if release.production else ()
    target = rollback.target(rollback.targets(release, served, releases), to)
    return _way(project, release, target, served, releases)


def _served(project: Project) -> tuple[Served, ...]:
    found = gitlab().environments.deployments(
        project.gitlab, "production", status="success", limit=_DEPLOYMENTS
    )
    return tuple(
        Served(tag=each.ref, sha=each.sha, at=each.finished_at or each.updated_at)
        for each in found
        if each.tag is not False
    )


def _way(
    project: Project, release: Release, to: Served, served: tuple[Served, ...], releases: dict[str, Release]
) -> Way:
    assert release.production is not None
    later = rollback.between(served, to, releases)
    going = [each for each in later if each.plan.version != release.plan.version]
    standing = [each for each in going if each.rolled_back is None]
    changed = gitlab().repository.compare(project.gitlab, to.sha, release.production.sha)
    files = tuple(dict.fromkeys(path for f in changed.files for path in (f.old_path, f.new_path)))
    also = dict.fromkeys(key for each in standing for key in each.delivers if key not in release.delivers)
    return Way(
        version=release.plan.version,
        attempt=release.attempt,
        to=to,
        issues=release.delivers,
        also=tuple(also),
        commits=tuple(Change(sha=commit.sha, title=commit.title) for commit in changed.commits),
        files=files,
        irreversible=rollback.irreversible([*going, release]),
        contracts=delta.migrations(files, project.contracts),
        measured=rollback.measured(release, releases.values()),
    )


def decide_back(
    subject: str,
    person: str,
    door: rules.Door,
    reason: str,
    to: str = "",
    *,
    force: bool = False,
    now: datetime | None = None,
) -> Outcome:
    """Decide that the release goes back to the tag `to`; the release's own run does it.

    For a release that was rolled back, its own tag as `to` rolls that rollback back: the hold is released.

    Raises:
        Transient: GitLab did not answer, so nothing was decided.
    """
    version = subject.split(":", 2)[-1]
    release = known(subject.split(":", 2)[1]).get(version)
    if release is not None and release.phase is Phase.ROLLED_BACK and to == version:
        return decide(Decision("resume", subject, person, door, reason), now)
    try:
        way = look(subject, to)
    except NoWay as none:
        return Outcome(accepted=False, message=f"Not rolled back: {none}.", subject=subject)
    return decide(Decision("rollback", subject, person, door, reason, back=way, force=force), now)
