"""Deploying a verified candidate to staging."""

from __future__ import annotations

from flows.stages.verify import tell_rejected
from lifecycle.events import CandidateRejected, Staged
from lifecycle.release import Phase
from tasks import pipelines, runtime
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


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
