"""The watch over production: look at every tick, roll back on the first clear fault."""

from __future__ import annotations

from datetime import datetime, timedelta

from lifecycle import alerts, rollback
from lifecycle.events import Held, RollbackStarted, WatchEnded, WatchTicked
from lifecycle.release import Phase
from lifecycle.watch import WatchState, WatchVerdict, due_tick, next_tick
from lifecycle.watching import verdict_on
from tasks import posts, probes, readings, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def watch(walk: ReleaseWalk) -> Wait | None:
    """Look at production when a tick is due; end healthy, roll back, or wait for the next tick."""
    deployed, rules = walk.release.deployed, walk.policy.watch.rules
    if walk.release.watch is not None:
        _tell(walk, walk.release.watch)
    if walk.phase is not Phase.WATCHING or deployed is None:
        return None
    tick = due_tick(deployed.at, walk.now, rules)
    if tick > _last_tick(walk):
        _look(walk, tick, deployed.at)
    verdict = verdict_on(walk.release, walk.policy.watch, walk.now)
    if verdict.state is WatchState.WATCHING:
        following = next_tick(deployed.at, walk.now, rules)
        said = "; ".join((f"tick {tick} of {rules.ticks}: healthy so far", *verdict.reasons))
        return Wait("Watching", following or walk.now, said)
    if verdict.state is WatchState.UNHEALTHY and not rollback.may_back_out(walk.release):
        return _hold(walk, deployed.at, verdict)
    _conclude(walk, verdict)
    if walk.release.watch is not None:
        _tell(walk, walk.release.watch)
    return None


def _last_tick(walk: ReleaseWalk) -> int:
    """The last tick that was looked at, 0 before the first: numbers go by the clock, some may be missed."""
    return walk.release.ticks[-1].tick if walk.release.ticks else 0


def _look(walk: ReleaseWalk, tick: int, live: datetime) -> None:
    watched, begun = walk.policy.watch, walk.at("ProductionStarted")
    seen = probes.observe(walk.project.production_url, watched.probes, tick, walk.now)
    read = readings.read(walk.project, watched, tick, live, begun, walk.now) if watched.metrics else []
    walk.append(
        WatchTicked(
            attempt=walk.release.attempt,
            tick=tick,
            at=walk.now,
            observations=tuple(seen),
            readings=tuple(read),
            missed=tick - _last_tick(walk) - 1,
            firing=alerts.deciding(walk.release, watched.alerts),
        )
    )


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
    walk.append(
        WatchEnded.model_validate(
            {"attempt": walk.release.attempt, "verdict": verdict.state.value, "reasons": verdict.reasons}
        )
    )


def _tell(walk: ReleaseWalk, ended: WatchEnded) -> None:
    """Say how the watch ended; once, also by the walk after one that was cut short."""
    if walk.said(f"watched:{ended.attempt}"):
        return
    headline, at = f"{walk.title}: the watch ended {ended.verdict}", walk.at("WatchEnded")
    stays = ("it stays: there is no earlier version to go back to",) if ended.verdict == "unhealthy" else ()
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("👀", headline, [f"• {r}" for r in (*ended.reasons, *stays)], at),
        walk.op(f"watched:{ended.attempt}"),
        subject=walk.subject,
    )
