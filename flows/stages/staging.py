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
    run = walk.pipeline("staging", candidate.tag, candidate.sha, candidate.number)
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
