"""Taking a release back from production: where to, whether it is safe, and what has to wait afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import AwareDatetime, BaseModel

from lifecycle import events as e
from lifecycle.phases import TRANSITIONS, Phase
from lifecycle.policy import Person, Policy
from lifecycle.release import Release

MAY_ROLL_BACK = ("manager", "management", "release", "devops")
"""The roles that take a release back."""


class NoWay(Exception):
    """There is no such way back; the text is for the person."""


class Served(BaseModel, frozen=True):
    """A version that production served, since `at`."""

    tag: str
    sha: str
    at: AwareDatetime | None = None


class Change(BaseModel, frozen=True):
    """A commit by its first line."""

    sha: str
    title: str


class Way(BaseModel, frozen=True):
    """The way back from `version` to what production served before, and all that it takes back.

    `issues` are the release's own, `also` those of releases between. `irreversible` are migrations that
    stay in the database, `contracts` changed files that others rely on. `measured` says how long it took
    when it was last done.
    """

    version: str
    attempt: int
    to: Served
    issues: tuple[str, ...]
    also: tuple[str, ...] = ()
    commits: tuple[Change, ...] = ()
    files: tuple[str, ...] = ()
    irreversible: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Everything that speaks against it."""
        found: list[str] = []
        if self.irreversible:
            found.append(f"migrations cannot be taken back: {', '.join(self.irreversible)}")
        if self.contracts:
            found.append(f"others may rely on what changed in {', '.join(self.contracts)}")
        return tuple(found)


def targets(release: Release, served: Sequence[Served], known: Mapping[str, Release]) -> tuple[Served, ...]:
    """Every earlier good version, the last one served first.

    `served` are production's deployments, newest first, `known` the project's releases by version. A
    version that was itself taken back is not good.

    Raises:
        NoWay: production does not serve `release` (any more), so there is nothing to take back; or another
            is on its way there, which would be served after all.
    """
    going = release.production
    if going is None:
        raise NoWay("it has not been in production")
    if (release.phase, "RollbackStarted") not in TRANSITIONS:
        raise NoWay(f"it is {release.phase.lower()} already")
    if release.phase is not Phase.PRODUCTION:
        _must_serve(going, served, known)
    found: dict[str, Served] = {}
    for each in served:
        if each.sha != going.sha and _good(each, known):
            found.setdefault(each.sha, each)
    return tuple(found.values())


def _must_serve(going: e.ProductionStarted, served: Sequence[Served], known: Mapping[str, Release]) -> None:
    if served and served[0].sha != going.sha:
        raise NoWay(f"production serves {served[0].tag}, not {going.tag}")
    for version, other in known.items():
        if other.phase is Phase.PRODUCTION:
            raise NoWay(f"{version} is on its way to production: roll that one back")


def _good(each: Served, known: Mapping[str, Release]) -> bool:
    release = known.get(each.tag)
    return release is None or (release.rolled_back is None and release.phase is not Phase.ROLLING_BACK)


def target(found: Sequence[Served], to: str) -> Served:
    """The version of that tag; with "" the one that was served last.

    Raises:
        NoWay: there is none.
    """
    wanted = [each for each in found if to in ("", each.tag)]
    if wanted:
        return wanted[0]
    if not found:
        raise NoWay("there is no earlier version in production to go back to")
    raise NoWay(f"{to} is no earlier good version; these are: {', '.join(each.tag for each in found)}")


def between(served: Sequence[Served], to: Served, known: Mapping[str, Release]) -> tuple[Release, ...]:
    """The releases that came to production after `to` did for the first time, oldest first."""
    first = list(dict.fromkeys(each.tag for each in reversed(served)))
    later = first[first.index(to.tag) + 1 :] if to.tag in first else first
    return tuple(known[tag] for tag in later if tag in known)


def irreversible(releases: Iterable[Release]) -> tuple[str, ...]:
    """The migrations of these releases that cannot be taken back, each once."""
    found = (m for release in releases if release.verified for m in release.verified.irreversible)
    return tuple(dict.fromkeys(found))


def measured(release: Release, known: Iterable[Release]) -> tuple[str, ...]:
    """How long going back took: in this release's rehearsal, and in the project's last rollback."""
    said: list[str] = []
    if release.rehearsed and release.rehearsed.ok and release.rehearsed.back_s is not None:
        said.append(f"rehearsed on staging in {release.rehearsed.back_s:.1f} s")
    timed = [(b.at, b.took_s) for each in known for b in each.came_back if b.took_s is not None]
    if timed:
        at, took_s = max(timed)
        said.append(f"the last rollback ({at:%Y-%m-%d}) took {took_s:.1f} s")
    return tuple(said)


