"""Deploying a verified candidate to staging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flows.stages.verify import tell_rejected
from lifecycle.events import CandidateRejected, Staged
from lifecycle.release import Phase
from tasks import pipelines, runtime
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait

_LOOK_AGAIN = timedelta(seconds=5)


def deploy_to_staging(walk: ReleaseWalk) -> Wait | None:
    """Deploy the candidate; one whose deployment fails, or that breaks the runtime contract, is rejected."""
    candidate = walk.release.candidate
    if walk.phase is not Phase.STAGING or candidate is None:
        return None
    again = walk.release.unstagings
    number = f"{candidate.number}.{again}" if again else candidate.number
    begun = pipelines.started(walk.subject, "staging", number) is not None
    if not begun and (waits := walk.frozen("staging") or walk.take("staging")):
        return waits
    run = walk.pipeline("staging", candidate.tag, candidate.sha, number)
    if run.waits:
        return run.waits
    deployment = pipelines.deployment_of(walk.project.gitlab, "staging", candidate.sha)
    reasons = (f"the staging deployment is {run.pipeline.status}: {run.pipeline.web_url}",)
    if run.pipeline.status == "success" and deployment is not None:
        reasons = runtime.broken(walk.project.id, candidate.sha)
        if reasons and (waits := may_still_start(walk, run.pipeline.finished_at, reasons)):
            return waits
    if deployment is not None and not reasons:
        walk.append(
            Staged(
                number=candidate.number,
                round=again + 1,
                sha=candidate.sha,
                url=walk.project.staging_url,
                pipeline_id=run.pipeline.id,
                deployment_id=deployment,
            )
        )
        return None
    walk.append(CandidateRejected(number=candidate.number, pipeline_id=run.pipeline.id, reasons=reasons))
    tell_rejected(walk)
    return None


def may_still_start(walk: ReleaseWalk, deployed_at: datetime | None, reasons: Sequence[str]) -> Wait | None:
    """A service that was deployed just now may need a moment before it keeps the runtime contract."""
    patience = deployed_at and deployed_at + walk.project.runtime.within
    if patience is None or walk.now >= patience:
        return None
    return Wait("Awaiting staging", min(patience, walk.now + _LOOK_AGAIN), "; ".join(reasons))
