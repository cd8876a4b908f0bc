"""Verifying a candidate: its pipeline runs, the gates decide."""

from __future__ import annotations

from lifecycle.events import CandidateRejected, CandidateVerified
from lifecycle.gates import may_stage
from lifecycle.release import Phase
from tasks import pipelines, posts, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def verify(walk: ReleaseWalk) -> Wait | None:
    """Run the candidate's pipeline and judge what it shows."""
    candidate = walk.release.candidate
    if walk.phase is not Phase.VERIFYING or candidate is None:
        return None
    run = walk.pipeline("verify", candidate.tag, candidate.sha, candidate.number)
    if run.waits:
        return run.waits
    evidence = pipelines.evidence(walk.project.gitlab, run.pipeline.id)
    verdict = may_stage(evidence, candidate.sha, walk.project.gates)
    if verdict.allowed:
        walk.append(
            CandidateVerified(number=candidate.number, pipeline_id=run.pipeline.id, url=run.pipeline.web_url)
        )
    else:
        walk.append(
            CandidateRejected(number=candidate.number, pipeline_id=run.pipeline.id, reasons=verdict.reasons)
        )
        tell_rejected(walk)
    return None


def tell_rejected(walk: ReleaseWalk) -> None:
    """Say in the channel that the candidate was rejected, and why."""
    candidate, rejected = walk.release.candidate, walk.release.rejected
    if candidate is None or rejected is None:
        return
    headline = f"{candidate.tag} was rejected"
    posts.post(
        headline,
        walk.project.channel,
        release_messages.news("❌", headline, [f"• {reason}" for reason in rejected.reasons]),
        walk.op(f"rejected:{candidate.number}"),
        subject=walk.subject,
    )
