"""Rolling back: the earlier version is put back in production, and a person is needed to go on."""

from __future__ import annotations

from datetime import datetime, timedelta

from lifecycle import rollback
from lifecycle.events import RolledBack
from lifecycle.release import Phase
from lifecycle.watch import WatchState
from lifecycle.watching import verdict_on
from lifecycle.workflow import Status
from tasks import issues, pipelines, plan_writes, posts, probes, release_messages, rollbacks
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def roll_back(walk: ReleaseWalk) -> Wait | None:
    """Put the earlier version back; then wait for a person to release the hold, or for a hotfix."""
    if walk.phase is Phase.ROLLING_BACK and (waits := _put_back(walk)):
        return waits
    if walk.phase is not Phase.ROLLED_BACK:
        return None
    _tell(walk)
    if walk.release.hold is None:
        return None
    return Wait("Rolled back", walk.now + timedelta(days=1), walk.release.hold.reason)


def _put_back(walk: ReleaseWalk) -> Wait | None:
    back = walk.release.rollback
    if back is None:
        return None
    if waits := _dependents_first(walk):
        return waits
    run = walk.pipeline("rollback", back.to_tag, back.to_sha, back.attempt)
    if run.waits:
        return run.waits
    served = pipelines.deployed_by(walk.project.gitlab, "production", run.pipeline)
    if run.pipeline.status != "success" or served is None:
        reason = f"the rollback to {back.to_tag} is {run.pipeline.status}: {run.pipeline.web_url}"
        posts.post(
            "rollback failed",
            walk.project.channel,
            release_messages.news("🔥", f"{walk.title}: the rollback FAILED", [reason]),
            walk.op(f"rollback-failed:{back.attempt}"),
            subject=walk.subject,
        )
        return Wait("Needs a person", walk.now + timedelta(minutes=10), reason)
    noticed, seen = _noticed_at(walk), probes.see_again(walk.project.production_url, walk.policy.watch.probes)
    walk.append(
        RolledBack(
            to_sha=back.to_sha,
            pipeline_id=run.pipeline.id,
            attempt=back.attempt,
            at=seen[-1].at,
            took_s=(seen[-1].at - noticed).total_seconds(),
            noticed_at=noticed,
            seen=tuple(seen),
        )
    )
    return None


def _dependents_first(walk: ReleaseWalk) -> Wait | None:
    """Releases of the group whose projects depend on this one go back before it does."""
    first = rollbacks.back_first(walk.release)
    for mate in first:
        rollbacks.start_back(mate, f"{walk.title} is rolled back, on which it depends", walk.now)
    names = ", ".join(f"{mate.plan.project} {mate.plan.version}" for mate in first)
    return Wait("Awaiting dependents", walk.now + timedelta(seconds=5), f"first {names}") if first else None


def _noticed_at(walk: ReleaseWalk) -> datetime:
    """When the tick was that showed the fault; of a rollback without one, when it was decided."""
    back, ticks = walk.release.rollback, walk.release.ticks
    if back is None or back.person is not None or not ticks:
        return walk.at("RollbackStarted")
    verdict = verdict_on(walk.release, walk.policy.watch, ticks[-1].at)
    return ticks[-1].at if verdict.state is WatchState.UNHEALTHY else walk.at("RollbackStarted")


def _tell(walk: ReleaseWalk) -> None:
    """Jira, the incident and the channel say that the release is not in production any more; each once."""
    back, rolled = walk.release.rollback, walk.release.rolled_back
    if back is None or rolled is None or walk.done(walk.op(f"rolled-back:{back.attempt}")):
        return
    summary = f"{walk.title} was rolled back to {back.to_tag}"
    also = issues.of_status(walk.project.id, back.also, Status.RELEASED, Status.CLOSED)
    for key in (*walk.release.delivers, *also):
        op_key = walk.op(f"taken-back:{back.attempt}:{key}")
        issues.take_back(walk.project.id, key, summary, op_key, subject=walk.subject)
    issues.unrelease_version(walk.project.jira, walk.version)
    plan_writes.reopen_milestone(walk.project.id, walk.version)
    incident = issues.open_incident(
        walk.project.jira,
        summary,
        "\n".join([*back.reasons, *back.unsafe, "", *rollback.seen_bad(walk.release.ticks)]).strip(),
        walk.op(f"incident:{back.attempt}"),
        subject=walk.subject,
    )
    lines = [
        *(f"• {reason}" for reason in back.reasons),
        *rollback.served_again(walk.release),
        f"Incident: {incident}",
        "Held until a person resumes it.",
    ]
    posts.post(
        summary,
        walk.project.channel,
        release_messages.news("⏪", summary, lines, rolled.at),
        walk.op(f"rolled-back:{back.attempt}"),
        subject=walk.subject,
    )
    release_messages.no_button(walk.subject, back.attempt, f"{walk.title} is live")