def start(way: Way, person: Person, policy: Policy, reason: str, *, force: bool = False) -> e.RollbackStarted:
    """The fact that `person` goes this way back.

    Raises:
        NoWay: they may not; or it is unsafe and was not forced, with a reason, by who may force it.
    """
    if not set(MAY_ROLL_BACK) & set(person.roles):
        raise NoWay(f"To roll back a release is for {', '.join(MAY_ROLL_BACK)}.")
    if way.unsafe:
        _may_force(way, person, policy, reason, force=force)
    return e.RollbackStarted(
        person=person.id,
        reasons=(reason.strip() or "a person asked for it",),
        to_tag=way.to.tag,
        to_sha=way.to.sha,
        attempt=way.attempt,
        also=way.also,
        unsafe=way.unsafe,
    )


def _may_force(way: Way, person: Person, policy: Policy, reason: str, *, force: bool) -> None:
    why = f"Not rolled back: {'; '.join(way.unsafe)}."
    if not force:
        raise NoWay(f"{why} It can be forced by {', '.join(policy.no_return) or 'nobody'}.")
    if not set(policy.no_return) & set(person.roles):
        raise NoWay(f"{why} To force it is for {', '.join(policy.no_return) or 'nobody'}.")
    if not reason.strip():
        raise NoWay(f"{why} Say why it is forced.")


def may_back_out(release: Release) -> bool:
    """Whether the watch may take it back by itself: once in a release, afterwards a person decides."""
    return release.backed_out == 0


def project_held(release: Release, others: Iterable[Release]) -> Iterator[str]:
    """Which other releases of the project keep this one from production.

    While one is rolled back and held nothing ships forward, except the one that supersedes it.
    """
    for other in others:
        version = other.plan.version
        if other.phase is Phase.ROLLING_BACK:
            yield f"{version} is being rolled back"
        elif other.hold is None or version == release.plan.supersedes:
            continue
        elif other.phase is Phase.ROLLED_BACK:
            yield f"{version} is rolled back and held"
        elif other.phase is Phase.WATCHING and other.hold.person is None:
            yield f"{version} is in production, unhealthy and held"


def unrehearsed(release: Release) -> tuple[str, ...]:
    """Why the newest candidate may not go out although it was to be rehearsed; empty if it may."""
    if release.rehearsed is None:
        return ("it was not rehearsed on staging",)
    if release.rehearsed.ok or release.no_return:
        return ()
    return (f"it cannot come back: {release.rehearsed.reason}",)


def accept_no_return(
    release: Release, person: Person, policy: Policy, reason: str, door: str
) -> e.NoReturnAccepted:
    """The fact that `person` lets a candidate on that cannot come back.

    Raises:
        NoWay: they may not, or do not say why.
    """
    role = next((role for role in policy.no_return if role in person.roles), None)
    if role is None:
        roles = ", ".join(policy.no_return) or "nobody: the policy's no_return names no role"
        raise NoWay(f"Not accepted: that is for {roles}.")
    if not reason.strip():
        raise NoWay("Not accepted: say why it cannot wait for a way back.")
    number = release.candidate.number if release.candidate else 0
    return e.NoReturnAccepted(number=number, person=person.id, role=role, reason=reason.strip(), door=door)


def served_again(release: Release) -> tuple[str, ...]:
    """In one line how long customers waited for the earlier version and how the probes find it.

    Nothing where it was not measured.
    """
    back, rolled = release.rollback, release.rolled_back
    if back is None or rolled is None or rolled.took_s is None:
        return ()
    since = "later"
    if rolled.noticed_at is not None:
        by_tick = any(tick.at == rolled.noticed_at for tick in release.ticks)
        what = "the tick that showed the fault" if by_tick else "it was decided"
        since = f"after {what} ({rolled.noticed_at:%H:%M:%S} UTC)"
    bad = ", ".join(one.probe for one in rolled.seen if not one.ok)
    found = f"; still bad: {bad}" if bad else "; all probes are well" if rolled.seen else ""
    return (f"{back.to_tag} served again {rolled.took_s:.1f} s {since}{found}.",)


def seen_bad(ticks: Iterable[e.WatchTicked]) -> tuple[str, ...]:
    """What the watch saw that was not well, one line each, in order."""
    return tuple(line for tick in ticks for line in _bad_of(tick))


def _bad_of(tick: e.WatchTicked) -> Iterator[str]:
    for seen in tick.observations:
        if not seen.ok:
            answered = f"answered {seen.status}" if seen.status is not None else "no answer"
            detail = f" ({seen.detail})" if seen.detail else ""
            yield f"{seen.at:%H:%M:%S} UTC {seen.probe}: {answered} in {seen.latency_ms:.0f} ms{detail}"
    for alert in tick.firing:
        since = f"{alert.since:%H:%M:%S} UTC" + (f": {alert.summary}" if alert.summary else "")
        yield f"{tick.at:%H:%M:%S} UTC Alertmanager's {alert.name} fires since {since}"
