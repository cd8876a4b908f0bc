"""The watch over production: look at every tick, roll back on the first clear fault."""

from __future__ import annotations

from datetime import datetime, timedelta

from lifecycle import rollback
from lifecycle.events import Held, RollbackStarted, WatchEnded, WatchTicked
from lifecycle.release import Phase
from lifecycle.watch import Observation, WatchState, WatchVerdict, assess, next_tick
from tasks import posts, probes, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def watch(walk: ReleaseWalk) -> Wait | None:
    """Look at production when a tick is due; end healthy, roll back, or wait for the next tick."""
    deployed, rules = walk.release.deployed, walk.policy.watch.rules
    if walk.phase is not Phase.WATCHING or deployed is None:
        return None
    due = next_tick(deployed.at, _last_look(walk), rules)
    if due is not None and due <= walk.now:
        _look(walk)
    verdict = assess(_seen(walk), deployed.at, walk.now, rules)
    if verdict.state is WatchState.WATCHING:
        following = next_tick(deployed.at, walk.now, rules)
        return Wait("Watching", following or walk.now, f"tick {len(walk.release.ticks)}: healthy so far")
    if verdict.state is WatchState.UNHEALTHY and not rollback.may_back_out(walk.release):
        return _hold(walk, deployed.at, verdict)
    _conclude(walk, verdict)
    return None


def _last_look(walk: ReleaseWalk) -> datetime:
    """When production was last looked at; its deployment before the first tick."""
    ticks, deployed = walk.release.ticks, walk.release.deployed
    return ticks[-1].at if ticks else deployed.at if deployed else walk.now


def _look(walk: ReleaseWalk) -> None:
    number = len(walk.release.ticks) + 1
    observations = probes.observe(walk.project.production_url, walk.policy.watch.probes, number, walk.now)
    walk.append(
        WatchTicked(
            attempt=walk.release.attempt,
            tick=number,
            at=walk.now,
            observations=tuple(observations),
        )
    )


def _seen(walk: ReleaseWalk) -> list[Observation]:
    return [seen for tick in walk.release.ticks for seen in tick.observations]


def _hold(walk: ReleaseWalk, since: datetime, verdict: WatchVerdict) -> Wait | None:
    """It was rolled back by itself once: now a person decides whether it goes back or stays.

    Whoever releases the hold lets it stay; then the watch looks on, and ends inconclusive.
    """
    attempt, reasons = walk.release.attempt, "; ".join(verdict.reasons)
    if not _held_by_watch(walk):
        walk.append(Held(round=walk.release.holds + 1, person=None, reason=f"unhealthy again: {reasons}"))
    headline = f"{walk.title} is unhealthy again and stays: decide whether it is rolled back"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("🔥", headline, [f"• {r}" for r in verdict.reasons], walk.now),
        walk.op(f"unhealthy-again:{attempt}"),
        subject=walk.subject,
    )
    following = next_tick(since, walk.now, walk.policy.watch.rules)
    if walk.release.hold is not None:
        return Wait("On hold", following or walk.now + timedelta(days=1), walk.release.hold.reason)
    if following is not None:
        return Wait("Watching", following, f"kept by a person: {reasons}")
    walk.append(WatchEnded(attempt=attempt, verdict="inconclusive", reasons=verdict.reasons))
    return None


def _held_by_watch(walk: ReleaseWalk) -> bool:
    """Conveyor held it in this attempt already."""
    deployed = [n for n, event in enumerate(walk.history) if event.kind == "ProductionDeployed"]
    later = walk.history[deployed[-1] :] if deployed else ()
    return any(event.kind == "Held" and event.data["person"] is None for event in later)


def _conclude(walk: ReleaseWalk, verdict: WatchVerdict) -> None:
    going = walk.release.production
    if verdict.state is WatchState.UNHEALTHY and going and going.previous_tag and going.previous_sha:
        walk.append(
            RollbackStarted(
                person=None,
                reasons=verdict.reasons,
                to_tag=going.previous_tag,
                to_sha=going.previous_sha,
                attempt=going.attempt,
            )
        )
        return
    healthy = verdict.state is WatchState.HEALTHY
    walk.append(
        WatchEnded(
            attempt=walk.release.attempt,
            verdict="healthy" if healthy else "inconclusive",
            reasons=verdict.reasons,
        )
    )
    headline = f"{walk.title}: the watch ended {'healthy' if healthy else 'inconclusive'}"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("👀", headline, [f"• {r}" for r in verdict.reasons], walk.now),
        walk.op(f"watched:{walk.release.attempt}"),
        subject=walk.subject,
    )
